"""Exponential smoothing with automatic components (Hyndman et al. 2008)."""

from forecast.methods.statistical import Statistical


class AutoETS(Statistical):
    """Exponential smoothing with automatic components (Hyndman et al. 2008)."""

    model = "AutoETS"


METHOD = AutoETS
