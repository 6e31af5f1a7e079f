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
from forecast.jobs.course import Course
from forecast.jobs.fitting import Fitting, shared_part
from forecast.jobs.job import Job, refuse_too_large
from forecast.jobs.space import varied
from forecast.jobs.trained import TrainedJob
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

    def run(self, course: Course, console: Console, engine: Engine) -> list[Cell]:
        """Fit all, and judge each; where a trial has several seeds, also the mean of these."""
        by_key = self.forecasts(course, console, engine)
        return [cell for trial in self.trials for cell in self._cells(trial, by_key, course)]

    def forecasts(
        self, course: Course, console: Console, engine: Engine | None = None
    ) -> dict[tuple[int, Place], FloatArray | None]:
        """Fit all: what each trial, by its number, forecasts at each place.

        None where its training diverged or a forecast is no number. Threads fit where no engine is
        given.
        """
        keys = [(trial, place) for trial in self.trials for place in self.places]
        as_of = {
            (trial.number, origin): _job(trial).as_of(course.origins[origin].fitted_at)
            for trial in self.trials
            for origin in {place.origin for place in self.places}
        }
        jobs = [_seeded(as_of[trial.number, place.origin], place.seed) for trial, place in keys]
        fitted = Fitting(jobs).run_each(console, engine)
        return {
            (trial.number, place): None if own is None else _forecast(course, own, place.origin)
            for (trial, place), own in zip(keys, fitted, strict=True)
        }

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
    noun = "group of trials"
    is_parallel = True

    def begin(self, place: Workplace) -> Callable[[Group], list[Cell]]:
        """See `Work.begin`."""
        return lambda group: group.run(self.course, place.console, place.engine)

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
        length = source.config.window.context_length
        refuse_too_large(source, source.config.model.least_parameters(length))
        for origin in course.origins[:1]:  # the earliest has the fewest rows
            job.as_of(origin.fitted_at)
    except ForecastError as error:
        return Trial(number, values, None, error.problems[0].message)
    return Trial(number, values, job)


def grouped(trials: Sequence[Trial], places: Sequence[Place]) -> list[Group]:
    """Trials in groups that can be fitted together, each of a bounded size."""
    alike: dict[str, list[Trial]] = {}
    for trial in trials:
        alike.setdefault(shared_part(_job(trial).config).model_dump_json(), []).append(trial)
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


def _seeded(job: Job, seed: int) -> Job:
    """The job with a seed of its own; an ensemble has as many as it is large."""
    options = job.config.training
    return job.with_seed(options.seed + seed * options.ensemble.size)


def _forecast(course: Course, trained: TrainedJob, origin: int) -> FloatArray | None:
    """What it forecasts after an origin; None where that is no number."""
    y_hat = course.forecast(trained.method(), origin)
    return y_hat if np.isfinite(y_hat).all() else None
