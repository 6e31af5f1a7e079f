"""The JSON files of a run, as types."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

LAYOUT = 1  # raised when an older `forecast` could no longer read the run


def model_names(pipelines: int) -> list[str]:
    """What the files of a run's networks are called: `model.onnx`, `model-2.onnx` and so on.

    There is one network for each pipeline of transforms.
    """
    return ["model", *(f"model-{i}" for i in range(2, pipelines + 1))]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunRecord(_Record):
    """`run.json`: how the run came to be, and the checksums of its other files."""

    layout: int = LAYOUT
    name: str
    status: Literal["running", "complete", "failed", "interrupted"]
    created: str
    """ISO 8601, UTC."""
    argv: list[str]
    versions: dict[str, str]
    model: str
    """The network's kind, as it stands in the `model` column of tables."""
    parameters: int
    seconds: dict[str, float]
    """Wall time by stage: import, read, compile, fit, export, score, total."""
    checksums: dict[str, str] = {}
    """SHA-256 of every other file of the run."""


class SeriesRecord(_Record):
    """One series of the data."""

    unique_id: str
    rows: int
    first: str
    last: str
    test_begin: str
    """The first date on which nothing was fitted and nothing chosen."""
    scale: float | None
    """MASE's unit: the mean absolute error of seasonal naive on the training rows."""
    rmsse_scale: float | None = None
    """RMSSE's unit: its root mean squared error there; older runs do without."""


class DataRecord(_Record):
    """`data.json`: which data the run was made from."""

    path: str
    sha256: str
    rows: int
    series: int
    first: str
    last: str
    freq: str
    season_length: int
    columns: dict[str, str | None]
    per_series: list[SeriesRecord]
