"""Who forecasts? One file a method, and all of them answer to `Method`.

Those that need no training stand in `baselines/`, where a file's name is the method's name.
"""

from forecast.methods.blend import Blend, BlendWeights
from forecast.methods.comparison import Compared, Task, forecasts_of
from forecast.methods.fallback import FALLBACK, Fallback, NetworkOrFallback
from forecast.methods.method import Method
from forecast.methods.parts import Spread, spread, spread_opened
from forecast.methods.registry import BASELINES, check_names, method_names, named_methods
from forecast.methods.remembered import EMPTY, Asked, Memory, remember, remembering, taking_long

__all__ = [
    "BASELINES",
    "EMPTY",
    "FALLBACK",
    "Asked",
    "Blend",
    "BlendWeights",
    "Compared",
    "Fallback",
    "Memory",
    "Method",
    "NetworkOrFallback",
    "Spread",
    "Task",
    "check_names",
    "forecasts_of",
    "method_names",
    "named_methods",
    "remember",
    "remembering",
    "spread",
    "spread_opened",
    "taking_long",
]
