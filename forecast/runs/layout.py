"""What the files of a run are called, and how large each may be."""

import re

RUN = "run.json"
CONFIG = "config.yaml"
RESOLVED = "resolved.yaml"
DATA = "data.json"
TRANSFORMS = "transforms.json"
FEATURES = "features.json"
INTERVALS = "intervals.json"
HISTORY = "history.csv"
TIMINGS = "timings.csv"
SCORES = "scores.csv"
FORECASTS = "forecasts.csv"
CONTEXT = "context.csv"
COVARIATES = "covariates.csv"
BLEND = "blend.json"
ONNX = "model.onnx"

PLOTS = "plots"
TENSORBOARD = "tensorboard"
CHECKPOINT = "checkpoint"
MEMBERS = "members"
"""Of a blend, a folder with a run for each of its networks, by their names."""

_FILES = {
    RUN, CONFIG, RESOLVED, DATA, TRANSFORMS, INTERVALS, HISTORY, TIMINGS, SCORES, FORECASTS,
    CONTEXT, FEATURES, COVARIATES, BLEND,
}  # fmt: skip
_FOLDERS = {PLOTS, TENSORBOARD, CHECKPOINT, MEMBERS}
_NETWORK = re.compile(r"(model|weights)(-\d+)?\.(keras|onnx|npy)")

_LONG = {SCORES, FORECASTS, CONTEXT, COVARIATES}

# What is larger is no such file: reading it would end with the memory.
_MEBIBYTE = 2**20
_MOST_BYTES = {RUN: 64 * _MEBIBYTE, CONFIG: _MEBIBYTE, RESOLVED: _MEBIBYTE}
_MOST_OF_OTHERS = 4096 * _MEBIBYTE


def model_names(pipelines: int) -> list[str]:
    """What the files of a run's networks are called: `model.onnx`, `model-2.onnx` and so on.

    There is one network for each pipeline of transforms.
    """
    return _numbered("model", pipelines)


def weights_names(pipelines: int) -> list[str]:
    """The files of their weights, as arrays: `weights.npy`, `weights-2.npy` and so on."""
    return [f"{name}.npy" for name in _numbered("weights", pipelines)]


def most_bytes(name: str) -> int:
    """How large a file of this name may be."""
    return _MOST_BYTES.get(name, _MOST_OF_OTHERS)


def as_parquet(name: str) -> str:
    """What a table is called that is too long for CSV: `scores.parquet` for `scores.csv`."""
    return name.replace(".csv", ".parquet")


def is_of_a_run(name: str) -> bool:
    """Whether this version of `forecast`, or an earlier one, gives a file or folder this name."""
    long = {as_parquet(table) for table in _LONG}
    return name in _FILES | _FOLDERS | long or bool(_NETWORK.fullmatch(name))


def _numbered(name: str, count: int) -> list[str]:
    return [name, *(f"{name}-{i}" for i in range(2, count + 1))]
