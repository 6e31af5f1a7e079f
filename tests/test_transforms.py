"""Transforms: fitted on the past, applied, inverted, and kept as plain JSON."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sklearn.preprocessing import (
    MinMaxScaler,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)
from statsmodels.tsa.seasonal import STL

from forecast.config.schema import TransformOptions
from forecast.data.calendar import grid
from forecast.data.panel import Panel, ranges
from forecast.errors import DataError
from forecast.transforms import (
    Kind,
    Pipeline,
    Pipelines,
    Terms,
    fit_pipeline,
    fit_pipelines,
    kind_of,
)

# Positive, and neither all but equal nor of very unlike sizes: every kind can be fitted to them.
numbers = st.integers(8, 8000).map(lambda n: n / 8)
panels = st.lists(st.lists(numbers, min_size=8, max_size=20), min_size=1, max_size=3)
POINTWISE: list[object] = [
    "log",
    "log1p",
    {"kind": "boxcox", "power": 0.5},
    {"kind": "boxcox", "power": 0, "offset": 2.5},
    {"kind": "boxcox", "power": 1, "per": "global"},
]
ANYWHERE: list[object] = [
    "minmax",
    "standard",
    "robust",
    "deseasonalize",
    {"kind": "deseasonalize", "fit_on": "all"},
    "difference",
    {"kind": "difference", "lag": 2},
    {"kind": "minmax", "fit_on": "all"},
    {"kind": "standard", "per": "global"},
    {"kind": "robust", "per": "global"},
]
pipelines = st.tuples(
    st.lists(st.sampled_from(POINTWISE), max_size=1),
    st.lists(st.sampled_from(ANYWHERE), max_size=3),
).map(lambda parts: [*parts[0], *parts[1]])


def _options(kinds: Sequence[object]) -> tuple[TransformOptions, ...]:
    options: tuple[TransformOptions, ...] = TypeAdapter(
        tuple[TransformOptions, ...]
    ).validate_python(tuple(kinds))
    return options


def _kind(written: object) -> object:
    return written["kind"] if isinstance(written, dict) else written


def _fit(
    kinds: Sequence[object], panel: Panel, train_ends: np.ndarray, season_length: int = 3
) -> Pipeline:
    pasts = {"train": panel.before(train_ends), "all": panel.before(panel.ends)}
    return fit_pipeline(_options(kinds), pasts, season_length)  # type: ignore[arg-type]


def test_every_kind_can_be_fitted_and_opened() -> None:
    """A kind of the config has a fitted class and a module that fits it."""
    classes = get_args(get_args(TransformOptions)[0])
    kinds = [get_args(options.model_fields["kind"].annotation)[0] for options in classes]
    assert all(isinstance(kind_of(each), Kind) for each in _options(kinds))
    assert {_kind(written) for written in [*POINTWISE, *ANYWHERE]} == set(kinds)


@given(series=panels, kinds=pipelines, horizon=st.integers(1, 4))
def test_inverting_what_comes_after_a_cutoff_gives_it_back(
    make_panel: Callable[..., Panel], series: list[list[float]], kinds: list[object], horizon: int
) -> None:
    """At every cutoff of every series, for values outside what fitting saw too."""
    panel = make_panel(series)
    pipeline = _fit(kinds, panel, panel.starts + 8)
    cutoffs = np.concatenate(
        [
            np.arange(begin + pipeline.reach, end - horizon)
            for begin, end in zip(panel.starts, panel.ends, strict=True)
        ]
    )
    later = cutoffs[:, None] + np.arange(1, horizon + 1)
    there = pipeline.apply(panel).panel.values[later]
    assert np.isfinite(there).all()
    back = pipeline.apply(panel).invert(there, cutoffs)
    np.testing.assert_allclose(back, panel.values[later], rtol=1e-6, atol=1e-6)


@given(series=panels, kinds=pipelines)
def test_inverting_uses_nothing_after_the_cutoff(
    make_panel: Callable[..., Panel], series: list[list[float]], kinds: list[object]
) -> None:
    """The rows to come may hold anything."""
    panel = make_panel(series)
    pipeline = _fit(kinds, panel, panel.starts + 7)
    cutoffs = panel.starts + 6
    changed = panel.values.copy()
    for cutoff, end in zip(cutoffs, panel.ends, strict=True):
        changed[cutoff + 1 : end] = 1e5
    there = np.ones((len(cutoffs), 3)) / 8
    np.testing.assert_array_equal(
        pipeline.apply(panel).invert(there, cutoffs),
        pipeline.apply(panel.with_values(changed)).invert(there, cutoffs),
    )


@given(series=panels, kinds=pipelines)
def test_undefined_rows_are_those_that_the_pipeline_reaches_over(
    make_panel: Callable[..., Panel], series: list[list[float]], kinds: list[object]
) -> None:
    """At the start of each series, as many as its differences take together."""
    panel = make_panel(series)
    pipeline = _fit(kinds, panel, panel.ends)
    values = pipeline.apply(panel).panel.values
    undefined = np.concatenate([np.arange(begin, begin + pipeline.reach) for begin in panel.starts])
    assert np.flatnonzero(np.isnan(values)).tolist() == undefined.astype(int).tolist()
    lags = [written.get("lag", 1) if isinstance(written, dict) else 1
            for written in kinds if _kind(written) == "difference"]  # fmt: skip
    assert pipeline.reach == sum(lags)


@given(series=panels, kinds=pipelines)
def test_a_pipeline_is_the_same_after_a_trip_through_json(
    make_panel: Callable[..., Panel], series: list[list[float]], kinds: list[object]
) -> None:
    """Its state is plain JSON, and every float of it comes back as it was."""
    panel = make_panel(series)
    pipeline = _fit(kinds, panel, panel.ends)
    text = json.dumps(pipeline.states(), allow_nan=False)
    again = Pipeline.from_states(_options(kinds), json.loads(text), season_length=3)
    np.testing.assert_array_equal(
        again.apply(panel).panel.values, pipeline.apply(panel).panel.values
    )
    assert again.states() == pipeline.states()
    assert again.reach == pipeline.reach


@given(series=panels, kinds=pipelines, later=st.lists(numbers, min_size=1, max_size=5))
def test_nothing_after_the_training_part_changes_what_was_fitted(
    make_panel: Callable[..., Panel],
    series: list[list[float]],
    kinds: list[object],
    later: list[float],
) -> None:
    """Rows past the cutoff may be anything: the state is the same to the last bit."""
    on_train = [{**kind, "fit_on": "train"} if isinstance(kind, dict) else kind for kind in kinds]
    panel, other = make_panel(series), make_panel([values + later for values in series])
    lengths = np.array([len(values) for values in series])
    before = _fit(on_train, panel, panel.starts + lengths).states()
    assert _fit(on_train, other, other.starts + lengths).states() == before


@pytest.mark.parametrize("per", ["series", "global"])
@pytest.mark.parametrize(
    ("kind", "scaler"),
    [("minmax", MinMaxScaler), ("standard", StandardScaler), ("robust", RobustScaler)],
)
@given(series=panels)
def test_a_scaler_equals_scikit_learn_s(
    make_panel: Callable[..., Panel],
    kind: str,
    scaler: type[MinMaxScaler],
    per: str,
    series: list[list[float]],
) -> None:
    """Fitted on the past of each series, or of all together; a constant one is moved to 0."""
    panel = make_panel(series)
    together = np.concatenate([values[:8] for values in series])
    by_hand = [
        scaler()
        .fit(np.array(together if per == "global" else values[:8])[:, None])
        .transform(np.array(values)[:, None])
        for values in series
    ]
    pipeline = _fit([{"kind": kind, "per": per}], panel, panel.starts + 8)
    scaled = pipeline.apply(panel).panel.values
    np.testing.assert_allclose(scaled, np.concatenate(by_hand)[:, 0], rtol=1e-12, atol=1e-12)


def test_box_cox_equals_scikit_learn_s(
    make_panel: Callable[..., Panel], airline_values: np.ndarray
) -> None:
    """The power that it finds, and what that makes of the values."""
    panel = make_panel([list(airline_values)])
    transformer = PowerTransformer("box-cox", standardize=False).fit(airline_values[:117, None])
    pipeline = _fit(["boxcox"], panel, panel.starts + 117)
    assert pipeline.states() == [{"power": [pytest.approx(transformer.lambdas_[0])], "offset": 0.0}]
    by_hand = transformer.transform(airline_values[:, None])[:, 0]
    np.testing.assert_allclose(pipeline.apply(panel).panel.values, by_hand, rtol=1e-9)


@given(series=panels, lag=st.sampled_from([1, 2, 5, "season"]))
def test_a_difference_equals_a_loop(
    make_panel: Callable[..., Panel], series: list[list[float]], lag: int | str
) -> None:
    """Within each series; never with a row of the one before it."""
    steps = 3 if lag == "season" else int(lag)
    panel = make_panel(series)
    by_hand = [
        values[i] - values[i - steps] if i >= steps else np.nan
        for values in series
        for i in range(len(values))
    ]
    pipeline = _fit([{"kind": "difference", "lag": lag}], panel, panel.ends, season_length=3)
    np.testing.assert_array_equal(pipeline.apply(panel).panel.values, by_hand)


@pytest.mark.parametrize("lag", [1, 3, 30])
def test_a_series_shorter_than_the_lag_has_no_value_left(
    make_panel: Callable[..., Panel], lag: int
) -> None:
    """And takes none from its neighbours."""
    panel = make_panel([[1.0] * 2, [2.0] * 40])
    values = _fit([{"kind": "difference", "lag": lag}], panel, panel.ends).apply(panel).panel.values
    assert np.isnan(values[:2]).tolist() == [True, lag > 1]
    assert np.isfinite(values[2:]).sum() == 40 - lag


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "log",
            (
                "the logarithm needs values above 0, and b is -1 on 2000-02-01 (2 such rows).\n"
                "Leave the logarithm out, or use boxcox with an `offset` above 1."
            ),
        ),
        (
            "log1p",
            (
                "the logarithm needs values above -1, and b is -1 on 2000-02-01 (1 such rows).\n"
                "Leave the logarithm out, or use boxcox with an `offset` above 1."
            ),
        ),
        (
            "boxcox",
            (
                "boxcox needs values above 0, and b is -1 on 2000-02-01 (2 such rows).\n"
                "Set its offset, such as `offset: 1` for data with zeros."
            ),
        ),
    ],
)
def test_a_value_without_a_logarithm_is_named(
    make_panel: Callable[..., Panel], kind: str, message: str
) -> None:
    """Series, date and value, and what to do."""
    panel = make_panel([[1.0, 2.0], [3.0, -1.0, 0.0]])
    with pytest.raises(DataError) as caught:
        _fit([kind], panel, panel.ends)
    assert str(caught.value) == message


def test_zeros_alone_are_advised_the_logarithm_of_one_more(
    make_panel: Callable[..., Panel],
) -> None:
    """It takes them, and nothing at or below -1."""
    panel = make_panel([[1.0, 0.0]])
    with pytest.raises(DataError, match="Use log1p for data with zeros"):
        _fit(["log"], panel, panel.ends)
    _fit(["log1p"], panel, panel.ends)


@pytest.mark.parametrize(
    ("pipelines", "shared"),
    [
        ([["log", "minmax", "difference", "standard"]], 2),
        ([["log", "difference", "minmax"], ["log", "minmax"]], 1),
        ([["log", "minmax"], ["log", "minmax", "robust"]], 2),
        ([["log", {"kind": "minmax", "per": "global"}], ["log", "minmax"]], 1),
        ([["difference"], ["difference", "minmax"]], 0),
        ([["log"], []], 0),
        ([[]], 0),
    ],
)
def test_pipelines_share_what_all_begin_with_before_any_difference(
    make_panel: Callable[..., Panel], pipelines: list[list[object]], shared: int
) -> None:
    """Together with what a branch goes on with it is the whole; also after a round trip."""
    panel = make_panel([[1.0, 2.0, 4.0, 9.0, 16.0]])
    options = [_options(kinds) for kinds in pipelines]
    past = panel.before(panel.ends)
    fitted = fit_pipelines(options, {"train": past}, 1)
    again = Pipelines.from_states(options, json.loads(json.dumps(fitted.states())), 1)
    for each in (fitted, again):
        assert len(each.shared.transforms) == shared
        before = each.shared.apply(panel).panel
        for branch, kinds in zip(each.branches, pipelines, strict=True):
            whole = _fit(kinds, panel, panel.ends).apply(panel)
            np.testing.assert_array_equal(branch.apply(before).panel.values, whole.panel.values)


def test_the_training_part_lands_between_0_and_1(
    make_panel: Callable[..., Panel], airline_values: np.ndarray
) -> None:
    """And the later, higher months of the airline beyond 1; with `fit_on: all` none does."""
    panel = make_panel([list(airline_values)])
    scaled = _fit(["minmax"], panel, panel.starts + 117).apply(panel).panel.values
    assert (scaled[:117].min(), scaled[:117].max()) == pytest.approx((0, 1))
    assert scaled[117:].max() > 1
    leaking = _fit([{"kind": "minmax", "fit_on": "all"}], panel, panel.starts + 117)
    assert leaking.apply(panel).panel.values.max() == pytest.approx(1)


def test_forecasts_are_inverted_in_the_units_of_their_own_series(
    make_panel: Callable[..., Panel],
) -> None:
    """A forecast of 0.5 is halfway between the extremes of the series of its cutoff."""
    panel = make_panel([[0.0, 10.0], [100.0, 300.0]])
    pipeline = _fit(["minmax"], panel, panel.ends)
    forecasts = np.array([[0.5, 1.0], [0.5, 2.0]])
    inverted = pipeline.apply(panel).invert(forecasts, np.array([1, 3]))
    np.testing.assert_allclose(inverted, [[5.0, 10.0], [200.0, 500.0]])


# Frequencies, the date on which a panel begins, and the time zone.
CALENDARS = [
    ("MS", "2000-01-01", None),
    ("ME", "2000-01-31", None),
    ("D", "2024-02-26", None),
    ("D", "2024-02-26", "Europe/Berlin"),
    ("B", "2024-02-26", None),
    ("B", "2024-02-24", None),  # a Saturday, which Monday follows
    ("W-SUN", "2024-02-25", None),
    ("QS", "2000-01-01", None),
    ("YS", "2000-01-01", None),
    ("h", "2024-03-30", None),
    ("h", "2024-03-30", "UTC+05:30"),
    ("h", "2024-03-30", "Europe/Berlin"),
    ("15min", "2024-03-30", "UTC"),
]


def _seasonal_panel(freq: str, begin: str, zone: str | None) -> tuple[Panel, np.ndarray]:
    """Two lines with a season of five steps each, of 61 and of 48 rows, and these seasons."""
    seasons = np.array([[4.0, 1.0, -2.0, 0.0, -3.0], [-30.0, 10.0, 50.0, -10.0, -20.0]])
    lengths = [61, 48]
    parts, dates = [], []
    for season, length in zip(seasons, lengths, strict=True):
        parts.append(100 + np.arange(length) / 8 + season[np.arange(length) % 5])
        dates.append(_calendar(freq, begin, zone, length))
    values = np.concatenate(parts)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    begins = pd.DatetimeIndex([dates[0][0], dates[1][0]])
    return Panel(("a", "b"), offsets, begins, values, np.isfinite(values), freq), seasons


def _calendar(freq: str, begin: str, zone: str | None, length: int) -> pd.DatetimeIndex:
    """The first date, whatever it is, and the steps that follow it."""
    first = pd.DatetimeIndex([pd.Timestamp(begin, tz=zone)])
    return pd.DatetimeIndex(first.append(grid(first, length - 1, freq)))


@pytest.mark.parametrize(("freq", "begin", "zone"), CALENDARS)
def test_a_season_that_repeats_is_taken_out_whole(freq: str, begin: str, zone: str | None) -> None:
    """What is left of a line with a season is the line, after the training part too."""
    panel, _ = _seasonal_panel(freq, begin, zone)
    pipeline = _fit(["deseasonalize"], panel, panel.ends - 13, season_length=5)
    line = [100 + i / 8 for rows in np.diff(panel.offsets) for i in range(rows)]
    np.testing.assert_allclose(pipeline.apply(panel).panel.values, line, atol=1e-6)


@pytest.mark.parametrize(("freq", "begin", "zone"), CALENDARS)
@pytest.mark.parametrize("rows", [1, 2, 7])
def test_the_last_rows_alone_find_their_place_in_the_season(
    freq: str, begin: str, zone: str | None, rows: int
) -> None:
    """And so does every forecast from them: a run keeps no more rows than that."""
    panel, seasons = _seasonal_panel(freq, begin, zone)
    fitted = _fit(["deseasonalize"], panel, panel.ends - 13, season_length=5)
    states = json.loads(json.dumps(fitted.states()))
    pipeline = Pipeline.from_states(_options(["deseasonalize"]), states, 12)
    tail = panel.tail(rows)
    assert (
        pipeline.apply(tail).panel.values.tolist()
        == fitted.apply(panel).panel.tail(rows).values.tolist()
    )
    ahead = pipeline.apply(tail).invert(np.zeros((2, 12)), tail.ends - 1)
    steps = np.diff(panel.offsets)[:, None] + np.arange(12)
    np.testing.assert_allclose(ahead, np.take_along_axis(seasons, steps % 5, axis=1), atol=1e-6)


@pytest.mark.parametrize(("freq", "begin", "zone"), CALENDARS)
def test_rows_after_a_gap_find_their_place_in_the_season(
    freq: str, begin: str, zone: str | None
) -> None:
    """Newer rows need not follow those that the run knows."""
    panel, seasons = _seasonal_panel(freq, begin, zone)
    pipeline = _fit(["deseasonalize"], panel, panel.ends, season_length=5)
    later = _calendar(freq, begin, zone, 203)[-3:]
    begins = pd.DatetimeIndex([later[0], later[0]])
    newer = replace(panel.tail(3), begins=begins, values=seasons[:, :3].ravel())
    np.testing.assert_allclose(pipeline.apply(newer).panel.values, np.zeros(6), atol=1e-6)


def test_a_cycle_is_the_mean_of_the_last_three_seasons_of_stl(
    make_panel: Callable[..., Panel], airline_values: np.ndarray
) -> None:
    """Less its own mean, so that the level stays; the season after the anchor is the first."""
    panel = make_panel([list(airline_values)])
    pipeline = _fit(["log", "deseasonalize"], panel, panel.starts + 117, season_length=12)
    (state,) = pipeline.states()[1:]
    assert state["anchors"] == ["2009-09-01"]
    seasonal = STL(np.log(airline_values[:117]), period=12, seasonal=7).fit().seasonal
    by_hand = seasonal[-36:].reshape(3, 12).mean(axis=0)
    # Interpolation between every other point of the trend costs the last digits.
    np.testing.assert_allclose(state["cycles"], [by_hand - by_hand.mean()], atol=1e-3)
    assert np.mean(state["cycles"]) == pytest.approx(0, abs=1e-12)


def test_a_series_of_less_than_two_seasons_stays_as_it_is(
    make_panel: Callable[..., Panel],
) -> None:
    """There is no telling its season from its trend; its neighbour's is taken out all the same."""
    panel = make_panel([[1.0, 5.0, 3.0, 2.0, 7.0], [1.0, 5.0, 3.0, 1.0, 5.0, 3.0]])
    values = _fit(["deseasonalize"], panel, panel.ends, season_length=3).apply(panel).panel.values
    np.testing.assert_allclose(values, [1.0, 5.0, 3.0, 2.0, 7.0, *[3.0] * 6])


def test_a_difference_before_it_shortens_what_the_season_is_found_in(
    make_panel: Callable[..., Panel],
) -> None:
    """The undefined rows at the start are passed over, and every row keeps its place."""
    values = np.cumsum(np.tile([4.0, 1.0, -5.0], 6)) + 100
    panel = make_panel([list(values)])
    pipeline = _fit(["difference", "deseasonalize"], panel, panel.ends, season_length=3)
    left = pipeline.apply(panel).panel.values
    assert np.isnan(left[0])
    np.testing.assert_allclose(left[1:], 0, atol=1e-6)


def test_a_transform_keeps_dates_and_names(make_panel: Callable[..., Panel]) -> None:
    """Only the units change."""
    panel = make_panel([[1.0, 2.0, 4.0]])
    there = _fit(["log", "difference"], panel, panel.ends).apply(panel).panel
    assert replace(there, values=panel.values) == replace(panel, values=panel.values)


@pytest.mark.parametrize("kind", ["minmax", "standard", "robust"])
@pytest.mark.parametrize("level", [1e-100, 1e-20, 1e100])
def test_a_series_of_any_size_is_scaled(
    make_panel: Callable[..., Panel], kind: str, level: float
) -> None:
    """Values far below 1 are no constant: their scaled values are those of larger ones."""
    values = np.array([1.0, 2.0, 4.0, 3.0, 5.0])
    scaled, usual = (
        _fit([kind], panel, panel.ends).apply(panel).panel.values
        for panel in (make_panel([values * level]), make_panel([values]))
    )
    np.testing.assert_allclose(scaled, usual, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["boxcox", *POINTWISE, *ANYWHERE], ids=str)
def test_the_code_of_a_transform_is_the_transform(
    kind: object, make_panel: Callable[..., Panel]
) -> None:
    """Forwards on the rows of a series, backwards on forecasts that follow them."""
    random = np.random.default_rng(0)
    panel = make_panel([(5 + random.random(length)).tolist() for length in (30, 41)])
    pipeline = _fit([kind], panel, panel.ends - 5, season_length=4)
    [transform], scaled = pipeline.transforms, pipeline.apply(panel)
    for series in range(2):
        code = transform.code(Terms("states[0]", "before", "after", "ahead", "back", panel, series))
        rows, ahead = slice(panel.starts[series], panel.ends[series]), random.random((7, 2))
        names: dict[str, Any] = {"np": np, "states": [transform.state()], "ahead": ahead}
        names["before"] = panel.values[rows]
        exec(code.apply, names)
        own = scaled.panel.values[rows]
        np.testing.assert_allclose(names["after"], own[pipeline.reach :])
        exec(code.invert, names)
        cutoff = panel.ends[[series]] - 1
        back = [scaled.invert(ahead[None, :, i], cutoff)[0] for i in range(2)]
        np.testing.assert_allclose(names["back"], np.stack(back, axis=-1))


@given(series=panels, kinds=pipelines, data=st.data())
def test_a_pipeline_of_some_series_is_the_whole_one_for_them(
    make_panel: Callable[..., Panel],
    series: list[list[float]],
    kinds: list[object],
    data: st.DataObject,
) -> None:
    """On the way there and back, in any order of the series."""
    panel = make_panel(series)
    pipeline = _fit(kinds, panel, panel.starts + 8)
    places = np.array(data.draw(st.permutations(range(len(series)))))
    places = places[: data.draw(st.integers(1, len(series)))]
    own, part = pipeline.of(places), panel.in_order(places)
    rows = ranges(panel.starts[places], panel.ends[places])
    there = own.apply(part)
    np.testing.assert_array_equal(there.panel.values, pipeline.apply(panel).panel.values[rows])
    forecasts = np.full((len(places), 2), 0.25)
    np.testing.assert_array_equal(
        there.invert(forecasts, part.ends - 1),
        pipeline.apply(panel).invert(forecasts, panel.ends[places] - 1),
    )
