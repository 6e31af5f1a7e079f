"""What does a training go on from? The weights of an earlier run, and the scales that they know.

What that run was fitted on must lie before what is held out now: its weights have seen it. Nothing
else of the run is read, its test part in particular.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from forecast.config import Config
from forecast.config.document import KeyPath
from forecast.data.calendar import Dates, from_iso, iso, steps_between, zone_of
from forecast.data.panel import IntArray
from forecast.errors import ConfigError, DataError, Problem, RunError, some_of
from forecast.features import Encoder
from forecast.jobs.job import Job
from forecast.jobs.opening import transforms_of
from forecast.runs import DataRecord, Run, WarmStartRecord
from forecast.runs.documents import read_config, read_data, read_features
from forecast.runs.layout import DATA, TRANSFORMS, weights_names
from forecast.runs.regular import damaged
from forecast.runs.weights import Weights, read_weights
from forecast.transforms import EarlierFit, Pipelines

# Options of a network that its weights do not depend on.
_FREE = {"dropout", "folder"}


@dataclass(frozen=True)
class WarmStart:
    """What an earlier run gives to a training."""

    run: Run
    unique_ids: tuple[str, ...]
    """The series that the run was fitted on, in the order of its networks and scales."""
    weights: Sequence[Weights]
    """Of each pipeline `(series, size, parameters)`, with one series where one network serves
    all."""
    is_local: bool
    transforms: Pipelines | None
    """Scales to keep; None where they are fitted again."""
    seen: "_Seen"
    encoder: Encoder | None = None
    """What the run fitted to covariates."""

    @property
    def is_kept(self) -> bool:
        """Whether scales are kept."""
        return self.transforms is not None

    @property
    def words(self) -> dict[str, tuple[str, ...]]:
        """The words of covariates that have a feature."""
        return self.encoder.levels if self.encoder else {}

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {name: i for i, name in enumerate(self.unique_ids)}

    @property
    def parameters(self) -> int:
        """Weights of one network."""
        return int(self.weights[0].shape[-1])

    def initial(self, pipeline: int, series: str, member: int) -> Weights | None:
        """First weights `(parameters,)` of a network; None for one of a series that is new."""
        place = self._places.get(series) if self.is_local else 0
        return None if place is None else self.weights[pipeline][place, member]

    def earlier_fit(self, unique_ids: Sequence[str]) -> EarlierFit | None:
        """The scales to keep of these series; None where all are fitted again."""
        if self.transforms is None:
            return None
        places = [self._places.get(name, -1) for name in unique_ids]
        return EarlierFit(self.transforms, np.array(places, np.int64))

    def suits(self, job: Job) -> bool:
        """Whether all that the job holds out lies behind what the run was fitted on."""
        return next(self.seen.overlaps(job), None) is None

    def damaged(self) -> Exception:
        """The error for scales that are not of the run's series."""
        return damaged(self.run.path / TRANSFORMS, "it does not fit its series")

    def new_series(self, job: Job) -> list[str]:
        """Series of the job that the run did not know."""
        return [name for name in job.fitted_part.panel.unique_ids if name not in self._places]

    def record(self, job: Job) -> WarmStartRecord:
        """What the new run tells of this one."""
        lost = set(self.seen.test_begins) - set(job.fitted_part.panel.unique_ids)
        return WarmStartRecord(
            name=self.run.record.name,
            path=str(self.run.path),
            created=self.run.record.created,
            transforms="fitted" if self.transforms is None else "kept",
            new_series=self.new_series(job),
            lost_series={name: self.seen.test_begins[name] for name in sorted(lost)},
        )

    def warnings(self, job: Job) -> list[str]:
        """What a person should know of a training that goes on from the run, a line each."""
        found, new = [], self.new_series(job)
        known = set(job.fitted_part.panel.unique_ids)
        lost = [name for name in self.unique_ids if name not in known]
        if new:
            how = "their networks begin anew" if self.is_local else "their scales are fitted"
            found.append(f"not among the series of the run, so that {how}: {some_of(new)}.")
        if lost:
            what = "with their networks" if self.is_local else "with their scales"
            found.append(f"series of the run that are no longer here, {what}: {some_of(lost)}.")
        if job.calibration and not self.suits(job.calibration.earlier):
            found.append(
                "the intervals are calibrated on forecasts of networks that begin anew: those of "
                "the run have been trained on the rows of the calibration."
            )
        return found


def warm_start(job: Job, run: Run) -> WarmStart:
    """What a run gives to the training of a job.

    Raises `ConfigError` with all options that would make other networks, `DataError` where rows
    that are held out were trained on, or no network fits any series, and `RunError` for a damaged
    run.
    """
    if job.config.blend:
        message = "a blend can not go on from an earlier run."
        raise ConfigError(job.source.problem(("blend",), message, "Train without --from."))
    if run.is_blend:
        raise RunError(Problem(f"the run {run.record.name} is a blend: it has no weights."))
    config, data = read_config(run), read_data(run)
    weights = read_weights(run, len(config.pipelines))
    fitted = tuple(series.unique_id for series in data.per_series if series.is_fitted)
    is_local = config.model.scope == "local"
    _refuse_damaged(run, weights, len(fitted) // config.joint_targets if is_local else 1)
    unlike = [
        job.source.problem(path, *_unlike(path, now, then, run))
        for path, now, then in _differences(job, config, data, weights[0].shape[1])
    ]
    if unlike:
        raise ConfigError(*unlike)
    transforms = None
    if not job.config.training.refit_transforms:
        transforms = transforms_of(run, config, data.season_length)
    encoder = read_features(run, config)
    if encoder and job.panel.covariates:
        encoder.refuse_unlike_kinds(job.panel.covariates)
    start = WarmStart(run, fitted, weights, is_local, transforms, _Seen.of(run, data), encoder)
    _refuse_overlaps(start, job)
    if is_local and len(start.new_series(job)) == len(job.fitted_part.panel.unique_ids):
        message = (
            f"the run {run.record.name} has networks of {some_of(fitted)}, and the table none of "
            "these series."
        )
        advice = "Name its series as they were, or train without --from."
        raise DataError(Problem(message, advice))
    return start


def _refuse_damaged(run: Run, weights: Sequence[Weights], series: int) -> None:
    for name, own in zip(weights_names(len(weights)), weights, strict=True):
        if len(own) != series or own.shape[1:] != weights[0].shape[1:] or not own.size:
            raise damaged(run.path / name, "it does not fit the series or the members")
        if not np.isfinite(own).all():
            raise damaged(run.path / name, "a weight is no finite number")


# --- which options have to be the same -----------------------------------------------------------


def _differences(
    job: Job, earlier: Config, data: DataRecord, size: int
) -> Iterator[tuple[KeyPath, Any, Any]]:
    """The options by which the networks, or what they see, would be others: now, and then."""
    config = job.config
    now, then = config.model_dump(mode="json"), earlier.model_dump(mode="json")
    zone = zone_of(job.panel.begins)
    pairs: list[tuple[KeyPath, Any, Any]] = [
        (("data", "freq"), job.panel.freq, data.freq),
        (("data", "timezone"), None if zone is None else str(zone), data.timezone),
        (("data", "season_length"), job.season_length, data.season_length),
        *(
            (("data", "covariates", key), value, then["data"]["covariates"].get(key))
            for key, value in now["data"]["covariates"].items()
            if key != "categories"  # of which sort a column is tells the table
        ),
        (("transforms",), now["transforms"], then["transforms"]),
        (("features",), now["features"], then["features"]),
        *((("window", key), value, then["window"][key]) for key, value in now["window"].items()),
        (("model", "kind"), now["model"]["kind"], then["model"]["kind"]),
        (("training", "ensemble", "size"), config.training.ensemble.size, size),
        *(
            (("training", "ensemble", key), now["training"]["ensemble"][key], own)
            for key, own in then["training"]["ensemble"].items()
            if key == "transforms"
        ),
    ]
    if config.model.joint and earlier.model.joint:
        pairs.append((("data", "target"), now["data"]["target"], then["data"]["target"]))
    if now["model"]["kind"] == then["model"]["kind"]:
        pairs += [
            (("model", key), value, then["model"][key])
            for key, value in now["model"].items()
            if key not in _FREE
        ]
    return ((path, own, other) for path, own, other in pairs if own != other)


def _unlike(path: KeyPath, now: Any, then: Any, run: Run) -> tuple[str, str]:
    """What is wrong with an option, and the way out."""
    dotted = ".".join(map(str, path))
    message = (
        f"`{dotted}` is {json.dumps(now)}, and in the run {run.record.name} {json.dumps(then)}."
    )
    return message, f"Set `{dotted}: {json.dumps(then)}`, or train without --from."


# --- which rows the run has seen -----------------------------------------------------------------


@dataclass(frozen=True)
class _Seen:
    """Of each series that was trained on, the first date behind it, as ISO 8601."""

    test_begins: Mapping[str, str]
    """Nothing was fitted or chosen from here on."""
    train_ends: Mapping[str, str]
    """Nothing was trained on from here on."""

    @classmethod
    def of(cls, run: Run, data: DataRecord) -> "_Seen":
        """What a run has seen, and what it went on from."""
        before = run.record.warm_start.lost_series if run.record.warm_start else {}
        fitted = [series for series in data.per_series if series.is_fitted]
        return cls(
            {**before, **{series.unique_id: series.test_begin for series in fitted}},
            {
                **before,
                **{series.unique_id: series.train_end or series.test_begin for series in fitted},
            },
        )

    def overlaps(self, job: Job) -> Iterator[tuple[str, str, str]]:
        """Each part that is held out and begins too early in some series.

        Its name, where it begins, and where it might, as ISO 8601: of the series that has seen
        most.
        """
        part = job.fitted_part
        held_out = {
            "validation": (part.split.train_ends, self.train_ends),
            "test": (part.split.test_begins, self.test_begins),
        }
        for name, (rows, behind) in held_out.items():
            if name == "validation" and not part.split.has_validation:
                continue
            begins = part.panel.dates_by_series(rows)
            known = np.flatnonzero([series in behind for series in part.panel.unique_ids])
            texts = [behind[part.panel.unique_ids[i]] for i in known]
            if not texts:
                continue
            earlier = from_iso(texts, part.panel.begins)
            early = np.flatnonzero(steps_between(earlier, begins[known], part.panel.freq) < 0)
            if len(early):
                latest = early[int(np.argmax(_order(earlier[early])))]
                yield name, iso(begins[known[[latest]]])[0], iso(earlier[[latest]])[0]


def _order(ds: Dates) -> IntArray:
    return ds.asi8 if isinstance(ds, pd.DatetimeIndex) else ds.to_numpy(np.int64)


def _refuse_overlaps(start: WarmStart, job: Job) -> None:
    """Raise `DataError` for parts that are held out, and hold rows that the run has seen."""
    try:
        found = list(start.seen.overlaps(job))
    except ValueError as error:
        raise damaged(start.run.path / DATA, "a date is none") from error
    problems = [
        Problem(
            f"the {part} part begins at {now}, and the run {start.run.record.name} has seen the "
            f"rows before {earlier}: its scores would be of what the networks know.",
            f"Let it begin there or later (`split.{part}`), give newer rows, or train without "
            "--from.",
        )
        for part, now, earlier in found
    ]
    if problems:
        raise DataError(*problems)
