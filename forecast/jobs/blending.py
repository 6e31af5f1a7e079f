"""A blend from its members: what each is worth, and how wide its intervals have to be.

Both are told by forecasts from within the training part. Networks that make these were fitted
before the first of them, as those that calibrate the intervals of a network are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn, TypeVar

import numpy as np

from forecast.console import Console
from forecast.data.panel import FloatArray, IntArray
from forecast.display import text_table
from forecast.engines import Engine
from forecast.jobs.job import CalibrationPlan, Job
from forecast.methods import (
    EMPTY,
    Asked,
    Blend,
    BlendWeights,
    Fallback,
    Memory,
    Method,
    named_methods,
    remembering,
    spread,
)  # fmt: skip
from forecast.methods.weighing import fit_weights
from forecast.runs import BlendRecord, MemberRecord
from forecast.scoring.conformal import Conformal, error_scales

if TYPE_CHECKING:  # they load Keras, which a blend without networks does without
    from forecast.jobs.fitting import FittedJobs

FitNetworks = Callable[[Sequence[Job], Console], "FittedJobs"]
"""Fits jobs that have a network's config in common."""

FitEach = Callable[[Sequence[Job]], Sequence[Method | None]]
"""Fits jobs whose networks are alike; None where one diverged."""

Each = TypeVar("Each")


def no_network(*_: object) -> NoReturn:
    """What fits and writes networks of a blend that has none."""
    raise TypeError("a blend with networks takes what fits them")


@dataclass(frozen=True)
class FittedBlend:
    """What came of the job of a blend."""

    job: Job
    blend: Blend
    """Its networks are on Keras, for as long as this process lives."""
    record: BlendRecord
    """What each member is worth."""
    networks: "Mapping[str, FittedJobs]"
    """Of the blend's job, by the names of its networks."""


def fit_blends(
    jobs: Sequence[Job],
    console: Console,
    fit_networks: FitNetworks = no_network,
    engine: Engine | None = None,
    memory: Memory = EMPTY,
) -> list[FittedBlend]:
    """Fit blends that have a config in common, and their networks by a function.

    An engine, if it is given, forecasts by the methods that take long, as far as their forecasts
    are not in a memory.
    Jobs of one network, of all blends and of their calibrations, are fitted together.
    """
    asked = _with_earlier(jobs)
    networks: dict[str, FittedJobs] = {}
    for name in jobs[0].members:
        console.say(f"network {name}:")
        networks[name] = fit_networks([own.members[name] for own in asked], console)
    each = [
        _members(own, {name: done.trained[i].method() for name, done in networks.items()}, memory)
        for i, own in enumerate(asked)
    ]
    each = [_spread(members, engine, console) for members in each]
    fitted = []
    for i, (job, members, earlier) in enumerate(_beside_earlier(jobs, each)):
        if job.calibration and not memory:
            console.say(_what(len(members), job.calibration))
        blend, record = _blended(job, members, earlier)
        own = {name: replace(done, trained=[done.trained[i]]) for name, done in networks.items()}
        fitted.append(FittedBlend(job, blend, record, own))
    return fitted


def blend_each(jobs: Sequence[Job], fit_each: FitEach, memory: Memory) -> list[Blend | None]:
    """Blends whose networks are alike but for what members of one program may differ in.

    None where a network diverged. What methods that take long forecast is taken from memory, as far
    as it is there.
    """
    asked = _with_earlier(jobs)
    networks = {name: fit_each([own.members[name] for own in asked]) for name in jobs[0].members}
    each = [
        _members_or_none(own, {name: fitted[i] for name, fitted in networks.items()}, memory)
        for i, own in enumerate(asked)
    ]
    return [
        None if members is None or (job.calibration and not earlier)
        else _blended(job, members, earlier)[0]
        for job, members, earlier in _beside_earlier(jobs, each)
    ]  # fmt: skip


def asked_of_methods(job: Job) -> list[Asked]:
    """What methods forecast to find the weights and intervals of a blend."""
    plan = job.calibration
    return [(plan.past, plan.all_cutoffs, plan.horizon)] if plan else []


def _with_earlier(jobs: Sequence[Job]) -> list[Job]:
    """The jobs, and those that they are weighed and calibrated by."""
    return [*jobs, *(job.calibration.earlier for job in jobs if job.calibration)]


def _beside_earlier(
    jobs: Sequence[Job], each: Sequence[Each]
) -> Iterator[tuple[Job, Each, Each | None]]:
    """Each job, what there is of it, and of the one that it is weighed and calibrated by."""
    earlier = iter(each[len(jobs) :])
    for job, own in zip(jobs, each[: len(jobs)], strict=True):
        yield job, own, next(earlier) if job.calibration else None


def _what(members: int, plan: CalibrationPlan) -> str:
    """What takes a while: methods are fitted again for each forecast."""
    cutoffs, series = len(plan.weighing) + len(plan.cutoffs), len(plan.past.unique_ids)
    return (
        f"{members} members forecast {series} series from up to {cutoffs} origins within the "
        "training part ..."
    )


def fit_blended(
    jobs: Sequence[Job],
    console: Console,
    fit_networks: FitNetworks = no_network,
    engine: Engine | None = None,
) -> list[Blend]:
    """The same as methods; what each member is worth is said of the first."""
    fitted = fit_blends(jobs, console, fit_networks, engine)
    say_worth(fitted[0], console)
    return [own.blend for own in fitted]


def say_worth(fitted: FittedBlend, console: Console) -> None:
    """Say what each member of a blend is worth."""
    record = fitted.record
    console.say(text_table(record.columns, record.rows))


def _members(job: Job, networks: Mapping[str, Method], memory: Memory) -> dict[str, Method]:
    """Networks, and methods with a memory, in the order of the config."""
    methods = remembering(named_methods(job.source.methods, job.season_length), memory)
    given = {**networks, **{own.name: own for own in methods}}
    return {name: given[name] for name in job.source.members}


def _members_or_none(
    job: Job, networks: Mapping[str, Method | None], memory: Memory
) -> dict[str, Method] | None:
    """The members; None where a network is none."""
    whole = {name: own for name, own in networks.items() if own is not None}
    return _members(job, whole, memory) if len(whole) == len(networks) else None


def _spread(
    members: Mapping[str, Method], engine: Engine | None, console: Console
) -> dict[str, Method]:
    methods = spread(list(members.values()), engine, console)
    return dict(zip(members, methods, strict=True))


def _equal_blend(job: Job, members: Mapping[str, Method]) -> Blend:
    return Blend(
        members,
        BlendWeights.equal(len(members)),
        job.fitted_part.panel.unique_ids,
        job.season_length,
        job.config.predict,
        is_relative=job.config.is_relative,
        learned=job.config.learned_by({name: own.config for name, own in job.members.items()}),
    )


def _record(blend: Blend, job: Job) -> BlendRecord:
    """The weights, and nothing of errors."""
    members = [
        MemberRecord(name=name, is_network=name in job.members, weight=float(weight))
        for name, weight in zip(blend.members, blend.weights.mean, strict=True)
    ]
    return BlendRecord(members=members, weights=blend.weights.numbers.tolist())


def _blended(
    job: Job, members: Mapping[str, Method], earlier: Mapping[str, Method] | None
) -> tuple[Blend, BlendRecord]:
    """The blend of members, weighed and calibrated by earlier ones where that is planned."""
    blend = _equal_blend(job, members)
    record = _record(blend, job)
    if job.calibration and earlier:
        return _weighed(blend, job, job.calibration, earlier)
    return blend, record


def _weighed(
    blend: Blend, job: Job, plan: CalibrationPlan, earlier: Mapping[str, Method]
) -> tuple[Blend, BlendRecord]:
    """The blend with weights and intervals that the errors of its members tell."""
    tried, options = _Tried.of(blend, job, plan, earlier), job.config.blend
    if options and plan.weighing:
        rows = tried.rows(plan.weighing)
        weights = fit_weights(
            tried.errors[rows], tried.places[rows], len(blend.unique_ids), options
        )
        blend = replace(blend, weights=weights)
    record = tried.judging(_record(blend, job), blend.weights, plan)
    if plan.cutoffs:
        blend = replace(blend, calibration=_calibrate(tried, blend, job, plan))
    return blend, record


def _calibrate(tried: "_Tried", blend: Blend, job: Job, plan: CalibrationPlan) -> Conformal:
    """How wide intervals have to be, as the errors of the blend tell."""
    rows, past, part = tried.rows(plan.cutoffs), plan.past, job.fitted_part
    cutoffs = tried.cutoffs[rows]
    errors = tried.together(rows, blend.weights) * tried.scales[rows, None]
    then = blend.scales(past)[past.series_of(cutoffs)]
    now = blend.scales(part.panel.before(part.split.train_ends).panel)
    return Conformal.calibrate(errors / blend.units(past, cutoffs), then, now)


@dataclass(frozen=True)
class _Tried:
    """Forecasts of a blend's members from within the training part, and how they erred."""

    cutoffs: IntArray
    places: IntArray
    """Of each cutoff's series among those of the blend."""
    errors: FloatArray
    """`(cutoffs, horizon, members)`: truth less forecast, in units of each series' scale."""
    scales: FloatArray
    """Those units, `(cutoffs,)`."""
    fallbacks: Mapping[str, int]
    """Of how many of the cutoffs a member had no forecast of its own."""

    @classmethod
    def of(
        cls, blend: Blend, job: Job, plan: CalibrationPlan, earlier: Mapping[str, Method]
    ) -> "_Tried":
        past = plan.past
        cutoffs = plan.all_cutoffs
        each = {
            name: method.forecast(past, cutoffs, plan.horizon).y_hat
            for name, method in earlier.items()
        }
        fallback = Fallback(job.season_length)
        points = [fallback.filling(own, past, cutoffs) for own in each.values()]
        scales = error_scales(past, job.season_length)[past.series_of(cutoffs)]
        errors = past.truth_after(cutoffs, plan.horizon) - np.stack(points)
        return cls(
            cutoffs,
            blend.places(past)[past.series_of(cutoffs)],
            np.moveaxis(errors / scales[:, None], 0, -1),
            scales,
            {name: int(np.isnan(own).any(axis=1).sum()) for name, own in each.items()},
        )

    def rows(self, windows: Sequence[IntArray]) -> IntArray:
        """Where these cutoffs stand among all."""
        return np.searchsorted(self.cutoffs, np.concatenate(windows))

    def together(self, rows: IntArray, weights: BlendWeights) -> FloatArray:
        """Errors `(rows, horizon)` of the blend with such weights."""
        each = weights.of(self.places[rows], self.errors.shape[1])
        errors: FloatArray = (self.errors[rows] * each).sum(axis=-1)
        return errors

    def judging(
        self, record: BlendRecord, weights: BlendWeights, plan: CalibrationPlan
    ) -> BlendRecord:
        """With what the blend errs, each member alone, and the blend without it.

        Over the forecasts that weights are found from, or those of intervals.
        """
        rows, is_alone = self.rows(plan.weighing or plan.cutoffs), len(record.members) == 1
        members = [
            own.model_copy(
                update={
                    "error": _mean_size(self.errors[rows, :, i]),
                    "error_without": None
                    if is_alone
                    else _mean_size(self.together(rows, weights.without(i))),
                    "fallbacks": self.fallbacks[own.name],
                }
            )
            for i, own in enumerate(record.members)
        ]
        error = _mean_size(self.together(rows, weights))
        return record.model_copy(update={"members": members, "error": error})


def _mean_size(errors: FloatArray) -> float | None:
    """Mean absolute error; None, as JSON has no NaN, where nothing was observed."""
    observed = errors[np.isfinite(errors)]
    return float(np.abs(observed).mean()) if len(observed) else None
