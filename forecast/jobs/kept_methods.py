"""What methods that take long forecast for the weights of a blend: made once, as networks are."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.console import Console
from forecast.errors import UsageError
from forecast.jobs.blending import asked_of_methods
from forecast.jobs.job import Job
from forecast.methods import EMPTY, Memory, Method, named_methods, remember, taking_long
from forecast.runs.checkpoint import Checkpoint

_KEYS, _VALUES = "keys", "values"


def methods_to_keep(job: Job) -> list[Method]:
    """Members of a blend whose forecasts its weights or intervals are found from, and take long."""
    if not job.calibration:
        return []
    return taking_long(named_methods(job.source.methods, job.season_length))


def kept_forecasts(job: Job, checkpoint: Checkpoint, console: Console) -> Memory:
    """The forecasts of these methods, each kept as soon as it is done, or taken up as it was.

    Raises `RunError` where what was kept is damaged.
    """
    memory: dict[bytes, Any] = {}
    for method in methods_to_keep(job):
        arrays = checkpoint.kept(method.name)
        if arrays is not None:
            console.say(f"{method.name} forecast before the training was ended")
            memory |= _restored(arrays, method.name, checkpoint)
            continue
        console.say(f"{method.name} forecasts from within the training part ...")
        found = remember(EMPTY, [method], asked_of_methods(job), console)
        try:
            checkpoint.keep(method.name, _arrays(found))
        except UsageError as error:  # it is of use without
            console.warn(f"the forecasts are not kept on the way: {error}")
        memory |= found
    return memory


def _arrays(memory: Memory) -> dict[str, NDArray[Any]]:
    keys = np.frombuffer(b"".join(memory), np.uint8).reshape(len(memory), -1)
    return {_KEYS: keys, _VALUES: np.stack(list(memory.values()))}


def _restored(arrays: Mapping[str, NDArray[Any]], name: str, checkpoint: Checkpoint) -> Memory:
    try:
        keys, values = arrays[_KEYS], arrays[_VALUES]
        return dict(zip((key.tobytes() for key in keys), values, strict=True))
    except (LookupError, ValueError) as error:
        raise checkpoint.damaged(name) from error
