"""The config that a search found best, with the reason of each choice beside it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from forecast.config import Config, parse_config
from forecast.config.commented import commented_yaml
from forecast.config.search import RECIPE, Choices, Range, Space
from forecast.data.split import split_panel
from forecast.errors import ForecastError
from forecast.jobs.course import Course
from forecast.jobs.job import Job
from forecast.jobs.search import Found, Standing
from forecast.jobs.space import that_count
from forecast.scoring.ranking import verdict

_FAR = 0.25  # of a range

_HEAD = """\
# The best of {trials} trials of `forecast tune`, number {number}: {metric} {score:.4g}
# in {forecasts} forecasts from {origins} within the training rows{seeds};
# there {baselines}. The test part was not read.
# Above each value that was chosen: its score beside that of the best trial with quite another one,
# both judged by the same forecasts.

"""


def best_config(
    job: Job, course: Course, space: Space, found: Found, best: Standing,
    baselines: Mapping[str, float], path: Path,
) -> str:  # fmt: skip
    """The text of the config of the best trial, to stand at a path; complete, for `train`."""
    if best.trial.job is None:
        raise ValueError("the best trial has no job")
    config = best.trial.job.config
    chosen = that_count(best.trial.values)
    values = {key: json.loads(json.dumps(value)) for key, value in chosen.items()}
    varied = [key for key, own in space.items() if isinstance(own, Range) or len(own) > 1]
    reasons = {
        key: _reason(key, space[key], course, found, best) for key in varied if key in chosen
    }
    steps = _test_steps(job, best.trial.job)
    if steps is not None:
        values["split.test"], reasons["split.test"] = steps, "the rows that the search never saw"
    ensemble = _ensemble(course, found, best, best.trial.job)
    if ensemble:
        values["training.ensemble.size"], reasons["training.ensemble.size"] = ensemble
    document = _document(config, values)
    text = _head(course, found, best, baselines) + commented_yaml(document, reasons)
    _refuse_another(text, path, config)
    return text


def _head(course: Course, found: Found, best: Standing, baselines: Mapping[str, float]) -> str:
    rung = found.rungs[best.rung]
    origins, seeds = rung.origins, {place.seed for place in rung.places}
    beside = ", ".join(f"{name.replace('_', ' ')} {own:.4g}" for name, own in baselines.items())
    return _HEAD.format(
        trials=sum(own.score is not None for own in found.standings),
        number=best.trial.number,
        metric=course.metric.upper(),
        score=best.score,
        forecasts=sum(len(course.origins[i].cutoffs) for i in origins),
        origins=f"{len(origins)} origins" if len(origins) > 1 else "one origin",
        seeds=f", the mean of {len(seeds)} seeds" if len(seeds) > 1 else "",
        baselines=beside,
    )


def _reason(
    key: str, dimension: Choices | Range, course: Course, found: Found, best: Standing
) -> str:
    """The score beside the best with another value of a key, and whether that is noise."""
    value = best.trial.values[key]
    other = found.runner_up(lambda trial: _differ(dimension, trial.values[key], value))
    if other is None or other.score is None:
        return "no other value was judged"
    rung = found.rungs[min(best.rung, other.rung)]
    cells = best.on(rung), other.on(rung)
    mine, theirs = map(course.score, cells)
    told = verdict(course.p_value(*cells))
    if theirs < mine:
        told = f"better there, but not further on; {told}" if other.rung < best.rung else told
    shown = json.dumps(other.trial.values[key])
    return f"{mine:.4g}; with {shown} {theirs:.4g}: {told}"


def _differ(dimension: Choices | Range, one: Any, other: Any) -> bool:
    """Whether two values are quite another: in a range, more than a quarter of it apart."""
    if not isinstance(dimension, Range):
        return bool(one != other)
    ends = np.array([dimension.low, dimension.high, one, other], float)
    low, high, first, second = np.log(ends) if dimension.log else ends
    return bool(abs(first - second) > _FAR * (high - low))


def _ensemble(course: Course, found: Found, best: Standing, job: Job) -> tuple[int, str] | None:
    """How many networks to take the mean of, where one was asked for and several do better."""
    cells, seeds = best.together, {cell.seed for cell in best.cells} - {None}
    is_asked = any(key.startswith("training.ensemble") for key in best.trial.values)
    sizes = [own.config.training.ensemble.size for own in job.networks]
    if max(sizes, default=1) > 1 or is_asked or not cells or best.score is None:
        return None
    score, size = course.score(cells), len(seeds) - 1
    if not score < best.score:
        return None
    return size, f"the mean of {size} networks: {score:.4g}; one of them alone {best.score:.4g}"


def _test_steps(job: Job, best: Job) -> int | None:
    """The test part as a number of steps, where the best config's own would be another one.

    A share of the windows depends on how long these are. Never more rows than were held out.
    """
    try:
        split = split_panel(job.panel, best.config.split, best.needs)
    except ForecastError:
        split = None
    if split is not None and np.array_equal(split.test_begins, job.split.test_begins):
        return None
    return int((job.panel.ends - job.split.test_begins).min())


def _document(config: Config, values: Mapping[str, object]) -> dict[str, Any]:
    """What differs from the defaults, and the values that were chosen."""
    document = config.model_dump(
        mode="json", exclude_defaults=True, exclude={"extends", "search", "version"}
    )
    document["model"] = {"kind": config.model.kind} | document.get("model", {})
    for key, value in values.items():
        *path, name = key.split(".")
        section = document
        for part in path:
            section = section.setdefault(part, {})
        section[name] = value
    return document


def _refuse_another(text: str, path: Path, config: Config) -> None:
    """What is written has to be the recipe that was tried."""
    read = parse_config(text, path).config
    for name in RECIPE:
        own, other = getattr(read, name), getattr(config, name)
        if name == "training":
            own, other = (part.model_copy(update={"ensemble": None}) for part in (own, other))
        if own != other:
            raise ValueError(f"{name} is {own} as written, and was {other}")
