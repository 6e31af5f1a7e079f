"""How is a network fitted? Compiled epochs, early stopping, export."""

from forecast.training.export import InMemory, export, layers, predict
from forecast.training.fit import EpochLog, Fitted, fit

__all__ = ["EpochLog", "Fitted", "InMemory", "export", "fit", "layers", "predict"]
