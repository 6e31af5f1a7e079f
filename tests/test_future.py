"""Forecasts far ahead: as far as there are dates, step by step, and saying how far they are."""

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast import display
from forecast.commands.predict import predict
from forecast.console import Console
from forecast.data.calendar import dates
from forecast.data.future import MOST_ROWS, _steps_left, refuse_endless
from forecast.data.panel import Panel
from forecast.display import step_progress
from forecast.errors import UsageError
from forecast.jobs.opening import open_network
from forecast.runs import find_run
from forecast.windows import Inputs


@pytest.mark.parametrize("freq", ["YS", "QS", "MS", "W-SUN", "B", "h", "MS+14D"])
def test_the_last_step_that_is_left_has_a_date(freq: str) -> None:
    """And little more than that does not; days are as long as they are."""
    last = pd.Timestamp("2020-01-01")
    most = _steps_left(last, freq)
    first = pd.DatetimeIndex([pd.Timestamp("2020-01-15") if "+" in freq else last]).as_unit("us")
    if most < 100_000:  # all dates until then are made
        [date] = pd.DatetimeIndex(dates(first, np.array([most]), freq))
        assert 9970 <= date.year <= 9999
    days = {"YS": 365.2425, "QS": 91.31, "W-SUN": 7, "B": 1.4, "h": 1 / 24}.get(freq, 30.437)
    assert most == pytest.approx(7979.9 * 365.2425 / days, rel=5e-3)


def test_what_can_never_end_is_refused_at_once(make_panel: Callable[..., Panel]) -> None:
    """With how many steps would do."""
    months = make_panel([[1.0, 2.0, 3.0]])
    with pytest.raises(UsageError) as caught:
        refuse_endless(months, 100_000)
    message, advice = str(caught.value).splitlines()
    assert message == ("100,000 steps of the frequency MS after 2000-03-01 lie past the year 9999.")
    refuse_endless(months, int(advice.removeprefix("Ask for fewer steps: --horizon ")[:-1]))
    seconds = make_panel([[1.0, 2.0]] * 4, freq="s")
    refuse_endless(seconds, MOST_ROWS // 4)
    with pytest.raises(UsageError, match=r"of 4 series would be more than 20,000,000 rows\."):
        refuse_endless(seconds, MOST_ROWS // 4 + 1)


def test_predict_refuses_before_it_begins(run: Path) -> None:
    """A number of any size."""
    with pytest.raises(UsageError, match=r"lie past the year 9999\."):
        predict(open_network(find_run(run.parent)), horizon=10**30)


def test_many_steps_are_one_step_after_another(run: Path) -> None:
    """What is forecast becomes the context; every step is told of once, the same at any horizon."""
    opened = open_network(find_run(run.parent))
    [branch] = opened.network.branches
    panel = opened.network.shared.apply(opened.known).panel
    told: list[int] = []
    [outputs] = branch.outputs(panel, panel.ends - 1, 30, told.append)
    assert told == [1] * 30
    transformed = branch.transforms.apply(panel)
    past = transformed.panel.values[-12:].astype(np.float32)
    for step in range(30):
        value = branch.network.predict(Inputs(past[None, :, None])).item()
        expected = transformed.invert(np.full((1, step + 1), value), panel.ends - 1)[0, step]
        assert outputs[0, step] == pytest.approx(expected, rel=1e-5)
        past = np.append(past[1:], np.float32(value))


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("console", "patience", "is_shown"),
    [
        (Console(), 0.0, True),
        (Console(), 60.0, False),
        (Console(progress=False), 0.0, False),
        (Console(quiet=True), 0.0, False),
    ],
)
def test_a_long_forecast_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, console: Console, patience: float, is_shown: bool
) -> None:
    """On a terminal, after a while, unless one asks for silence."""
    stderr = _Terminal()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(display, "_PATIENCE", patience)
    with step_progress(console, 100_000, 2) as note:
        note(50_000)
        time.sleep(0.01)
        note(50_000)
    assert ("step 50000/100000  50 %" in stderr.getvalue()) == is_shown
    assert is_shown or stderr.getvalue() == ""
