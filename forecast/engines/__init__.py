"""Where are many pieces of work done? One file an engine; what comes of a piece is the same on all.

`threads` is here, `processes` beside here, `ray` on other machines too.
"""

from forecast.engines.engine import Asked, Engine, Work, Workplace, check_engine, engine_of
from forecast.engines.threads import Threads

__all__ = [
    "Asked",
    "Engine",
    "Threads",
    "Work",
    "Workplace",
    "check_engine",
    "engine_of",
]
