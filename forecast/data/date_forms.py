"""Which forms the dates of a column may have, told by their texts."""

import re
from collections.abc import Iterable

from forecast.data.dates import EXCEL, parse_dates, without_noise

_YEARS = range(1500, 2300)  # that a table of dates is believed to be of
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_CLOCK = re.compile(
    r"(?P<gap>[T ,]\s*)(?P<hour>\d{1,2})(?P<mark>[:.h])\d{2}(?P<second>(?P=mark)\d{2})?"
    r"(?P<part>[.]\d{1,9})?(?P<half>\s*[AaPp][Mm])?(?P<zone>\s*(?:Z|[+-]\d{2}:?\d{2}))?$"
)


_TWO_YEARS = re.compile("%Y.%[Yy]")
_SURE = 3  # texts


def date_forms(texts: Iterable[str]) -> list[str | None]:
    """The forms in which all of the texts are dates of years that are likely, ISO 8601 first."""
    unique = list(dict.fromkeys(str(text).strip() for text in texts))
    if not unique:
        return []
    spread = unique[:: max(1, len(unique) // 50)]
    candidates = dict.fromkeys(
        form for text in [*spread, unique[-1]] for form in _candidates(without_noise(text))
    )
    found = [
        form
        for form in candidates
        if _reads(spread, form) and (len(spread) == len(unique) or _reads(unique, form))
    ]
    # `2000/01`, `2001/02`, `2002/03`: no months have dates like these.
    pairs = [form for form in found if _TWO_YEARS.fullmatch(form or "")]
    return pairs if pairs and len(unique) >= _SURE else found


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
    return {
        "h": "h",
        "s": "h",
        "q": "q",
        "qtr": "q",
        "quarter": "q",
        "m": "m",
        "w": "w",
        "kw": "w",
        "wk": "w",
    }.get(word, "T" if word == "t" else "?")


# Shapes of dates, and their forms; `-` is filled with the marks of the text, `L` with its letter.
_SHAPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("4-[12]-[12]", ("%Y-%m-%d",)),
    ("[12]-[12]-4", ("%d-%m-%Y", "%m-%d-%Y")),
    ("[12]-[12]-2", ("%d-%m-%y", "%m-%d-%y", "%y-%m-%d")),
    ("4-2", ("%Y-%y",)),
    ("4-4", ("%Y-%Y",)),
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
    ("4-?h-?1", ("%Y-L-%h",)),
    ("h-?1-4", ("L-%h-%Y",)),
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
