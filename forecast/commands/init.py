"""A commented config to start from."""

from importlib.resources import files
from pathlib import Path

from forecast.errors import Problem, UsageError

# In the repository these are links to configs/ and data/, so that the example is not kept twice.
_FILES = {"air.yaml": "air.yaml", "airline-passengers.csv": "airline-passengers.csv"}


def init_example(folder: Path) -> list[Path]:
    """Write the airline example's config and data into a folder.

    Raises `UsageError` where one of the files is there already, or can not be written.
    """
    contents = {
        folder / name: (files("forecast") / "example" / source).read_bytes()
        for name, source in _FILES.items()
    }
    config = folder / "air.yaml"
    contents[config] = contents[config].replace(b"../data/", b"").replace(b"configs/", b"")
    for path in contents:
        if path.exists():
            advice = "Move it away, or go to another folder: nothing is overwritten."
            raise UsageError(Problem(f"{path} exists already.", advice))
    for path, content in contents.items():
        try:
            path.write_bytes(content)
        except OSError as error:
            raise UsageError(Problem(f"can not write {path}: {error.strerror}.")) from error
    return list(contents)
