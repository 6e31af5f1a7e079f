"""Complex exponential smoothing (Svetunkov, Kourentzes, Ord 2022)."""

from forecast.methods.statistical import Statistical


class AutoCES(Statistical):
    """Complex exponential smoothing (Svetunkov, Kourentzes, Ord 2022)."""

    model = "AutoCES"


METHOD = AutoCES
