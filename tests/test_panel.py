"""The panel: series in flat arrays, addressed by row."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.panel import Panel, Past, ranges

panels = st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=15), min_size=1, max_size=4)


@given(st.lists(st.tuples(st.integers(-5, 50), st.integers(-5, 50)), max_size=10))
def test_ranges_are_python_ranges_one_after_another(pairs: list[tuple[int, int]]) -> None:
    """An empty or backward range adds no row."""
    begins, ends = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    by_hand = [row for begin, end in pairs for row in range(begin, end)]
    assert ranges(begins, ends).tolist() == by_hand


@given(series=panels)
def test_every_row_knows_its_series(
    make_panel: Callable[..., Panel], series: list[list[float]]
) -> None:
    """From the first row of a series to its last, however short it is."""
    panel = make_panel(series)
    by_hand = [i for i, values in enumerate(series) for _ in values]
    assert panel.series_of(np.arange(len(panel.values))).tolist() == by_hand


@given(series=panels, rows=st.integers(0, 20))
def test_the_tail_is_the_end_of_each_series(
    make_panel: Callable[..., Panel], series: list[list[float]], rows: int
) -> None:
    """A series that is shorter comes whole; dates stay beside their values."""
    panel = make_panel(series)
    tail = panel.tail(rows)
    kept = [values[max(len(values) - rows, 0) :] for values in series]
    assert [
        tail.values[begin:end].tolist() for begin, end in zip(tail.starts, tail.ends, strict=True)
    ] == kept
    assert tail.unique_ids == panel.unique_ids
    moment = dict(zip(range(len(panel.values)), panel.ds, strict=True))
    first = panel.ends - np.array([len(values) for values in kept])
    assert list(tail.ds) == [moment[row] for row in ranges(first, panel.ends)]


@given(series=panels, data=st.data())
def test_the_past_ends_where_it_is_told(
    make_panel: Callable[..., Panel], series: list[list[float]], data: st.DataObject
) -> None:
    """`until` is the one way to what may be fitted on, and holds no row from the end on."""
    panel = make_panel(series)
    # An end may lie before the start of a short series: that one has no past.
    lengths = [data.draw(st.integers(-20, len(values))) for values in series]
    past = panel.before(panel.starts + np.array(lengths))
    assert isinstance(past, Past)
    begins, ends = past.panel.starts, past.panel.ends
    assert (begins <= ends).all()
    assert [past.panel.values[b:e].tolist() for b, e in zip(begins, ends, strict=True)] == [
        values[: max(0, length)] for values, length in zip(series, lengths, strict=True)
    ]
    assert len(past.panel.ds) == len(past.panel.observed) == past.panel.ends[-1]


def test_a_past_that_ends_in_a_gap_does_not_know_what_comes_after(
    make_panel: Callable[..., Panel],
) -> None:
    """The gap was interpolated towards a later value; its past repeats the last one before it."""
    panel = make_panel([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
    observed = np.array([True, True, False, True, False, True, True, False])
    panel = replace(panel, observed=observed)
    assert panel.before(np.array([3, 7])).panel.values.tolist() == [1, 2, 2, 5, 6, 7]
    assert panel.before(np.array([4, 8])).panel.values.tolist() == [1, 2, 3, 4, 5, 6, 7, 7]
    assert panel.before(np.array([0, 5])).panel.values.tolist() == [5]
    assert panel.observed_until(np.array([3, 8])).tolist() == [2, 7]


def test_after_a_cutoff_in_a_gap_there_is_no_truth(make_panel: Callable[..., Panel]) -> None:
    """What was forecast there would have known what comes."""
    panel = make_panel([[1.0, 2.0, 3.0, 4.0, 5.0]])
    panel = replace(panel, observed=np.array([True, False, True, False, True]))
    truth = panel.truth_after(np.array([0, 1, 2]), 2)
    np.testing.assert_array_equal(truth, [[np.nan, 3], [np.nan, np.nan], [np.nan, 5]])
