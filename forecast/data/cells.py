"""What one cell of a text table is, seen alone: a number, a date, nothing, or text."""

import re
from typing import Literal

from forecast.data.months import in_english

Kind = Literal["blank", "number", "date", "text"]

# Words that stand where a value is missing. The first are taken for that in every table; the others
# only where a config says so, because a dash may be a mistake.
MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "NaT",
)  # fmt: skip
PERHAPS_MISSING = frozenset({
    "-", "--", "---", ".", "..", "...", ":", "?", "*", "/", "x", "\u2013", "\u2014", "\u2212",
    "nd", "n.d.", "nil", "na", "n/a", "n.a.", "n.a", "k.a.", "none", "null", "missing", "unknown",
    "not available", "#value!", "#div/0!", "#ref!", "#null!", "#num!", "#name?", "\\n", "(null)",
    "<null>", "void", "no data", "nodata", "not reported", "n/v", "s/d", "nr", "c", "n", "blank",
    "empty", "undefined",
})  # fmt: skip

# Dashes that are printed for a minus, and the mark of thousands of Switzerland.
_SIGN = r"+\-\u2212"
_NUMBER = re.compile(
    rf"[^\w\d.,{_SIGN}(]{{0,3}}(?:[A-Z]{{2,3}}\s?)?[({_SIGN}]?[^\w\d.,{_SIGN}(]{{0,2}}"
    r"(?:\d[\d.,'\u2019\s]*|[.,]\d+)(?:[eE][+-]?\d+)?\s?(?:%|\u2030|[^\w\s]|[A-Z]{2,3})?[)\-]?"
)
_MONTH = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_DATE = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?"
    r"(?:\d{1,4}[-/.]\d{1,2}(?:[-/.]\d{1,4})?|\d{1,2}[-/]\d{4}|\d{4}-\d{3}"
    r"|\d{4}[-:/ ]?[QMWKSH]\d{1,2}(?:-\d)?|[QWKSH]\d{1,2}[-/ ]\d{4}|\d{4}[-/]\d{4}"
    r"|\dQ\d{2,4}|Q\d[-/ ]\d{2}"
    rf"|\d{{1,2}}[- .]{{0,2}}{_MONTH}[-., ]*\d{{2,4}}|{_MONTH}[-., ]*(?:\d{{1,2}},?\s+)?\d{{2,4}}"
    rf"|\d{{2,4}}[- ]{_MONTH}|\d{{8}}T\d{{4,6}})"
    r"(?:[T ,]\s*\d{1,2}[:.h]\d{2}.*)?"
)
_CLOCK = re.compile(r"\d{1,2}[:.h]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?(?:\s*[AaPp]\.?[Mm]\.?)?")


def kind_of(cell: str) -> Kind:
    """What a cell looks like. `31.12.2020` is a date, `3.12` a number, `Jan-14` a date."""
    text = cell.strip()
    if not text:
        return "blank"
    if _NUMBER.fullmatch(text) and not re.fullmatch(r"\d{1,4}([.])\d{1,2}\1\d{1,4}", text):
        return "number"
    return "date" if _DATE.fullmatch(in_english(text)) else "text"


def is_clock(cell: str) -> bool:
    """Whether a cell is a time of day: `18:00`, `18.00.00`, `6:30 PM`."""
    return _CLOCK.fullmatch(cell.strip()) is not None


def may_be_missing(cell: str) -> bool:
    """Whether a word is one that people write where a value is missing."""
    return cell.strip().lower() in PERHAPS_MISSING or cell.strip() in MISSING
