"""What does a reader see? One function a figure, each asks a run for the tables that it shows."""

from forecast.figures.anomalies import draw_anomalies
from forecast.figures.attribution import draw_attribution
from forecast.figures.backtest import backtest, draw_backtest
from forecast.figures.comparison import draw_comparison
from forecast.figures.coordinates import draw_coordinates
from forecast.figures.files import drawn
from forecast.figures.forecast import forecast
from forecast.figures.gates import LayerView, draw_gates
from forecast.figures.gradients import draw_gradients
from forecast.figures.history import history
from forecast.figures.importance import draw_importance
from forecast.figures.key_importance import draw_key_importance
from forecast.figures.norms import norms
from forecast.figures.residuals import residuals
from forecast.figures.steps import steps
from forecast.figures.tables import Draw, Tables, Tested, View

FIGURES: tuple[Draw, ...] = (history, forecast, steps, residuals, backtest, norms)
DEFAULT = (history, forecast)  # what `forecast plot` draws unasked

__all__ = [
    "DEFAULT",
    "FIGURES",
    "LayerView",
    "Tables",
    "Tested",
    "View",
    "backtest",
    "draw_anomalies",
    "draw_attribution",
    "draw_backtest",
    "draw_comparison",
    "draw_coordinates",
    "draw_gates",
    "draw_gradients",
    "draw_importance",
    "draw_key_importance",
    "drawn",
    "forecast",
    "history",
    "norms",
    "residuals",
    "steps",
]
