"""What does a reader see? One function a figure, each from the same material."""

from forecast.figures.backtest import backtest, draw_backtest
from forecast.figures.forecast import forecast
from forecast.figures.history import history
from forecast.figures.material import Draw, Material, Tested
from forecast.figures.residuals import residuals
from forecast.figures.steps import steps

FIGURES: tuple[Draw, ...] = (history, forecast, steps, residuals, backtest)
DEFAULT = (history, forecast)  # what `forecast plot` draws unasked

__all__ = [
    "DEFAULT",
    "FIGURES",
    "Material",
    "Tested",
    "backtest",
    "draw_backtest",
    "forecast",
    "history",
    "residuals",
    "steps",
]
