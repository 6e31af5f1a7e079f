"""What does a reader see? One function a figure, each from the same material."""

from forecast.figures.forecast import forecast
from forecast.figures.history import history
from forecast.figures.material import Draw, Material

FIGURES: tuple[Draw, ...] = (history, forecast)

__all__ = ["FIGURES", "Material", "forecast", "history"]
