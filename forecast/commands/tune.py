"""Which recipe forecasts a table best? Many are tried within its training rows."""

import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from forecast.commands.best_config import best_config
from forecast.commands.invocation import going_on
from forecast.config.search import Range
from forecast.console import Console
from forecast.data.export import csv_text
from forecast.display import text_table
from forecast.engines import Engine
from forecast.errors import Problem, UsageError
from forecast.figures import draw_coordinates, draw_key_importance, drawn
from forecast.jobs.course import Course
from forecast.jobs.search import Found, Search, Standing
from forecast.jobs.search_plan import SearchPlan
from forecast.methods import BASELINES, named_methods
from forecast.runs.study import BEST, LEADERBOARD, Cell, Study
from forecast.scoring.ranking import verdict

_SHOWN = 5  # trials of the table for a person


def tune(
    plan: SearchPlan,
    study: Study,
    console: Console,
    timeout: float = math.inf,
    engine: Engine | None = None,
    argv: Sequence[str] = ("tune",),
) -> Path:
    """Search until all is tried or the time is up, and write what was found; the best config.

    An engine fits groups of trials; threads here, where it is left out. `argv` are the words that
    were typed, for a person who is to type them again.

    A signal ends it with what was fitted kept, to be gone on with. Raises `UsageError` where no
    trial could be judged.
    """
    course = plan.course
    search = Search(
        course, study, plan.space, plan.job.source, plan.settings, console, timeout, engine
    )
    _announce(plan, search, study, console)
    again = going_on(argv, str(study.path))
    with console.stop.keeping(lambda: f"interrupted: what was tried is kept; go on: {again}"):
        found = search.run()
        best = found.best
        if best is None:
            raise _nothing(found, again)
        baselines = _baselines(course, found.rungs[best.rung].origins)
        text = best_config(plan.job, course, plan.space, found, best, baselines, study.path / BEST)
        table = leaderboard(plan, found, baselines)
        study.write(LEADERBOARD, csv_text(table).encode())
        _draw(plan, found, study)
        path = study.write(BEST, text.encode())
    _report(plan, found, baselines, console)
    if not found.is_whole:
        console.say(f"the time is up; go on: {again}")
    console.say(f"next: forecast train --config {path}")
    return path


def _announce(plan: SearchPlan, search: Search, study: Study, console: Console) -> None:
    course, options = plan.course, plan.options
    cutoffs = sum(len(origin.cutoffs) for origin in course.origins)
    console.say(
        f"{search.count} trials, judged by {options.metric.upper()} of {cutoffs} forecasts from "
        f"{len(course.origins)} origins in {len(course.past.panel.values)} training rows"
    )
    console.say("\n".join(f"  {key}: {_shown(own)}" for key, own in plan.space.items()))
    begun = f", {len(study.groups)} groups of trials are there" if study.groups else ""
    console.say(f"study: {study.path}{begun}")
    for warning in plan.job.warnings:
        console.warn(warning)


def _shown(dimension: object) -> str:
    if isinstance(dimension, Range):
        dumped = dimension.model_dump(exclude_defaults=True)
        return ", ".join(f"{name} {value}" for name, value in dumped.items())
    return json.dumps(dimension)


def _nothing(found: Found, again: str) -> UsageError:
    """Why there is no best trial."""
    if not found.is_whole:
        return UsageError(
            Problem("the time was up before any trial was judged.", f"Go on: {again}")
        )
    reasons = dict.fromkeys(own.why_not for own in found.standings)
    message = f"none of {len(found.standings)} trials could be judged: {'; '.join(reasons)}"
    return UsageError(Problem(message, "Search other values: `search.space`."))


def _baselines(course: Course, origins: Sequence[int]) -> dict[str, float]:
    """The scores of simple methods in the forecasts from some origins."""
    scores = {}
    for method in named_methods(BASELINES, course.past.season_length):
        cells = [
            Cell(trial=0, origin=i, seed=0, losses=course.losses(course.forecast(method, i), i))
            for i in origins
        ]
        scores[method.name] = course.score(cells)
    return scores


def leaderboard(plan: SearchPlan, found: Found, baselines: Mapping[str, float]) -> pd.DataFrame:
    """A row a trial, best first, then those that could not be judged, then the baselines.

    `rank, trial, rung, METRIC, METRIC_of_mean, beside_best, why_not` and a column for each key that
    was varied. The second metric is that of the mean of the seeds' forecasts.
    """
    rows = [_row(plan, found, rank, own) for rank, own in enumerate(found.standings, start=1)]
    metric = plan.course.metric
    simple = [{"trial": name, metric: score} for name, score in baselines.items()]
    return pd.DataFrame([*rows, *simple], columns=list(rows[0]), dtype=object)


def _row(plan: SearchPlan, found: Found, rank: int, own: Standing) -> dict[str, object]:
    course, is_judged = plan.course, own.score is not None
    return {
        "rank": rank if is_judged else None,
        "trial": str(own.trial.number),
        "rung": own.rung + 1 if is_judged else None,
        course.metric: own.score,
        f"{course.metric}_of_mean": _score_of_mean(course, own),
        "beside_best": _beside_best(course, found, own) if is_judged else None,
        "why_not": own.why_not or None,
        **{
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in own.trial.values.items()
        },
    }  # fmt: skip


def _score_of_mean(course: Course, own: Standing) -> float | None:
    is_judged = own.score is not None and own.together
    return course.score(own.together) if is_judged else None


def _beside_best(course: Course, found: Found, own: Standing) -> str:
    best = found.standings[0]
    if own is best:
        return "best"
    rung = found.rungs[own.rung]
    return verdict(course.p_value(best.on(rung), own.on(rung)))


def _report(
    plan: SearchPlan, found: Found, baselines: Mapping[str, float], console: Console
) -> None:
    """The best few, beside simple methods."""
    keys = [key for key, own in plan.space.items() if isinstance(own, Range) or len(own) > 1]
    rows = [
        [
            str(own.trial.number),
            own.score,
            _beside_best(plan.course, found, own),
            *(_brief(own.trial.values[key]) for key in keys),
        ]
        for own in found.standings[:_SHOWN]
        if own.score is not None
    ]
    rows += [[name, score, *[""] * (len(keys) + 1)] for name, score in baselines.items()]
    columns = [
        "trial",
        plan.course.metric,
        "beside the best",
        *(key.split(".")[-1] for key in keys),
    ]
    console.say(text_table(columns, rows))


def _brief(value: object) -> str:
    """A value on one line: transforms by their kinds."""
    if isinstance(value, dict):
        return " ".join(str(own) for own in value.values())
    return ", ".join(map(_brief, value)) if isinstance(value, list) else str(value)


def _draw(plan: SearchPlan, found: Found, study: Study) -> None:
    """The figures of the study."""
    judged = [own for own in found.standings if own.score is not None]
    values = [own.trial.values for own in judged]
    table = pd.DataFrame(
        [
            {key: _brief(v) if isinstance(v, list | dict) else v for key, v in own.items()}
            for own in values
        ]
    )
    # Of what every trial was judged by: the scores of several rungs can not be compared.
    table["score"] = [plan.course.score(own.on(found.rungs[0])) for own in judged]
    name, metric = plan.job.source.path.stem, plan.course.metric
    logs = [key for key, own in plan.space.items() if isinstance(own, Range) and own.log]
    figures = {
        "coordinates": partial(draw_coordinates, name, metric, table, logs),
        "importance": partial(draw_key_importance, name, metric, table),
    }
    for figure, draw in figures.items():
        content, _ = drawn(draw, "png")
        study.write(study.plot(figure), content)
