"""The package as it is installed: every module, and the example."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from forecast import __version__

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_every_module_and_the_example(wheel: Path) -> None:
    """Whatever git or the build may be told to ignore."""
    assert wheel.name == f"keras_forecast-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as file:
        names = {name for name in file.namelist() if name.startswith("forecast/")}
    modules = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "forecast").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert names == modules
    assert {"forecast/py.typed", "forecast/example/air.yaml"} <= names


def test_the_installed_command_writes_the_example_anywhere(wheel: Path, tmp_path: Path) -> None:
    """From the wheel alone, far from the repository."""
    installed, empty = tmp_path / "installed", tmp_path / "empty"
    with zipfile.ZipFile(wheel) as file:
        file.extractall(installed)
    empty.mkdir()
    for arguments in (["init", "--example", "airline"], ["check", "--config", "air.yaml"]):
        result = subprocess.run(
            [sys.executable, "-m", "forecast", *arguments],
            cwd=empty,
            env={**os.environ, "PYTHONPATH": str(installed)},
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stderr
    csv = ROOT / "data" / "airline-passengers.csv"
    assert (empty / "airline-passengers.csv").read_bytes() == csv.read_bytes()
