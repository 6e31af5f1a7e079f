"""What is the network? One module a kind, written once for plain Keras and for many members."""

from forecast.networks.architecture import Architecture, Model, Normalized, combine, combined
from forecast.networks.looking import Seen
from forecast.networks.members import Dropping, Weights
from forecast.networks.shape import Shape

__all__ = [
    "Architecture",
    "Dropping",
    "Model",
    "Normalized",
    "Seen",
    "Shape",
    "Weights",
    "combine",
    "combined",
]
