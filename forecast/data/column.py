"""One column of a table that nobody has described: numbers, dates, times of day, or text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.cells import is_clock, kind_of, may_be_missing
from forecast.data.numbers import FORMS, NumberForm, number_forms, parse_numbers

_SAMPLE = 2_000  # distinct cells of a column that are looked at
_TIME_NAMES = re.compile(
    r"(?i)(ds|t|date|datum|data|fecha|time|timestamp|datetime|date_?time|zeit|tag|day|week|woche|"
    r"month|monat|quarter|quartal|year|jahr|period|time_?period|observation_date|when|stamp|step)"
)
_PARTLY_TIME = re.compile(r"(?i)(date|time|datum|zeit|period|stamp)")


@dataclass(frozen=True)
class Column:
    """One column, as it was read without knowing what it means."""

    name: str
    cells: "pd.Series[str]"

    @cached_property
    def is_number(self) -> bool:
        """Whether all of its cells are plain numbers."""
        return pd.api.types.is_numeric_dtype(self.cells) and not self.is_bool

    @cached_property
    def is_bool(self) -> bool:
        """Whether its cells are true and false."""
        return pd.api.types.is_bool_dtype(self.cells)

    @cached_property
    def is_moment(self) -> bool:
        """Whether the source itself says that its cells are dates."""
        return pd.api.types.is_datetime64_any_dtype(self.cells.dtype)

    @cached_property
    def distinct(self) -> list[str]:
        """Distinct cells as text, blank ones left out; a spread of them where there are many."""
        known = self.cells.dropna().unique()
        picked = known[:: max(1, len(known) // _SAMPLE)]
        return [as_text(cell) for cell in picked]

    @cached_property
    def count(self) -> int:
        """How many distinct cells there are."""
        return int(self.cells.nunique())

    @property
    def missing_words(self) -> list[str]:
        """Cells that are no numbers, and may stand for a missing value."""
        return [
            text for text in self.distinct if kind_of(text) != "number" and may_be_missing(text)
        ]

    @cached_property
    def forms(self) -> list[NumberForm]:
        """The forms in which it is a column of numbers; none where it is none."""
        if self.is_number:
            return [FORMS[0]]
        if self.is_bool or self.is_moment:
            return []
        words = self.missing_words
        if len(words) > 4 or len(words) == len(self.distinct):
            return []
        found = number_forms(self.distinct, words)
        if not found:  # a few cells that are no numbers do not make a text of it
            found = self._mostly(words)
        return found

    def _mostly(self, words: Sequence[str]) -> list[NumberForm]:
        texts = pd.Series(self.distinct, dtype=object)
        most = 0.05 * len(texts)
        wrong = {form: len(parse_numbers(texts, form, words).wrong) for form in FORMS}
        least = min(wrong.values())
        return (
            [form for form in FORMS if wrong[form] == least]
            if least <= max(most, 1) < len(texts) / 2
            else []
        )

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """Its numbers, NaN where there is none."""
        if self.is_number:
            return self.cells.to_numpy(np.float64, na_value=np.nan)
        form = self.forms[0] if self.forms else FORMS[0]
        return parse_numbers(self.cells, form, self.missing_words).values

    @cached_property
    def is_whole(self) -> bool:
        """Whether its numbers are whole."""
        known = self.numbers[~np.isnan(self.numbers)]
        return len(known) > 0 and bool(np.isfinite(known).all() and (known % 1 == 0).all())

    @cached_property
    def is_date_text(self) -> bool:
        """Whether its cells look like dates with marks or letters in them."""
        if self.is_moment:
            return True
        if self.is_number or self.is_bool:
            return False
        kinds = [kind_of(text) for text in self.distinct[:200]]
        return bool(kinds) and kinds.count("date") >= 0.8 * len(kinds)

    @cached_property
    def is_clock(self) -> bool:
        """Whether its cells are times of day."""
        texts = self.distinct[:100]
        return not self.is_number and bool(texts) and all(is_clock(text) for text in texts)

    @property
    def is_named_time(self) -> bool:
        """Whether its name is one that columns of dates have."""
        return _TIME_NAMES.fullmatch(self.name) is not None or bool(_PARTLY_TIME.search(self.name))


def as_text(cell: object) -> str:
    """A cell as text; whole numbers without a point."""
    is_whole = isinstance(cell, float | np.floating) and float(cell).is_integer()
    return str(int(cell)) if is_whole else str(cell).strip()  # type: ignore[call-overload]


def columns_of(frame: pd.DataFrame) -> list[Column]:
    """The columns of a table that have any cell."""
    return [Column(str(name), frame[name]) for name in frame if frame[name].notna().any()]
