"""The parts of a panel: disjoint, in the order of time, the test part last."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from forecast.config.schema import SplitOptions
from forecast.data.panel import Panel
from forecast.data.split import Needs, cutoffs_by_split, split_panel
from forecast.errors import DataError

points = st.one_of(st.floats(0.01, 0.9), st.integers(1, 40))
lengths = st.lists(st.integers(5, 80), min_size=1, max_size=3)


NEEDS = Needs(context_length=12, reach=0, horizon=1)


def _counts(panel: Panel, options: SplitOptions, needs: Needs) -> dict[str, int]:
    """How many windows each part has."""
    cutoffs = cutoffs_by_split(panel, split_panel(panel, options, needs), needs)
    return {name: len(rows) for name, rows in cutoffs.items()}


@pytest.mark.parametrize(
    ("test", "validation", "counts"),
    [
        (0.2, None, {"train": 105, "test": 27}),
        (27, None, {"train": 105, "test": 27}),
        ("1958-10-01", None, {"train": 105, "test": 27}),
        ("1958-09-02", None, {"train": 105, "test": 27}),
        (1, None, {"train": 131, "test": 1}),
        (0.2, 0.1, {"train": 91, "validation": 14, "test": 27}),
        (0.2, 12, {"train": 93, "validation": 12, "test": 27}),
        (24, "1958-01-01", {"train": 96, "validation": 12, "test": 24}),
    ],
)
def test_the_airline_windows_are_held_out_as_asked(
    make_panel: Callable[..., Panel],
    test: float | int | str,
    validation: float | int | str | None,
    counts: dict[str, int],
) -> None:
    """A share of the windows, a number of steps, or the first date of the part."""
    panel = make_panel([list(range(144))])
    panel = replace(panel, begins=pd.DatetimeIndex(["1949-01-01"]))
    options = SplitOptions(test=test, validation=validation)
    assert _counts(panel, options, NEEDS) == counts


@given(
    lengths=lengths,
    test=points,
    validation=st.none() | points,
    context_length=st.integers(1, 6),
    reach=st.integers(0, 4),
    horizon=st.integers(1, 4),
)
def test_parts_are_disjoint_ordered_and_end_with_the_test(
    make_panel: Callable[..., Panel],
    lengths: list[int],
    test: float | int,
    validation: float | int | None,
    context_length: int,
    reach: int,
    horizon: int,
) -> None:
    """Together they are all rows of every series, and each has a window in some series."""
    assume(not isinstance(validation, int) or validation >= horizon)  # else no length would do
    panel = make_panel([[0.0] * length for length in lengths])
    needs = Needs(context_length, reach, horizon)
    try:
        split = split_panel(panel, SplitOptions(test=test, validation=validation), needs)
    except DataError:
        reject()
    parts = list(split.parts(panel))
    middle = ["validation"] if validation is not None else []
    assert [name for name, _, _ in parts] == ["train", *middle, "test"]
    edges = [parts[0][1], *(ends for _, _, ends in parts)]
    assert (edges[0] == panel.starts).all()
    assert (edges[-1] == panel.ends).all()
    for (_, _, ends), (_, begins, _) in pairwise(parts):
        assert (ends == begins).all()
    for name, begins, ends in parts:
        least = context_length + reach + horizon if name == "train" else horizon
        assert (ends - begins >= least).any()


@given(length=st.integers(3, 200), share=st.floats(0.01, 0.9))
def test_a_share_is_rounded_up_to_whole_windows(
    make_panel: Callable[..., Panel], length: int, share: float
) -> None:
    """At least the share is held out, and less than one window more."""
    panel = make_panel([[0.0] * length])
    needs = Needs(1, 0, 1)
    try:
        split = split_panel(panel, SplitOptions(test=share), needs)
    except DataError:
        reject()
    held_out = float((panel.ends - split.test_begins)[0])
    exact = share * (length - 1)
    assert exact - 1e-6 <= held_out < exact + 1


def test_a_part_without_a_window_is_refused_with_the_rows_that_it_needs(
    make_panel: Callable[..., Panel],
) -> None:
    """How much there is, how much is needed, and what to change."""
    panel = make_panel([[0.0] * 14])
    with pytest.raises(DataError) as caught:
        split_panel(panel, SplitOptions(), Needs(12, 0, 2))
    assert str(caught.value) == (
        "a has 14 rows (2000-01-01 ... 2001-02-01), of which 13 fall to the train part; "
        "window.context_length 12 and window.horizon 2 need at least 14 there, 18 rows in all.\n"
        "Give more rows, a shorter context or horizon, or another split."
    )


@pytest.mark.parametrize(
    "options", [SplitOptions(), SplitOptions(test=0.5, validation=0.1), SplitOptions(test=7)]
)
@pytest.mark.parametrize("needs", [NEEDS, Needs(3, 0, 4), Needs(3, 12, 1)])
def test_the_rows_that_are_said_to_be_needed_are_the_fewest(
    make_panel: Callable[..., Panel], options: SplitOptions, needs: Needs
) -> None:
    """One row fewer is refused, and as many as it says are enough."""
    with pytest.raises(DataError) as caught:
        split_panel(make_panel([[0.0] * 2]), options, needs)
    needed = int(str(caught.value).split(" rows in all")[0].rsplit(", ", 1)[1])
    assert min(_counts(make_panel([[0.0] * needed]), options, needs).values()) >= 1
    with pytest.raises(DataError):
        split_panel(make_panel([[0.0] * (needed - 1)]), options, needs)


def test_a_date_in_a_time_zone_needs_times_in_a_time_zone(
    make_panel: Callable[..., Panel],
) -> None:
    """The two can not be compared, which is for a person to mend."""
    panel = make_panel([[0.0] * 40])
    with pytest.raises(DataError, match="time zone"):
        split_panel(panel, SplitOptions(test="2002-01-01T00:00:00+00:00"), NEEDS)


def test_a_date_without_a_time_zone_is_read_in_that_of_the_data(
    make_panel: Callable[..., Panel],
) -> None:
    """Midnight of the table's own zone."""
    plain = make_panel([[0.0] * 20], freq="D")
    zoned = replace(plain, begins=pd.DatetimeIndex(plain.begins).tz_localize("+05:00"))
    needs = Needs(2, 0, 1)
    begins = split_panel(zoned, SplitOptions(test="2000-01-15"), needs).test_begins
    assert begins.tolist() == [14]


@pytest.mark.parametrize("validation", ["2099-01-01", "2003-01-01"])
def test_a_validation_part_that_holds_no_row_is_refused(
    make_panel: Callable[..., Panel], validation: str
) -> None:
    """Else what was asked to watch it would watch the test part."""
    panel = make_panel([[0.0] * 40])
    options = SplitOptions(test="2002-01-01", validation=validation)
    with pytest.raises(DataError, match="validation"):
        split_panel(panel, options, NEEDS)


def test_every_series_is_split_by_its_own_length(make_panel: Callable[..., Panel]) -> None:
    """A share of the windows of each, not of the panel."""
    panel = make_panel([[0.0] * 22, [0.0] * 112])
    split = split_panel(panel, SplitOptions(test=0.1), NEEDS)
    assert (panel.ends - split.test_begins).tolist() == [1, 10]
    assert isinstance(split.test_begins, np.ndarray)
