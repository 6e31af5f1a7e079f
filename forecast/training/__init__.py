"""How is a network fitted? Compiled epochs, early stopping, export."""

from forecast.training.export import InMemory, export, predict, summary
from forecast.training.fit import EpochLog, Fitted, fit

__all__ = ["EpochLog", "Fitted", "InMemory", "export", "fit", "predict", "summary"]
