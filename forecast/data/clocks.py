"""Local times and instants: what a clock on a wall shows, and what it means where clocks change."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# Zones that stand for others with the same changes, asked when a table has none.
_KNOWN = (
    "Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "Australia/Sydney", "Pacific/Auckland", "America/Santiago",
    "Europe/Helsinki", "Asia/Jerusalem",
)  # fmt: skip


@dataclass(frozen=True)
class Localized:
    """Local times as instants, and the positions of those that the zone does not have."""

    instants: pd.DatetimeIndex
    skipped: NDArray[np.intp]


def is_zone(name: str) -> bool:
    """Whether the system knows a time zone of this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def localize(
    local: pd.DatetimeIndex, zone: str, series: NDArray[np.int64] | None = None
) -> Localized:
    """Local times, in the order of the table, as instants of a zone.

    Of an hour that comes twice the first in the table is the earlier one, the second the later (the
    other way round in a table that goes back in time); `series` tells whose times repeat. An hour
    that the clocks skip is no instant: it is NaT, and its position is told.
    """
    series = np.zeros(len(local), np.int64) if series is None else series
    seen = pd.DataFrame({"series": series, "local": local})
    twice = seen.duplicated(keep=False).to_numpy()
    is_later = seen.duplicated().to_numpy()
    if _goes_back(local):
        is_later = twice & ~is_later
    instants = local.tz_localize(zone, ambiguous=~is_later, nonexistent="NaT")
    return Localized(
        instants, np.flatnonzero(np.asarray(instants.isna()) & np.asarray(local.notna()))
    )


def _goes_back(local: pd.DatetimeIndex) -> bool:
    steps = np.diff(local.to_numpy())
    zero = np.timedelta64(0)
    return bool((steps < zero).sum() > (steps > zero).sum())


def zones_that_skip(local: pd.Timestamp) -> list[str]:
    """The zones in which a local time never was: the clocks went past it."""
    index = pd.DatetimeIndex([local])
    return [
        zone
        for zone in _KNOWN
        if is_zone(zone) and index.tz_localize(zone, ambiguous=True, nonexistent="NaT").isna()[0]
    ]


def zones_that_repeat(local: pd.Timestamp) -> list[str]:
    """The zones in which a local time came twice: the clocks went back over it."""
    index = pd.DatetimeIndex([local])

    def is_repeated(zone: str) -> bool:
        first, second = (
            index.tz_localize(zone, ambiguous=np.array([is_first]), nonexistent="NaT")
            for is_first in (True, False)
        )
        return bool((first != second)[0]) and not first.isna()[0]

    return [zone for zone in _KNOWN if is_zone(zone) and is_repeated(zone)]
