"""Seconds by stage."""

import time

import pytest

from forecast.stopwatch import Stopwatch


def test_a_stage_that_is_entered_again_goes_on() -> None:
    """The sum of its visits, within the whole."""
    stopwatch = Stopwatch()
    for _ in range(2):
        with stopwatch.stage("fit"):
            time.sleep(0.02)
    with stopwatch.stage("score"):
        pass
    assert list(stopwatch.seconds) == ["fit", "score"]
    assert stopwatch.seconds["fit"] >= 0.04
    assert stopwatch.seconds["score"] < stopwatch.seconds["fit"]
    assert sum(stopwatch.seconds.values()) <= stopwatch.total()


def test_a_stage_that_fails_is_timed_too() -> None:
    """The error passes through."""
    stopwatch = Stopwatch()
    with pytest.raises(ValueError, match="it"), stopwatch.stage("fit"):
        raise ValueError("it")
    assert "fit" in stopwatch.seconds
