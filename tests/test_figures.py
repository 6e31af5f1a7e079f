"""Figures: what is drawn, and how it is labelled."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.data.forecasts import Forecasts, forecast_table
from forecast.data.panel import Panel
from forecast.figures import (
    DEFAULT,
    FIGURES,
    Material,
    backtest,
    draw_backtest,
    forecast,
    history,
    residuals,
    steps,
)
from forecast.methods import BASELINES, Task, forecasts_of, named_methods
from forecast.scoring.metrics import Scale
from forecast.scoring.scores import score

HISTORY = pd.DataFrame(
    {"epoch": [1, 2], "loss": [0.5, 0.25], "test_loss": [1.0, 0.75], "member": [0, 0]}
)


class Hundred:
    """Forecasts 100, and each quantile as much above it as its level says."""

    name = "gru"

    def forecast(
        self, panel: Panel, cutoffs: np.ndarray, horizon: int, quantile_levels: Sequence[float] = ()
    ) -> Forecasts:
        y_hat = np.full((len(cutoffs), horizon), 100.0)
        return Forecasts(y_hat, {level: y_hat + 10 * level for level in quantile_levels})


@pytest.fixture(scope="module")
def make_material(make_panel: Callable[..., Panel]) -> Callable[..., Material]:
    """Of a network that always says 100, on 105 rows of train and 27 of test."""

    def make(
        series: list[list[float]], quantiles: tuple[float, ...] = (), horizon: int = 1
    ) -> Material:
        panel = make_panel(series)
        parts = {
            "train": np.concatenate([np.arange(begin + 11, begin + 116) for begin in panel.starts]),
            "test": np.concatenate(
                [np.arange(begin + 116, begin + 144 - horizon) for begin in panel.starts]
            ),
        }
        gru, baselines = Hundred(), named_methods(BASELINES, season_length=12)
        task = Task(panel, list(parts.items()), horizon, quantiles)
        forecasts = forecasts_of([gru, *baselines], task)
        last = panel.ends - 1
        return Material(
            name="air-1",
            model="gru",
            history=HISTORY,
            forecasts=forecasts,
            scores=score(forecasts, dict.fromkeys(panel.unique_ids, Scale(1.0, 1.0))),
            future=forecast_table(panel, last, gru.forecast(panel, last, 12, quantiles)),
        )

    return make


@pytest.fixture(scope="module")
def material(make_material: Callable[..., Material], airline_values: np.ndarray) -> Material:
    """Of the airline."""
    return make_material([airline_values.tolist()])


def _lines(axes: Axes) -> dict[str, tuple[list[object], list[float]]]:
    """What each labelled line shows."""
    return {
        str(line.get_label()): (
            list(np.asarray(line.get_xdata())),
            np.asarray(line.get_ydata()).tolist(),
        )
        for line in axes.get_lines()
        if not str(line.get_label()).startswith("_")
    }


def _legend(figure: Figure) -> list[str]:
    legend = figure.axes[0].get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_every_figure_names_its_run_and_its_axes(
    material: Material, draw: Callable[[Material], Figure]
) -> None:
    """So that a picture can be traced and read."""
    figure = draw(material)
    figure.canvas.draw()
    assert "air-1" in figure.get_suptitle()
    for axes in figure.axes:
        assert axes.get_xlabel()
        assert axes.get_ylabel()


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_every_figure_of_a_panel_is_drawn_without_a_warning(
    make_material: Callable[..., Material],
    airline_values: np.ndarray,
    draw: Callable[[Material], Figure],
) -> None:
    """Also of series that are forecast perfectly, and with intervals."""
    series = [airline_values.tolist(), [100.0] * 144, (airline_values / 2).tolist()]
    draw(make_material(series, quantiles=(0.1, 0.9))).canvas.draw()


def test_unasked_the_history_and_the_forecast_are_drawn() -> None:
    """The two that everybody needs."""
    assert (history, forecast) == DEFAULT


def test_the_history_shows_both_losses_by_epoch(material: Material) -> None:
    """The loss on the test part says that it is shown alone."""
    figure = history(material)
    assert _lines(figure.axes[0]) == {
        "training loss": ([1, 2], [0.5, 0.25]),
        "test loss (shown, never used)": ([1, 2], [1.0, 0.75]),
    }
    assert figure.axes[0].get_xlabel() == "epoch"


def test_a_history_with_a_validation_part_says_so(material: Material) -> None:
    """There the loss did decide."""
    table = HISTORY.rename(columns={"test_loss": "val_loss"})
    assert _legend(history(replace(material, history=table))) == [
        "training loss",
        "validation loss",
    ]


def test_every_member_has_its_line_and_all_share_one_label(material: Material) -> None:
    """One after another in the table, one above another in the figure."""
    members = pd.concat([HISTORY, HISTORY.assign(member=1, loss=[0.4, 0.2])])
    figure = history(replace(material, history=members))
    assert _legend(figure) == ["training loss", "test loss (shown, never used)"]
    assert [np.asarray(line.get_ydata()).tolist() for line in figure.axes[0].get_lines()][:2] == [
        [0.5, 0.25],
        [0.4, 0.2],
    ]


def test_a_history_of_perfect_epochs_is_drawn_without_a_warning(material: Material) -> None:
    """A loss of 0 has no logarithm."""
    perfect = HISTORY.assign(loss=0.0, test_loss=0.0)
    history(replace(material, history=perfect)).canvas.draw()


def test_the_forecast_shows_the_truth_both_parts_and_the_future(
    material: Material, airline_values: np.ndarray
) -> None:
    """At their dates."""
    figure = forecast(material)
    lines = _lines(figure.axes[0])
    assert list(lines) == ["actual", "gru on train", "gru on test", "gru forecast"]
    assert _legend(figure) == list(lines)
    assert lines["actual"][1][-27:] == airline_values[-27:].tolist()
    assert lines["gru on train"][1] == [100.0] * 105
    assert lines["gru on test"][1] == [100.0] * 27
    assert lines["gru forecast"][1] == [100.0] * 12
    future = pd.DatetimeIndex(lines["gru forecast"][0])
    assert list(future) == list(material.future["ds"])
    assert future[0] == pd.DatetimeIndex(lines["actual"][0])[-1] + pd.DateOffset(months=1)


def test_the_forecast_marks_its_cutoff_and_where_the_test_part_begins(material: Material) -> None:
    """Two vertical lines, each with its name."""
    axes = forecast(material).axes[0]
    marks = [line for line in axes.get_lines() if str(line.get_label()).startswith("_")]
    moments = [pd.DatetimeIndex(np.asarray(line.get_xdata()))[0] for line in marks]
    assert moments == [pd.Timestamp("2009-09-01"), pd.Timestamp("2011-12-01")]
    assert [text.get_text() for text in axes.texts] == ["test part", "cutoff"]


def test_intervals_are_shaded_from_the_lowest_quantile_to_the_highest(
    make_material: Callable[..., Material], airline_values: np.ndarray
) -> None:
    """On the test part and in the future."""
    series = [airline_values.tolist()]
    assert list(forecast(make_material(series)).axes[0].collections) == []
    shades = forecast(make_material(series, quantiles=(0.1, 0.5, 0.9))).axes[0].collections
    assert len(shades) == 3
    for shade in shades:
        heights = np.asarray(shade.get_paths()[0].vertices)[:, 1]
        assert (heights.min(), heights.max()) == (101, 109)


def test_of_a_panel_the_best_the_middle_and_the_worst_series_are_drawn(
    make_material: Callable[..., Material], airline_values: np.ndarray
) -> None:
    """By MASE on the test part, which stands above each."""
    scaled = [(100 + share * (airline_values - 100)).tolist() for share in (2, 0.5, 1, 4)]
    figure = forecast(make_material(scaled))
    assert [axes.get_ylabel() for axes in figure.axes] == ["b", "a", "d"]
    titles = [axes.get_title(loc="left").split(":")[0] for axes in figure.axes]
    assert titles == ["best", "in the middle", "worst"]


def test_a_series_without_a_score_is_neither_best_nor_worst(
    make_material: Callable[..., Material], airline_values: np.ndarray
) -> None:
    """Its MASE is undefined: it never changed before the test part."""
    material = make_material([(airline_values * share).tolist() for share in (1, 2, 4)])
    values = material.scores["value"].mask(material.scores["unique_id"] == "b")
    without = replace(material, scores=material.scores.assign(value=values))
    assert [axes.get_ylabel() for axes in forecast(without).axes] == ["a", "c"]
    nobody = replace(material, scores=material.scores.assign(value=np.nan))
    assert [axes.get_ylabel() for axes in forecast(nobody).axes] == ["a"]


def test_a_backtest_of_one_step_is_one_line_over_the_truth(
    material: Material, airline_values: np.ndarray
) -> None:
    """Of every cutoff of the test part, after as much of what came before as it takes to judge."""
    figure = backtest(material)
    lines = _lines(figure.axes[0])
    assert list(lines) == _legend(figure) == ["actual", "gru from 27 cutoffs"]
    assert lines["gru from 27 cutoffs"][1] == [100.0] * 27
    moments, truth = lines["actual"]
    assert truth == airline_values[-len(truth) :].tolist()
    assert 27 + 27 / 3 <= len(truth) <= 27 + 27 / 3 + 2
    assert pd.DatetimeIndex(moments)[-1] == material.test["ds"].max()


def test_of_forecasts_that_overlap_those_stand_out_that_do_not(
    make_material: Callable[..., Material], airline_values: np.ndarray
) -> None:
    """All 22 are there, six months each, with a break after each; four follow one another up to the
    last month, and are shaded."""
    figure = backtest(make_material([airline_values.tolist()], (0.1, 0.9), horizon=6))
    axes = figure.axes[0]
    lines = _lines(axes)
    every, apart = "gru from 22 cutoffs", "gru from 4 that do not overlap"
    assert list(lines) == _legend(figure) == ["actual", every, apart]
    one = [100.0] * 6
    for name, count in ((every, 22), (apart, 4)):
        y = np.array(lines[name][1]).reshape(count, 7)
        assert y[:, :6].tolist() == [one] * count
        assert np.isnan(y[:, 6]).all()
    shown = pd.DatetimeIndex(lines[apart][0]).unique()
    assert list(shown) == list(pd.date_range("2010-01", periods=24, freq="MS"))
    (shade,) = axes.collections
    assert len(shade.get_paths()) == 4


def test_a_backtest_shows_the_series_that_the_forecast_shows(
    make_material: Callable[..., Material], airline_values: np.ndarray
) -> None:
    """Best, middle, worst."""
    scaled = [(100 + share * (airline_values - 100)).tolist() for share in (2, 0.5, 1, 4)]
    material = make_material(scaled)
    assert [axes.get_ylabel() for axes in backtest(material).axes] == ["b", "a", "d"]
    same = [axes.get_title(loc="left") for axes in forecast(material).axes]
    assert [axes.get_title(loc="left") for axes in backtest(material).axes] == same


@pytest.mark.parametrize(("dates", "width"), [(27, 9), (1000, 20), (10_000, 36)])
def test_a_long_backtest_is_a_wide_figure(material: Material, dates: int, width: float) -> None:
    """So wide that one date can be told from the next, as far as a viewer can show it."""
    tested = material.tested
    one = tested.forecasts[tested.forecasts["model"] == "gru"].iloc[np.zeros(dates, dtype=int)]
    moments = pd.date_range("2000-01-01", periods=dates, freq="h")
    long = one.assign(ds=moments, cutoff=moments - pd.Timedelta("1h"))
    figure = draw_backtest(replace(tested, forecasts=long, actual=long))
    assert figure.get_figwidth() == width


def test_the_dates_of_the_axis_are_real(material: Material) -> None:
    """Years, not row numbers."""
    figure = forecast(material)
    figure.canvas.draw()
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert "2004" in labels


def test_the_error_by_step_is_that_of_the_test_part(material: Material) -> None:
    """RMSE of the model and the baselines."""
    lines = _lines(steps(material).axes[0])
    test = material.test
    by_hand = {
        model: np.sqrt(((own["y"] - own["y_hat"]) ** 2).mean())
        for model, own in test.groupby("model")
    }
    assert {model: y for model, (_, y) in lines.items()} == {
        model: [pytest.approx(rmse)] for model, rmse in by_hand.items()
    }


def test_residuals_are_truth_less_forecast(material: Material, airline_values: np.ndarray) -> None:
    """In time, as a histogram of all of them, and by how they follow from those before."""
    figure = residuals(material)
    errors = airline_values[117:] - 100
    in_time = figure.axes[0].get_lines()[1]
    assert np.asarray(in_time.get_ydata()).tolist() == errors.tolist()
    assert sum(patch.get_height() for patch in figure.axes[1].patches) == 27  # type: ignore[attr-defined]
    bars = [patch.get_height() for patch in figure.axes[2].patches]  # type: ignore[attr-defined]
    centred = errors - errors.mean()
    assert bars[0] == pytest.approx((centred[1:] * centred[:-1]).sum() / (centred**2).sum())


def test_the_colours_can_be_told_apart_by_the_colour_blind(material: Material) -> None:
    """They are those of Okabe and Ito, and a grey; labelled lines have different ones."""
    okabe_ito = {"#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00"}
    for draw in FIGURES:
        axes = draw(material).axes[0]
        lines = [line for line in axes.get_lines() if not str(line.get_label()).startswith("_")]
        colors = [str(line.get_color()) for line in lines]
        assert set(colors) <= okabe_ito | {"#7F7F7F"}
        assert len(set(colors)) == len(colors)
