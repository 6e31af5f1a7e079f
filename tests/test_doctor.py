"""`forecast doctor`: what is installed, and whether it works."""

import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from packaging.requirements import Requirement

from forecast import DISTRIBUTION, __version__
from forecast.commands.doctor import doctor
from forecast.errors import MissingExtraError, require_extra

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


@pytest.mark.parametrize("backend", ["torch", "nonsense"])
def test_a_backend_that_is_not_ours_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    """In one line, with the way out, and before anything is loaded."""
    monkeypatch.setenv("KERAS_BACKEND", backend)
    assert doctor()["training"] == (
        f"does not work: KERAS_BACKEND is {backend!r}, and networks are trained with tensorflow "
        "or jax. Say --backend tensorflow, or unset the variable."
    )


def test_hints_to_install_an_extra_name_what_is_ours() -> None:
    """It is the name in pyproject.toml, which has the extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] == DISTRIBUTION == "keras-forecast"
    with pytest.raises(MissingExtraError) as caught:
        require_extra("no_such_module", "stats")
    assert f"pip install '{DISTRIBUTION}[stats]'" in str(caught.value)
    assert "stats" in project["optional-dependencies"]


def test_the_cache_is_told_and_cleared(cli: Cli, tmp_path: Path) -> None:
    """Where it is, how large, and what was removed of it."""
    table = tmp_path / "cache" / "tables" / ("0123" * 8)
    table.mkdir(parents=True)
    (table / "values.npy").write_bytes(b"0" * 1_500_000)
    environment = {"FORECAST_CACHE": str(tmp_path / "cache")}
    told = cli("doctor", environment=environment).stdout
    assert f"cache: {tmp_path / 'cache'} (1 table, 1.5 MB)" in told
    cleared = cli("doctor", "--clear-cache", environment=environment)
    assert (cleared.returncode, cleared.stdout) == (0, "")
    assert cleared.stderr == "removed from the cache: 1 table, 1.5 MB\n"
    assert not table.exists()
