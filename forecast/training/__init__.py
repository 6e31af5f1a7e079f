"""How is a network fitted? All members as one compiled program, early stopping, export."""

from forecast.training.export import CompiledForward, KerasPredictor, export, layers
from forecast.training.fit import EpochLog, Fitted, Member, fit

__all__ = [
    "CompiledForward",
    "EpochLog",
    "Fitted",
    "KerasPredictor",
    "Member",
    "export",
    "fit",
    "layers",
]
