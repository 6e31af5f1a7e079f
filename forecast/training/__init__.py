"""How is a network fitted? All members as one compiled program, early stopping, export."""

from forecast.training.export import InMemory, Running, export, layers
from forecast.training.fit import EpochLog, Fitted, Member, fit

__all__ = [
    "EpochLog",
    "Fitted",
    "InMemory",
    "Member",
    "Running",
    "export",
    "fit",
    "layers",
]
