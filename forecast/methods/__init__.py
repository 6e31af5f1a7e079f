"""Who forecasts? One file a method, and all of them answer to `Method`.

Those that need no training stand in `baselines/`, where a file's name is the method's name.
"""

from forecast.methods.blend import Blend, BlendWeights
from forecast.methods.comparison import Task, forecasts_of
from forecast.methods.fallback import FALLBACK, Fallback, NetworkOrFallback
from forecast.methods.method import Method
from forecast.methods.parts import Spread, spread, spread_opened
from forecast.methods.registry import BASELINES, check_names, method_names, named_methods

__all__ = [
    "BASELINES",
    "FALLBACK",
    "Blend",
    "BlendWeights",
    "Fallback",
    "Method",
    "NetworkOrFallback",
    "Spread",
    "Task",
    "check_names",
    "forecasts_of",
    "method_names",
    "named_methods",
    "spread",
    "spread_opened",
]
