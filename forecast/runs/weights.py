"""The weights of a run's networks as arrays, for whoever has no Keras."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from forecast.runs.layout import weights_names
from forecast.runs.regular import damaged
from forecast.runs.staging import Staging
from forecast.runs.store import Run

Weights = NDArray[np.float32]


def write_weights(staging: Staging, weights: Sequence[Weights]) -> None:
    """`weights.npy` and so on: `(series, size, parameters)` for each pipeline of transforms.

    A network for all has one series, local networks have their own; `size` is the ensemble's.
    """
    for name, own in zip(weights_names(len(weights)), weights, strict=True):
        content = BytesIO()
        np.save(content, own)
        staging.write(name, content.getvalue())


def read_weights(run: Run, pipelines: int) -> list[Weights]:
    """The same arrays, one for each pipeline."""
    return [_array(run, name) for name in weights_names(pipelines)]


def _array(run: Run, name: str) -> Weights:
    try:
        array = np.load(BytesIO(run.content(name)))
    except (ValueError, EOFError) as error:  # NumPy refuses objects, which would be pickles
        raise damaged(run.path / name, "it is no array of numbers") from error
    if not isinstance(array, np.ndarray) or array.dtype != np.float32 or array.ndim != 3:
        raise damaged(run.path / name, "it holds no weights")
    return array
