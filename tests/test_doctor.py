"""`forecast doctor`: what is installed, and whether it works."""

import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from subprocess import CompletedProcess

from packaging.requirements import Requirement

from forecast import __version__

Cli = Callable[..., CompletedProcess[str]]
ROOT = Path(__file__).parents[1]


def test_every_dependency_is_named_with_its_version(cli: Cli) -> None:
    """And the backend with the devices that it sees."""
    result = cli("doctor")
    assert result.returncode == 0
    found = dict(line.split(": ", 1) for line in result.stdout.splitlines())
    assert found["forecast"] == __version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name in (Requirement(text).name for text in project["dependencies"]):
        assert found[name.replace(".", "-")] == version(name)
    assert found["backend"] == "tensorflow"
    assert "CPU:0" in found["devices"]
    assert result.stderr == ""
