"""Windows against loops that write every example out."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.panel import Panel
from forecast.data.split import cutoffs_within, latest_apart
from forecast.windows import Columns, Inputs, cut_out, gather, gather_after

lengths = st.lists(st.integers(1, 15), min_size=1, max_size=4)
sizes = st.integers(1, 5)


def _panel(make_panel: Callable[..., Panel], lengths: list[int]) -> Panel:
    """Values that say where they stand: 1003 is row 3 of the second series."""
    return make_panel([[1000 * i + row for row in range(n)] for i, n in enumerate(lengths)])


@given(lengths=lengths, rows_before=sizes, horizon=sizes, data=st.data())
def test_cutoffs_keep_their_targets_in_the_part_and_their_past_in_the_series(
    make_panel: Callable[..., Panel],
    lengths: list[int],
    rows_before: int,
    horizon: int,
    data: st.DataObject,
) -> None:
    """Every cutoff with rows enough on both sides, and no other; the past may be another part's."""
    panel = _panel(make_panel, lengths)
    skipped = [data.draw(st.integers(0, length)) for length in lengths]
    taken = [data.draw(st.integers(0, n - skip)) for n, skip in zip(lengths, skipped, strict=True)]
    begins = panel.starts + np.array(skipped)
    ends = begins + np.array(taken)
    by_hand = [
        row
        for start, begin, end in zip(panel.starts, begins, ends, strict=True)
        for row in range(start, end)
        if row - rows_before + 1 >= start and row + 1 >= begin and row + horizon < end
    ]
    assert cutoffs_within(panel, begins, ends, rows_before, horizon).tolist() == by_hand


@given(lengths=lengths, context_length=st.integers(1, 12), season=sizes)
def test_contexts_are_those_of_a_naive_loop(
    make_panel: Callable[..., Panel], lengths: list[int], context_length: int, season: int
) -> None:
    """The last values of the series; before its start, its first season goes on backwards."""
    panel = _panel(make_panel, lengths)
    by_hand = []
    for i, length in enumerate(lengths):
        for end in range(1, length + 1):
            past = [1000 * i + row for row in range(end)]
            first_season = min(season, end)
            while len(past) < context_length:
                past.insert(0, past[first_season - 1])
            by_hand.append(past[-context_length:])
    cutoffs = np.arange(len(panel.values))
    starts = panel.starts[panel.series_of(cutoffs)]
    contexts = gather(
        np, Columns(panel.values), cutoffs, context_length, starts=starts, season_length=season
    ).past
    assert contexts.shape == (len(by_hand), context_length, 1)
    assert contexts[..., 0].tolist() == by_hand


@given(lengths=lengths, horizon=sizes, most=st.integers(1, 20))
def test_the_latest_cutoffs_apart_share_no_target(
    make_panel: Callable[..., Panel], lengths: list[int], horizon: int, most: int
) -> None:
    """The latest of each series is among them, and as many before it as there is room for."""
    panel = _panel(make_panel, lengths)
    cutoffs = cutoffs_within(panel, panel.starts, panel.ends, 1, horizon)
    kept = latest_apart(panel, cutoffs, horizon, most)
    by_hand = []
    for start, end in zip(panel.starts, panel.ends, strict=True):
        own = [row for row in cutoffs.tolist() if start <= row < end]
        each = max(1, most // len(lengths))
        by_hand += sorted(own[::-1][::horizon][:each])
    assert kept.tolist() == by_hand
    for one, two in pairwise(kept.tolist()):
        assert two - one >= horizon


def test_the_airline_recipe_has_132_windows(
    make_panel: Callable[..., Panel], airline_values: np.ndarray
) -> None:
    """The first sees 1949 and is asked for January 1950; the last is asked for December 1960."""
    panel = make_panel([list(airline_values)])
    cutoffs = cutoffs_within(panel, panel.starts, panel.ends, 12, 1)
    contexts = gather(np, Columns(panel.values), cutoffs, 12).past
    assert contexts.shape == (132, 12, 1)
    assert contexts[0, :, 0].tolist() == airline_values[:12].tolist()
    assert panel.values[cutoffs[[0, -1]] + 1].tolist() == [115, 432]


@given(
    lengths=lengths,
    context_length=sizes,
    horizon=sizes,
    lags=st.lists(st.integers(1, 6), max_size=2),
    is_masked=st.booleans(),
    data=st.data(),
)
def test_rows_that_are_cut_out_are_all_that_windows_are_gathered_from(
    make_panel: Callable[..., Panel],
    lengths: list[int],
    context_length: int,
    horizon: int,
    lags: list[int],
    is_masked: bool,
    data: st.DataObject,
) -> None:
    """Whichever windows they are, in any order; what is none stays none."""
    panel = _panel(make_panel, lengths)
    rows = np.arange(len(panel.values))
    series = panel.series_of(rows).astype(np.int32)
    columns = Columns(
        panel.values,
        past=np.stack([rows, -rows], axis=1),
        known=rows[:, None] / 2,
        static=np.arange(len(lengths))[:, None] * 10.0,
        series=series,
        observed=rows % 2,
        first=panel.starts[series].astype(np.int32),
    )
    reached = max(lags, default=0) + context_length
    whole = [
        row
        for row in range(len(rows))
        if row + horizon < panel.ends[series[row]]
        and (is_masked or row + 1 - reached >= panel.starts[series[row]])
    ]
    drawn = data.draw(st.lists(st.sampled_from([-1, *whole]), min_size=4, max_size=4))
    cutoffs = np.array(drawn).reshape(2, 2)
    cut, moved = cut_out(columns, cutoffs, reached, horizon)
    assert len(cut.values) == 4 * (reached + horizon)
    np.testing.assert_array_equal(moved < 0, cutoffs < 0)

    def gathered(columns: Columns, cutoffs: np.ndarray) -> Inputs:
        own = cutoffs[cutoffs >= 0]
        return gather(
            np, columns, own, context_length, horizon=horizon, lags=lags,
            starts=columns.first[own] if is_masked else None, season_length=2, is_masked=is_masked,
        )  # fmt: skip

    for part, other in zip(gathered(columns, cutoffs), gathered(cut, moved), strict=True):
        np.testing.assert_array_equal(part, other)
    for name in ("values", "observed"):
        after = (
            gather_after(np, getattr(own, name), at[at >= 0], horizon)
            for own, at in ((columns, cutoffs), (cut, moved))
        )
        np.testing.assert_array_equal(*after)


class _Watched(np.ndarray[tuple[int, ...], np.dtype[np.float64]]):
    """Rows that notice which of them are looked at."""

    looked_at: set[int]

    def __getitem__(self, rows: Any) -> Any:
        self.looked_at.update(rows.tolist())
        return np.asarray(self)[rows]


def test_no_row_is_looked_at_but_those_of_the_windows() -> None:
    """So that a process reads its share of columns that lie on disk."""
    values = np.arange(1000.0).view(_Watched)
    values.looked_at = set()
    cut_out(Columns(values), np.array([[100, 500]]), 5, 2)
    assert values.looked_at == {*range(96, 103), *range(496, 503)}
