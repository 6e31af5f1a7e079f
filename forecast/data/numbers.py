"""How numbers are written: decimal commas, marks of thousands, signs of money, brackets for minus.

Reading is strict. A mark of thousands stands before three digits, or the text is no number: what
would make 1 of `1,336,050` is the worst that can happen to a table.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.cells import MISSING

# What is printed for a minus, for a blank between thousands, and for the mark of Switzerland.
_MINUS = str.maketrans(
    {"\u2212": "-", "\u2013": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'"}
)
_SPACES = " "
_BRACKETS = re.compile(r"(\D{0,3})\(([^()]+)\)")  # an accountant's minus
_CURRENCY = (
    r"[$€£¥₹₽₩₺₴₪฿]|(?:US|CA|AU|NZ|HK|R)\$"
    r"|(?:USD|EUR|GBP|CHF|JPY|CNY|SEK|NOK|DKK|PLN|CZK|INR|BRL|AUD|CAD|kr|zł|Fr|Rs)\.?"
)


@dataclass(frozen=True)
class NumberForm:
    """What stands before decimals, and between groups of three digits."""

    decimal: str = "."
    thousands: str | None = None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        point = re.escape(self.decimal)
        whole = r"\d+"
        if self.thousands:
            mark = re.escape(self.thousands.translate(_MINUS))
            whole = rf"(?:\d{{1,3}}(?:{mark}\d{{3}})+|\d+)"
        number = rf"(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"
        sign = r"(?P<sign>[+-]?)"
        before = rf"(?P<before>{_CURRENCY})?\s*"
        after = rf"\s*(?P<after>{_CURRENCY}|%|‰)?"
        return re.compile(
            rf"{sign}\s*{before}(?P<inner>[+-]?)(?P<number>{number}){after}(?P<end>-?)"
        )

    def parse(self, text: str) -> tuple[float, str]:
        """The number that a text holds, and the sign of money or per cent beside it.

        NaN where it holds none. `12.5%` is 12.5 with `%`.
        """
        text = _BRACKETS.sub(r"-\1\2", text.translate(_MINUS).strip())
        match = self._pattern.fullmatch(text)
        if not match:
            return _infinite(text), ""
        signs = [match["sign"], match["inner"], match["end"]]
        if sum(bool(sign) for sign in signs) > 1 or (match["before"] and match["after"]):
            return float("nan"), ""
        digits = match["number"]
        if self.thousands:
            digits = digits.replace(self.thousands.translate(_MINUS), "")
        number = float(digits.replace(self.decimal, "."))
        return -number if "-" in signs else number, match["before"] or match["after"] or ""


def _infinite(text: str) -> float:
    """Infinity where a text says so, which is refused elsewhere, and not as a word."""
    return (
        float("inf") if text.strip().lower().lstrip("+-") in ("inf", "infinity") else float("nan")
    )


FORMS = (
    NumberForm(),
    NumberForm(","),
    NumberForm(".", ","),
    NumberForm(",", "."),
    NumberForm(".", "'"),
    NumberForm(",", _SPACES),
    NumberForm(".", _SPACES),
    NumberForm(",", "'"),
)


@dataclass(frozen=True)
class Numbers:
    """A column of text as numbers: NaN where a value is missing, and where none can be read."""

    values: NDArray[np.float64]
    wrong: NDArray[np.intp]
    """Positions of texts that are neither a number nor missing."""
    units: tuple[str, ...] = ()
    """The signs of money and per cent that were left out, `""` for none."""


def parse_numbers(
    column: "pd.Series[str]", form: NumberForm = FORMS[0], missing: Sequence[object] = ()
) -> Numbers:
    """Read a column of texts in one form; `missing` are words that mean no value.

    A text with another unit than the others is wrong, as `5` is beside `5%`.
    """
    codes, texts = pd.factorize(column.astype(object))
    parsed = [form.parse(str(text)) for text in texts]
    values = np.array([value for value, _ in parsed] or [np.nan], dtype=np.float64)
    units = np.array([unit for _, unit in parsed] or [""], dtype=object)
    words = {str(word).strip() for word in missing} | set(MISSING)
    gone = np.array([str(text).strip() in words for text in texts] or [False]) & np.isnan(values)
    wrong = np.isnan(values) & ~gone
    known = ~gone & ~wrong
    usual = _usual_units(units[known])
    wrong |= known & ~np.isin(units.astype(str), list(usual))
    values = np.where(gone | wrong, np.nan, values)
    absent = codes < 0
    return Numbers(
        np.where(absent, np.nan, values[codes]),
        np.flatnonzero(wrong[codes] & ~absent),
        tuple(sorted(usual)),
    )


def _usual_units(units: NDArray[np.object_]) -> set[str]:
    """The units that may stand together: one, and for money also none."""
    counts = pd.Series(units).value_counts()
    if counts.empty:
        return {""}
    most = str(next((unit for unit in counts.index if unit), ""))
    if most in ("%", "‰"):
        return {str(counts.index[0])}
    return {most, ""}


def number_forms(texts: Iterable[str], missing: Sequence[str] = ()) -> list[NumberForm]:
    """The forms in which all texts are numbers, the usual ones first."""
    column = pd.Series(list(dict.fromkeys(texts)), dtype=object)
    return [form for form in FORMS if not len(parse_numbers(column, form, missing).wrong)]


def is_ambiguous(texts: Iterable[str]) -> bool:
    """Whether each text with a mark has one before three digits: 1.336 may be 1336 as well."""
    marked = [text for text in texts if re.search(r"\d[.,]\d", text)]
    pattern = re.compile(r"\D*[1-9]\d{0,2}[.,]\d{3}\D*")
    return len(marked) > 0 and all(pattern.fullmatch(text) for text in marked)
