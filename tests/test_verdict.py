"""What scores come to: the same words after train, backtest and evaluate."""

import pandas as pd
import pytest

from forecast.commands.verdict import say_verdict
from forecast.config import Config
from forecast.console import Console

DATA = {"path": "a.csv", "time": "ds", "target": "y"}


def _scores(split: str, **models: dict[str, float]) -> pd.DataFrame:
    rows = [
        (None, split, model, metric, value)
        for model, metrics in models.items()
        for metric, value in metrics.items()
    ]
    return pd.DataFrame(rows, columns=["unique_id", "split", "model", "metric", "value"])


def test_a_network_that_wins_is_not_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    """The table says it."""
    say_verdict(_scores("test", gru={"rmse": 1}, naive={"rmse": 2}), "test", "gru", Console())
    assert capsys.readouterr().err == ""


def test_series_on_which_a_baseline_wins_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Five at most, those first where it wins by most; not where it wins over all anyway."""
    own = {f"s{i}": 10.0 for i in range(8)}
    beside = {name: 8.0 - i if i < 6 else 90.0 for i, name in enumerate(own)}
    rows = [
        (name, "test", model, "rmse", value)
        for model, by_series in (("gru", own), ("naive", beside), ("drift", own))
        for name, value in by_series.items()
    ]
    each = pd.DataFrame(rows, columns=["unique_id", "split", "model", "metric", "value"])
    whole = _scores("test", gru={"rmse": 10}, naive={"rmse": 27}, drift={"rmse": 10})
    say_verdict(pd.concat([whole, each]), "test", "gru", Console())
    said = "on 6 of 8 series naive is better: s5, s4, s3, s2, s1, 1 more\n"
    assert capsys.readouterr().err == said
    whole = _scores("test", gru={"rmse": 10}, naive={"rmse": 9})
    say_verdict(pd.concat([whole, each]), "test", "gru", Console())
    assert "series" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("sections", "is_advised"),
    [
        ({}, True),
        ({"transforms": ["minmax"]}, True),
        ({"transforms": ["log"]}, False),
        ({"transforms": [{"kind": "difference", "lag": "season"}, "minmax"]}, False),
        ({"window": {"normalize": "standard"}}, False),
        ({"window": {"residual_of": "last"}}, False),
    ],
)
def test_a_recipe_is_advised_where_there_is_none(
    capsys: pytest.CaptureFixture[str], sections: dict[str, object], is_advised: bool
) -> None:
    """What `init` writes has transforms or a scale of each window: it is not sent there again."""
    config = Config.model_validate({"data": DATA} | sections)
    scores = _scores("backtest", gru={"rmse": 3.0}, drift={"rmse": 2.0}, naive={"rmse": 1.0})
    say_verdict(scores, "backtest", "gru", Console(), config)
    first, second, advice = capsys.readouterr().err.splitlines()
    assert first == "warning: naive is better than gru in the backtest (rmse 1)."
    assert second == "warning: drift is better than gru in the backtest (rmse 2)."
    assert advice.startswith("Prefer naive until the network beats it.")
    assert ("`forecast init FILE`" in advice) == is_advised


@pytest.mark.parametrize(
    ("metric", "coverage", "said"),
    [
        ("coverage_80", 44.0, "intervals of 80 % hold 44 % on the input part: they are too narrow"),
        ("coverage_80", 70.0, ""),
        ("coverage_80", 90.0, ""),
        ("coverage_95", 80.0, "intervals of 95 % hold 80 % on the input part: they are too narrow"),
        ("coverage_50", 90.0, "intervals of 50 % hold 90 % on the input part: they are wider"),
        ("coverage_80", float("nan"), ""),
    ],
)
def test_intervals_that_break_their_promise_draw_a_warning(
    capsys: pytest.CaptureFixture[str], metric: str, coverage: float, said: str
) -> None:
    """Chance may move a coverage a little."""
    scores = _scores("input", gru={"rmse": 1, metric: coverage}, naive={"rmse": 2})
    say_verdict(scores, "input", "gru", Console())
    stderr = capsys.readouterr().err
    assert stderr.startswith(f"warning: {said}") if said else stderr == ""


def test_quiet_silences_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code of a gate is for programs."""
    scores = _scores("test", gru={"rmse": 2}, naive={"rmse": 1})
    say_verdict(scores, "test", "gru", Console(quiet=True))
    assert capsys.readouterr().err == ""
