"""A commented config to start from: for an example, or for a table that was looked at."""

import os
from importlib.resources import files
from pathlib import Path

from forecast.commands.recipe import recipe
from forecast.data.export import write_file
from forecast.data.profile import Profile, profile_table
from forecast.errors import Problem, UsageError

# In the repository these are links to configs/ and data/, so that the example is not kept twice.
_EXAMPLE = ("air.yaml", "airline-passengers.csv")


def init_example(folder: Path) -> list[Path]:
    """Write the airline example's config and data into a folder.

    Raises `UsageError` where one of the files is there already, or can not be written.
    """
    example = files("forecast") / "example"
    contents = {folder / name: (example / name).read_bytes() for name in _EXAMPLE}
    config = folder / "air.yaml"
    contents[config] = contents[config].replace(b"../data/", b"")
    write_new(contents)
    return list(contents)


def init_table(
    table: Path,
    output: Path,
    *,
    horizon: int | None = None,
    time: str | None = None,
    target: str | None = None,
    unique_id: str | None = None,
) -> Profile:
    """Profile at a table and write the recipe that suits it; what was seen.

    Raises `DataError` for a table that can not be read, `UsageError` where the config exists.
    """
    look = profile_table(table, time, target, unique_id)
    write_new({output: recipe(look, horizon, output.parent).encode()})
    return look


def write_new(contents: dict[Path, bytes]) -> None:
    """Write files, none of which may exist: a config is somebody's work.

    Raises `UsageError` where one does, or can not be written.
    """
    for path in contents:
        if os.path.lexists(path):  # a link may lead to somebody's work, or nowhere yet
            advice = "Move it away, or write elsewhere: nothing is overwritten."
            raise UsageError(Problem(f"{path} exists already.", advice))
    for path, content in contents.items():
        write_file(content, path)


def seen(look: Profile) -> str:
    """One line on what a table is."""
    panel = look.panel
    season = f"a season of {look.season_length}" if look.has_season else "no clear season"
    swings = ", swings that grow with the level" if look.is_multiplicative else ""
    return (
        f"{len(panel.values)} rows, {len(panel.unique_ids)} series, frequency {panel.freq}, "
        f"{season}{swings}"
    )
