"""A commented config to start from: for an example, or for a table that was looked at."""

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np

from forecast import DISTRIBUTION
from forecast.commands.recipe import Recipe, recipe
from forecast.config import parse_config
from forecast.console import Console
from forecast.data.calendar import iso
from forecast.data.export import write_file
from forecast.data.panel import Panel
from forecast.data.profile import Hints, Profile, profile_table
from forecast.data.sources.content import is_stream
from forecast.errors import Problem, UsageError, did_you_mean
from forecast.jobs.job import plan_job

# In the repository these are links to configs/ and data/, so that no example is kept twice. Of each
# the recipes, the one to begin with first, and the table that they are for.
EXAMPLES = {"airline": ("air.yaml", "air-best.yaml", "airline-passengers.csv")}

FindRecipe = Callable[[Profile, int | None, Path], Recipe]
"""Finds the recipe of a table for so many steps, to stand at a path."""

_LACKS_BLEND = (
    "a blend with statistical methods would suit such series better: "
    f"pip install '{DISTRIBUTION}[stats]', then `forecast init` again"
)


def init_example(folder: Path, name: str = "airline") -> list[Path]:
    """Write an example's recipes and data into a folder.

    Raises `UsageError` for an example that there is not, and where one of the files is there
    already, or can not be written.
    """
    if name not in EXAMPLES:
        advice = did_you_mean(name, list(EXAMPLES))
        raise UsageError(Problem(f"there is no example {name!r}.", advice))
    example = files("forecast") / "example"
    paths = [folder / file for file in EXAMPLES[name]]
    refuse_existing(paths)
    for path in paths:
        content = (example / path.name).read_bytes()
        if path.suffix == ".yaml":  # in the repository tables lie beside the folder of configs
            content = content.replace(b"../data/", b"")
        write_file(content, path)
    return paths


def examples_text() -> str:
    """The examples that there are, each with its files."""
    return "\n".join(f"{name}: {', '.join(names)}" for name, names in EXAMPLES.items())


def config_for(table: Path) -> Path:
    """What a config is called where nobody says: `sales.yaml` for `sales.csv` and `sales-*.csv`."""
    stem = re.sub(r"[*?\[\]]", "", table.name.split(".", maxsplit=1)[0]).strip("-_ ")
    return Path(f"{stem or 'table'}.yaml")


def init_table(
    table: Path,
    output: Path,
    *,
    horizon: int | None = None,
    hints: Hints | None = None,
    blend: bool = True,
) -> Profile:
    """Look at a table and write the recipe that suits it by rule of thumb; what was seen.

    See `look_at` and `write_recipe` for what is raised.
    """
    profile = look_at(table, output, hints)
    write = partial(rule_of_thumb, blend=blend)
    return replace(profile, notes=write_recipe(profile, output, horizon, write))


def look_at(
    table: Path, output: Path, hints: Hints | None = None, console: Console | None = None
) -> Profile:
    """What a table is, of which a config is to be written.

    Raises `DataError` for a table that can not be read, `UsageError` where the config exists, or
    where it takes a person to say what is to be forecast.
    """
    profile = profile_table(table, hints, console)
    refuse_existing([output])
    return profile


def rule_of_thumb(profile: Profile, horizon: int | None, output: Path, *, blend: bool) -> Recipe:
    """The recipe that suits a table by its looks; no blend unless `blend` is true."""
    return recipe(profile, horizon, output.parent, blend=blend)


def write_recipe(
    profile: Profile, output: Path, horizon: int | None, find: FindRecipe
) -> tuple[str, ...]:
    """Write the recipe that is found for a table; what else would help it.

    Raises `DataError` where the table is too short for any.
    """
    written = find(profile, horizon, output)
    # A config that `train` would refuse helps nobody.
    plan_job(parse_config(written.text, output), profile.table)
    write_file(written.text.encode(), output)
    return (_LACKS_BLEND,) if written.would_blend else ()


def next_command(config: Path, table: Path | None) -> str:
    """What to type next; a table that came through a pipe has to come again."""
    again = " < TABLE" if table is not None and is_stream(str(table)) else ""
    return f"forecast train --config {config}{again}"


def refuse_existing(paths: Iterable[Path]) -> None:
    """Raise `UsageError` where one of the files exists: a config is somebody's work."""
    for path in paths:
        if os.path.lexists(path):  # a link may lead to somebody's work, or nowhere yet
            advice = "Move it away, or write elsewhere: nothing is overwritten."
            raise UsageError(Problem(f"{path} exists already.", advice))


def seen(profile: Profile) -> str:
    """What a table is, as it was understood: a line, its first rows, and what to know of it."""
    panel = profile.panel
    season = f"a season of {profile.season_length}" if profile.has_season else "no clear season"
    swings = ", swings that grow with the level" if profile.is_multiplicative else ""
    zeros = ", intermittent: many values are zero" if profile.is_intermittent else ""
    line = (
        f"{len(panel.values)} rows, {len(panel.unique_ids)} series, frequency {panel.freq}, "
        f"{season}{swings}{zeros}"
    )
    done = ", ".join(filter(None, [profile.sample, str(profile.table.reading)]))
    unused = ", ".join([*profile.unused, *profile.unused_static])
    said = [done, f"not used (they might be covariates): {unused}" if unused else ""]
    return "\n".join([line, *filter(None, said), *_first_rows(panel), *profile.notes])


def _first_rows(panel: Panel) -> list[str]:
    """The first rows and the last, as they were understood."""
    last = len(panel.values) - 1
    picked = np.unique([*range(min(3, last)), last])
    moments = iso(panel.dates(picked))
    names = [panel.unique_ids[series] for series in panel.series_of(picked)]
    rows = [
        f"  {name}  {moment}  {value:g}"
        for name, moment, value in zip(names, moments, panel.values[picked], strict=True)
    ]
    return [*rows[:-1], "  ...", rows[-1]] if last > 3 else rows
