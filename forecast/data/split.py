"""The parts of a panel, and the cutoffs in them from which forecasts are made.

First come the training rows, then validation rows, then the latest rows for the test.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config.schema import Config, SplitOptions
from forecast.data.calendar import iso
from forecast.data.joint import of_every_target
from forecast.data.panel import IntArray, Panel, ranges
from forecast.errors import DataError, Problem

Point = float | int | str
_MOST_ROWS = 100_000  # beyond this nobody is helped by knowing how many would do


@dataclass(frozen=True)
class Needs:
    """Rows that one window takes."""

    context_length: int
    reach: int
    """Rows that the transforms take from the start of a series."""
    horizon: int
    masked: int = 0
    """Steps of a context that may lie before the first value of a series that is trained on."""
    is_local: bool = False
    """Whether each series has a network of its own, and so takes a window to train it on."""
    lag: int = 0
    """Steps of the longest lag, which have to lie before a context that is trained on."""
    targets: int = 1
    """Targets that are forecast together, one after another in a panel: see `data.joint`."""

    @classmethod
    def of(cls, config: Config, season_length: int) -> "Needs":
        """What a config asks for, with a season of so many steps."""
        window, masked, lag = config.window, 0, config.features.longest_lag
        if window.padding == "mask":
            # Lags are never masked: what lies before a series is its first season.
            masked, lag = max(window.context_length - season_length, 0), 0
        is_local = config.model.scope == "local"
        reach = config.reach(season_length)
        targets = config.joint_targets
        return cls(window.context_length, reach, window.horizon, masked, is_local, lag, targets)

    @property
    def rows_before(self) -> int:
        """Rows up to and with the first cutoff of a series that training takes."""
        return self.context_length - self.masked + self.reach + self.lag

    @property
    def shorter(self) -> str:
        """What would take fewer rows."""
        return f"a shorter context{', lag' if self.lag else ''} or horizon"

    def __str__(self) -> str:
        context = f"window.context_length {self.context_length}"
        if self.masked:
            context += f" (of which {self.masked} may be masked)"
        if self.lag:
            context += f", a lag of {self.lag} steps"
        reach = f", transforms that take {self.reach} rows" if self.reach else ""
        return f"{context}{reach} and window.horizon {self.horizon}"


@dataclass(frozen=True)
class Split:
    """Flat rows, one a series: where the training part ends and where the test part begins.

    Between the two lies the validation part, which may be empty.
    """

    train_ends: IntArray
    test_begins: IntArray

    @property
    def has_validation(self) -> bool:
        """Whether any row lies between training and test."""
        return bool((self.test_begins > self.train_ends).any())

    def parts(self, panel: Panel) -> Iterator[tuple[str, IntArray, IntArray]]:
        """The name, the first rows and the rows after the last of each part that has rows."""
        yield "train", panel.starts, self.train_ends
        if self.has_validation:
            yield "validation", self.train_ends, self.test_begins
        yield "test", self.test_begins, panel.ends


def split_panel(panel: Panel, options: SplitOptions, needs: Needs) -> Split:
    """Hold out the end of every series.

    A share counts windows of one step, so that 0.2 of 144 rows with a context of 12 is 27 rows.
    Of a series that is shorter than the test part, all rows fall to it. Raises `DataError` where a
    part is too short for one window in every series.
    """
    test_begins = panel.ends - held_out(options.test, panel, panel.ends, needs)
    test_begins = np.maximum(test_begins, panel.starts)
    train_ends = test_begins
    if options.validation is not None:
        train_ends = test_begins - held_out(options.validation, panel, test_begins, needs)
        train_ends = np.maximum(train_ends, panel.starts)
    split = Split(train_ends, test_begins)
    _refuse_short_parts(panel, split, options, needs)
    if options.validation is not None and not split.has_validation:
        message = f"no row falls to the validation part, split.validation: {options.validation}."
        advice = "It lies between the training part and the test part."
        raise DataError(Problem(message, advice))
    return split


def split_past(past: Panel, options: SplitOptions, needs: Needs) -> Split:
    """All rows to train on but a validation part, if one is asked for, and none for a test."""
    rows = np.zeros(len(past.unique_ids), np.int64)
    if options.validation is not None:
        rows = held_out(options.validation, past, past.ends, needs)
    return Split(np.maximum(past.ends - rows, past.starts), past.ends)


def held_out(point: Point, panel: Panel, ends: IntArray, needs: Needs) -> IntArray:
    """How many rows of each series before `ends` a part takes."""
    if isinstance(point, str):
        moment, ds = pd.Timestamp(point), panel.ds
        if not isinstance(ds, pd.DatetimeIndex):
            message = f"split has a date, {point}, and the table counts its rows."
            raise DataError(Problem(message, "Give a share of the windows, or a number of steps."))
        zone = ds.tz
        if zone is not None and moment.tz is None:
            moment = moment.tz_localize(zone)
        if zone is None and moment.tz is not None:
            message = (
                f"split has a date with a time zone, {point}, and the table's dates have none."
            )
            raise DataError(Problem(message, "Leave the time zone out of the date."))
        later = np.concatenate([[0], np.cumsum(ds >= moment)])
        rows: IntArray = later[panel.ends] - later[panel.starts] - (panel.ends - ends)
        return np.maximum(rows, 0)
    return _steps(point, np.diff(panel.offsets), needs)


def _steps(point: float | int, lengths: IntArray, needs: Needs) -> IntArray:
    """Rows that a share of the windows of series so long, or a number of steps, stands for."""
    if isinstance(point, int):
        return np.full(len(lengths), point)
    # A context of any length may be asked for; numbers of rows are 64 bits long.
    windows = np.maximum(lengths - min(needs.rows_before, 2**62), 0)
    # Rounded first: 0.1 of 30 is 3 and not the 4 that 3.0000000000000004 would become.
    steps: IntArray = np.ceil(np.round(point * windows, 9)).astype(np.int64)
    return steps


def _refuse_short_parts(panel: Panel, split: Split, options: SplitOptions, needs: Needs) -> None:
    """Raise `DataError` where a part has no window in any series, judged by the longest series."""
    i = int(np.argmax(np.diff(panel.offsets)))
    for name, begins, ends in split.parts(panel):
        needed = needs.horizon + (needs.rows_before if name == "train" else 0)
        if (ends - begins >= needed).any():
            continue
        rows = int(panel.ends[i] - panel.starts[i])
        has = max(int(ends[i] - begins[i]), 0)
        span = " ... ".join(iso(panel.dates(np.array([panel.starts[i], panel.ends[i] - 1]))))
        message = (
            f"{panel.unique_ids[i]} has {rows} rows ({span}), of which {has} fall to the {name} "
            f"part; {needs} need at least {needed} there"
        )
        whole = _rows_needed(options, needs)
        message += f", {whole} rows in all." if whole else "."
        advice = f"Give more rows, {needs.shorter}, or another split."
        raise DataError(Problem(message, advice))


def _rows_needed(options: SplitOptions, needs: Needs) -> int | None:
    """The fewest rows of a series for which every part has a window; unknown for dates."""
    points = [point for point in (options.test, options.validation) if point is not None]
    numbers = [point for point in points if not isinstance(point, str)]
    if len(numbers) < len(points) or sum(n for n in numbers if isinstance(n, float)) >= 1:
        return None
    least = needs.rows_before + needs.horizon
    rows = np.arange(least, _MOST_ROWS)
    held_out = np.array([_steps(point, rows, needs) for point in numbers])
    fits = (held_out.min(axis=0) >= needs.horizon) & (rows - held_out.sum(axis=0) >= least)
    # A number of steps below the horizon, say: then no table is long enough.
    return int(rows[fits][0]) if fits.any() else None


def cutoffs_within(
    panel: Panel, begins: IntArray, ends: IntArray, rows_before: int | IntArray, horizon: int
) -> IntArray:
    """Cutoffs whose targets lie wholly in the rows `begins[i] ... ends[i]` of each series.

    Each has at least `rows_before` rows (of all series, or of each) up to and with itself, which
    may lie before `begins[i]`.
    """
    first = np.maximum(begins, panel.starts + rows_before) - 1
    return ranges(first, ends - horizon)


def cutoffs_by_split(panel: Panel, split: Split, needs: Needs) -> dict[str, IntArray]:
    """The cutoffs of each split: of whole windows for training, of any context elsewhere.

    A gap was interpolated towards what comes after it. So no cutoff lies in one, training windows
    end before one that the training part ends in, and have an observed step to be trained on.
    """
    rows_before = np.where(fitted_series(panel, split, needs), needs.reach + 1, 1)
    cutoffs = {"train": _training_cutoffs(panel, split, needs)}
    for name, begins, ends in split.parts(panel):
        if name != "train":
            rows = cutoffs_within(panel, begins, ends, rows_before, needs.horizon)
            cutoffs[name] = rows[panel.observed[rows]]
    return cutoffs


def _training_cutoffs(panel: Panel, split: Split, needs: Needs) -> IntArray:
    known = panel.observed_until(split.train_ends)
    rows = cutoffs_within(panel, panel.starts, known, needs.rows_before, needs.horizon)
    return rows[has_target(panel, rows, needs.horizon)]


def fitted_series(panel: Panel, split: Split, needs: Needs) -> NDArray[np.bool_]:
    """Which series `(series,)` have rows to fit on, and so a forecast of the network.

    Transforms take a row more than they reach back; a network of a series' own takes a window. Of
    targets that are forecast together all have to.
    """
    fitted = panel.observed_until(split.train_ends) - panel.starts > needs.reach
    if needs.is_local:
        fitted = np.zeros(len(panel.unique_ids), bool)
        fitted[panel.series_of(_training_cutoffs(panel, split, needs))] = True
    return of_every_target(fitted, needs.targets)


def has_target(panel: Panel, cutoffs: IntArray, horizon: int) -> NDArray[np.bool_]:
    """Whether any of the steps after each cutoff was observed; after one in a gap none counts."""
    if panel.observed.all():
        return np.ones(len(cutoffs), bool)
    up_to = np.concatenate([[0], np.cumsum(panel.observed)])
    seen = up_to[cutoffs + 1 + horizon] > up_to[cutoffs + 1]
    return seen & panel.observed[cutoffs]


def rolling_cutoffs(
    panel: Panel, needs: Needs, n_windows: int, stride: int, horizon: int
) -> list[IntArray]:
    """The cutoff of each series, window by window, oldest first; the last has whole targets.

    Those of a short series may lie before its first row. Raises `DataError` where not enough rows
    lie before the first cutoff of the longest.
    """
    needed = needs.rows_before + needs.horizon
    room = int((panel.ends - panel.starts).max()) - horizon - needed
    if (n_windows - 1) * stride > room:
        message = (
            f"{n_windows} cutoffs with a stride of {stride} and a horizon of {horizon} do not fit: "
            f"before the first, {needs} need at least {needed} rows."
        )
        most = room // stride + 1
        advice = f"At most {most} fit." if room >= 0 else "Shorten the horizon or the context."
        raise DataError(Problem(message, advice))
    back = np.arange(n_windows - 1, -1, -1) * stride
    return [panel.ends - 1 - horizon - steps for steps in back]


def latest_apart(panel: Panel, cutoffs: IntArray, horizon: int, most: int) -> IntArray:
    """Of sorted cutoffs, the latest of each series whose targets do not overlap.

    At most `most` in all, though one a series at least.
    """
    each = max(1, most // len(panel.unique_ids))
    ends = np.searchsorted(cutoffs, panel.ends)
    some = ends > np.searchsorted(cutoffs, panel.starts)
    last, first = cutoffs[ends[some] - 1], panel.starts[some]
    apart = last[:, None] - horizon * np.arange(each - 1, -1, -1)
    wanted = apart[apart >= first[:, None]]
    kept: IntArray = wanted[cutoffs[np.searchsorted(cutoffs, wanted)] == wanted]
    return kept
