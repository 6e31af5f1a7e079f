"""How dates are written, and what they say.

A form is a format of strftime, with `%q` for a quarter, or a word: `epoch_s`, `epoch_ms`,
`epoch_us`, `epoch_ns`, `excel` (days since 1899-12-30); None is ISO 8601 in all of its forms.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Moments = NDArray[np.datetime64]

EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1, "epoch_ns": 0.001}
"""Microseconds in one unit of the word."""
EXCEL = "excel"
_YEARS = range(1500, 2300)  # that a table of dates is believed to be of
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_CLOCK = re.compile(
    r"(?P<gap>[T ,]\s*)(?P<hour>\d{1,2})(?P<mark>[:.h])\d{2}(?P<second>(?P=mark)\d{2})?"
    r"(?P<part>[.]\d{1,9})?(?P<half>\s*[AaPp][Mm])?(?P<zone>\s*(?:Z|[+-]\d{2}:?\d{2}))?$"
)
_OFFSET = re.compile(r":\d\d(?:\.\d+)?\s*(Z|[+-]\d\d:?\d\d)$|T\d{2,6}(Z|[+-]\d\d:?\d\d)$")
_MIDNIGHT = re.compile(r"(?<=[T ])24([:.]00(?:[:.]00)?)$")
_WEEK = re.compile(r"(\d{4})-?W(\d{1,2})(?:-?([1-7]))?")
_ORDINAL = re.compile(r"(\d{4})-?(\d{3})")


@dataclass(frozen=True)
class Dates:
    """Texts as moments, NaT where none can be read.

    Without offsets they are local times, with offsets they are in UTC.
    """

    moments: Moments
    offsets: tuple[str, ...] = ()
    """The offsets from UTC that the texts name."""
    is_mixed: bool = False
    """Whether some name an offset, and others do not."""

    @property
    def wrong(self) -> NDArray[np.intp]:
        """Positions of the texts that are no dates."""
        return np.flatnonzero(np.isnat(self.moments))


def is_time_format(text: str) -> bool:
    """Whether a form is one that can be read: a word of this module, or a format of strftime."""
    return text in EPOCHS or text == EXCEL or re.search(r"%[A-Za-z]", text) is not None


def parse_dates(texts: Sequence[str], form: str | None) -> Dates:
    """Read dates of one form. Raises `ValueError` for a format that strftime does not know."""
    if form in EPOCHS:
        return Dates(_epoch(texts, EPOCHS[form]))
    if form == EXCEL:
        return Dates(_epoch(texts, 86_400_000_000) + np.timedelta64(-25_569, "D"))
    clean = [_clean(text) for text in texts]
    if form is not None and "%q" in form:
        return Dates(_quarters(clean, form))
    midnights = np.array([_MIDNIGHT.search(text) is not None for text in clean], bool)
    if midnights.any():
        clean = [_MIDNIGHT.sub(r"00\1", text) for text in clean]
    found = [_offset(text) for text in clean]
    has_offset = any(found)
    moments = _parsed(clean, form, utc=has_offset)
    moments = np.where(midnights, moments + np.timedelta64(1, "D"), moments)
    offsets = tuple(sorted({offset for offset in found if offset}))
    return Dates(moments, offsets, has_offset and not all(found))


def _clean(text: str) -> str:
    text = re.sub(r"\s*(?:UTC|GMT)$", "Z", str(text).strip())
    text = re.sub(r"^(\d{4,8})\.0+$", r"\1", text)  # a year that a program took for a number
    return re.sub(r"\bSept\b", "Sep", text)


def _offset(text: str) -> str:
    match = _OFFSET.search(text)
    return (match[1] or match[2]) if match else ""


def _parsed(texts: list[str], form: str | None, *, utc: bool) -> Moments:
    if form is not None and "%V" in form and not re.search(r"%[uaAw]", form):
        form, texts = f"{form} %u", [f"{text} 1" for text in texts]
    column = pd.Series(texts, dtype="str")
    parsed = pd.to_datetime(column, format=form or "ISO8601", errors="coerce", utc=utc)
    moments: Moments = parsed.to_numpy(dtype="datetime64[us]", copy=True)
    if form is None:
        for at in np.flatnonzero(np.isnat(moments)):
            moments[at] = _week_or_ordinal(texts[at])
    return moments


def _week_or_ordinal(text: str) -> np.datetime64:
    """`2019-W02` is the Monday of its week; `2019-032` the 32nd day of its year."""
    week, ordinal = _WEEK.fullmatch(text), _ORDINAL.fullmatch(text)
    if week:
        text, form = f"{week[1]} {week[2]} {week[3] or 1}", "%G %V %u"
    elif ordinal:
        text, form = f"{ordinal[1]} {ordinal[2]}", "%Y %j"
    else:
        return np.datetime64("NaT")
    moment = pd.to_datetime(pd.Series([text]), format=form, errors="coerce")
    found: np.datetime64 = moment.to_numpy(dtype="datetime64[us]")[0]
    return found


def _epoch(texts: Sequence[str], microseconds: float) -> Moments:
    numbers = pd.to_numeric(pd.Series(list(texts), dtype="str"), errors="coerce")
    if pd.api.types.is_integer_dtype(numbers):
        whole = numbers.to_numpy(np.int64)
        units = whole * int(microseconds) if microseconds >= 1 else whole // 1_000
        moments: Moments = units.astype("datetime64[us]")
        return moments
    rounded = (numbers.to_numpy(np.float64) * microseconds).round()
    usable = np.abs(rounded) < 2**62
    counted = np.where(usable, rounded, 0).astype(np.int64).astype("datetime64[us]")
    return np.where(usable, counted, np.datetime64("NaT"))


def _quarters(texts: Sequence[str], form: str) -> Moments:
    """Dates with a quarter: its first day."""
    pattern, groups = "", {"%Y": r"(?P<Y>\d{4})", "%y": r"(?P<y>\d{2})", "%q": r"(?P<q>[1-4])"}
    for part in re.findall(r"%.|[^%]+", form):
        if part.startswith("%") and part not in groups:
            raise ValueError(f"beside %q, a format takes %Y or %y, and not {part}")
        pattern += groups.get(part) or re.escape(part)
    known = re.compile(pattern)
    result = np.full(len(texts), np.datetime64("NaT"), dtype="datetime64[us]")
    for at, text in enumerate(texts):
        match = known.fullmatch(text)
        if match:
            parts = match.groupdict()
            year = int(parts["Y"]) if "Y" in parts else _full_year(int(parts["y"]))
            result[at] = np.datetime64(f"{year:04}-{int(parts['q']) * 3 - 2:02}-01")
    return result


def _full_year(year: int) -> int:
    """The year that two digits mean, as POSIX has it: 69 is 1969, 68 is 2068."""
    return year + (1900 if year >= 69 else 2000)


# --- which forms a column may have ---------------------------------------------------------------


def date_forms(texts: Iterable[str]) -> list[str | None]:
    """The forms in which all of the texts are dates of years that are likely, ISO 8601 first."""
    unique = list(dict.fromkeys(str(text).strip() for text in texts))
    if not unique:
        return []
    spread = unique[:: max(1, len(unique) // 50)]
    candidates = dict.fromkeys(
        form for text in [*spread, unique[-1]] for form in _candidates(_clean(text))
    )
    return [
        form
        for form in candidates
        if _reads(spread, form) and (len(spread) == len(unique) or _reads(unique, form))
    ]


def _reads(texts: list[str], form: str | None) -> bool:
    try:
        dates = parse_dates(texts, form)
    except ValueError:
        return False
    if len(dates.wrong) or dates.is_mixed:
        return False
    years = dates.moments.astype("datetime64[Y]").astype(int) + 1970
    return years.min() in _YEARS and years.max() in _YEARS


def _candidates(text: str) -> list[str | None]:
    """The forms that a text may have, the likeliest first."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return _of_digits(text)
    day, clock = text, ""
    match = _CLOCK.search(text)
    if match:
        day, clock = text[: match.start()], _clock_form(match)
    weekday = re.match(r"([A-Za-z]{3,9})(,?\s+)", day)
    before = ""
    if weekday and weekday[1][:3].lower() in _WEEKDAYS:
        before = ("%a" if len(weekday[1]) == 3 else "%A") + weekday[2]
        day = day[weekday.end() :]
    return [None, *(before + form + clock for form in _of_day(day))]


def _clock_form(match: re.Match[str]) -> str:
    mark = match["mark"]
    form = match["gap"] + ("%I" if match["half"] else "%H") + mark + "%M"
    form += f"{mark}%S" if match["second"] else ""
    form += ".%f" if match["part"] else ""
    form += f"{match['half'][:-2]}%p" if match["half"] else ""
    return form + (f"{re.sub(r'[^ ].*', '', match['zone'])}%z" if match["zone"] else "")


def _of_digits(text: str) -> list[str | None]:
    """Numbers that may be dates, told by how many digits they have."""
    digits, point, _ = text.partition(".")
    if point:
        epochs: dict[int, list[str | None]] = {9: ["epoch_s"], 10: ["epoch_s"], 13: ["epoch_ms"]}
        return epochs.get(len(digits), [])
    forms: dict[int, list[str | None]] = {
        4: ["%Y"],
        5: [EXCEL],
        6: ["%Y%m", "%G%V", "%y%m%d", "%d%m%y"],
        7: [None],
        8: [None, "%d%m%Y"],
        9: ["epoch_s"],
        10: ["%Y%m%d%H", "epoch_s"],
        12: ["%Y%m%d%H%M", "epoch_ms"],
        13: ["epoch_ms"],
        14: ["%Y%m%d%H%M%S"],
        16: ["epoch_us"],
        19: ["epoch_ns"],
    }
    return forms.get(len(digits), [])


def _of_day(day: str) -> list[str]:
    """The forms of a date without a time of day."""
    tokens = re.findall(r"\d+|[A-Za-z]+|[^\dA-Za-z]+", day)
    shape = "".join(_letter(token) for token in tokens)
    marks = [token for token in tokens if not token.isalnum()]
    found = [
        _filled(form, tokens, marks)
        for pattern, forms in _SHAPES
        if re.fullmatch(pattern, shape)
        for form in forms
    ]
    return list(dict.fromkeys(found))


def _letter(token: str) -> str:
    """The class of a token: a year of 4 digits, a number, a month, a letter such as Q, a mark."""
    if token.isdigit():
        return {1: "1", 2: "2", 3: "3", 4: "4", 8: "8"}.get(len(token), "0")
    if not token.isalpha():
        return "-"
    word = token.lower()
    if word[:3] in _MONTHS and len(word) >= 3:
        return "b" if len(word) == 3 else "B"
    return {"q": "q", "qtr": "q", "quarter": "q", "m": "m", "w": "w", "kw": "w", "wk": "w"}.get(
        word, "T" if word == "t" else "?"
    )


# Shapes of dates, and their forms; `-` is filled with the marks of the text, `L` with its letter.
_SHAPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("4-[12]-[12]", ("%Y-%m-%d",)),
    ("[12]-[12]-4", ("%d-%m-%Y", "%m-%d-%Y")),
    ("[12]-[12]-2", ("%d-%m-%y", "%m-%d-%y", "%y-%m-%d")),
    ("4-[12]", ("%Y-%m",)),
    ("4-3", ("%Y-%j",)),
    ("[12]-4", ("%m-%Y",)),
    ("[12]-2", ("%m-%y",)),
    ("2-[12]", ("%y-%m",)),
    ("[12]-?[bB]-?4", ("%d-X-%Y",)),
    ("[12]-?[bB]-?2", ("%d-X-%y",)),
    ("[bB]-?[12]-4", ("X-%d-%Y",)),
    ("[bB]-?4", ("X-%Y",)),
    ("[bB]-?2", ("X-%y",)),
    ("4-?[bB]", ("%Y-X",)),
    ("2-?[bB]", ("%y-X",)),
    ("4-?[bB]-?[12]", ("%Y-X-%d",)),
    ("4-?q-?1", ("%Y-L-%q",)),
    ("2-?q-?1", ("%y-L-%q",)),
    ("q-?1-?4", ("L-%q-%Y",)),
    ("q-?1-2", ("L-%q-%y",)),
    ("1-?q-?4", ("%q-L-%Y",)),
    ("1-?q-?2", ("%q-L-%y",)),
    ("4-?m-?[12]", ("%Y-L-%m",)),
    ("m-?[12]-4", ("L-%m-%Y",)),
    ("4-?w-?[12]", ("%G-L-%V",)),
    ("4-?w-?[12]-?1", ("%G-L-%V-%u",)),
    ("w-?[12]-?4", ("L-%V-%G",)),
    ("8", ("%Y%m%d",)),
)


def _filled(form: str, tokens: list[str], marks: list[str]) -> str:
    """A form of `_SHAPES` with the marks and the letters of the text itself."""
    parts = re.findall(r"%.|X|L", form)
    result, at = "", 0
    for token in tokens:
        if not token.isalnum():
            result += token
            continue
        part = parts[at]
        at += 1
        if part == "X":
            part = "%b" if len(token) == 3 else "%B"
        result += token if part == "L" else part
    return result


# --- dates in several columns --------------------------------------------------------------------

PARTS = ("date", "year", "quarter", "month", "week", "day", "time", "hour", "minute", "second")
"""What the columns of a date in parts can hold."""


def compose(columns: Mapping[str, Sequence[str]], form: str | None) -> Dates:
    """Dates whose parts stand in columns of their own: year and quarter, date and hour, ...

    A week is an ISO week; what is left out is the first: a year and a quarter are its first day.
    """
    if "date" in columns:
        dates = parse_dates(columns["date"], form)
        return Dates(dates.moments + _clock(columns), dates.offsets, dates.is_mixed)
    year = _whole(columns["year"])
    if "week" in columns:
        week, day = _whole(columns["week"]), _whole(columns.get("day", ["1"] * len(year)))
        texts = [f"{y:04}-W{w:02}-{d}" for y, w, d in zip(year, week, day, strict=True)]
        return Dates(parse_dates(texts, None).moments + _clock(columns))
    if "quarter" in columns:
        month = _whole(columns["quarter"])
        month = np.where((month >= 1) & (month <= 4), month * 3 - 2, 0)
    else:
        month = _months(columns.get("month", ["1"] * len(year)))
    day = _whole(columns.get("day", ["1"] * len(year)))
    texts = [f"{y:04}-{m:02}-{d:02}" for y, m, d in zip(year, month, day, strict=True)]
    return Dates(parse_dates(texts, None).moments + _clock(columns))


def _whole(texts: Sequence[str]) -> NDArray[np.int64]:
    """Whole numbers, also of `Q1`, `W05` and `2014.0`; -1 where there is none."""
    digits = pd.Series(list(texts), dtype="str").str.strip()
    digits = digits.str.replace(r"^[A-Za-z]{1,2}\s?|\.0+$", "", regex=True)
    numbers = pd.to_numeric(digits, errors="coerce").fillna(-1)
    return np.where(numbers % 1 == 0, numbers, -1).astype(np.int64)


def _months(texts: Sequence[str]) -> NDArray[np.int64]:
    names = pd.Series(list(texts), dtype="str").str.strip().str.lower().str[:3]
    named = names.map({name: number for number, name in enumerate(_MONTHS, start=1)})
    return np.where(named.notna(), named.fillna(0), _whole(texts)).astype(np.int64)


def _clock(columns: Mapping[str, Sequence[str]]) -> NDArray[np.timedelta64]:
    """The time of day; an hour 24 is the midnight after."""
    total: NDArray[np.timedelta64] = np.array([np.timedelta64(0, "us")])
    for part, unit, most in (("hour", "h", 24), ("minute", "m", 59), ("second", "s", 59)):
        if part in columns:
            hours = columns[part]
            if part == "hour" and any(":" in str(text) for text in hours[:5]):
                total = total + _times_of_day(hours)
                continue
            number = _whole(hours)
            wrong = (number < 0) | (number > most)
            total = total + np.where(
                wrong, np.timedelta64("NaT"), number.astype(f"timedelta64[{unit}]")
            )
    return total + _times_of_day(columns["time"]) if "time" in columns else total


def _times_of_day(texts: Sequence[str]) -> NDArray[np.timedelta64]:
    column = pd.Series(list(texts), dtype="str").str.strip().str.replace(".", ":", regex=False)
    short = column.str.count(":") == 1
    return pd.to_timedelta(column.where(~short, column + ":00"), errors="coerce").to_numpy()
