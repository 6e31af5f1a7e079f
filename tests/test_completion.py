"""What a shell is offered: commands, options, runs, figures, methods, keys of the config."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from forecast.commands.plot import NAMES
from forecast.completion import FIGURES, KINDS
from forecast.config.load import load_config
from forecast.errors import ConfigError


def _offered(kind: str, incomplete: str, **values: object) -> list[str]:
    return KINDS[kind](incomplete, values)


def _said(path: Path, setting: str) -> str:
    """What is wrong with a setting, if anything is."""
    try:
        load_config(path, [setting])
    except ConfigError as error:
        return str(error)
    return ""


def test_every_key_that_is_offered_can_be_set(project: Path) -> None:
    """It is one that the schema has: its value may be wrong, the key is not unknown."""
    offered = _offered("set", "")
    assert {"training.epochs=", "training.ensemble=", "model.units=", "data.freq="} <= set(offered)
    assert len(offered) == len(set(offered))
    for setting in offered:
        if setting == "extends=":
            continue
        unknown = f"unknown key `{setting[:-1]}`"
        said = _said(project / "air.yaml", f"{setting}{{strange: 1}}")
        assert unknown not in said or setting.startswith("model.")


def test_values_are_offered_where_they_are_few() -> None:
    """After the key."""
    assert _offered("set", "training.loss=m") == ["training.loss=mse", "training.loss=mae"]
    assert _offered("set", "training.epochs=") == []


def test_runs_are_offered_by_name(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those in the folder that `--runs` names, else FORECAST_RUNS, else `runs`."""
    monkeypatch.chdir(run.parents[1])
    monkeypatch.delenv("FORECAST_RUNS", raising=False)
    assert _offered("run", "") == ["latest", run.name]
    assert _offered("run", "air-") == [run.name]
    assert _offered("run", "air-", runs="elsewhere") == []
    monkeypatch.setenv("FORECAST_RUNS", "elsewhere")
    assert _offered("run", "") == ["latest"]


def test_figures_are_offered_and_first_of_all_runs(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that there are."""
    monkeypatch.chdir(run.parents[1])
    assert sorted(FIGURES) == sorted(NAMES)
    assert _offered("figure", "") == ["latest", run.name, *FIGURES]
    assert _offered("figure", "s", arguments=["latest"]) == ["steps"]


def test_methods_are_offered_one_after_another() -> None:
    """None of them twice."""
    assert _offered("methods", "naive,n") == ["naive,naive2"]
    assert "drift" in _offered("methods", "")
    assert _offered("networks", "gru,lst") == ["gru,lstm"]


def test_configs_are_offered_by_name(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those in configs/."""
    monkeypatch.chdir(project)
    (project / "configs").mkdir()
    (project / "configs" / "zoo.yaml").touch()
    assert _offered("config", "z") == ["zoo.yaml"]
    assert "air.yaml" in _offered("config", "")


def test_a_shell_is_answered(run: Path) -> None:
    """As bash asks: commands, options, values, and runs."""
    for words, offered in {
        "forecast tra": "train",
        "forecast train --se": "--set",
        "forecast predict --format j": "jsonl",
        "forecast runs show air-": run.name,
    }.items():
        question = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        answer = subprocess.run(
            [sys.executable, "-m", "forecast"],
            cwd=run.parents[1],
            env=os.environ | question | {"_FORECAST_COMPLETE": "complete_bash"},
            capture_output=True,
            text=True,
        )
        assert (answer.returncode, answer.stdout, answer.stderr) == (0, f"{offered}\n", "")
