"""What `forecast init` writes for slow series: masked growth, blended with statistical methods."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

from forecast.commands.init import init_table, seen
from forecast.config.blend import BlendOptions, MemberOptions
from forecast.config.schema import Config, IntervalsOptions, WindowOptions
from forecast.jobs.job import prepare

Cli = Callable[..., CompletedProcess[str]]
MEMBERS: tuple[MemberOptions, ...] = ({}, "auto_theta", "auto_ets", "auto_ces")


def _grown(lengths: Sequence[int], freq: str, start: str = "1950-01-01") -> pd.DataFrame:
    """Series that grow at rates of their own, by chance a little more or less."""
    random = np.random.default_rng(0)
    return pd.concat(
        pd.DataFrame(
            {
                "firm": f"f{i:02}",
                "when": pd.date_range(start, periods=length, freq=freq),
                "sales": 100 * np.exp(np.cumsum(random.normal(0.04, 0.05, length))),
            }
        )
        for i, length in enumerate(lengths)
    )


def _config(folder: Path, frame: pd.DataFrame, *, horizon: int = 4, blend: bool = True) -> Config:
    """What is written for a table, after all checks of `forecast check`."""
    frame.to_csv(folder / "t.csv", index=False)
    init_table(folder / "t.csv", folder / "t.yaml", horizon=horizon, blend=blend)
    return prepare(folder / "t.yaml").config


def test_a_panel_of_years_is_read_as_growth_and_blended(tmp_path: Path) -> None:
    """Masked, so that short series are trained on too; one origin calibrates a panel."""
    config = _config(tmp_path, _grown([14, 25, 40] * 8, "YS"))
    assert [options.kind for options in config.transforms] == ["log"]
    assert config.window == WindowOptions(
        context_length=6, horizon=4, normalize="last", residual_of="last", padding="mask"
    )
    assert config.split.test == 4
    assert config.blend == BlendOptions(members=MEMBERS)
    assert config.intervals == IntervalsOptions(n_windows=1)


def test_values_that_have_no_logarithm_are_standardised(tmp_path: Path) -> None:
    """Their changes are no growth, and series of any level have to look alike."""
    frame = _grown([30] * 12, "QS")
    frame["sales"] -= 120
    config = _config(tmp_path, frame)
    assert config.transforms == ()
    assert config.window.normalize == "standard"
    assert config.window.padding == "mask"


@pytest.mark.parametrize(("lengths", "n_windows"), [([13] * 40, 1), ([15] * 40, 3), ([60] * 40, 4)])
def test_short_panels_have_fewer_origins(
    tmp_path: Path, lengths: list[int], n_windows: int
) -> None:
    """As many as half of the series have rows for; four, the default, where they all have."""
    config = _config(tmp_path, _grown(lengths, "YS"))
    assert config.blend
    assert config.blend.n_windows == n_windows
    assert config.intervals == IntervalsOptions(n_windows=1)


def test_one_series_tells_by_many_origins(tmp_path: Path, airline_csv: Path) -> None:
    """A panel has other series; a single one other months."""
    init_table(airline_csv, tmp_path / "t.yaml")
    config = prepare(tmp_path / "t.yaml").config
    assert config.blend == BlendOptions(members=MEMBERS, n_windows=20, stride=1)
    assert config.intervals == IntervalsOptions(n_windows=20)


def test_a_series_too_short_for_origins_weighs_all_alike(tmp_path: Path) -> None:
    """And promises no interval."""
    config = _config(tmp_path, _grown([24], "YS"))
    untried = tuple(own for own in MEMBERS if own != "auto_ces")  # far off in some such series
    assert config.blend == BlendOptions(members=untried, weights="equal")
    assert config.intervals is None


@pytest.mark.parametrize(
    "frame",
    [_grown([120] * 12, "D"), _grown([2000] * 40, "MS", "1800-01-01")],
    ids=["days", "too many rows"],
)
def test_fast_and_large_tables_are_left_to_the_network(tmp_path: Path, frame: pd.DataFrame) -> None:
    """There it is ahead alone, or fitting the methods takes more than minutes."""
    assert _config(tmp_path, frame).blend is None


def test_a_blend_can_be_left_out(cli: Cli, tmp_path: Path, airline_csv: Path) -> None:
    """By an option; the network reads the level then, which methods know beside it."""
    assert cli("init", airline_csv, "-o", "with.yaml").returncode == 0
    assert cli("init", airline_csv, "-o", "alone.yaml", "--no-blend").returncode == 0
    both, alone = (prepare(tmp_path / f"{name}.yaml").config for name in ("with", "alone"))
    assert both.blend
    assert [own.kind for own in both.transforms] == ["log", "difference", "standard"]
    assert (both.window.horizon, both.window.residual_of) == (1, "none")
    assert (alone.blend, alone.intervals) == (None, None)
    assert [own.kind for own in alone.transforms] == ["deseasonalize"]
    assert (alone.window.horizon, alone.window.residual_of) == (12, "last")


def test_what_a_blend_would_need_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the network forecasts alone; Python finds no module whose entry is None."""
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    _grown([30] * 12, "YS").to_csv(tmp_path / "t.csv", index=False)
    profile = init_table(tmp_path / "t.csv", tmp_path / "t.yaml")
    assert seen(profile).splitlines()[-1] == (
        "a blend with statistical methods would suit such series better: "
        "pip install 'keras-forecast[stats]', then `forecast init` again"
    )
    assert prepare(tmp_path / "t.yaml").config.blend is None
    profile = init_table(tmp_path / "t.csv", tmp_path / "alone.yaml", blend=False)
    assert not profile.notes


def test_its_run_is_ahead_of_repeating_the_last_value(cli: Cli, tmp_path: Path) -> None:
    """On series that grow; two epochs are enough for that."""
    _grown([20, 26] * 6, "YS").to_csv(tmp_path / "t.csv", index=False)
    assert cli("init", "t.csv", "--horizon", "3").returncode == 0
    fast = ("--set", "training.ensemble=1", "--set", "training.epochs=2", "--set", "model.units=4")
    trained = cli("train", "--config", "t.yaml", *fast)
    assert trained.returncode == 0, trained.stderr
    assert "auto_ces" in trained.stderr
    result = cli("evaluate", "--fail-if", "coverage_80 < 40")
    assert result.returncode == 0, result.stderr
    scores = pd.read_csv(next((tmp_path / "runs").iterdir()).resolve() / "scores.csv")
    mase = scores[(scores.metric == "mase") & scores.unique_id.isna()].set_index("model")["value"]
    assert mase["blend"] < mase["naive"]
