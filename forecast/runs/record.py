"""The JSON files of a run, as types."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints

LAYOUT = 1  # raised when an older `forecast` could no longer read the run


# A file beside `run.json`: no path.
_Name = Annotated[str, StringConstraints(pattern=r"^[^/\\\x00.][^/\\\x00]*$")]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class WarmStartRecord(_Record):
    """The run that a training went on from."""

    name: str
    path: str
    """Where it was."""
    created: str
    """When it was made: ISO 8601, UTC."""
    transforms: Literal["kept", "fitted"]
    """Whether the scales are those of that run, or fitted again."""
    new_series: list[str]
    """Series that it did not know."""
    lost_series: dict[str, str]
    """Series that were trained on before and are no longer among the data, each with the first date
    on which nothing was fitted."""


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
    warm_start: WarmStartRecord | None = None
    """The run that this one went on from; None where it began anew."""
    checksums: dict[_Name, str] = {}
    """SHA-256 of every other file of the run."""


class WorkRecord(_Record):
    """What is worked at for long: what goes on with it has to ask for the same."""

    layout: int = LAYOUT
    created: str
    """ISO 8601, UTC."""
    versions: dict[str, str]
    sha256: str
    """Of the data."""
    config: dict[str, Any]
    """With every default."""


class SeriesRecord(_Record):
    """One series of the data."""

    unique_id: str
    rows: int
    first: str
    last: str
    test_begin: str
    """The first date on which nothing was fitted and nothing chosen."""
    train_end: str | None = None
    """The first date that training did not see; older runs do without."""
    is_fitted: bool = True
    """Whether the network forecasts it; one that is too short gets seasonal naive, or naive."""
    scale: float | None
    """MASE's unit: the mean absolute error of seasonal naive on the training rows."""
    rmsse_scale: float | None = None
    """RMSSE's unit: its root mean squared error there; older runs do without."""


class DataRecord(_Record):
    """`data.json`: which data the run was made from."""

    path: str
    sha256: str
    future_sha256: str | None = None
    """The checksum of `data.future`; none where there is none, or not told by older runs."""
    rows: int
    series: int
    first: str
    last: str
    freq: str
    timezone: str | None = None
    """The time zone of all dates, such as `UTC+05:30`; none, or not told by older runs."""
    season_length: Annotated[int, Field(ge=1)]
    columns: dict[str, str | None]
    reading: dict[str, int] = Field(default_factory=dict)
    """What was done to the rows of the table: how many were merged, filled, left out."""
    per_series: Annotated[list[SeriesRecord], Field(min_length=1)]


class ConformalState(_Record):
    """`intervals.json` of a network that forecasts one value."""

    errors: Annotated[list[list[FiniteFloat]], Field(min_length=1)]
    """Sorted sizes of errors, by step of the horizon."""
    scales: list[FiniteFloat]
    """The unit of each series."""


class QuantilesState(_Record):
    """`intervals.json` of a network that forecasts quantiles."""

    factors: Mapping[str, list[Annotated[FiniteFloat, Field(ge=0)]]]
    """By level, how many times as far from the forecast it has to lie at each step."""


class MemberRecord(_Record):
    """One member of a blend, and what it is worth."""

    name: _Name
    """Of a network its folder, of a method that of the method."""
    is_network: bool
    weight: Annotated[FiniteFloat, Field(ge=0)]
    """The mean over steps and series."""
    error: FiniteFloat | None = None
    """Its mean absolute error in MASE's unit, over the forecasts that weights or intervals came of;
    none where there were none."""
    error_without: FiniteFloat | None = None
    """The same of the blend without it."""
    fallbacks: int = 0
    """For how many of these forecasts it had none, so that a simple one took its place."""
    checksum: str | None = None
    """SHA-256 of the `run.json` of a network, which has those of its other files."""


class BlendRecord(_Record):
    """`blend.json`: who forecasts together, and with which weights."""

    columns: ClassVar = ("member", "weight", "mase", "mase without it", "fell back")
    """Of `rows`."""
    members: Annotated[list[MemberRecord], Field(min_length=1)]
    error: FiniteFloat | None = None
    """The blend's, as those of its members."""
    weights: Annotated[list[list[list[Annotated[FiniteFloat, Field(ge=0)]]]], Field(min_length=1)]
    """By series, step and member. One entry is for all series, or all steps; of several series the
    first is for those that have none."""

    @property
    def rows(self) -> list[list[object]]:
        """What each member is worth, a row each, and at last the blend."""
        each: list[list[object]] = [
            [own.name, own.weight, own.error, own.error_without, own.fallbacks or None]
            for own in self.members
        ]
        return [*each, ["blend", None, self.error, None, None]]
