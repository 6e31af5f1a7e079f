"""What `check` says of columns beside the target that give it away."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.commands.check import describe
from forecast.jobs.job import prepare

MONTHS = 240
CONFIG = """\
data: {path: y.csv, time: ds, target: y, covariates: {past: [], known: [], static: []}}
split: {test: 24}
window: {context_length: 12, horizon: 3}
"""


@pytest.fixture
def table() -> pd.DataFrame:
    """A season, a walk, and noise."""
    random = np.random.default_rng(1)
    months = np.arange(MONTHS)
    y = 20 * np.sin(2 * np.pi * months / 12) + random.normal(size=MONTHS).cumsum() + 200
    return pd.DataFrame({"ds": pd.date_range("2000-01-01", periods=MONTHS, freq="MS"), "y": y})


def _warnings(folder: Path, table: pd.DataFrame, part: str) -> list[str]:
    table.to_csv(folder / "y.csv", index=False)
    (folder / "c.yaml").write_text(CONFIG)
    job = prepare(folder / "c.yaml", [f"data.covariates.{part}=[x]"])
    return [warning for warning in describe(job).warnings if warning.startswith("`x`")]


@pytest.mark.parametrize(
    ("part", "shift", "noise", "said"),
    [
        ("known", 0, 0.0, "is the target of the same step"),
        ("known", 2, 0.0, "is the target 2 steps later"),
        ("known", -2, 0.0, "is the target 2 steps before"),
        ("known", -3, 0.0, ""),  # which is known by then
        ("known", -12, 0.0, ""),  # as alike as seasons are
        ("known", 0, 0.3, "of the target's changes of the same step"),
        ("known", 0, 10.0, ""),  # a cause, such as the weather
        ("past", 0, 0.3, ""),
        ("past", 1, 0.0, "is the target 1 step later"),
        ("past", 1, 0.3, "if its dates are wrong"),
    ],
)
def test_a_column_that_gives_the_target_away_is_named(
    tmp_path: Path, table: pd.DataFrame, part: str, shift: int, noise: float, said: str
) -> None:
    """That is it, or follows it in a unit of its own, at a step that nobody knows then."""
    random = np.random.default_rng(2)
    table["x"] = table["y"].shift(-shift) + random.normal(size=MONTHS) * noise
    if noise:
        table["x"] = 7 - 3 * table["x"]
    found = _warnings(tmp_path, table, part)
    assert len(found) == bool(said)
    assert all(said in warning for warning in found)


def test_what_never_changes_gives_nothing_away(tmp_path: Path, table: pd.DataFrame) -> None:
    """There is nothing to divide by."""
    assert not _warnings(tmp_path, table.assign(x=1.0), "known")
    assert not _warnings(tmp_path, table.assign(y=5.0, x=np.arange(MONTHS) % 7), "known")
