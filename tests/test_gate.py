"""`--fail-if`: a score as a condition."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import GateError, UsageError
from forecast.scoring.gate import Gate
from forecast.scoring.metrics import NAMES

KNOWN = ("naive", "seasonal_naive")


def _scores(metric: str = "mase", **values: float) -> pd.DataFrame:
    """Of one metric, by model."""
    rows = [(None, "test", model, metric, value) for model, value in values.items()]
    return pd.DataFrame(rows, columns=["unique_id", "split", "model", "metric", "value"])


def _holds(expression: str, scores: pd.DataFrame) -> bool:
    try:
        Gate(expression, KNOWN).check(scores, "test", "gru")
    except GateError:
        return True
    return False


@given(value=st.floats(-1e6, 1e6), limit=st.floats(-1e6, 1e6))
@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
def test_a_condition_holds_as_it_is_read(operator: str, value: float, limit: float) -> None:
    """As Python reads it, with blanks or without."""
    by_hand = {
        "<": value < limit,
        "<=": value <= limit,
        ">": value > limit,
        ">=": value >= limit,
    }[operator]
    assert _holds(f"mase {operator} {limit!r}", _scores(gru=value)) is by_hand
    assert _holds(f"  mase{operator}{limit!r} ", _scores(gru=value)) is by_hand


def test_a_condition_that_holds_says_the_score() -> None:
    """And for a baseline its score too."""
    scores = _scores(gru=1.25, naive=1.0)
    with pytest.raises(GateError) as caught:
        Gate("mase > 1", KNOWN).check(scores, "test", "gru")
    assert str(caught.value) == "--fail-if 'mase > 1' holds: mase is 1.25."
    with pytest.raises(GateError) as caught:
        Gate("mase >= naive", KNOWN).check(scores, "test", "gru")
    assert str(caught.value) == "--fail-if 'mase >= naive' holds: mase is 1.25, against 1."


def test_a_baseline_stands_for_its_own_score() -> None:
    """In the same metric, on the same rows."""
    assert _holds("mase > naive", _scores(gru=2, naive=1))
    assert not _holds("mase > naive", _scores(gru=1, naive=2))


@pytest.mark.parametrize(
    ("expression", "scores"),
    [
        ("mase > 1", _scores(gru=math.nan)),
        ("mase > naive", _scores(gru=1, naive=math.nan)),
        ("mase > seasonal_naive", _scores(gru=1)),
        ("rmse > 1", _scores(gru=1)),
    ],
)
def test_what_can_not_be_told_does_not_pass(expression: str, scores: pd.DataFrame) -> None:
    """An undefined score is no good score."""
    with pytest.raises(GateError, match="the score is undefined here"):
        Gate(expression, KNOWN).check(scores, "test", "gru")


@pytest.mark.parametrize(
    "metric", [*NAMES, "owa", "crps", "coverage_80", "width_80", "coverage_99.9", "width_5"]
)
def test_every_metric_of_scores_may_be_asked_for(metric: str) -> None:
    """Those of intervals at any level."""
    scores = _scores(metric, gru=2, naive=1)
    assert _holds(f"{metric} > 1", scores)
    assert not _holds(f"{metric}>2", scores)
    assert _holds(f"{metric} > naive", scores)


@pytest.mark.parametrize(
    ("metric", "advice"),
    [
        ("owa", "It is scored beside naive2: `forecast backtest --against naive2`."),
        ("crps", "They are scored where the config has a section `intervals`."),
        ("coverage_80", "They are scored where the config has a section `intervals`."),
        ("width_99.9", "They are scored where the config has a section `intervals`."),
    ],
)
def test_a_metric_that_the_scores_lack_does_not_pass(metric: str, advice: str) -> None:
    """And is told from one that is undefined."""
    with pytest.raises(GateError) as caught:
        Gate(f"{metric} < 1", KNOWN).check(_scores(gru=1), "test", "gru")
    message = f"--fail-if '{metric} < 1': the scores have no {metric}."
    assert str(caught.value) == f"{message}\n{advice}"


def test_a_level_that_the_scores_lack_is_answered_with_those_they_have() -> None:
    """The config decides which."""
    scores = pd.concat([_scores(f"coverage_{level}", gru=1) for level in (80, 95)])
    with pytest.raises(GateError) as caught:
        Gate("coverage_90 < 85", KNOWN).check(scores, "test", "gru")
    assert str(caught.value).splitlines() == [
        "--fail-if 'coverage_90 < 85': the scores have no coverage_90.",
        "Known here: coverage_80, coverage_95.",
    ]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("mase", "--fail-if 'mase' is no condition."),
        ("", "--fail-if '' is no condition."),
        ("mase > ", "--fail-if 'mase > ' is no condition."),
        ("mase == 1", "--fail-if 'mase == 1' is no condition."),
        ("mase > 1 or mase < 0", "--fail-if 'mase > 1 or mase < 0' is no condition."),
        ("mase > nan", "--fail-if: 'nan' is neither a number nor a baseline."),
        ("mase > naiv", "--fail-if: 'naiv' is neither a number nor a baseline."),
        ("mse > 1", "--fail-if: there is no metric 'mse'."),
        ("coverage > 80", "--fail-if: there is no metric 'coverage'."),
        ("coverage_ > 80", "--fail-if: there is no metric 'coverage_'."),
        ("crps_80 > 1", "--fail-if: there is no metric 'crps_80'."),
        ("width_80_ > 1", "--fail-if: there is no metric 'width_80_'."),
        ("__import__('os') > 1", "--fail-if \"__import__('os') > 1\" is no condition."),
    ],
)
def test_what_is_no_condition_is_refused(expression: str, message: str) -> None:
    """Before anything is computed; nothing is evaluated as code."""
    with pytest.raises(UsageError) as caught:
        Gate(expression, KNOWN)
    assert str(caught.value).splitlines()[0] == message
