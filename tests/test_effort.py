"""`forecast init --effort`: recipes are tried within the training rows before one is written."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

from forecast.commands import effort
from forecast.commands.effort import PURSES, override, tried_recipe
from forecast.commands.recipe import recipe
from forecast.commands.recipe_blend import MEMBERS
from forecast.commands.recipe_family import family
from forecast.commands.recipe_network import RULE, Variation
from forecast.config import parse_config
from forecast.config.blend import OVERRIDES
from forecast.console import Console
from forecast.data.profile import Profile, profile_table
from forecast.jobs.job import plan_job
from forecast.jobs.tryout import Purse, course_of, some_of, try_out

Cli = Callable[..., CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]

TINY = Purse(
    origins=2, series=10, seeds=1, windows=600, work=10**9, rows=10_000, table=10_000, seconds=600
)
QUIET = Console(quiet=True)


def _table(
    path: Path, *, series: int = 1, rows: int = 60, test: float = 1.0, freq: str = "D"
) -> Path:
    """Weeks with a trend; `test` is what the last six values of each series are multiplied by."""
    random = np.random.default_rng(0)
    time = np.arange(rows)
    parts = []
    for i in range(series):
        y = 200 + time + 30 * np.sin(time * 2 * np.pi / 7) + random.normal(0, 4, rows)
        y[-6:] *= test
        days = pd.date_range("1990-01-01", periods=rows, freq=freq).strftime("%Y-%m-%d %H:%M")
        parts.append(pd.DataFrame({"shop": f"s{i:02}", "day": days, "sold": y.round(2)}))
    pd.concat(parts).to_csv(path, index=False)
    return path


def _look(
    path: Path, *, series: int = 1, rows: int = 60, test: float = 1.0, freq: str = "D"
) -> Profile:
    return profile_table(_table(path, series=series, rows=rows, test=test, freq=freq))


def _tried(look: Profile, folder: Path, *, blend: bool = False) -> str:
    """What is written after trials of a few steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effort, "PURSES", {"low": TINY})
        find = partial(tried_recipe, blend=blend, effort="low", console=QUIET)
        return find(look, 6, folder / "t.yaml").text


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What is written for one series."""
    folder = tmp_path_factory.mktemp("found")
    return _tried(_look(folder / "t.csv"), folder)


def test_what_was_tried_stands_above_a_valid_config(found: str, tmp_path: Path) -> None:
    """With scores, beside simple methods, and how sure the lead is."""
    head = found[: found.index("\ndata:")]
    assert all(line.startswith("#") for line in head.splitlines())
    assert "--effort low" in head
    assert "RMSE" in head
    for name in (
        "usual network",
        "changes since the season before",
        "changes of two kinds",
        "seasonal_naive",
    ):
        assert re.search(rf"^#   .*{name}.* \d", head, re.MULTILINE), name
    assert re.search(r"err \d+ % (less|more) than seasonal naive \(p [=<] [\d.]+\)", head)
    config = parse_config(found, tmp_path / "t.yaml").config
    assert config.split.test == 6
    assert config.training.epochs == 200  # and not what the trials had


def test_equal_tables_end_equally(found: str, tmp_path: Path) -> None:
    """To the byte, though the clock and the test part are others.

    A planted leak: test rows that a copy of the last season would hit are not looked at.
    """
    assert _tried(_look(tmp_path / "t.csv"), tmp_path) == found
    assert _tried(_look(tmp_path / "t.csv", test=1.3), tmp_path) == found


def test_nothing_is_tried_with_no_effort(cli: Cli, tmp_path: Path) -> None:
    """What is written is the rule of thumb, to the byte; the variable says so too."""
    table = _table(tmp_path / "t.csv")
    rule = recipe(profile_table(table), 6, tmp_path).text.replace(str(tmp_path) + "/", "")
    for i, words in enumerate([["--effort", "none"], []]):
        result = cli("init", "t.csv", "--horizon", "6", "-o", f"{i}.yaml", *words)
        assert result.returncode == 0, result.stderr
        assert (tmp_path / f"{i}.yaml").read_text() == rule


def test_a_panel_is_judged_by_its_series(tmp_path: Path) -> None:
    """A panel's table has MASE, over as many series as the purse has."""
    look = _look(tmp_path / "t.csv", series=12, freq="MS")
    text = _tried(look, tmp_path)
    assert "for 10 series from" in text.replace("\n# ", " ")
    assert "MASE" in text
    names = ["usual network", "longer context", "season before", "standardised"]
    assert [own.name for own in family(look)] == names
    for own in family(look):
        assert f"#   {own.name} " in text


def test_of_one_series_a_network_is_tried_and_methods_are_weighed(tmp_path: Path) -> None:
    """Few origins choose the network alone: who of unlike members counts, many more tell."""
    look = _look(tmp_path / "t.csv", freq="MS", rows=70)
    config = parse_config(_tried(look, tmp_path, blend=True), tmp_path / "t.yaml").config
    assert config.blend
    assert [own for own in config.blend.members if isinstance(own, str)] == list(MEMBERS[1:])
    assert len(config.blend.members) == len(MEMBERS)
    assert config.blend.weights == "validated"


def test_a_second_network_is_written_as_what_it_has_otherwise(tmp_path: Path) -> None:
    """Read again it is the network that was tried, whichever that is; and the text is one line."""
    for freq in ("D", "MS"):
        look = _look(tmp_path / "t.csv", series=12 if freq == "MS" else 40, freq=freq, rows=70)
        texts = {
            own.name: recipe(look, 6, tmp_path, blend=False, variation=own).text
            for own in family(look, is_large=True)
        }
        assert len(texts) > 3
        configs = {
            name: parse_config(text, tmp_path / "t.yaml").config for name, text in texts.items()
        }
        main, *others = configs.values()
        members = ["{}", *(override(own, main) for own in others)]
        assert not any("\n" in member for member in members)
        text = recipe(look, 6, tmp_path, members=members).text
        read = parse_config(text, tmp_path / "t.yaml").networks.values()
        for own, other in zip(read, configs.values(), strict=True):
            for section in OVERRIDES:
                assert getattr(own.config, section) == getattr(other, section)


def test_without_statistical_methods_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the config, with the way to have them; Python finds no module whose entry is None."""
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    text = _tried(_look(tmp_path / "t.csv"), tmp_path, blend=True)
    assert (
        "# No statistical method was tried, for they are not installed: "
        "pip install 'keras-forecast[stats]'.\n"
    ) in text
    assert "auto_theta" not in text


@pytest.mark.parametrize(
    ("freq", "rows", "cycles"), [("h", 800, 2), ("h", 400, 1), ("h", 200, 0), ("D", 800, 0)]
)
def test_weeks_are_tried_as_a_context_of_hours(
    tmp_path: Path, freq: str, rows: int, cycles: int
) -> None:
    """Two, or as many as leave half of the rows."""
    look = replace(_look(tmp_path / "t.csv", series=12, rows=rows, freq=freq), has_season=True)
    look = replace(look, season_length=24 if freq == "h" else 7)
    found = [own.cycles for own in family(look) if own.cycles]
    assert found == ([cycles] if cycles else [])
    for own in family(look):
        assert recipe(look, 6, tmp_path, blend=False, variation=own).text


def test_too_few_rows_leave_the_rule_of_thumb(tmp_path: Path) -> None:
    """And the config says why."""
    look = _look(tmp_path / "t.csv", rows=12)
    found = _tried(look, tmp_path)
    assert found.endswith(recipe(look, 6, tmp_path, blend=False).text)
    assert "No recipe was tried" in found


def test_origins_lie_within_the_training_rows(tmp_path: Path) -> None:
    """And at least half of the rows of each series that is judged before them."""
    look = _look(tmp_path / "t.csv", series=12, freq="MS")
    job = plan_job(parse_config(recipe(look, 6, tmp_path).text, tmp_path / "t.yaml"), look.table)
    course = course_of(job, TINY)
    assert course
    assert len(course.past.panel.values) == 12 * 54
    assert [len(origin.cutoffs) for origin in course.origins] == [10, 10]
    for origin in course.origins:
        left = origin.fitted_at + 1 - course.past.panel.starts
        assert (2 * left >= 54).all()
        assert (origin.cutoffs + course.horizon < course.past.panel.ends[origin.units]).all()


def test_large_tables_are_tried_in_part(tmp_path: Path) -> None:
    """Some of the series, and of few long ones the last rows."""
    panel = _look(tmp_path / "t.csv", series=12).panel
    assert some_of(panel, TINY) is panel
    part = some_of(panel, replace(TINY, table=180))
    assert len(part.unique_ids) == 3
    assert len(part.values) == 180
    last = some_of(panel.of(np.arange(12) == 0), replace(TINY, table=20))
    np.testing.assert_array_equal(last.values, panel.values[40:60])


def test_a_candidate_that_can_not_be_is_dropped_with_a_word(tmp_path: Path) -> None:
    """A context that the rows have no room for, or a purse that is spent; the first is tried."""
    look = _look(tmp_path / "t.csv")
    texts = {
        own.name: recipe(look, 6, tmp_path, blend=False, variation=own).text
        for own in (
            RULE,
            Variation("far too long", change="season", context=40),
            Variation("late", change="step"),
        )
    }
    sources = {name: parse_config(text, tmp_path / "t.yaml") for name, text in texts.items()}
    course = course_of(plan_job(sources[RULE.name], look.table), TINY)
    assert course
    tryout = try_out(course, sources, [], {}, replace(TINY, work=1), QUIET)
    assert list(tryout.forecasts) == [RULE.name]
    assert list(tryout.dropped) == ["far too long", "late"]
    assert "window" in tryout.dropped["far too long"]


def test_the_purse_of_high_effort_is_larger() -> None:
    """In everything."""
    low, high = PURSES["low"], PURSES["high"]
    assert all(getattr(high, name) > getattr(low, name) for name in vars(low))


def test_an_interrupted_search_leaves_nothing(start: Start, tmp_path: Path) -> None:
    """It ends with 130, and says so."""
    _table(tmp_path / "t.csv")
    process = start("init", "t.csv", "--effort", "low", cwd=tmp_path)
    assert process.stderr
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("trying"):
            break
    assert not process.poll(), said
    os.kill(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr.strip()) == (130, "interrupted: nothing is kept.")
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
