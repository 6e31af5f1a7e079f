"""Forecasts without Keras: one call of the network, or its own forecasts fed back."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.data.calendar import iso
from forecast.data.panel import IntArray, Panel
from forecast.errors import DivergedError, RunError
from forecast.jobs.opened_network import OpenedNetwork
from forecast.jobs.opening import open_network
from forecast.methods.network import OnnxPredictor
from forecast.runs import find_run
from forecast.scoring.conformal import Conformal
from forecast.transforms import Code, Pipeline, Terms
from forecast.transforms.affine import Affine
from forecast.windows import Inputs


@pytest.fixture(scope="module")
def opened(trained: Path) -> OpenedNetwork:
    """The airline run."""
    return open_network(find_run(trained.parent))


def _say(opened: OpenedNetwork, panel: Panel, cutoffs: np.ndarray, horizon: int) -> np.ndarray:
    return opened.network.forecast(panel, cutoffs, horizon).y_hat


@pytest.fixture(scope="module")
def airline(make_panel: Callable[..., Panel], airline_values: np.ndarray) -> Panel:
    """The airline panel, whatever its dates."""
    return make_panel([list(airline_values)])


def test_many_steps_are_the_network_fed_its_own_forecasts(
    opened: OpenedNetwork, airline: Panel
) -> None:
    """Step by step by hand: scale, call, append, drop the oldest, and scale back at the end."""
    scale, shift = (opened.network.shared.states()[0][key][0] for key in ("scale", "shift"))
    context = (airline.values[-12:] * scale + shift).astype(np.float32)
    by_hand = []
    for _ in range(30):
        step = opened.network.branches[0].network.predict(Inputs(context[None, :, None]))[0, 0]
        context = np.append(context[1:], step)
        by_hand.append((float(step) - shift) / scale)
    forecasts = _say(opened, airline, airline.ends - 1, 30)
    np.testing.assert_allclose(forecasts, [by_hand], rtol=1e-6)


def test_a_longer_horizon_begins_with_the_shorter_one(
    opened: OpenedNetwork, airline: Panel
) -> None:
    """What is asked for later changes nothing before it."""
    cutoffs = np.array([11, 50, 143])
    long = _say(opened, airline, cutoffs, 7)
    np.testing.assert_array_equal(_say(opened, airline, cutoffs, 3), long[:, :3])


def test_forecasts_do_not_depend_on_what_is_forecast_beside_them(
    opened: OpenedNetwork, airline: Panel
) -> None:
    """All cutoffs at once are each cutoff alone, also over more than fit in one call."""
    cutoffs = np.arange(11, 144)
    alone = [_say(opened, airline, cutoffs[i : i + 1], 2) for i in (0, 60, 132)]
    together = _say(opened, airline, cutoffs, 2)[[0, 60, 132]]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=1e-5)
    many = _say(opened, airline, np.resize(cutoffs, 5000), 1)
    np.testing.assert_allclose(many[4999], many[4999 % 133], rtol=1e-5)


def test_a_forecast_sees_nothing_after_its_cutoff(opened: OpenedNetwork, airline: Panel) -> None:
    """Whatever comes later, and whatever came before its context."""
    changed = airline.values.copy()
    changed[61:] = 1e6
    changed[:49] = -1e6
    cutoff = np.array([60])
    before = _say(opened, airline, cutoff, 5)
    after = _say(opened, airline.with_values(changed), cutoff, 5)
    np.testing.assert_array_equal(before, after)


def test_the_forecasts_that_a_run_keeps_are_made_the_same_way(
    opened: OpenedNetwork, airline: Panel
) -> None:
    """There is one way to forecast: those of the training come again, digit by digit."""
    kept = pd.read_csv(opened.run.file("forecasts.csv"))
    test = kept[(kept["split"] == "test") & (kept["model"] == "gru")]
    again = _say(opened, airline, np.arange(116, 143), 1)
    assert again[:, 0].tolist() == test["y_hat"].tolist()


def test_a_run_keeps_the_rows_that_a_forecast_begins_with(
    opened: OpenedNetwork, airline: Panel
) -> None:
    """The last year; the file that they came from is not needed."""
    panel = opened.known
    assert panel.values.tolist() == airline.values[-12:].tolist()
    assert iso(panel.ds[[0, -1]]) == ["1960-01-01", "1960-12-01"]


def test_a_forecast_that_is_no_number_is_refused(opened: OpenedNetwork, airline: Panel) -> None:
    """It never reaches a table."""
    broken = Pipeline((Affine(np.array([1e-320]), np.array([0.0])),))
    forecaster = replace(opened.network, shared=broken)
    with pytest.raises(DivergedError) as caught, np.errstate(over="ignore"):
        forecaster.forecast(airline, airline.ends - 1, 1)
    assert str(caught.value) == (
        "the forecast is not a finite number.\n"
        "Ask for fewer steps, or train again with transforms that suit the new rows."
    )


def test_a_series_shorter_than_the_context_is_forecast_too(
    opened: OpenedNetwork, make_panel: Callable[..., Panel], airline_values: np.ndarray
) -> None:
    """Its first season goes on backwards: a year and its repetition forecast the same."""
    year = airline_values[:12].tolist()
    short = make_panel([year[:5]])
    by_hand = make_panel([[*year[:5] * 2, *year[:5]][-12:]])
    np.testing.assert_array_equal(
        _say(opened, short, short.ends - 1, 3), _say(opened, by_hand, by_hand.ends - 1, 3)
    )


def test_quantiles_are_calibrated_or_learned(opened: OpenedNetwork, airline: Panel) -> None:
    """Whichever the config asks for; this one asks for neither."""
    with pytest.raises(RunError) as caught:
        opened.network.forecast(airline, airline.ends - 1, 1, [0.1])
    assert str(caught.value) == (
        "the run has neither intervals nor quantiles.\n"
        "Train with a section `intervals: {quantile_levels: [0.1, 0.9]}`."
    )


def test_quantiles_add_the_calibrated_errors_in_scaled_units(
    opened: OpenedNetwork, airline: Panel
) -> None:
    """By hand: the forecast scaled, the size of the error of its rank added, and scaled back."""
    scale, shift = (opened.network.shared.states()[0][key][0] for key in ("scale", "shift"))
    errors = np.arange(18.0).reshape(9, 2) / 100
    conformal = Conformal.calibrate(errors, np.full(9, 2.0), np.array([2.0]))
    forecaster = replace(opened.network, calibration=conformal)
    forecasts = forecaster.forecast(airline, airline.ends - 1, 2, [0.1, 0.5, 0.9])
    scaled = forecasts.y_hat * scale + shift
    for level, sign in ((0.1, -1), (0.5, 0), (0.9, 1)):
        by_hand = (scaled + sign * errors[7] - shift) / scale  # the 8th of 9: 10 * 0.8
        np.testing.assert_allclose(forecasts.quantiles[level], by_hand, rtol=1e-9)


@pytest.mark.parametrize(
    ("horizon", "level", "message"),
    [
        (
            3,
            0.5,
            ("intervals are calibrated for 2 steps, not 3.\nTrain with a longer predict.horizon."),
        ),
        (
            2,
            0.01,
            (
                "9 calibration errors are too few for the quantile 0.01.\n"
                "Raise intervals.n_windows: it takes 49 errors."
            ),
        ),
    ],
)
def test_a_quantile_that_can_not_be_told_is_refused(
    opened: OpenedNetwork, airline: Panel, horizon: int, level: float, message: str
) -> None:
    """Nothing is made up: too far ahead, or too far out."""
    conformal = Conformal.calibrate(np.zeros((9, 2)), np.ones(9), np.array([1.0]))
    forecaster = replace(opened.network, calibration=conformal)
    with pytest.raises(RunError) as caught:
        forecaster.forecast(airline, airline.ends - 1, horizon, [level])
    assert str(caught.value) == message


@pytest.mark.parametrize("content", [b"", b"not a graph"])
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, content: bytes) -> None:
    """Without a traceback of ONNX Runtime."""
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"model\.onnx can not be loaded: "):
        OnnxPredictor(path)


@dataclass
class Counted:
    """Leaves every value as it is, and counts how often a panel went through it."""

    applied: int = 0

    def apply(self, panel: Panel) -> Panel:
        self.applied += 1
        return panel

    def invert(self, forecasts: np.ndarray, cutoffs: np.ndarray, panel: Panel) -> np.ndarray:
        return forecasts

    def of(self, series: IntArray) -> "Counted":
        return self

    def code(self, terms: Terms) -> Code:
        return Code("", "")

    def state(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Counted":
        return cls()


def test_a_panel_is_transformed_once_for_all_quantiles(
    opened: OpenedNetwork, airline: Panel
) -> None:
    """On the way to the network; the way back starts from what it gave then."""
    counted = Counted()
    shared = Pipeline((*opened.network.shared.transforms, counted))
    conformal = Conformal(np.tile(np.arange(1.0, 21), (2, 1)), np.ones(1))
    method = replace(opened.network, shared=shared, calibration=conformal)
    method.forecast(airline, np.array([99, 120, 143]), 2, [0.1, 0.5, 0.9])
    assert counted.applied == 1
