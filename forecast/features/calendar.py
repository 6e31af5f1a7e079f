"""Parts of the date: the hour, the day of the week, the month, ..."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecast.config.schema import CalendarOptions
from forecast.data.calendar import dates, is_counted, offset_of
from forecast.data.panel import FloatArray, IntArray, Panel, Past
from forecast.features.feature import Kind, Matrix, Moments, Problem

# Values that a part has at the most to be categories where nothing is said, since each is learned
# from its own dates alone; and in any case, since each is a number for every row.
_FEW, _MOST = 31, 366

Wall = pd.DatetimeIndex
"""Dates as the clock on the wall tells them: without a zone."""


@dataclass(frozen=True)
class _Part:
    """A part of dates, whose values are whole numbers from 0."""

    count: int
    """How many values there are."""
    values: Callable[[Wall], Any]
    cycle: Callable[[Wall], Any] | None = None
    """How many of them the period of a date has, where that is not always the same."""
    seconds: int | None = None
    """How long a value lasts, of a part of the day."""

    def cycles(self, wall: Wall) -> FloatArray:
        """Of each date, how much of its period has gone by: 0 ... 1."""
        length = self.count if self.cycle is None else np.asarray(self.cycle(wall))
        return np.asarray(self.values(wall), np.float64) / length

    def grain(self, freq: str) -> int:
        """How many values there are from one step of a frequency to the next: of 15min, 15."""
        offset, _ = offset_of(freq)
        if self.seconds is None or not isinstance(offset, pd.offsets.Tick):
            return 1
        grain, rest = divmod(offset.nanos, self.seconds * 10**9)
        return grain if grain and not rest and not self.count % grain else 1


def _weeks_of_year(wall: Wall) -> Any:
    """52 or 53: the last week of a year in ISO 8601 is that of its 28 December."""
    years = wall.isocalendar()["year"].to_numpy(np.int64)
    codes, distinct = pd.factorize(years)
    ends = pd.DatetimeIndex([pd.Timestamp(int(year), 12, 28) for year in distinct])
    return ends.isocalendar()["week"].to_numpy(np.int64)[codes]


_PARTS = {
    "minute": _Part(60, lambda wall: wall.minute, seconds=60),
    "minute_of_day": _Part(1440, lambda wall: 60 * wall.hour + wall.minute, seconds=60),
    "hour": _Part(24, lambda wall: wall.hour, seconds=3600),
    "day_of_week": _Part(7, lambda wall: wall.day_of_week),
    "day_of_month": _Part(31, lambda wall: wall.day - 1, lambda wall: wall.days_in_month),
    "day_of_year": _Part(
        366, lambda wall: wall.day_of_year - 1, lambda wall: 365 + wall.is_leap_year
    ),
    "week": _Part(53, lambda wall: wall.isocalendar()["week"] - 1, _weeks_of_year),
    "month": _Part(12, lambda wall: wall.month - 1),
    "quarter": _Part(4, lambda wall: wall.quarter - 1),
}


@dataclass(frozen=True)
class Cyclic:
    """A part as sines and cosines of the share of its period that has gone by."""

    part: str
    harmonics: int

    @property
    def size(self) -> int:
        """Two for each harmonic."""
        return 2 * self.harmonics

    def encode(self, wall: Wall) -> Matrix:
        """Dates to `(rows, size)`."""
        angles = 2 * np.pi * _PARTS[self.part].cycles(wall)[:, None]
        angles = angles * np.arange(1, self.harmonics + 1)
        return np.concatenate([np.sin(angles), np.cos(angles)], axis=1, dtype=np.float32)

    def state(self) -> dict[str, Any]:
        """What `from_state` takes."""
        return {"part": self.part, "harmonics": self.harmonics}


@dataclass(frozen=True)
class Categories:
    """A part as a number for each value: 1 on its dates, 0 on all others (one-hot).

    A value that the past does not have is all zeros: what its number means nobody learned.
    """

    part: str
    grain: int
    """How many values of the part are one of these."""
    seen: tuple[int, ...]
    """Those that the past has, in ascending order."""

    @property
    def size(self) -> int:
        """One for each value that there is, whether the past has it or not."""
        return _PARTS[self.part].count // self.grain

    def encode(self, wall: Wall) -> Matrix:
        """Dates to `(rows, size)`."""
        shown = np.zeros(self.size, np.float32)
        shown[list(self.seen)] = 1.0
        return np.diag(shown)[_places(self.part, self.grain, wall)]

    def state(self) -> dict[str, Any]:
        """What `from_state` takes."""
        return {"part": self.part, "grain": self.grain, "seen": list(self.seen)}


def _places(part: str, grain: int, wall: Wall) -> IntArray:
    return np.asarray(_PARTS[part].values(wall), np.int64) // grain


@dataclass(frozen=True)
class Calendar:
    """Parts of the date, each encoded."""

    parts: tuple[Cyclic | Categories, ...]

    @property
    def size(self) -> int:
        """Those of all parts."""
        return sum(part.size for part in self.parts)

    @classmethod
    def fit(cls, options: CalendarOptions, past: Past) -> "Calendar":
        """Which values of each part the past has."""
        wall, freq = _wall(Moments.of(past.panel)), past.panel.freq
        fitted: list[Cyclic | Categories] = []
        for name in options.parts:
            if _is_cyclic(name, options, freq):
                # More of them would only repeat the others: a period has no more values.
                fitted.append(Cyclic(name, min(options.harmonics, _PARTS[name].count // 2)))
            else:
                grain = _PARTS[name].grain(freq)
                seen = np.unique(_places(name, grain, wall))
                fitted.append(Categories(name, grain, tuple(seen.tolist())))
        return cls(tuple(fitted))

    def encode(self, moments: Moments) -> Matrix:
        """See `Feature.encode`."""
        wall = _wall(moments)
        return np.concatenate([part.encode(wall) for part in self.parts], axis=1)

    def state(self) -> dict[str, Any]:
        """See `Feature.state`."""
        return {"parts": [part.state() for part in self.parts]}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Calendar":
        """See `Feature.from_state`."""
        return cls(tuple(_part_of(own) for own in state["parts"]))


def _part_of(state: dict[str, Any]) -> Cyclic | Categories:
    part = str(state["part"])
    count = _PARTS[part].count
    if "harmonics" in state:
        return Cyclic(part, int(state["harmonics"]))
    own = Categories(part, int(state["grain"]), tuple(map(int, state["seen"])))
    if count % own.grain or not all(0 <= value < own.size for value in own.seen):
        raise ValueError(f"there are no such values of {part}")
    return own


def _is_cyclic(name: str, options: CalendarOptions, freq: str) -> bool:
    if options.encoding is None:
        return _PARTS[name].count // _PARTS[name].grain(freq) > _FEW
    return options.encoding == "cyclic"


def _wall(moments: Moments) -> Wall:
    return pd.DatetimeIndex(moments.ds).tz_localize(None)


def _problem(options: CalendarOptions, panel: Panel) -> Problem | None:
    """Why a table that counts has no calendar, and which parts never change, or are too fine."""
    if is_counted(panel.freq):
        message = "`features.calendar` takes parts of dates, and the rows of the table are counted."
        return message, "Name a column of dates (`data.time`), or leave features.calendar out."
    varied = list(_varied(panel))
    still = [name for name in options.parts if name not in varied]
    if still:
        message = (
            f"`features.calendar`: {_listed(still)} never {'change' if still[1:] else 'changes'} "
            f"from step to step of the frequency {panel.freq}."
        )
        return message, f"Those that change are {', '.join(varied)}."
    for name in options.parts:
        count = _PARTS[name].count // _PARTS[name].grain(panel.freq)
        if not _is_cyclic(name, options, panel.freq) and count > _MOST:
            message = f"`features.calendar`: {count} values of {name} are too many categories."
            return message, "Say `encoding: cyclic`, or leave encoding out."
    return None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if names[1:] else "") + names[-1]


def _varied(panel: Panel) -> Iterator[str]:
    """The parts that are not the same at all steps of a frequency.

    Looked for in sixty steps, and in ever longer strides of two years: in dates without a zone, of
    which the change of the clocks moves none. A first date may lie between two steps, and is passed
    over.
    """
    offset, _ = offset_of(panel.freq)
    steps = np.arange(1, 62)
    if isinstance(offset, pd.offsets.Tick):
        strides = 2 ** np.arange(6, 27)
        steps = np.r_[steps, strides[strides < pd.Timedelta(days=731).value // offset.nanos]]
    else:
        steps = np.r_[steps, 100, 200]
    begin = pd.DatetimeIndex(panel.begins[:1]).tz_localize(None)
    wall = pd.DatetimeIndex(dates(begin.repeat(len(steps)), steps, panel.freq))
    for name, part in _PARTS.items():
        if len(np.unique(np.asarray(part.values(wall)))) > 1:
            yield name


KIND = Kind(Calendar, Calendar.fit, _problem)
