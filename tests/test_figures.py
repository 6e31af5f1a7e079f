"""Figures: what is drawn, how it is labelled, and that nothing is said twice or over a line."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from forecast.data.export import panel_table
from forecast.data.forecasts import Forecasts, forecast_table
from forecast.data.panel import Panel
from forecast.errors import RunError
from forecast.figures import (
    DEFAULT,
    FIGURES,
    Tables,
    View,
    backtest,
    draw_backtest,
    drawn,
    forecast,
    history,
    norms,
    residuals,
    steps,
)
from forecast.figures.fonts import write_with_what_there_is
from forecast.figures.rows import rows_before
from forecast.figures.tables import Draw, interval_of
from forecast.figures.tables import Tested as Judged
from forecast.figures.words import printable, skill
from forecast.jobs.norms import judged_norms
from forecast.methods import BASELINES, Task, forecasts_of, named_methods
from forecast.scoring.metrics import Scale
from forecast.scoring.scores import score

ACTUAL, MODEL, FITTED = "#000000", "#0072B2", "#56B4E9"
SEASONAL_NAIVE, NAIVE = "#E69F00", "#CC79A7"
HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2], "loss": [0.5, 0.25], "test_loss": [1.0, 0.75], "member": [0, 0],
        "gradient_norm": [0.4, 0.2], "max_gradient_norm": [0.6, 0.3], "weight_norm": [8.0, 9.0],
        "skipped_steps": [0, 0],
    }
)  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """The tables of a run in memory."""

    name: str
    model: str
    season_length: int
    horizon: int
    history: pd.DataFrame
    forecasts: pd.DataFrame
    scores: pd.DataFrame
    scales: Mapping[str, Scale]
    actual: pd.DataFrame
    future: pd.DataFrame


Make = Callable[..., Drawn]


class Hundred:
    """Forecasts 100, and each quantile as much above it as its level says."""

    name = "gru"

    def forecast(
        self, panel: Panel, cutoffs: np.ndarray, horizon: int, quantile_levels: Sequence[float] = ()
    ) -> Forecasts:
        y_hat = np.full((len(cutoffs), horizon), 100.0)
        return Forecasts(y_hat, {level: y_hat + 10 * level for level in quantile_levels})


def _tables(
    panel: Panel,
    quantiles: tuple[float, ...] = (),
    horizon: int = 1,
    ahead: int = 12,
    season_length: int = 12,
) -> Drawn:
    """Of a network that always says 100, whose test part are the last 27 rows of each series."""

    spans = list(zip(panel.starts, panel.ends, strict=True))
    parts = {
        "train": np.concatenate([np.arange(begin + 11, end - 28) for begin, end in spans]),
        "test": np.concatenate([np.arange(end - 28, end - horizon) for _, end in spans]),
    }
    methods = [Hundred(), *named_methods(BASELINES, season_length)]
    forecasts = forecasts_of(methods, Task(panel, list(parts.items()), horizon, quantiles))
    last = panel.ends - 1
    says = {method.name: method.forecast(panel, last, ahead, quantiles) for method in methods}
    scales = {
        name: Scale(1.0, 1.0) if np.ptp(panel.values[begin:end]) else Scale(0.0, 0.0)
        for name, (begin, end) in zip(panel.unique_ids, spans, strict=True)
    }
    return Drawn(
        name="air-1",
        model="gru",
        season_length=season_length,
        horizon=horizon,
        history=HISTORY,
        forecasts=forecasts,
        scores=score(forecasts, scales),
        scales=scales,
        actual=panel_table(panel),
        future=pd.concat(
            [forecast_table(panel, last, own).assign(model=name) for name, own in says.items()],
            ignore_index=True,
        ),
    )


@pytest.fixture(scope="module")
def make_tables(make_panel: Callable[..., Panel]) -> Make:
    """`make_tables([[...], ...], quantiles=(0.1, 0.9), horizon=6)` of monthly series a, b, ..."""

    def make(series: list[list[float]], **options: object) -> Drawn:
        return _tables(make_panel(series), **options)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="module")
def tables(make_tables: Make, airline_values: np.ndarray) -> Drawn:
    """Of the airline."""
    return make_tables([airline_values.tolist()])


@pytest.fixture(scope="module")
def panel_tables(make_tables: Make, airline_values: np.ndarray) -> Drawn:
    """Of four series that the network misses by more and by less: best is b, worst is d."""
    errors = airline_values - 100
    return make_tables([(100 + share * errors).tolist() for share in (2, 0.5, 1, 4)])


def _lines(axes: Axes) -> dict[str, tuple[list[object], list[float]]]:
    """What each labelled line shows; lines of one label one after another."""
    found: dict[str, tuple[list[object], list[float]]] = {}
    for line in axes.get_lines():
        label = str(line.get_label())
        if not label.startswith("_"):
            x, y = found.setdefault(label, ([], []))
            x += list(np.asarray(line.get_xdata()))
            y += np.asarray(line.get_ydata(), dtype=object).tolist()
    return found


def _legend(figure: Figure) -> list[str]:
    [legend] = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def _head(figure: Figure) -> tuple[str, str]:
    """What one learns, and what is shown."""
    learned, shown = (text.get_text().replace("\n", " ") for text in figure.texts)
    return learned, shown


def _titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes]


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_every_figure_names_its_run_and_its_axes(tables: Drawn, draw: Draw) -> None:
    """So that a picture can be traced and read."""
    figure = draw(replace(tables, horizon=1), View())
    figure.draw_without_rendering()
    learned, shown = _head(figure)
    assert learned
    assert shown.startswith("air-1: ")
    for axes in figure.axes:
        if axes.axison:
            assert axes.get_xlabel()
            assert axes.get_ylabel()


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_what_stands_above_the_plots_lies_on_nothing(
    make_tables: Make, airline_values: np.ndarray, draw: Draw
) -> None:
    """Two lines of title, the legend, the plots with their labels: one below the other."""
    series = [(airline_values * share).tolist() for share in (1, 2, 3)]
    tables = make_tables(series, quantiles=(0.1, 0.9), horizon=6)
    figure = draw(replace(tables, name="a long name " * 20), View())
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.texts]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    boxes += [
        box for axes in figure.axes[: 3 if draw is residuals else 1]
        if (box := axes.get_tightbbox()) is not None
    ]  # fmt: skip
    heads = boxes[: len(figure.texts) + len(figure.legends)]
    for above, below in zip(heads, [*heads[1:], boxes[len(heads)]], strict=True):
        assert below.y1 <= above.y0 + 1
    for box in heads:
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1
    assert heads[0].y1 <= figure.bbox.y1


def _hostile(unique_id: str) -> str:
    return f"{unique_id}$x_1$ \n{{a}}^2 " + "long " * 40


def _renamed(tables: Drawn, name: Callable[[str], str]) -> Drawn:
    def rename(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(unique_id=table["unique_id"].map(name, na_action="ignore"))

    return replace(
        tables,
        name=name("run"),
        forecasts=rename(tables.forecasts),
        scores=rename(tables.scores),
        actual=rename(tables.actual),
        future=rename(tables.future),
        scales={name(key): scale for key, scale in tables.scales.items()},
    )


def _in_zone(tables: Drawn) -> Drawn:
    def move(table: pd.DataFrame) -> pd.DataFrame:
        dates = table.select_dtypes("datetime")
        moved = {str(key): dates[key].dt.tz_localize("Asia/Kolkata") for key in dates}
        return table.assign(**moved)

    return replace(
        tables,
        forecasts=move(tables.forecasts),
        actual=move(tables.actual),
        future=move(tables.future),
    )


def _without_quantiles(tables: Drawn) -> Drawn:
    empty = {"q0.1": np.nan, "q0.9": np.nan}
    return replace(
        tables, forecasts=tables.forecasts.assign(**empty), future=tables.future.assign(**empty)
    )


def _counted(make_panel: Callable[..., Panel], values: np.ndarray) -> Drawn:
    return _tables(replace(make_panel([values.tolist()]), begins=pd.Index([1]), freq="1"))


STRANGE: dict[str, Callable[[Callable[..., Panel], np.ndarray], Drawn]] = {
    "constant": lambda panel, y: _tables(panel([[100.0] * 144])),
    "constant, missed": lambda panel, y: _tables(panel([[5.0] * 144]), horizon=6),
    "a panel with constants": lambda panel, y: _tables(
        panel([y.tolist(), [100.0] * 144, [3.0] * 144]), quantiles=(0.1, 0.9)
    ),
    "nothing but constants": lambda panel, y: _tables(panel([[100.0] * 144, [3.0] * 144])),
    "missing rows": lambda panel, y: _tables(panel([np.where(y % 3 == 0, np.nan, y).tolist()])),
    "no quantile known": lambda panel, y: _without_quantiles(_tables(panel([y.tolist()]))),
    "a time zone": lambda panel, y: _in_zone(_tables(panel([y.tolist()]), quantiles=(0.1, 0.9))),
    "counted rows": _counted,
    "hostile names": lambda panel, y: _renamed(_tables(panel([y.tolist()] * 3)), _hostile),
    "many steps": lambda panel, y: _tables(panel([y.tolist()]), horizon=24, ahead=24),
    "one cutoff": lambda panel, y: _tables(panel([y.tolist()] * 2), horizon=27),
    "one step ahead": lambda panel, y: _tables(panel([y.tolist()]), ahead=1),
    "no season": lambda panel, y: _tables(panel([y.tolist()]), season_length=1),
    "a season longer than the series": lambda panel, y: _tables(
        panel([y.tolist()]), season_length=200
    ),
    "hours": lambda panel, y: _tables(panel([y.tolist()], freq="h"), season_length=24),
    "years": lambda panel, y: _tables(panel([y.tolist()], freq="YS"), season_length=1),
    "seconds": lambda panel, y: _tables(panel([y.tolist()], freq="s"), season_length=60),
    "enormous values": lambda panel, y: _tables(panel([(y * 1e120).tolist()])),
    "tiny values": lambda panel, y: _tables(panel([(y * 1e-120).tolist()])),
}


@pytest.mark.parametrize("case", STRANGE)
@pytest.mark.filterwarnings("error")
def test_strange_tables_are_drawn_without_a_warning(
    make_panel: Callable[..., Panel], airline_values: np.ndarray, case: str
) -> None:
    """Every figure of them, as a file."""
    tables = STRANGE[case](make_panel, airline_values)
    for draw in FIGURES:
        content, unknown = drawn(lambda draw=draw: draw(tables, View()), "svg")  # type: ignore[misc]
        assert unknown == ""
        assert len(content) > 1000


def test_hundreds_of_series_are_drawn(airline_values: np.ndarray) -> None:
    """Three of them, and the residuals of all."""
    rows, count = 48, 200
    values = np.concatenate([airline_values[:rows] + i for i in range(count)])
    panel = Panel(
        tuple(map(str, range(count))),
        np.arange(count + 1) * rows,
        pd.DatetimeIndex(["2000-01-01"] * count),
        values,
        np.ones(len(values), dtype=bool),
        "MS",
    )
    tables = _tables(panel)
    for draw in FIGURES:
        drawn(lambda draw=draw: draw(tables, View()), "png")  # type: ignore[misc]
    assert "200 series together" in _head(residuals(tables))[1]


def test_a_long_series_is_drawn_in_its_last_seasons(make_panel: Callable[..., Panel]) -> None:
    """Of 100,000 rows the last five seasons are seen, not a scribble."""
    y = 100 + 10 * np.sin(np.arange(100_000) / 12)
    tables = _tables(make_panel([y.tolist()], freq="h"), season_length=24)
    figure = forecast(tables)
    assert len(_lines(figure.axes[0])["actual"][0]) == 120
    for draw in FIGURES:
        drawn(lambda draw=draw: draw(tables, View()), "png")  # type: ignore[misc]


@pytest.mark.parametrize(
    ("season_length", "ahead", "rows"),
    [
        (12, 12, 60),
        (24, 24, 120),
        (7, 7, 50),
        (7, 28, 112),
        (1, 6, 50),
        (52, 13, 156),
        (1, 99, 396),
    ],
)
def test_a_forecast_is_seen_beside_some_seasons(season_length: int, ahead: int, rows: int) -> None:
    """Neither is lost behind the other."""
    assert rows_before(season_length, ahead) == rows


def test_unasked_the_history_and_the_forecast_are_drawn() -> None:
    """The two that everybody needs."""
    assert (history, forecast) == DEFAULT


def test_one_colour_means_one_thing(make_tables: Make, airline_values: np.ndarray) -> None:
    """In all figures: by its role, whatever is drawn."""
    tables = make_tables([airline_values.tolist()], quantiles=(0.1, 0.9), horizon=6)
    roles = {
        "actual": ACTUAL, "training loss": FITTED, "test loss (shown, never used)": MODEL,
        "gru on the train part, on which it was fitted": FITTED, "gru on the test part": MODEL,
        "gru forecast, 12 steps, recursive": MODEL, "gru": MODEL, "gru from 22 cutoffs": MODEL,
        "gru from 4 that do not overlap": MODEL, "naive (baseline)": NAIVE,
        "seasonal naive (baseline)": SEASONAL_NAIVE, "cutoff (last row)": "#7F7F7F",
        "first cutoff": "#7F7F7F", "gradient, mean of an epoch": "#009E73",
        "gradient, largest of an epoch": "#D55E00",
    }  # fmt: skip
    seen = set()
    for draw in FIGURES:
        for line in draw(tables, View()).axes[0].get_lines():
            label = str(line.get_label())
            if not label.startswith("_"):
                assert line.get_color() == roles[label], label
                seen.add(label)
    assert seen == set(roles)


def test_the_history_shows_both_losses_by_epoch(tables: Drawn) -> None:
    """The loss on the test part says that it is shown alone."""
    figure = history(tables)
    assert _lines(figure.axes[0]) == {
        "training loss": ([1, 2], [0.5, 0.25]),
        "test loss (shown, never used)": ([1, 2], [1.0, 0.75]),
    }
    assert figure.axes[0].get_xlabel() == "epoch"


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ([1.0, 0.5, 0.75], "The test loss is lowest at epoch 2 of 3 (0.5); at the end it is 0.75"),
        ([1.0, 0.75, 0.5], "The test loss still falls at the last of 3 epochs (0.5)"),
        ([1.0], "After one epoch the test loss is 1"),
    ],
)
def test_the_history_says_when_to_stop(tables: Drawn, losses: list[float], said: str) -> None:
    """In its title."""
    epochs = range(1, len(losses) + 1)
    table = pd.DataFrame({"epoch": epochs, "loss": 0.5, "test_loss": losses, "member": 0})
    assert _head(history(replace(tables, history=table)))[0] == said


def test_a_history_with_a_validation_part_says_so(tables: Drawn) -> None:
    """There the loss did decide."""
    table = HISTORY.rename(columns={"test_loss": "val_loss"})
    assert _legend(history(replace(tables, history=table))) == ["training loss", "validation loss"]


def test_every_member_has_its_line_and_all_share_one_label(tables: Drawn) -> None:
    """One after another in the table, one above another in the figure."""
    members = pd.concat([HISTORY, HISTORY.assign(member=1, loss=[0.4, 0.2])])
    figure = history(replace(tables, history=members))
    assert _legend(figure) == ["training loss", "test loss (shown, never used)"]
    assert [np.asarray(line.get_ydata()).tolist() for line in figure.axes[0].get_lines()][:2] == [
        [0.5, 0.25],
        [0.4, 0.2],
    ]


def test_of_many_members_the_middle_and_a_band_are_drawn(tables: Drawn) -> None:
    """The band has a name."""
    members = pd.concat([HISTORY.assign(member=i) for i in range(20)])
    assert _legend(history(replace(tables, history=members))) == [
        "training loss",
        "test loss (shown, never used)",
        "eight of ten: training loss",
        "eight of ten: test loss (shown, never used)",
    ]


def test_norms_of_gradients_and_weights_are_drawn_by_epoch(tables: Drawn) -> None:
    """With what they come to in the title; of many members the middle."""
    figure = norms(tables)
    assert _lines(figure.axes[0]) == {
        "gradient, mean of an epoch": ([1, 2], [0.4, 0.2]),
        "gradient, largest of an epoch": ([1, 2], [0.6, 0.3]),
    }
    assert _lines(figure.axes[1]) == {"weights after an epoch": ([1, 2], [8.0, 9.0])}
    learned, shown = _head(figure)
    assert (
        learned == "In 2 epochs the gradient's norm goes from 0.4 to 0.2, the weights' from 8 to 9"
    )
    assert shown == "air-1: norms by epoch; gradients before they are clipped"
    members = pd.concat([HISTORY.assign(member=i, gradient_norm=0.0) for i in range(20)])
    many = norms(replace(tables, history=members))
    assert "eight of ten: weights after an epoch" in _legend(many)


def test_a_run_without_norms_is_refused(tables: Drawn) -> None:
    """It was made by an earlier version."""
    earlier = HISTORY.drop(columns=["weight_norm"])
    with pytest.raises(RunError, match="does not tell the norms of its gradients"):
        norms(replace(tables, history=earlier))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            {"max_gradient_norm": [0.6, 4.8]},
            (
                "a gradient jumps: in epoch 2 one has the norm 4.8, 12 times the mean of the epoch "
                "before"
            ),
        ),
        (
            {"skipped_steps": [0, 3]},
            "3 steps were skipped, whose loss or gradient was not finite",
        ),
        (
            {"gradient_norm": [0.0, 0.0], "max_gradient_norm": [0.0, 0.0]},
            "in 2 epochs the gradient's norm goes from 0 to 0, the weights' from 8 to 9",
        ),
    ],
)
def test_what_norms_mean_is_said(columns: dict[str, list[float]], said: str) -> None:
    """And what to do where a training is not stable."""
    judged = judged_norms(HISTORY.assign(**columns))
    assert judged.partition(". ")[0] == said
    assert ("training.clip_norm" in judged) is not judged.endswith("from 8 to 9")


def test_a_history_of_perfect_epochs_is_drawn_without_a_warning(tables: Drawn) -> None:
    """A loss of 0 has no logarithm."""
    perfect = HISTORY.assign(loss=0.0, test_loss=0.0)
    history(replace(tables, history=perfect)).draw_without_rendering()


def test_the_forecast_shows_the_truth_both_parts_the_future_and_a_baseline(
    tables: Drawn, airline_values: np.ndarray
) -> None:
    """The last five years, at their dates."""
    figure = forecast(tables)
    lines = _lines(figure.axes[0])
    train = "gru on the train part, on which it was fitted"
    future = "gru forecast, 12 steps, recursive"
    assert [*lines, "test part"] == _legend(figure)
    assert list(lines) == [
        "actual", train, "gru on the test part", future, "seasonal naive (baseline)",
        "cutoff (last row)",
    ]  # fmt: skip
    assert lines["actual"][1] == airline_values[-60:].tolist()
    assert lines[train][1] == [100.0] * 33
    assert lines["gru on the test part"][1] == [100.0] * 27
    assert lines[future][1] == [100.0] * 12
    moments = pd.DatetimeIndex(lines[future][0])
    assert moments[0] == pd.DatetimeIndex(lines["actual"][0])[-1] + pd.DateOffset(months=1)
    beside = airline_values[-27 - 12 : -12].tolist() + airline_values[-12:].tolist()
    assert lines["seasonal naive (baseline)"][1] == beside


def test_a_figure_begins_where_it_is_asked_to(tables: Drawn, airline_values: np.ndarray) -> None:
    """After a number of rows, or at a date."""
    lines = _lines(forecast(tables, View(last=100)).axes[0])
    assert lines["actual"][1] == airline_values[-100:].tolist()
    lines = _lines(forecast(tables, View(since=pd.Timestamp("2010-03-01"))).axes[0])
    assert pd.DatetimeIndex(lines["actual"][0])[0] == pd.Timestamp("2010-03-01")
    lines = _lines(backtest(tables, View(last=20)).axes[0])
    assert lines["actual"][1] == airline_values[-20:].tolist()
    every = _lines(forecast(tables, View(last=10_000)).axes[0])
    assert every["actual"][1] == airline_values.tolist()


def test_those_series_are_drawn_that_are_asked_for(panel_tables: Drawn) -> None:
    """In the order in which they are."""
    view = View(series=("c", "a"))
    for draw in (forecast, backtest):
        assert [axes.get_ylabel() for axes in draw(panel_tables, view).axes] == ["c", "a"]
    assert "2 series together" in _head(residuals(panel_tables, view))[1]
    for draw in (residuals, steps):
        assert _head(draw(panel_tables, view))[1].startswith("air-1, c, a: ")
        five = View(series=("c", "a", "b", "d"))
        assert _head(draw(panel_tables, five))[1].startswith("air-1, c, a, b, 1 more series: ")
    assert "27 forecasts of 2 series" not in _head(steps(panel_tables, view))[1]
    assert "54 forecasts of 2 series" in _head(steps(panel_tables, view))[1]


def test_the_forecast_says_how_it_compares_with_the_baseline(
    tables: Drawn, airline_values: np.ndarray
) -> None:
    """The skill score is 1 - RMSE / RMSE of seasonal naive on the test part."""
    truth, before = airline_values[-27:], airline_values[-39:-12]
    own, beside = (
        float(np.sqrt(np.mean((truth - said) ** 2))) for said in (np.full(27, 100.0), before)
    )
    share = 1 - own / beside
    learned, shown = _head(forecast(tables))
    assert learned == (
        f"gru errs {-100 * share:.0f} % more than seasonal naive on the test part "
        f"(skill \N{MINUS SIGN}{-share:.2f}; RMSE {own:.4g} against {beside:.4g})"
    )
    assert shown == (
        "air-1: known rows 1 step ahead, from the actual rows before; "
        "after the last row 12 steps, each fed with those before it (recursive)"
    )


def test_without_a_season_the_baseline_is_naive(
    make_tables: Make, airline_values: np.ndarray
) -> None:
    """Also where the series is shorter than its season."""
    for season_length in (1, 200):
        tables = make_tables([airline_values.tolist()], season_length=season_length)
        lines = _lines(forecast(tables).axes[0])
        assert lines["naive (baseline)"][1][-12:] == [airline_values[-1]] * 12
        assert "than naive on the test part" in _head(forecast(tables))[0]


def test_a_skill_has_no_value_beside_a_perfect_baseline() -> None:
    """And 1 - error / error of the baseline otherwise."""
    assert skill(1.0, 4.0) == 0.75
    assert skill(4.0, 2.0) == -1
    assert np.isnan(skill(1.0, 0.0))


def test_forecasts_of_several_steps_break_at_each_cutoff(
    make_tables: Make, airline_values: np.ndarray
) -> None:
    """And one that needs no forecast of its own says that it has all steps at once."""
    figure = forecast(make_tables([airline_values.tolist()], horizon=6, ahead=6))
    lines = _lines(figure.axes[0])
    y = np.array(lines["gru on the test part"][1], dtype=float).reshape(4, 7)
    assert y[:, :6].tolist() == [[100.0] * 6] * 4
    assert np.isnan(y[:, 6]).all()
    assert "gru forecast, 6 steps, at once" in lines
    assert "1 to 6 steps ahead" in _head(figure)[1]
    assert "recursive" not in _head(figure)[1]


def test_the_forecast_shades_the_test_part_and_marks_the_cutoff(tables: Drawn) -> None:
    """Both are named in the legend, so that no words lie on a line."""
    axes = forecast(tables).axes[0]
    moment = _lines(axes)["cutoff (last row)"][0][0]
    assert moment == pd.Timestamp("2011-12-01")
    [shading] = axes.patches
    assert shading.get_label() == "test part"
    assert list(axes.texts) == []


def test_an_interval_is_named_with_its_level(make_tables: Make, airline_values: np.ndarray) -> None:
    """And shaded from the lowest quantile to the highest, on known rows and in the future."""
    series = [airline_values.tolist()]
    assert list(forecast(make_tables(series)).axes[0].collections) == []
    figure = forecast(make_tables(series, quantiles=(0.1, 0.5, 0.9)))
    shades = figure.axes[0].collections
    assert len(shades) == 3
    for shade in shades:
        heights = np.asarray(shade.get_paths()[0].vertices)[:, 1]
        assert (heights.min(), heights.max()) == (101, 109)
        assert shade.get_label() == "80 % interval"
    assert _legend(figure).count("80 % interval") == 1


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        (["q0.1", "q0.9"], "80 % interval"),
        (["q0.025", "q0.5", "q0.975"], "95 % interval"),
        (["q0.05", "q0.5", "q0.9"], "from q0.05 to q0.9"),
    ],
)
def test_a_band_says_what_it_holds(columns: list[str], name: str) -> None:
    """A level where it is symmetric."""
    assert interval_of(pd.DataFrame(columns=columns)) == (columns[0], columns[-1], name)
    assert interval_of(pd.DataFrame(columns=columns[:1])) is None


def test_of_a_panel_the_best_the_middle_and_the_worst_series_are_drawn(panel_tables: Drawn) -> None:
    """By MASE on the test part, which stands above each with its skill."""
    figure = forecast(panel_tables)
    assert [axes.get_ylabel() for axes in figure.axes] == ["b", "a", "d"]
    titles = _titles(figure)
    places = ["b, best of 4", "a, in the middle", "d, worst"]
    assert [title.split(":")[0] for title in titles] == places
    for title in titles:
        assert "MASE" in title
        assert "skill" in title
    assert "on the test part of 4 series (skill" in _head(figure)[0]
    assert "MASE" in _head(figure)[0]


def test_a_series_without_a_score_is_neither_best_nor_worst(
    make_tables: Make, airline_values: np.ndarray
) -> None:
    """Its MASE is undefined: it never changed before the test part."""
    tables = make_tables([(airline_values * share).tolist() for share in (1, 2, 4)])
    values = tables.scores["value"].mask(tables.scores["unique_id"] == "b")
    without = replace(tables, scores=tables.scores.assign(value=values))
    assert [axes.get_ylabel() for axes in forecast(without).axes] == ["a", "c"]
    nobody = replace(tables, scores=tables.scores.assign(value=np.nan))
    assert [axes.get_ylabel() for axes in forecast(nobody).axes] == ["a"]


def test_a_backtest_of_one_step_is_one_line_over_the_truth(
    tables: Drawn, airline_values: np.ndarray
) -> None:
    """Of every cutoff of the test part, after as much of what came before as it takes to judge."""
    figure = backtest(tables)
    lines = _lines(figure.axes[0])
    assert list(lines) == _legend(figure)
    assert list(lines) == [
        "actual", "gru from 27 cutoffs", "seasonal naive (baseline)", "first cutoff",
    ]  # fmt: skip
    assert lines["gru from 27 cutoffs"][1] == [100.0] * 27
    moments, truth = lines["actual"]
    assert truth == airline_values[-len(truth) :].tolist()
    assert 27 + 27 / 3 <= len(truth) <= 27 + 27 / 3 + 2
    assert pd.DatetimeIndex(moments)[-1] == tables.forecasts["ds"].max()


def test_of_forecasts_that_overlap_those_stand_out_that_do_not(
    make_tables: Make, airline_values: np.ndarray
) -> None:
    """All 22 are there, six months each, with a break after each; four follow one another up to the
    last month, and are shaded."""
    figure = backtest(make_tables([airline_values.tolist()], quantiles=(0.1, 0.9), horizon=6))
    axes = figure.axes[0]
    lines = _lines(axes)
    every, apart = "gru from 22 cutoffs", "gru from 4 that do not overlap"
    one = [100.0] * 6
    for name, count in ((every, 22), (apart, 4)):
        y = np.array(lines[name][1], dtype=float).reshape(count, 7)
        assert y[:, :6].tolist() == [one] * count
        assert np.isnan(y[:, 6]).all()
    shown = pd.DatetimeIndex(lines[apart][0]).unique()
    assert list(shown) == list(pd.date_range("2010-01", periods=24, freq="MS"))
    (shade,) = axes.collections
    assert len(shade.get_paths()) == 4


def test_a_backtest_shows_the_series_that_the_forecast_shows(panel_tables: Drawn) -> None:
    """Best, middle, worst."""
    figure = backtest(panel_tables)
    assert [axes.get_ylabel() for axes in figure.axes] == ["b", "a", "d"]
    assert _titles(figure) == _titles(forecast(panel_tables))


@pytest.mark.parametrize(("dates", "shown"), [(27, 27), (600, 600), (10_000, 600)])
def test_a_long_backtest_shows_its_latest_dates(tables: Drawn, dates: int, shown: int) -> None:
    """So many that one can be told from the next; more where they are asked for."""
    tested = Judged.of(tables)
    one = tested.of_model("gru").iloc[np.zeros(dates, dtype=int)]
    moments = pd.date_range("2000-01-01", periods=dates, freq="h")
    long = one.assign(ds=moments, cutoff=moments - pd.Timedelta("1h"))
    tested = replace(tested, forecasts=long, actual=long)
    assert len(_lines(draw_backtest(tested).axes[0])["actual"][0]) == shown
    everything = draw_backtest(tested, View(last=dates))
    assert len(_lines(everything.axes[0])["actual"][0]) == dates


def test_the_dates_of_the_axis_are_real(tables: Drawn) -> None:
    """Years, not row numbers."""
    figure = forecast(tables)
    figure.draw_without_rendering()
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert "2008" in labels


@pytest.mark.parametrize("freq", ["YS", "QS", "MS", "W", "D", "7h", "h", "15min", "min", "s"])
@pytest.mark.parametrize("draw", [forecast, residuals, backtest], ids=lambda draw: draw.__name__)
def test_dates_do_not_collide(
    make_panel: Callable[..., Panel], airline_values: np.ndarray, freq: str, draw: Draw
) -> None:
    """Whatever the frequency, also below a narrow plot."""
    figure = draw(_tables(make_panel([airline_values.tolist()], freq=freq)), View())
    figure.draw_without_rendering()
    labels = [
        label.get_window_extent()
        for label in figure.axes[0].get_xticklabels()
        if label.get_text() and 0 <= label.get_window_extent().x0 <= figure.bbox.x1
    ]
    assert len(labels) >= 2
    for left, right in pairwise(labels):
        assert left.x1 < right.x0


def test_the_error_by_step_is_that_of_the_test_part(
    make_tables: Make, airline_values: np.ndarray
) -> None:
    """RMSE of the model and the baselines."""
    tables = make_tables([airline_values.tolist()], horizon=6)
    figure = steps(tables)
    lines = _lines(figure.axes[0])
    test = tables.forecasts[tables.forecasts["split"] == "test"]
    for model, name in (("gru", "gru"), ("naive", "naive (baseline)")):
        own = test[test["model"] == model]
        by_hand = [
            np.sqrt(((near["y"] - near["y_hat"]) ** 2).mean()) for _, near in own.groupby("step")
        ]
        assert lines[name][1] == pytest.approx(by_hand)
    assert _head(figure)[0].endswith("by less than seasonal naive at 0 of 6 steps")
    assert _head(figure)[1] == "air-1: error on the test part by step, over 22 forecasts"


def test_a_baseline_that_is_far_worse_leaves_the_plot(
    make_tables: Make, airline_values: np.ndarray
) -> None:
    """It would press the lines together that matter, and its name says how far it goes."""
    tables = make_tables([airline_values.tolist()], horizon=6)
    far = tables.forecasts["y_hat"].where(tables.forecasts["model"] != "naive", 1e5)
    axes = steps(replace(tables, forecasts=tables.forecasts.assign(y_hat=far))).axes[0]
    assert any(name.startswith("naive (baseline), up to 9.9") for name in _lines(axes))
    near = [y for name in ("gru", "seasonal naive (baseline)") for y in _lines(axes)[name][1]]
    assert list(axes.get_ylim()) == pytest.approx([0, 3 * max(near)])


def test_the_error_at_one_step_is_a_table(tables: Drawn) -> None:
    """Three dots would say less."""
    figure = steps(tables)
    [axes] = figure.axes
    [table] = axes.tables
    cells = {key: cell.get_text().get_text() for key, cell in table.get_celld().items()}
    assert [cells[row, 0] for row in range(4)] == ["model", "gru", "naive", "seasonal naive"]
    assert cells[3, 1] == f"{47.1856:.4g}"
    assert cells[3, 2] == "0.00"
    assert list(axes.get_lines()) == []


def test_scaled_errors_are_called_rmsse(make_tables: Make, airline_values: np.ndarray) -> None:
    """In the title, on the axis, in the column; those of one series are RMSE."""
    both = [airline_values.tolist()] * 2
    figure = steps(make_tables(both))
    assert figure.axes[0].tables[0].get_celld()[0, 1].get_text().get_text() == "RMSSE at step 1"
    assert _head(figure)[0].startswith("gru errs by RMSSE ")
    tables = make_tables(both, horizon=6)
    assert steps(tables).axes[0].get_ylabel() == "RMSSE (over the scale of each series)"
    assert steps(tables, View(series=("a",))).axes[0].get_ylabel() == "RMSE (scale of the data)"


def test_few_residuals_tell_nothing(tables: Drawn) -> None:
    """Nineteen are too few; and counts are whole."""
    kept = tables.forecasts[tables.forecasts["ds"] < pd.Timestamp("2011-05-01")]
    figure = residuals(replace(tables, forecasts=kept))
    assert re.fullmatch(
        r"gru misses by \d+ on average; 19 residuals are too few to tell bias from chance",
        _head(figure)[0],
    )
    assert all(count == round(count) for count in figure.axes[1].get_yticks())


def test_residuals_are_truth_less_forecast(tables: Drawn, airline_values: np.ndarray) -> None:
    """In time, as a histogram of all of them, and by how they follow from those before."""
    figure = residuals(tables)
    errors = airline_values[117:] - 100
    in_time = figure.axes[0].get_lines()[1]
    assert np.asarray(in_time.get_ydata()).tolist() == errors.tolist()
    bars = figure.axes[1].patches
    assert sum(bar.get_height() for bar in bars) == 27  # type: ignore[attr-defined]
    assert {bar.get_edgecolor() for bar in bars} == {(1.0, 1.0, 1.0, 1.0)}
    lags = [patch.get_height() for patch in figure.axes[2].patches]  # type: ignore[attr-defined]
    centred = errors - errors.mean()
    assert lags[0] == pytest.approx((centred[1:] * centred[:-1]).sum() / (centred**2).sum())
    assert _head(figure)[0].startswith("gru forecasts too low by 3")


def test_residuals_of_a_panel_are_those_of_all_series_in_units_of_each(
    panel_tables: Drawn, airline_values: np.ndarray
) -> None:
    """Their autocorrelations are pooled, no lag reaches from one series into the next."""
    scales = {name: Scale(scale, scale) for name, scale in zip("abcd", (2, 0.5, 1, 4), strict=True)}
    figure = residuals(replace(panel_tables, scales=scales))
    assert "4 series together" in _head(figure)[1]
    errors = airline_values[117:] - 100  # of each, in its own units
    assert np.asarray(figure.axes[0].get_lines()[1].get_ydata()).tolist() == errors.tolist()
    assert sum(bar.get_height() for bar in figure.axes[1].patches) == 4 * 27  # type: ignore[attr-defined]
    centred = errors - errors.mean()
    lags = [patch.get_height() for patch in figure.axes[2].patches]  # type: ignore[attr-defined]
    assert lags[1] == pytest.approx((centred[2:] * centred[:-2]).sum() / (centred**2).sum())


def test_series_without_a_scale_are_left_out_and_counted(
    make_tables: Make, airline_values: np.ndarray
) -> None:
    """They can not stand beside others."""
    tables = make_tables([airline_values.tolist(), [5.0] * 144, airline_values.tolist()])
    assert _head(residuals(tables))[1].endswith("2 series together, 1 without a scale left out")


@given(st.text())
def test_any_name_can_be_written(name: str) -> None:
    """On one line of bounded length, and no part of it is taken for a formula."""
    text = printable(name)
    assert len(text.replace(r"\$", "$")) <= 36
    assert text.splitlines() == [text] * bool(text)
    assert "$" not in text.replace(r"\$", "")


def test_wide_letters_count_twice() -> None:
    """They are as wide as two."""
    assert printable("売" * 18) == "売" * 18
    assert printable("売" * 19) == "売" * 8 + "\N{HORIZONTAL ELLIPSIS}" + "売" * 8


def test_two_long_names_are_told_apart_by_their_ends() -> None:
    """They are cut in the middle."""
    one, two = (printable("shop " * 40 + end) for end in ("north", "south"))
    assert one != two
    assert len(one) <= 36
    assert printable("a_b c") == "a_b c"


@pytest.mark.filterwarnings("error")
def test_characters_that_no_font_has_are_squares_and_told(tables: Drawn) -> None:
    """Without a warning of the library; all others stay."""
    unknown = "\N{PERSON WITH BALL}\N{CJK UNIFIED IDEOGRAPH-4E2D}\U0010fffd"
    named = _renamed(tables, lambda name: f"{name} é {unknown}")
    _, told = drawn(lambda: history(named), "png")
    figure = history(named)
    assert write_with_what_there_is(figure) == told
    texts = [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]
    [title] = [text for text in texts if text.startswith("run é ")]
    assert "\U0010fffd" in told  # for private use: no font of a script has it
    for char in unknown:
        assert (char in title) != (char in told)
    assert title.count("\N{WHITE SQUARE}") == len(told)


def test_a_font_that_has_them_is_taken(tmp_path: Path) -> None:
    """Characters that the usual font lacks and another one has are drawn with that."""
    # Of the fonts that come with Matplotlib, STIX has this one and DejaVu Sans has not.
    letter = "\N{LATIN SMALL LETTER X WITH PALATAL HOOK}"
    figure = Figure()
    text = figure.text(0, 0, f"a {letter}")
    assert write_with_what_there_is(figure) == ""
    assert text.get_text() == f"a {letter}"
    assert text.get_fontfamily()[0] == "DejaVu Sans"
    figure.savefig(tmp_path / "a.png")


@pytest.mark.parametrize("settings", [{"text.usetex": True}, {"font.family": ["no such font"]}])
def test_a_person_s_own_settings_do_not_reach_the_figures(
    tables: Drawn, settings: dict[str, object]
) -> None:
    """Which may ask for LaTeX, or for fonts that are not there."""
    with mpl.rc_context(settings):  # type: ignore[arg-type]
        content, _ = drawn(lambda: history(tables), "png")
    assert content == drawn(lambda: history(tables), "png")[0]


def test_a_picture_has_two_hundred_dots_an_inch(tables: Drawn) -> None:
    """2,000 on its width of ten inches: sharp at the 1,200 of a page."""
    content, _ = drawn(lambda: history(tables), "png")
    assert int.from_bytes(content[16:20], "big") == 2000


def test_a_figure_asks_for_what_it_shows_alone(tables: Drawn) -> None:
    """The history of a run needs none of its forecasts, and only one figure the future."""

    class Asked:
        """Hands out the tables, and remembers which."""

        def __init__(self) -> None:
            self.names: set[str] = set()

        def __getattr__(self, name: str) -> object:
            self.names.add(name)
            return getattr(tables, name)

    needed = {}
    for draw in FIGURES:
        asked = Asked()
        draw(_as_tables(asked), View())
        needed[draw.__name__] = asked.names
    assert needed["history"] == {"name", "history"}
    assert [name for name, names in needed.items() if "future" in names] == ["forecast"]


def _as_tables(tables: object) -> Tables:
    return tables  # type: ignore[return-value]
