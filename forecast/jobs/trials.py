"""The trials of a search: recipes for one table, fitted together where they are alike enough."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecast.config import LoadedConfig
from forecast.console import Console
from forecast.data.panel import FloatArray
from forecast.engines import Engine, Work, Workplace
from forecast.errors import ForecastError, some_of
from forecast.jobs.blending import asked_of_methods, blend_each
from forecast.jobs.course import Course, Origin
from forecast.jobs.fitting import Fitting, shared_part
from forecast.jobs.job import Job, refuse_too_large
from forecast.jobs.space import varied
from forecast.methods import EMPTY, Asked, Memory, Method, named_methods, remember
from forecast.runs.study import Cell

# Jobs that are fitted at once: what they come to is kept when all of them are done.
_MOST_JOBS = 64
_MOST_ROWS = 20_000_000  # of all of their panels


class Place(NamedTuple):
    """Where a trial is to be judged."""

    origin: int
    seed: int


@dataclass(frozen=True)
class Trial:
    """A recipe that is tried."""

    number: int
    values: Mapping[str, object]
    """Of each key that is varied."""
    job: Job | None
    """On all training rows; None where the recipe can not be, on these rows or at all."""
    why_not: str = ""


@dataclass(frozen=True)
class Group:
    """Trials that are fitted together."""

    trials: tuple[Trial, ...]
    places: tuple[Place, ...]
    """Where each of them is judged."""

    @property
    def count(self) -> int:
        """How many networks, or ensembles, are fitted."""
        return len(self.trials) * len(self.places)

    def run(
        self, course: Course, console: Console, engine: Engine, memory: Memory = EMPTY
    ) -> list[Cell]:
        """Fit all, and judge each; where a trial has several seeds, also the mean of these."""
        by_key = self.forecasts(course, console, engine, memory)
        return [cell for trial in self.trials for cell in self._cells(trial, by_key, course)]

    def forecasts(
        self,
        course: Course,
        console: Console,
        engine: Engine | None = None,
        memory: Memory = EMPTY,
    ) -> dict[tuple[int, Place], FloatArray | None]:
        """Fit all: what each trial, by its number, forecasts at each place.

        None where its training diverged or a forecast is no number. Threads fit where no engine is
        given. `memory` is of methods that blends have as members.
        """
        keys = [(trial, place) for trial in self.trials for place in self.places]
        as_of = {
            (trial.number, origin): _job_at(_job(trial), course.origins[origin])
            for trial in self.trials
            for origin in {place.origin for place in self.places}
        }
        jobs = [as_of[trial.number, place.origin].reseeded(place.seed) for trial, place in keys]
        fitted = _fit_each(jobs, console, engine, memory)
        return {
            (trial.number, place): None if own is None else _forecast(course, own, place.origin)
            for (trial, place), own in zip(keys, fitted, strict=True)
        }

    def asked_of_methods(self, course: Course) -> Iterator[Asked]:
        """What methods forecast as members of blends, wherever these are judged."""
        for origin in {place.origin for place in self.places}:
            at = course.origins[origin]
            yield course.past.panel, at.cutoffs, course.horizon
            for trial in self.trials:
                yield from asked_of_methods(_job_at(_job(trial), at))

    def _cells(
        self,
        trial: Trial,
        by_key: Mapping[tuple[int, Place], FloatArray | None],
        course: Course,
    ) -> Iterator[Cell]:
        for origin in dict.fromkeys(place.origin for place in self.places):
            places = [place for place in self.places if place.origin == origin]
            found = [by_key[trial.number, place] for place in places]
            for place, y_hat in zip(places, found, strict=True):
                losses = None if y_hat is None else course.losses(y_hat, origin)
                yield Cell(trial=trial.number, origin=origin, seed=place.seed, losses=losses)
            whole = [y_hat for y_hat in found if y_hat is not None]
            if len(whole) == len(places) > 1:
                losses = course.losses(np.mean(whole, axis=0), origin)
                yield Cell(trial=trial.number, origin=origin, seed=None, losses=losses)


@dataclass(frozen=True)
class JudgingGroups(Work[Group, list[Cell]]):
    """Fits groups, and judges their trials on a course."""

    course: Course
    memory: Memory
    """Of methods that blends have as members."""
    noun = "group of trials"
    is_parallel = True

    def begin(self, place: Workplace) -> Callable[[Group], list[Cell]]:
        """See `Work.begin`."""
        return lambda group: group.run(self.course, place.console, place.engine, self.memory)

    def label(self, piece: Group) -> str:
        """The numbers of its trials."""
        return f"trials {some_of([str(trial.number) for trial in piece.trials])}"


def trial_of(
    number: int, values: Mapping[str, object], base: LoadedConfig, settings: Sequence[str],
    course: Course,
) -> Trial:  # fmt: skip
    """A trial with these values in the place of the config's own."""
    try:
        source = varied(base, settings, values)
        job = course.past.under(source)
        for own in source.each_network:
            length = own.config.window.context_length
            refuse_too_large(own, own.config.model.least_parameters(length))
        for origin in course.origins[:1]:  # the earliest has the fewest rows
            _job_at(job, origin)
    except ForecastError as error:
        return Trial(number, values, None, error.problems[0].message)
    return Trial(number, values, job)


def grouped(trials: Sequence[Trial], places: Sequence[Place]) -> list[Group]:
    """Trials in groups that can be fitted together, each of a bounded size."""
    alike: dict[tuple[object, ...], list[Trial]] = {}
    for trial in trials:
        alike.setdefault(_shared_part(_job(trial)), []).append(trial)
    groups = []
    for own in alike.values():
        most = _most_trials(_job(own[0]), len(places))
        parts = (own[i : i + most] for i in range(0, len(own), most))
        groups += [Group(tuple(part), tuple(places)) for part in parts]
    return groups


def _most_trials(job: Job, places: int) -> int:
    most = min(_MOST_JOBS, _MOST_ROWS // max(1, len(job.panel.values)))
    return max(1, most // places)


def _job(trial: Trial) -> Job:
    if trial.job is None:
        raise ValueError(f"trial {trial.number} can not be fitted")
    return trial.job


def _shared_part(job: Job) -> tuple[object, ...]:
    """Equal for jobs whose networks can be fitted together, one by one where they are blended."""
    networks = (shared_part(own.config).model_dump_json() for own in job.networks)
    return bool(job.config.blend), *networks


def _job_at(job: Job, origin: Origin) -> Job:
    """The job at an origin; of a blend, with a plan to find its weights there."""
    return job.as_of(origin.fitted_at).weighed()


def _fit_each(
    jobs: Sequence[Job], console: Console, engine: Engine | None, memory: Memory
) -> Sequence[Method | None]:
    """Fit networks, or blends of them, that are alike; None where a training diverged."""

    def networks(jobs: Sequence[Job]) -> Sequence[Method | None]:
        fitted = Fitting(jobs).run_each(console, engine)
        return [None if own is None else own.method() for own in fitted]

    return blend_each(jobs, networks, memory) if jobs[0].config.blend else networks(jobs)


def _forecast(course: Course, method: Method, origin: int) -> FloatArray | None:
    """What it forecasts after an origin; None where that is no number."""
    y_hat = course.forecast(method, origin)
    return y_hat if np.isfinite(y_hat).all() else None


def remembered(
    groups: Sequence[Group],
    course: Course,
    memory: Memory,
    console: Console,
    engine: Engine,
) -> Memory:
    """With what methods forecast for the blends of groups: these do not differ in that."""
    jobs = [_job(trial) for group in groups for trial in group.trials]
    names = dict.fromkeys(name for job in jobs for name in job.source.methods)
    if not names:
        return memory
    asked = [own for group in groups for own in group.asked_of_methods(course)]
    methods = named_methods(list(names), course.past.season_length)
    return remember(memory, methods, asked, console, engine)
