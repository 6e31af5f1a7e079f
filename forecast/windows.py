"""What is one example? The inputs of a network and the target that follows, gathered lazily.

An example is one number, the row of its cutoff: the last row of its context. So a data set of
examples costs eight bytes an example, however long the context. The same functions gather with
NumPy and inside a compiled program with `keras.ops`: they are handed the one or the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.data.panel import FloatArray, IntArray

Batch = NDArray[np.float32]


class Inputs(NamedTuple):
    """What a network sees of windows, part by part; a part that there is none of is None.

    Leading axes, here `...`, are those of the cutoffs: `(batch,)`, or `(members, batch)`.
    """

    past: Any
    """`(..., context_length, features)`: the target, or all that are forecast together, then what
    else is known up to the cutoff."""
    future: Any = None
    """`(..., horizon, features)`: what is known of the steps after it. See `Sizes` for the order of
    both."""
    static: Any = None
    """`(..., features)`: what does not change within a series."""
    present: Any = None
    """`(..., context_length, 1)`: 1 where a step of the past is there, 0 before a series begins."""

    def map(self, function: Any) -> "Inputs":
        """The function of every part that there is."""
        return Inputs(*(None if part is None else function(part) for part in self))

    @property
    def named(self) -> dict[str, Any]:
        """The parts that there are, by name."""
        return _named(self)


class Sizes(NamedTuple):
    """How many features a network is given beside the target, and where each sort stands.

    In the past: the target, its rolling means, its lags, past ones, known ones; in the future: lags
    and known ones. What is on the scale of the target comes first. Of several targets that are
    forecast together, each of these stands once a target, side by side.
    """

    past: int = 0
    known: int = 0
    static: int = 0
    rolling_means: int = 0
    """Of each target."""
    lags: int = 0
    """Of each target."""
    targets: int = 1
    """Targets that are forecast together."""

    @property
    def on_scale(self) -> int:
        """How many features of the past are on the target's scale, the target among them."""
        return self.targets * (1 + self.rolling_means + self.lags)

    @property
    def in_past(self) -> int:
        """How many features of the past there are."""
        return self.on_scale + self.past + self.known

    @property
    def in_future(self) -> int:
        """How many features of the future there are."""
        return self.targets * self.lags + self.known

    @property
    def first_lag(self) -> int:
        """Where in the past lags begin."""
        return self.targets * (1 + self.rolling_means)

    @property
    def ahead(self) -> list[int]:
        """Where in the past stands what the future has, in its order."""
        first_known = self.in_past - self.known
        return [*range(self.first_lag, self.on_scale), *range(first_known, self.in_past)]


class Columns(NamedTuple):
    """All that windows are gathered from: arrays of one dtype with what a network takes."""

    values: Any
    """The target, `(rows,)`; of several that are forecast together `(rows, targets)`."""
    past: Any = None
    """`(rows, features)`: what is known up to a cutoff."""
    known: Any = None
    """`(rows, features)`: what is known beyond it too."""
    static: Any = None
    """`(series, features)`."""
    series: Any = None
    """The row of `static` for each row, `(rows,)`."""
    observed: Any = None
    """1 where the target was observed, and else 0, as `values`; None where all of it was."""
    rolling_means: Any = None
    """`(rows, lengths)`: of the target up to each row; `(rows, lengths * targets)`."""
    first: Any = None
    """The row where the series of each row begins, `(rows,)`; None where contexts are whole."""

    @property
    def named(self) -> dict[str, Any]:
        """The parts that there are, by name."""
        return _named(self)


def _named(parts: Inputs | Columns) -> dict[str, Any]:
    return {name: part for name, part in parts._asdict().items() if part is not None}


def spread(cutoffs: IntArray, most: int) -> IntArray:
    """At most this many of the cutoffs, evenly spread."""
    return cutoffs[:: max(1, -(-len(cutoffs) // most))]


def side_by_side(numbers: NDArray[Any], targets: int) -> NDArray[Any]:
    """Numbers of the rows of all targets, one target after another, as numbers of common rows.

    From `(targets * rows,)` to `(rows, targets)`, and from `(targets * rows, features)` to
    `(rows, features * targets)`. Those of one target stay as they are.
    """
    if targets == 1:
        return numbers
    by_target = numbers.reshape(targets, len(numbers) // targets, -1)
    return np.moveaxis(by_target, 0, -1).reshape(by_target.shape[1], -1)


def gather(
    xp: Any,
    columns: Columns,
    cutoffs: Any,
    context_length: int,
    *,
    horizon: int = 1,
    lags: Sequence[int] = (),
    starts: Any = None,
    season_length: int = 1,
    is_masked: bool = False,
    there: Any = None,
) -> Inputs:
    """The inputs at cutoffs `(...)`; `horizon` steps after them, where anything is known there.

    `starts` `(...)` are the first rows of the cutoffs' series; without them every context is whole,
    and so are its lags. What lies before the first row of a series is its first season repeated
    backwards: a short series then looks like one whose past went as its present does. Masked, a
    context has zeros there instead, and `present` says where. A lag that would be of a step after
    the cutoff is the value at the cutoff.
    Where `there` `(...)` is false there is no window, and the target's past is zero.
    """
    target = _Target(xp, columns.values, cutoffs, starts, season_length, there)
    rows = cutoffs[..., None] + np.arange(1 - context_length, 1, dtype=np.int32)
    absent = rows < starts[..., None] if is_masked else None
    rows = xp.maximum(rows, 0) if is_masked else target.within(rows)
    past, present = target.at(rows), None
    is_joint = target.is_joint
    lagged, lags_ahead = target.lagged(lags, context_length, horizon)
    means = target.rolling_means(columns.rolling_means, rows)
    others = [part for part in (columns.past, columns.known) if part is not None]
    beside = [*means, *lagged, *(xp.take(part, rows, axis=0) for part in others)]
    if absent is not None:
        ones = xp.ones_like(past[..., 0] if is_joint else past)
        present = xp.where(absent, 0.0, ones)[..., None]
        past = xp.where(absent[..., None] if is_joint else absent, 0.0, past)
        beside = [xp.where(absent[..., None], 0.0, part) for part in beside]
    known = [] if columns.known is None else [gather_after(xp, columns.known, cutoffs, horizon)]
    return Inputs(
        _side_by_side(xp, [past if is_joint else past[..., None], *beside]),
        _side_by_side(xp, [*lags_ahead, *known]),
        None
        if columns.static is None
        else xp.take(columns.static, xp.take(columns.series, cutoffs, axis=0), axis=0),
        present,
    )


@dataclass(frozen=True)
class _Target:
    """The target, or those of a joint forecast, in rows near cutoffs `(...)`: see `gather`."""

    xp: Any
    values: Any
    cutoffs: Any
    starts: Any
    season_length: int
    there: Any

    @property
    def is_joint(self) -> bool:
        """Whether a row has the values of several targets."""
        return len(self.values.shape) > 1

    def at(self, rows: Any) -> Any:
        """The values in these rows `(..., steps)`; of several targets with an axis of these."""
        # Of one before an axis of features is added: over that, XLA would add up in another order.
        return self._if_there(self.xp.take(self.values, rows, axis=0))

    def within(self, rows: Any) -> Any:
        """Rows of the series in place of those before its first."""
        if self.starts is None:
            return self.xp.maximum(rows, 0)
        first = self.starts[..., None]
        season = self.xp.minimum(self.season_length, self.cutoffs[..., None] + 1 - first)
        season = self.xp.maximum(season, 1)  # where there is no window
        return self.xp.where(rows < first, first + (rows - first) % season, rows)

    def lagged(
        self, lags: Sequence[int], context_length: int, horizon: int
    ) -> tuple[list[Any], list[Any]]:
        """The lags of each step of the context `(..., context_length, lags)`, and of the horizon.

        Of several targets those of one lag stand side by side. Each in a list, which is empty where
        there are no lags.
        """
        if not lags:
            return [], []
        last = self.cutoffs[..., None]
        steps = last + np.arange(1 - context_length, horizon + 1, dtype=np.int32)
        rows = [self.within(self.xp.minimum(steps - lag, last)) for lag in lags]
        side_by_side = self.xp.concatenate if self.is_joint else self.xp.stack
        lagged = side_by_side([self.at(own) for own in rows], axis=-1)
        return [lagged[..., :context_length, :]], [lagged[..., context_length:, :]]

    def rolling_means(self, means: Any, rows: Any) -> list[Any]:
        """The rolling means in these rows `(..., steps, lengths)`; none where there are none."""
        if means is None:
            return []
        return [self._if_there(self.xp.take(means, rows, axis=0))]

    def _if_there(self, numbers: Any) -> Any:
        """Numbers `(..., steps)`, or with features behind; zeros where there is no window."""
        if self.there is None:
            return numbers
        there = self.there[(..., *(None,) * (len(numbers.shape) - len(self.there.shape)))]
        return self.xp.where(there, numbers, 0.0)


def _side_by_side(xp: Any, parts: list[Any]) -> Any:
    """The features of all parts `(..., steps, features)`; None where there are none."""
    if len(parts) < 2:
        return parts[0] if parts else None
    return xp.concatenate(parts, axis=-1)


def gather_after(xp: Any, values: Any, cutoffs: Any, horizon: int) -> Any:
    """What follows cutoffs `(...)`: `(..., horizon)`, and what axes rows have of their own."""
    return xp.take(values, cutoffs[..., None] + np.arange(1, horizon + 1, dtype=np.int32), axis=0)


def cut_out(
    columns: Columns, cutoffs: IntArray, before: int, after: int
) -> tuple[Columns, NDArray[np.int32]]:
    """The rows near some cutoffs alone, `before` up to each and `after` more, window by window.

    With the cutoffs `(...)` as rows of these; -1 stays where there is no window. What is gathered
    from them is what would be from all, if no window reaches further. No other row is looked at,
    so that columns may lie on disk.
    """
    each, windows = before + after, np.arange(cutoffs.size)
    at = np.maximum(cutoffs.ravel(), 0)
    rows = at[:, None] + np.arange(1 - before, after + 1)
    # Of a window at an end of the columns, some that nothing is gathered from.
    rows = np.clip(rows, 0, len(columns.values) - 1).ravel()
    begins = np.repeat(windows * each, each)

    by_row = columns._replace(static=None, series=None, first=None)
    cut = Columns(*(None if part is None else part[rows] for part in by_row))
    if columns.static is not None:
        static = columns.static[columns.series[at]]
        cut = cut._replace(static=static, series=np.repeat(windows, each).astype(np.int32))
    if columns.first is not None:
        reached = np.maximum(columns.first[at] - (at + 1 - before), 0)
        cut = cut._replace(first=(np.repeat(reached, each) + begins).astype(np.int32))
    places = (windows * each + before - 1).reshape(cutoffs.shape)
    return cut, np.where(cutoffs < 0, -1, places).astype(np.int32)


def occurrences(series: IntArray) -> IntArray:
    """How often each entry's series came up before it: `[4, 7, 4]` gives `[0, 0, 1]`."""
    order = np.argsort(series, kind="stable")
    grouped = series[order]
    counts = np.empty_like(series)
    counts[order] = np.arange(len(series)) - np.searchsorted(grouped, grouped)
    return counts


@dataclass(frozen=True)
class Windows:
    """Examples of transformed values, and of what is known beside them.

    `values` has shape `(rows,)`, or `(rows, targets)` of targets that are forecast together;
    `cutoffs`, and the `series` that each belongs to, `(windows,)`. Every context is whole, or
    `first` says for every row `(rows,)` where its series begins.
    """

    values: FloatArray | Batch
    cutoffs: IntArray
    series: NDArray[np.integer[Any]]
    context_length: int
    horizon: int
    first: IntArray | None = None
    beside: Columns | None = None
    """The other columns of the same rows, if there are any."""
    observed: NDArray[np.bool_] | None = None
    """Which of the values are no filled gaps; None where none of the targets is one."""
    lags: tuple[int, ...] = ()
    """How many steps before each step the target is seen too."""

    def of(self, series: int) -> "Windows":
        """The examples of one series."""
        own = self.series == series
        return replace(self, cutoffs=self.cutoffs[own], series=self.series[own])
