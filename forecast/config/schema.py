"""Every option of a config, once: its type, its bounds, its default and what it means.

Those of the table stand in `data`, those of networks in `models`, those of blends in `blend`, all
others here. Validation,
`--set`, `resolved.yaml`, the JSON Schema and the reference page come from them.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from forecast.config.blend import BlendOptions
from forecast.config.data import DataOptions
from forecast.config.models import GRUOptions, ModelOptions
from forecast.config.search import SearchOptions
from forecast.config.section import Count, QuantileLevel, Section, ascending


def _split_point(value: object) -> object:
    """A share of the windows, a number of steps, or the first date of the part."""
    if isinstance(value, float) and 0 < value < 1:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    if isinstance(value, date):
        return value.isoformat()
    with suppress(TypeError, ValueError):
        return datetime.fromisoformat(value).isoformat()  # type: ignore[arg-type]
    raise ValueError("should be a share between 0 and 1, a number of steps, or a date")


SplitPoint = Annotated[
    float | int | str,
    BeforeValidator(_split_point),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                {"type": "integer", "minimum": 1},
                {"type": "string", "description": "the first date of the part, ISO 8601"},
            ]
        }
    ),
]


class SplitOptions(Section):
    """Which rows are held out. The test part is always the latest, then the validation part."""

    test: SplitPoint = 0.2
    """A share of the windows, a number of steps, or the first date of the test part."""
    validation: SplitPoint | None = None
    """The same for the validation part, taken from the end of what is left for training."""


FitOn = Literal["train", "all"]
Per = Literal["series", "global"]


class _Transform(Section):
    """What every transform has."""

    fit_on: FitOn = "train"
    """`all` fits on the test part too, as the usual tutorial does: the scores then leak."""

    def reach(self, season_length: int) -> int:
        """Rows at the start of a series that have no value after the transform."""
        return 0

    def problem(self, season_length: int) -> tuple[str, str] | None:
        """Why it can not be fitted to data of such a season, and the way out."""
        return None


class _Scaler(_Transform):
    per: Per = "series"
    """Fit each series alone, or all of them together."""


class MinMaxOptions(_Scaler):
    """To 0 ... 1 by the smallest and the largest value."""

    kind: Literal["minmax"]
    """The kind of transform."""


class StandardOptions(_Scaler):
    """To mean 0 and standard deviation 1."""

    kind: Literal["standard"]
    """The kind of transform."""


class RobustOptions(_Scaler):
    """To median 0 and interquartile range 1, which outliers hardly move."""

    kind: Literal["robust"]
    """The kind of transform."""


class LogOptions(_Transform):
    """The logarithm: growth in percent becomes steps of equal size. For values above 0."""

    kind: Literal["log"]
    """The kind of transform."""


class Log1pOptions(_Transform):
    """The logarithm of one more than the value, for data with zeros."""

    kind: Literal["log1p"]
    """The kind of transform."""


class BoxCoxOptions(_Scaler):
    """A power of the value, between the value itself and its logarithm, as fitting finds best."""

    kind: Literal["boxcox"]
    """The kind of transform."""
    power: Annotated[float, Field(ge=0, le=1)] | None = None
    """0 is the logarithm, 0.5 a square root, 1 the value; fitted where it is left out."""
    offset: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Added first, to make all values positive."""


class DeseasonalizeOptions(_Transform):
    """Each value less its season: the mean of the last three that STL finds in each series.

    For swings of equal size; where they grow with the level, put `log` before it. A series of less
    than two seasons stays as it is.
    """

    kind: Literal["deseasonalize"]
    """The kind of transform."""

    def problem(self, season_length: int) -> tuple[str, str] | None:
        """It needs a season."""
        if season_length > 1:
            return None
        message = "deseasonalize needs a season, and `data.season_length` is 1."
        return message, "Set `data.season_length` to 2 or more, or leave deseasonalize out."


class DifferenceOptions(_Transform):
    """Each value less the one `lag` steps before."""

    kind: Literal["difference"]
    """The kind of transform."""
    lag: Count | Literal["season"] = 1
    """Steps back; `season` for the length of a season."""

    def reach(self, season_length: int) -> int:
        """The first `lag` rows of a series have nothing before them."""
        return season_length if self.lag == "season" else self.lag


def _kind_alone(value: object) -> object:
    """Let `- minmax` stand for `- kind: minmax`."""
    return {"kind": value} if isinstance(value, str) else value


_AnyTransform = Annotated[
    BoxCoxOptions
    | DeseasonalizeOptions
    | DifferenceOptions
    | Log1pOptions
    | LogOptions
    | MinMaxOptions
    | RobustOptions
    | StandardOptions,
    Field(discriminator="kind"),
]
_KINDS = [
    get_args(options.model_fields["kind"].annotation)[0]
    for options in get_args(get_args(_AnyTransform)[0])
]
_KindAlone = Annotated[str, WithJsonSchema({"type": "string", "enum": _KINDS})]
TransformOptions = Annotated[
    _AnyTransform,
    BeforeValidator(_kind_alone, json_schema_input_type=_AnyTransform | _KindAlone),
]


PipelineOptions = Annotated[tuple[TransformOptions, ...], Field(strict=False)]


def reach(pipeline: Iterable[TransformOptions], season_length: int) -> int:
    """Rows at the start of a series that have no value after all transforms of a pipeline."""
    return sum(options.reach(season_length) for options in pipeline)


class WindowOptions(Section):
    """What the network sees and what it predicts."""

    context_length: Count = 12
    """Steps that the network sees."""
    horizon: Count = 1
    """Steps that it predicts in one call."""
    normalize: Literal["none", "last", "mean", "standard"] = "none"
    """What is taken from each window, known from its context alone: the last value, the mean, or
    the mean and the standard deviation. Forecasts are given back on the scale of the data."""
    residual_of: Literal["none", "last", "seasonal_naive", "seasonal_mean"] = "none"
    """A simple forecast that the network only corrects: the last value, the last season, or the
    mean of the context's seasons, repeated."""
    padding: Literal["season", "mask"] = "season"
    """What stands before the first value of a series that is shorter than the context: its first
    season, repeated backwards, or nothing, steps that the network passes over. With `mask` it also
    is trained on such series too, as soon as they have a season."""

    def problem(self, season_length: int) -> tuple[str, str] | None:
        """Why `residual_of` can not be had of data of such a season, and the way out."""
        if not self.residual_of.startswith("seasonal") or season_length <= self.context_length:
            return None
        message = (
            f"`window.residual_of: {self.residual_of}` repeats a season of {season_length} "
            f"steps, and `window.context_length` is {self.context_length}."
        )
        return message, f"Set window.context_length to {season_length} or more."


CalendarPart = Literal[
    "minute", "minute_of_day", "hour", "day_of_week", "day_of_month", "day_of_year", "week",
    "month", "quarter",
]  # fmt: skip


class CalendarOptions(Section):
    """Parts of the date of each step, in the time zone of the table."""

    parts: Annotated[tuple[CalendarPart, ...], Field(strict=False, min_length=1)]
    """Which ones, such as `[hour, day_of_week]`; a list of them stands for `parts`. `week` is that
    of ISO 8601."""
    encoding: Literal["categories", "cyclic"] | None = None
    """`categories` gives each value a feature of its own, 1 on its dates and 0 on others; `cyclic`
    gives a part sines and cosines, in which its last value is beside its first. Where it is left
    out, parts of more than 31 values are cyclic, and others categories."""
    harmonics: Annotated[int, Field(ge=1, le=50)] = 3
    """Pairs of sine and cosine of a cyclic part: the first go round once in a period, the second
    twice, ..."""

    @field_validator("parts")
    @classmethod
    def _differ(cls, parts: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(parts)) < len(parts):
            raise ValueError("should name each part once")
        return parts


RollingWindow = Annotated[int, Field(ge=2, le=10**9)]


def _parts_alone(value: object) -> object:
    """Let `calendar: [hour]`, or `calendar: hour`, stand for `calendar: {parts: [hour]}`."""
    parts = _one_alone(value)
    return {"parts": parts} if isinstance(parts, list | tuple) else value


def _one_alone(value: object) -> object:
    """Let `DE` stand for `[DE]`."""
    return (value,) if isinstance(value, str) else value


class DatedOptions(Section):
    """What follows from the date of each step."""

    calendar: (
        Annotated[
            CalendarOptions,
            BeforeValidator(
                _parts_alone,
                json_schema_input_type=CalendarOptions | CalendarPart | tuple[CalendarPart, ...],
            ),
        ]
        | None
    ) = None
    """Parts of the date: `[hour, day_of_week]`, or a mapping with more options."""
    holidays: (
        Annotated[
            tuple[str, ...],
            Field(strict=False, min_length=1),
            BeforeValidator(_one_alone, json_schema_input_type=str | tuple[str, ...]),
        ]
        | None
    ) = None
    """Public holidays of a country (`DE`), of a part of it (`DE-BY`), or of each of a list: whether
    the day is one, the day before one, and the day after one; of longer steps, how many they have.
    Needs the extra `holidays`."""
    age: bool = False
    """How long ago the series began: the logarithm of the steps since then."""

    @property
    def dated(self) -> Mapping[str, Any]:
        """The options of each feature of dates that is wanted, by its name."""
        given = {name: getattr(self, name) for name in DatedOptions.model_fields}
        return {name: options for name, options in given.items() if options}


class FeaturesOptions(DatedOptions):
    """What the network is told beside its context: of the date of each step, and of steps long ago.

    All of it follows from the rows and their dates, so that a forecast needs nothing more.
    """

    lags: Annotated[tuple[Count, ...], Field(strict=False)] = ()
    """The target so many steps before each step, those ahead among them: `[168, 336]` tells of each
    hour what it was a week and two weeks ago, beyond the context. None is shorter than
    `window.horizon`: not all of the steps ahead would have it."""
    rolling_means: Annotated[tuple[RollingWindow, ...], Field(strict=False)] = ()
    """The mean of the target over so many steps, up to each step of the context: `[24, 168]`. Where
    the series has fewer, the mean of those."""

    @field_validator("lags", "rolling_means")
    @classmethod
    def _are_named_once(cls, lengths: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(lengths)) < len(lengths):
            raise ValueError("should name each number once")
        return lengths

    @property
    def longest_lag(self) -> int:
        """Steps; 0 without any lag."""
        return max((0, *self.lags))

    @property
    def behind(self) -> int:
        """Rows before the context that lags and rolling means take."""
        return max((self.longest_lag, *(length - 1 for length in self.rolling_means)))

    def problems(self, horizon: int) -> list[tuple[tuple[str, ...], str, str]]:
        """Why lags can not be had of all steps of such a horizon, as in `Config.cross_checks`."""
        shortest = min(self.lags, default=horizon)
        if shortest >= horizon:
            return []
        message = (
            f"`features.lags`: a lag of {shortest} is known of the first {shortest} of the "
            f"{horizon} steps of `window.horizon` alone."
        )
        advice = f"Set lags of {horizon} or more, or window.horizon to {shortest}"
        further = "a longer predict.horizon takes its own forecasts as lags."
        return [(("lags",), message, f"{advice}: {further}")]


class EnsembleOptions(Section):
    """Several networks used as one. They differ in their seeds, and on demand in the transforms."""

    size: Count = 1
    """How many, after the config's `transforms`."""
    combine: Literal["mean", "median"] = "mean"
    """What their forecasts become."""
    transforms: Annotated[tuple[PipelineOptions, ...], Field(strict=False)] = ()
    """Lists of transforms like the config's own: for each there are `size` networks more, which
    see the data after it. Networks of the same list are combined first, then these."""


class EarlyStoppingOptions(Section):
    """Stop when the validation loss no longer falls, and keep the best weights."""

    patience: Count = 10
    """Epochs to wait for a lower validation loss."""


class PlateauOptions(Section):
    """When the learning rate falls with `schedule: plateau`, for each network by itself."""

    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """What the learning rate is multiplied by."""
    patience: Count = 5
    """Epochs to wait for a lower loss, before the first time and after each."""
    min_delta: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """How much lower a loss has to be to count."""


def _size_alone(value: object) -> object:
    """Let `ensemble: 5` stand for `ensemble: {size: 5}`."""
    is_size = isinstance(value, int) and not isinstance(value, bool)
    return {"size": value} if is_size else value


_MOST_DRAWN = 10**8  # windows that are drawn for one epoch


class TrainingOptions(Section):
    """How the network is fitted."""

    backend: Literal["tensorflow", "jax"] = "tensorflow"
    """What Keras computes with; `jax` is an extra."""
    distribution: Literal["data"] | None = None
    """`data` shares out each batch to all devices, those of other processes too that train with
    this one (`keras.distribution`); with the backend `jax`."""
    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "sgd"] = "adam"
    """With Keras's defaults for all that is not said here."""
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.001
    """The first one, where a schedule changes it."""
    schedule: Literal["constant", "cosine", "step", "plateau"] = "constant"
    """`cosine` lets the learning rate fall to zero over all epochs; `step` multiplies it by
    `decay_rate` every `decay_epochs`; `plateau` lowers it where the validation loss, or without a
    validation part the training loss, no longer falls."""
    decay_rate: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Of the schedule `step`."""
    decay_epochs: Count = 10
    """Of the schedule `step`."""
    plateau: PlateauOptions = PlateauOptions()
    """Of the schedule `plateau`."""
    warmup_epochs: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Epochs, or a part of one, in which the learning rate rises from zero to what the schedule
    says: first steps are made on a few batches, and can lead large networks astray."""
    loss: Literal["mse", "mae", "huber", "pinball"] = "mse"
    """On the scale of the transformed data; `pinball` is that of `model.quantiles`."""
    batch_size: Count = 16
    """Windows of one step of the optimizer, unless gradients are accumulated."""
    gradient_accumulation_steps: Annotated[int, Field(ge=1, le=10**6)] = 1
    """Batches whose gradients make one step of the optimizer together: as a batch that is so many
    times as large, in the memory of one. What an epoch leaves over is its last step."""
    epochs: Count = 50
    """Passes through the training windows, or through `steps_per_epoch` batches of them."""
    steps_per_epoch: Annotated[int, Field(ge=1, le=10**6)] | None = None
    """Batches drawn at random for an epoch; every window once where it is left out."""
    series_weights: Literal["rows", "equal"] = "rows"
    """Whether a long series is drawn more often than a short one."""
    ensemble: Annotated[
        EnsembleOptions,
        BeforeValidator(_size_alone, json_schema_input_type=EnsembleOptions | Count),
    ] = EnsembleOptions()
    """`5` stands for `size: 5`. Member i has the seed `seed` + i."""
    clip_norm: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Largest norm of the gradient of all weights together: a longer one is shortened."""
    clip_value: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Largest size of each number of the gradient, before its norm is looked at."""
    max_skipped_steps: Annotated[int, Field(ge=0, le=10**9)] = 10
    """A step whose loss or gradient is not finite (NaN, infinite) is skipped and counted; more than
    so many in a row end the training."""
    weight_decay: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Share of the weights, times the learning rate, that each step takes from them (Loshchilov,
    Hutter 2019); with `adamw` 0.004 where it is left out, and else none."""
    ema_momentum: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Use the moving average of the weights over the steps in place of the last ones: `0.99` is a
    mean over about the last hundred steps. It smooths what single batches do."""
    average_epochs: Annotated[int, Field(ge=2, le=10**6)] | None = None
    """Use the mean of the weights after each of the last so many epochs in place of the last ones
    (Izmailov et al. 2018)."""
    early_stopping: EarlyStoppingOptions | None = None
    """Needs `split.validation`: the test part decides nothing."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """First weights, dropout and the order of the windows all follow from it."""
    refit_transforms: bool = False
    """Where a training goes on from an earlier run (`train --from RUN`), fit the transforms to the
    newer rows, in place of keeping those of that run."""

    def contradictions(self) -> Iterator[tuple[str, str, str]]:
        """Options that do not suit each other: the key of one, what is wrong, and the way out."""
        drawn = (self.steps_per_epoch or 0) * self.batch_size
        if drawn > _MOST_DRAWN:
            message = f"an epoch of {drawn:,} windows does not fit into memory."
            advice = f"With `batch_size` it comes to {_MOST_DRAWN:,} windows at the most."
            yield "steps_per_epoch", message, advice
        if self.distribution and self.backend != "jax":
            message = f"`distribution: {self.distribution}` takes the backend `jax`."
            yield "distribution", message, "Set `training.backend: jax`, or leave it out."
        yield from self._contradictions_of_averages()
        accumulated = self.gradient_accumulation_steps
        if accumulated > (self.steps_per_epoch or accumulated):
            message = (
                f"{accumulated} batches make one step of the optimizer, and "
                f"`training.steps_per_epoch: {self.steps_per_epoch}` an epoch."
            )
            advice = f"Set `training.steps_per_epoch` to {accumulated} or a multiple of it."
            yield "gradient_accumulation_steps", message, advice
        early, plateau = self.early_stopping, self.plateau
        if self.schedule == "plateau" and early and early.patience <= plateau.patience:
            message = (
                f"early stopping waits {early.patience} epochs, and the schedule `plateau` "
                f"{plateau.patience} before the learning rate falls: it never would."
            )
            advice = "Let `early_stopping.patience` be larger than `plateau.patience`."
            yield "plateau", message, advice

    def _contradictions_of_averages(self) -> Iterator[tuple[str, str, str]]:
        """One thing alone decides which weights are used, and there are as many epochs."""
        if not self.average_epochs:
            return
        for other in ("ema_momentum", "early_stopping"):
            if getattr(self, other) is not None:
                message = f"`average_epochs` and `{other}` each choose which weights are used."
                yield "average_epochs", message, "Leave one of them out."
        if self.average_epochs > self.epochs:
            message = f"of {self.epochs} epochs there are no last {self.average_epochs}."
            yield "average_epochs", message, f"Set it to {self.epochs} or less."


class BacktestOptions(Section):
    """From which cutoffs `forecast backtest` forecasts."""

    n_windows: Count = 5
    """Cutoffs; the last one lies `horizon` steps before the end of each series."""
    stride: Count | None = None
    """Steps between two cutoffs; the horizon where it is left out."""
    horizon: Count | None = None
    """Steps to forecast; `predict.horizon` where it is left out."""
    refit: bool = False
    """Fit transforms and network again at every cutoff, or once before the first."""


class IntervalsOptions(Section):
    """Intervals from the errors of forecasts that were made before the test part.

    Those of a series have one width by step; with `model.quantiles` they are the ones that the
    network predicts, moved apart until they cover what they promise. Those of a blend grow with the
    level of the series where the config's `transforms` begin with `log` or `log1p`.
    """

    quantile_levels: Annotated[tuple[QuantileLevel, ...], Field(strict=False, min_length=1)] = (
        0.1,
        0.9,
    )
    """Quantiles to forecast, in ascending order; 0.1 and 0.9 make an interval of 80 %."""
    n_windows: Count = 20
    """Cutoffs of the calibration. A network is fitted before the first of them."""
    stride: Count = 1
    """Steps between two of them."""

    @field_validator("quantile_levels")
    @classmethod
    def _ascend(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        return ascending(levels)


_Bound = Annotated[float, Field(allow_inf_nan=False)]


class PredictOptions(Section):
    """What `forecast predict` does by default, and what a forecast may be."""

    horizon: Count | None = None
    """Steps to predict; `window.horizon` where it is left out."""
    minimum: _Bound | None = None
    """No forecast and no quantile of the network is below it: `0` for what can not be negative."""
    maximum: _Bound | None = None
    """None is above it."""
    round: bool = False
    """Round them to whole numbers. The mean of rare demand (0.4) becomes 0, and their sum is no
    longer the sum to expect."""

    @field_validator("maximum")
    @classmethod
    def _lie_above(cls, maximum: float | None, info: ValidationInfo) -> float | None:
        minimum = info.data.get("minimum")
        if maximum is not None and minimum is not None and maximum <= minimum:
            raise ValueError(f"should be above `predict.minimum`, {minimum:g}")
        return maximum

    @field_validator("round")
    @classmethod
    def _have_whole_bounds(cls, is_rounded: bool, info: ValidationInfo) -> bool:
        bounds = (info.data.get("minimum"), info.data.get("maximum"))
        if is_rounded and any(bound is not None and bound % 1 for bound in bounds):
            raise ValueError("should be false, or the minimum and the maximum be whole numbers")
        return is_rounded


BLEND = "blend"
"""The name of a blend in the column `model` of tables."""


class Config(Section):
    """The whole config."""

    version: Literal[1] = 1
    """Version of this format."""
    extends: str | None = None
    """Another config, relative to this one, whose values hold where this one is silent."""
    data: DataOptions
    split: SplitOptions = SplitOptions()
    transforms: PipelineOptions = ()
    """Applied in this order before the network sees the data, and undone in the opposite order."""
    features: FeaturesOptions = FeaturesOptions()
    window: WindowOptions = WindowOptions()
    model: ModelOptions = GRUOptions()
    training: TrainingOptions = TrainingOptions()
    blend: BlendOptions | None = None
    """Several forecasters in place of one network; each network of it is what this config says, but
    for what it has otherwise."""
    intervals: IntervalsOptions | None = None
    backtest: BacktestOptions = BacktestOptions()
    predict: PredictOptions = PredictOptions()
    search: SearchOptions | None = None

    @property
    def pipelines(self) -> tuple[PipelineOptions, ...]:
        """All lists of transforms after which networks see the data, the config's own first."""
        return self.transforms, *self.training.ensemble.transforms

    @property
    def members(self) -> int:
        """Networks that are trained: seeds, after each list of transforms."""
        return self.training.ensemble.size * len(self.pipelines)

    def each_transform(self) -> Iterator[tuple[tuple[str | int, ...], TransformOptions]]:
        """Every transform of all pipelines, with the path of its key."""
        for i, pipeline in enumerate(self.pipelines):
            place = ("training", "ensemble", "transforms", i - 1) if i else ("transforms",)
            for j, option in enumerate(pipeline):
                yield (*place, j), option

    def reach(self, season_length: int) -> int:
        """Rows at the start of a series that the transforms leave without a value."""
        return max(reach(pipeline, season_length) for pipeline in self.pipelines)

    def rows_seen(self, season_length: int) -> int:
        """Rows of a series up to and with a cutoff that a forecast from there may depend on."""
        return self.window.context_length + self.features.behind + self.reach(season_length)

    def problems(self, season_length: int) -> list[tuple[tuple[str | int, ...], str, str]]:
        """What a season of so many steps makes wrong: the path of the key, and as `problem`."""
        found: list[tuple[tuple[str | int, ...], tuple[str, str] | None]] = [
            *((key, options.problem(season_length)) for key, options in self.each_transform()),
            (("window", "residual_of"), self.window.problem(season_length)),
            (
                ("model", "patch_length"),
                self.model.problem(self.window.context_length, season_length),
            ),
        ]
        return [(key, *problem) for key, problem in found if problem]

    @property
    def joint_targets(self) -> int:
        """How many targets one network forecasts together; 1 where each is a series of its own."""
        return len(self.data.targets) if self.model.joint and not self.blend else 1

    def _joint_problems(self) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """Why targets can not be forecast together."""
        if not self.model.joint:
            return
        if len(self.data.targets) < 2:
            message = "`model.joint` forecasts several targets together, and `data.target` is one."
            advice = "Name them, `data.target: [a, b]`, or leave `joint` out."
            yield ("model", "joint"), message, advice
        if self.data.missing == "interpolate":
            message = (
                "`data.missing: interpolate` draws a line towards a later value, of which with "
                "`model.joint` the forecasts of other targets would know too early."
            )
            advice = "Set `data.missing: mask`, or ffill: each repeats the value before."
            yield ("data", "missing"), message, advice

    def cross_checks(self) -> list[tuple[tuple[str, ...], str, str]]:
        """What no single key can know: the path of the key, what is wrong, and the way out."""
        found = {
            "data": self.data.covariate_problems(),
            "features": self.features.problems(self.window.horizon),
        }
        wrong = [
            ((section, *path), message, advice)
            for section, problems in found.items()
            for path, message, advice in problems
        ]
        wrong += [
            ((section, key), message, advice)
            for section, options in (("model", self.model), ("training", self.training))
            for key, message, advice in options.contradictions()
        ]
        wrong += self._joint_problems()
        if wrong:
            return wrong
        if self.training.early_stopping and self.split.validation is None:
            message = "early stopping has no validation part, and the test part may decide nothing."
            advice = "Add `validation: 0.1` to `split`, or leave early_stopping out."
            return [(("training", "early_stopping"), message, advice)]
        pinball, quantiles = self.training.loss == "pinball", bool(self.model.quantiles)
        if pinball and not quantiles:
            message = "`training.loss: pinball` is the loss of quantiles, and there are none."
            return [(("training", "loss"), message, "Add `model.quantiles: [0.1, 0.5, 0.9]`.")]
        if quantiles and not pinball:
            message = "`model.quantiles` are fitted with the pinball loss alone."
            return [(("model", "quantiles"), message, "Set `training.loss: pinball`.")]
        if quantiles and self.intervals:
            levels, learned = self.intervals.quantile_levels, self.model.quantiles
            lacking = {*levels, *(round(1 - level, 12) for level in levels)} - {*learned}
            if lacking:
                message = (
                    "`intervals` calibrates quantiles of the network, which has not all of them."
                )
                advice = f"Add to `model.quantiles`: {', '.join(map(str, sorted(lacking)))}."
                return [(("intervals",), message, advice)]
        return []

    @property
    def quantile_levels(self) -> tuple[float, ...]:
        """The quantiles to forecast, by calibration or by networks themselves; or none."""
        if self.intervals:
            return self.intervals.quantile_levels
        return () if self.blend and not self.blend.has_networks else self.model.quantiles

    def learned_by(self, networks: Mapping[str, "Config"]) -> tuple[str, ...]:
        """Those networks of a blend whose own quantiles tell its intervals: none if errors do."""
        levels = set() if self.intervals else {*self.quantile_levels}
        return tuple(
            name for name, own in networks.items() if levels and levels <= {*own.model.quantiles}
        )

    @property
    def forecaster(self) -> str:
        """What tables call whoever forecasts: a kind of network, or a blend."""
        return BLEND if self.blend else self.model.kind

    @property
    def is_relative(self) -> bool:
        """Whether errors grow with the level of a series, as transforms that begin so say."""
        return bool(self.transforms) and self.transforms[0].kind in ("log", "log1p")

    @property
    def leaks(self) -> bool:
        """Whether anything is fitted on rows of the test part."""
        return any(options.fit_on == "all" for _, options in self.each_transform())


def json_schema() -> dict[str, Any]:
    """JSON Schema of the config, for editors and for the reference page."""
    schema = Config.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "forecast config"
    return schema
