"""What is the network? One module a kind, written once for plain Keras and for many members."""

from forecast.networks.architecture import Architecture, Model, Normalized, combine, combined
from forecast.networks.members import Dropping, Weights

__all__ = ["Architecture", "Dropping", "Model", "Normalized", "Weights", "combine", "combined"]
