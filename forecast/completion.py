"""What a shell is offered when somebody presses the tabulator in a `forecast` command."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from forecast.commands.init import EXAMPLES
from forecast.config.models import NETWORKS
from forecast.config.schema import Config
from forecast.errors import ForecastError
from forecast.methods import method_names
from forecast.runs.store import LATEST, run_folders

# Of `forecast plot`, by name: where they are drawn takes a second to load.
FIGURES = ("history", "forecast", "steps", "residuals", "backtest", "norms")

Values = Mapping[str, Any]
Complete = Callable[[str, Values], list[str]]


def configs(incomplete: str, values: Values) -> list[str]:
    """Configs here, and those in configs/ by their name alone."""
    there = {path.name for folder in (Path(), Path("configs")) for path in folder.glob("*.yaml")}
    return _beginning(sorted(there), incomplete)


def settings(incomplete: str, values: Values) -> list[str]:
    """Keys of the config, and after `=` the values that a key may have where they are few."""
    key, equals, begun = incomplete.partition("=")
    keys = dict(_keys(Config))
    if equals:
        return [f"{key}={value}" for value in _beginning(keys.get(key, []), begun)]
    return [f"{known}=" for known in _beginning(list(keys), incomplete)]


def runs(incomplete: str, values: Values) -> list[str]:
    """The names of runs, and `latest`."""
    root = Path(str(values.get("runs") or os.environ.get("FORECAST_RUNS") or "runs"))
    try:
        names = [path.name for path in run_folders(root)]
    except ForecastError:
        names = []
    return _beginning([LATEST, *(name for name in names if name != LATEST)], incomplete)


def figures(incomplete: str, values: Values) -> list[str]:
    """Figures; of the first word also runs."""
    first = [] if values.get("arguments") else runs(incomplete, values)
    return [*first, *_beginning(list(FIGURES), incomplete)]


def methods(incomplete: str, values: Values) -> list[str]:
    """Methods to compare with; after a comma the next of them."""
    return _one_more(method_names(), incomplete)


def networks(incomplete: str, values: Values) -> list[str]:
    """Kinds of networks to compare; after a comma the next of them."""
    return _one_more(NETWORKS, incomplete)


def examples(incomplete: str, values: Values) -> list[str]:
    """The examples of `forecast init`."""
    return _beginning(list(EXAMPLES), incomplete)


KINDS: Mapping[str, Complete] = {
    "config": configs,
    "example": examples,
    "set": settings,
    "run": runs,
    "figure": figures,
    "methods": methods,
    "networks": networks,
}


def _one_more(known: Sequence[str], incomplete: str) -> list[str]:
    """Lists with commas that go on with each of the words that they do not have."""
    before, comma, begun = incomplete.rpartition(",")
    named = before.split(",")
    words = [word for word in known if word not in named]
    return [f"{before}{comma}{word}" for word in _beginning(words, begun)]


def _beginning(words: list[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


def _keys(section: type[BaseModel], above: str = "") -> Iterator[tuple[str, list[str]]]:
    """Every dotted key below a section that has a value of its own, and its choices."""
    for name, field in section.model_fields.items():
        below = [kind for kind in _parts(field.annotation) if _is_section(kind)]
        words = [word for word in _parts(field.annotation) if isinstance(word, str)]
        is_many = "tuple" in str(field.annotation)
        if not below or is_many:
            yield f"{above}{name}", words if not is_many else []
            continue
        if above:  # such as `training.ensemble=5`
            yield f"{above}{name}", []
        for kind in below:
            yield from _keys(kind, f"{above}{name}.")


def _is_section(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _parts(annotation: object) -> Iterator[Any]:
    """Everything inside an annotation."""
    yield annotation
    for inner in get_args(annotation):
        yield from _parts(inner)
