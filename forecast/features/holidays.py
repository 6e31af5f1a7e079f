"""Public holidays, as the library `holidays` knows them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from forecast.data.calendar import Dates, dates, is_counted, offset_of
from forecast.data.panel import Panel, Past
from forecast.errors import did_you_mean, require_extra
from forecast.features.feature import Kind, Matrix, Moments, Problem

_NEAR = 0.8  # how much of two codes is the same; of those of two letters, all
_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Holidays:
    """Of each place whether a day is a holiday, the day before one, and the day after one.

    Of steps that are longer than a day, how many holidays they have.
    """

    places: tuple[str, ...]
    """Countries, or parts of them: `DE`, `DE-BY`."""
    is_longer: bool
    """Whether a step is longer than a day."""

    @property
    def size(self) -> int:
        """Three of each place; of longer steps one."""
        return len(self.places) * (1 if self.is_longer else 3)

    @classmethod
    def fit(cls, options: Sequence[str], past: Past) -> "Holidays":
        """For steps of the frequency of the past."""
        return cls(tuple(options), _is_longer(past.panel.freq))

    def encode(self, moments: Moments) -> Matrix:
        """See `Feature.encode`."""
        codes, distinct = pd.factorize(moments.ds)
        ds = pd.DatetimeIndex(distinct)
        begins, ends = _periods(ds, moments.freq) if self.is_longer else _days(ds)
        encoded = np.concatenate(
            [self._encoded(_holidays(place, begins, ends), begins, ends) for place in self.places],
            axis=1,
        )
        return encoded[codes]

    def _encoded(
        self, holidays: pd.DatetimeIndex, begins: pd.DatetimeIndex, ends: pd.DatetimeIndex
    ) -> Matrix:
        moved = [pd.Timedelta(0)] if self.is_longer else [0 * _DAY, _DAY, -_DAY]
        counts = [
            holidays.searchsorted(ends + by) - holidays.searchsorted(begins + by) for by in moved
        ]
        return np.stack(counts, axis=1).astype(np.float32)

    def state(self) -> dict[str, Any]:
        """See `Feature.state`."""
        return {"places": list(self.places), "is_longer": self.is_longer}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Holidays":
        """See `Feature.from_state`."""
        return cls(tuple(map(str, state["places"])), bool(state["is_longer"]))


def _is_longer(freq: str) -> bool:
    offset, _ = offset_of(freq)
    if isinstance(offset, pd.offsets.Tick):
        return bool(pd.Timedelta(offset) > _DAY)
    return offset.rule_code not in ("D", "B") or offset.n > 1


def _days(ds: pd.DatetimeIndex) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    """The day of each date where it is, and the next."""
    days = ds.tz_localize(None).normalize()
    return days, days + _DAY


def _periods(ds: pd.DatetimeIndex, freq: str) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    """The first day of each step, and the one after its last.

    A step goes from its date to the next. Where dates are the last days of months, quarters and
    years, or of weeks that begin on another day than Monday, it ends with its date.
    """
    code = offset_of(freq)[0].rule_code
    ends_with_date = code.split("-")[0] in ("ME", "BME", "QE", "BQE", "YE", "BYE")
    if ends_with_date or (code.startswith("W") and code != "W-MON"):
        begins, _ = _days(_moved(ds, -1, freq))
        return begins + _DAY, _days(ds)[1]
    return _days(ds)[0], _days(_moved(ds, 1, freq))[0]


def _moved(ds: Dates, steps: int, freq: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(dates(ds, np.full(len(ds), steps), freq))


def _holidays(place: str, begins: pd.DatetimeIndex, ends: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Those of a place, in the years of these days and of the days beside them."""
    years = range((begins.min() - _DAY).year, (ends.max() + _DAY).year + 1)
    country, _, part = place.partition("-")
    known = _library().country_holidays(country, subdiv=part or None, years=years)
    return pd.DatetimeIndex(sorted(known)).as_unit("us")


def _problem(options: Sequence[str], panel: Panel) -> Problem | None:
    """Why there are no holidays: rows that are counted, or a place that nobody knows."""
    if is_counted(panel.freq):
        message = "`features.holidays` needs dates, and the rows of the table are counted."
        return message, "Name a column of dates (`data.time`), or leave features.holidays out."
    supported: dict[str, list[str]] = _library().list_supported_countries()
    for place in options:
        country, dash, part = place.partition("-")
        if country not in supported:
            message = f"`features.holidays`: the library holidays knows no country {country!r}."
            return message, f"{_nearest(country, supported)} The codes are those of ISO 3166."
        if dash and part not in supported[country]:
            message = f"`features.holidays`: the library holidays knows no {place!r}."
            near = get_close_matches(part.upper(), supported[country], n=1, cutoff=_NEAR)
            if near:
                return message, f"Did you mean `{country}-{near[0]}`?"
            parts = ", ".join(sorted(supported[country]))
            return message, f"The parts of {country} are {parts}." if parts else None
    return None


def _nearest(country: str, supported: Iterable[str]) -> str:
    """The code of a country that was written by its name, or the nearest code."""
    codes = [code for code in sorted(supported) if len(code) == 2]
    names = {
        name: code for name, (_, code, *_) in import_module("holidays.registry").COUNTRIES.items()
    }
    near = get_close_matches(country.strip().lower().replace(" ", "_"), names, n=1)
    return did_you_mean(names[near[0]] if near else country.upper(), codes)


def _library() -> Any:
    """It is an extra. Raises `MissingExtraError` where it is not installed."""
    require_extra("holidays", "holidays")
    return import_module("holidays")


KIND = Kind(Holidays, Holidays.fit, _problem)
