"""ARIMA with automatic orders (Hyndman, Khandakar 2008)."""

from forecast.methods.statistical import Statistical


class AutoARIMA(Statistical):
    """ARIMA with automatic orders (Hyndman, Khandakar 2008)."""

    model = "AutoARIMA"


METHOD = AutoARIMA
