"""What is the network? One module a kind, written once for plain Keras and for many members."""

from forecast.networks.members import Dropping, Weights
from forecast.networks.network import Model, Network, Units, combine, combined

__all__ = ["Dropping", "Model", "Network", "Units", "Weights", "combine", "combined"]
