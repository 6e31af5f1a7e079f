"""What does a reader see? One function a figure, each from the same material."""

from forecast.figures.forecast import forecast
from forecast.figures.history import history
from forecast.figures.material import Draw, Material
from forecast.figures.residuals import residuals
from forecast.figures.steps import steps

FIGURES: tuple[Draw, ...] = (history, forecast, steps, residuals)
DEFAULT = (history, forecast)  # what `forecast plot` draws unasked

__all__ = ["DEFAULT", "FIGURES", "Material", "forecast", "history", "residuals", "steps"]
