"""A look at a table that nobody has described: how it is written, and what its columns mean."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from forecast.config.data import DataOptions
from forecast.data.cells import MISSING
from forecast.data.clocks import zones_that_skip
from forecast.data.dialect import SAMPLE, WHITESPACE, Dialect, Given, decoded, records
from forecast.data.numbers import FORMS, NumberForm, is_ambiguous
from forecast.data.panel import Panel
from forecast.data.roles import (
    Candidate,
    Column,
    columns_of,
    dates_in_header,
    find_ids,
    find_targets,
    suspicious_codes,
)
from forecast.data.seasons import find_season, is_multiplicative
from forecast.data.sources import RawTable, read_source
from forecast.data.sources.content import Content
from forecast.data.sources.source import kind_of_source
from forecast.data.sources.text import sniff_content
from forecast.data.table import Table, read_table
from forecast.data.timing import Timing, find_timing
from forecast.errors import DataError, Problem, UsageError, did_you_mean

_INTERMITTENT = 0.3  # of the values are zero


@dataclass(frozen=True)
class Hints:
    """What a person says of a table beforehand."""

    time: tuple[str, ...] = ()
    time_format: str | None = None
    target: str | None = None
    """A column, or several with commas between them."""
    id: str | None = None
    """A column, or several with commas between them."""
    freq: str | None = None
    timezone: str | None = None


@dataclass(frozen=True)
class Profile:
    """What a table is, as far as looking at it tells."""

    options: DataOptions
    table: Table
    season_length: int
    has_season: bool
    is_multiplicative: bool
    """Whether swings grow with the level, so that a logarithm makes them alike."""
    warnings: tuple[str, ...] = ()
    """What somebody should know before relying on it."""

    @property
    def panel(self) -> Panel:
        """Its series."""
        return self.table.panel

    @property
    def is_positive(self) -> bool:
        """Whether every value has a logarithm."""
        return bool(self.panel.values.min() > 0)

    @property
    def is_intermittent(self) -> bool:
        """Whether many values are zero, as with goods that are seldom asked for."""
        observed = self.panel.values[self.panel.observed]
        return bool((observed == 0).mean() >= _INTERMITTENT)


@dataclass
class _Look:
    """What has been found so far: options of `data:`, and what is to be said of them."""

    path: str
    options: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def draft(self, **more: object) -> DataOptions:
        """The options as far as they go."""
        filled = {"path": self.path, "time": "", "target": "", **self.options, **more}
        try:
            return DataOptions.model_validate(filled)
        except ValidationError as error:  # of what a person said
            details = error.errors()[0]
            why = details["msg"].removeprefix("Value error, ")
            message = f"--{details['loc'][0]} {details['input']}: {why}"
            raise UsageError(Problem(message)) from error


def profile_table(path: Path, hints: Hints | None = None) -> Profile:
    """Find how a table is written and the columns that are not named, and read it.

    Raises `DataError` where something can not be told, or the table can not be read; `UsageError`
    where several columns can be forecast and none is named.
    """
    hints = hints or Hints()
    content = Content(path)
    look = _Look(str(path), {"timezone": hints.timezone, "freq": hints.freq})
    raw = _raw(content, look)
    columns = columns_of(raw.frame)
    names = [str(name) for name in raw.frame]
    _refuse_transposed(columns, raw)
    targets, ids = _split(hints.target, names), _split(hints.id, names)
    _refuse_unknown((*hints.time, *targets, *ids), names, raw.name)
    timing = find_timing(columns, raw.name, named=hints.time, form=hints.time_format)
    if timing.footer:
        columns = _without_footer(raw, columns, timing, look, content)
        timing = find_timing(columns, raw.name, named=hints.time, form=hints.time_format)
    look.warnings += [timing.note] if timing.note else []
    look.options |= {"time": timing.time, "time_format": timing.form}
    look.options["freq"] = hints.freq or timing.freq
    ids = ids or _ids(columns, timing, targets, raw)
    targets = targets or _targets(columns, {*timing.columns, *ids}, raw, look)
    look.options |= {"target": list(targets), "id": list(ids) or None}
    _find_numbers([column for column in columns if column.name in targets], raw, content, look)
    table = _read(look, content)
    return _profile(look, table)


def _profile(look: _Look, table: Table) -> Profile:
    panel, reading = table.panel, table.reading
    _refuse_clock_change(panel, look.path)
    if reading.empty:
        look.warnings.append(f"without a value, and left out: {', '.join(reading.empty[:5])}.")
    look.options["missing"] = "interpolate" if reading.filled else "error"
    options = look.draft(freq=panel.freq)
    season_length, has_season = find_season(panel)
    return Profile(
        options,
        table,
        season_length,
        has_season,
        is_multiplicative(panel, season_length),
        tuple(look.warnings),
    )


# --- how it is written ---------------------------------------------------------------------------


def _raw(content: Content, look: _Look) -> RawTable:
    """All columns, and into the options how the table is written where that is not the usual."""
    if not _is_text(content):
        return read_source(look.draft(), None, content)
    dialect = sniff_content(content, Given())
    _note_dialect(dialect, look)
    footer = _long_footer(content, dialect)
    if footer:
        look.options["skip_footer"] = footer
        look.warnings.append(f"the last {_lines(footer)} are no rows, and left out.")
    return read_source(look.draft(), None, content)


def _is_text(content: Content) -> bool:
    is_pattern = any(mark in str(content.path) for mark in "*?[") and not content.path.exists()
    return not is_pattern and not _is_database(content) and kind_of_source(content) == "text"


def _is_database(content: Content) -> bool:
    return content.path.suffix.lower() in (".sqlite", ".sqlite3", ".db", ".duckdb") or "://" in str(
        content.path
    )


def _lines(count: int) -> str:
    return f"{count} line{'s' if count > 1 else ''}"


def _note_dialect(dialect: Dialect, look: _Look) -> None:
    if dialect.separator != ",":
        look.options["separator"] = dialect.separator
    if not dialect.encoding.startswith("utf"):
        look.options["encoding"] = dialect.encoding
        look.warnings.append(f"it is not UTF-8: read as {dialect.encoding} (data.encoding).")
    if dialect.skip_lines:
        lines = (*range(1, dialect.skip_rows + 1), *dialect.skip_lines)
        look.options["skip_rows"] = list(lines)
        shown = ", ".join(map(str, dialect.skip_lines))
        look.warnings.append(f"line {shown} below the header is no row, and left out.")
    elif dialect.skip_rows:
        look.options["skip_rows"] = dialect.skip_rows
    if dialect.comment:
        look.options["comment"] = dialect.comment
        look.warnings.append(
            f"lines that begin with {dialect.comment} are left out (data.comment)."
        )
    if not dialect.header:
        look.options["header"] = False
        look.warnings.append(
            "the first row is data: there is no header, and the columns are called "
            f"{', '.join(dialect.names[:3])} (data.header)."
        )


def _long_footer(content: Content, dialect: Dialect) -> int:
    """Lines at the end from the first that has more cells than the table: a text with commas."""
    if dialect.separator == WHITESPACE:
        return 0
    text = decoded(content.read()[-SAMPLE:], _of_middle(dialect.encoding), is_whole=True)
    found = list(records(text, replace(dialect, skip_lines=(), skip_rows=0)))[1:]
    most = len(dialect.names) + dialect.blank_columns
    last, begin = found[-1].last_line if found else 0, 0
    for record in reversed(found[-40:]):
        if record.filled and len(record.cells) == most:
            break
        if record.filled and len(record.cells) > most:
            begin = record.first_line
    return last - begin + 1 if begin else 0


def _of_middle(encoding: str) -> str:
    """The encoding of bytes from the middle, where no mark is, and characters may be cut."""
    return "latin-1" if encoding.startswith("utf-8") else encoding


def _without_footer(
    raw: RawTable, columns: list[Column], timing: Timing, look: _Look, content: Content
) -> list[Column]:
    """The columns without the rows at the end that have no date."""
    first = raw.frame.index[len(raw.frame) - timing.footer]
    kept = raw.frame.iloc[: len(raw.frame) - timing.footer]
    cells = raw.frame.iloc[len(raw.frame) - timing.footer].dropna()
    shown = ", ".join(str(cell) for cell in cells.iloc[:2])
    line = raw.lines([int(first)])[0]
    if raw.dialect is not None:
        text = decoded(content.read(), raw.dialect.encoding, is_whole=True)
        look.options["skip_footer"] = len(text.splitlines()) - line + 1
    else:
        look.options["skip_footer"] = timing.footer
    look.warnings.append(
        f"from {raw.word} {line} to the end there are no dates ({shown}): left out "
        "(data.skip_footer)."
    )
    # What made a column one of text may have stood there alone.
    reread = read_source(look.draft(), None, content)
    return columns_of(reread.frame) if len(reread.frame) == len(kept) else columns_of(kept)


def _refuse_transposed(columns: Sequence[Column], raw: RawTable) -> None:
    names = [column.name for column in columns]
    if dates_in_header(names) and not any(column.is_date_text for column in columns):
        message = f"{raw.name}: dates stand in the header, so that each row is a series."
        advice = (
            "Turn it, so that each row has one date; with DuckDB: `data.query: UNPIVOT data ON "
            "COLUMNS('[0-9]{4}') INTO NAME date VALUE y`."
        )
        raise DataError(Problem(message, advice))


def _split(text: str | None, names: list[str]) -> tuple[str, ...]:
    """The columns that a text names; a comma may also stand in the name of one."""
    if text is None:
        return ()
    return (text,) if text in names else tuple(text.split(","))


def _refuse_unknown(wanted: Sequence[str], names: list[str], table: str) -> None:
    problems = [
        Problem(f"{table} has no column `{name}`.", did_you_mean(name, names))
        for name in wanted
        if name not in names
    ]
    if problems:
        raise DataError(*problems)


# --- what its columns mean -----------------------------------------------------------------------


def _ids(
    columns: list[Column], timing: Timing, targets: tuple[str, ...], raw: RawTable
) -> tuple[str, ...]:
    """The columns that tell series apart, where dates repeat."""
    if len(np.unique(timing.codes)) == len(timing.codes):
        return ()
    found = find_ids(columns, timing.codes, {*timing.columns, *targets})
    if found is not None:
        return found
    rest = [column for column in columns if column.name not in (*timing.columns, *targets)]
    repeated = pd.Series(timing.codes).duplicated().mean()
    if repeated < 0.05 or not rest or all(column.forms and not column.is_whole for column in rest):
        return ()  # the reader names the rows that are repeated, and the ways out
    message = f"{raw.name}: dates repeat, and no column tells series apart."
    raise DataError(Problem(message, "Name it: --id COL."))


def _targets(columns: list[Column], taken: set[str], raw: RawTable, look: _Look) -> tuple[str, ...]:
    """The one column of numbers that can be meant.

    Raises `UsageError` with a line for each where there are several.
    """
    candidates = find_targets(columns, taken)
    likely = [candidate for candidate in candidates if candidate.reason is None]
    if len(likely) == 1:
        return (likely[0].column.name,)
    if not likely and len(candidates) == 1:
        name, reason = candidates[0].column.name, candidates[0].reason
        look.warnings.append(f"`{name}`, the only column of numbers, is {reason}.")
        return (name,)
    if candidates:
        raise _which_target(likely or candidates, candidates, raw)
    advice = "Name it: --target COL. "
    rest = [column for column in columns if column.name not in taken]
    advice += "; ".join(
        f"{column.name} has {', '.join(column.distinct[:3])}" for column in rest[:3]
    )
    raise DataError(Problem(f"{raw.name}: no column holds numbers.", advice.strip()))


def _which_target(
    likely: list[Candidate], candidates: list[Candidate], raw: RawTable
) -> UsageError:
    lines = [f"  {candidate}" for candidate in likely]
    others = [each for each in candidates if each not in likely]
    lines += [f"  ({each.column.name} is {each.reason})" for each in others]
    message = f"{raw.name} has several columns of numbers:\n" + "\n".join(lines)
    first, second = _quoted(likely[0].column.name), _quoted(likely[-1].column.name)
    advice = (
        f"Name the one to forecast: forecast init {_quoted(raw.name)} --target {first}\n"
        f"or several, each as a series: --target {first},{second}"
    )
    return UsageError(Problem(message, advice))


def _quoted(word: str) -> str:
    """A word as a shell takes it."""
    is_plain = all(letter.isalnum() or letter in "._-/" for letter in word)
    return word if is_plain and word else "'" + word.replace("'", "'\\''") + "'"


def _find_numbers(targets: Sequence[Column], raw: RawTable, content: Content, look: _Look) -> None:
    """How the numbers of the targets are written, and what stands for a missing one."""
    shared = [form for form in FORMS if all(form in column.forms for column in targets)]
    form = shared[0] if shared else FORMS[0]
    texts = _written(targets, raw, content)
    if shared and is_ambiguous(texts):
        form = _of_two(shared, texts, look)
    if form != FORMS[0]:
        look.options |= {"decimal": form.decimal, "thousands": form.thousands}
    words: list[str | int] = []
    for column in targets:
        words += [word for word in column.missing_words if word not in MISSING]
        codes = suspicious_codes(column.numbers)
        if codes:
            shown = ", ".join(f"{code:g}" for code in codes)
            look.warnings.append(
                f"`{column.name}`: {shown} is far from all other values, and taken for a missing "
                "one (data.na_values)."
            )
        words += [int(code) for code in codes]
    if words:
        look.options["na_values"] = list(dict.fromkeys(words))
        text = [word for word in words if isinstance(word, str)]
        if text:
            shown = ", ".join(f"`{word}`" for word in dict.fromkeys(text))
            look.warnings.append(f"{shown} is taken for a missing value (data.na_values).")


def _written(targets: Sequence[Column], raw: RawTable, content: Content) -> list[str]:
    """The first cells of the targets as the table has them: `1.330` is no number there yet."""
    if raw.dialect is None or raw.files:
        return []
    places = [raw.dialect.names.index(column.name) for column in targets]
    text = decoded(content.head(SAMPLE), raw.dialect.encoding, is_whole=False)
    rows = [r.cells for r in records(text, raw.dialect) if r.first_line > raw.dialect.skip_rows + 1]
    return [row[place] for row in rows for place in places if place < len(row)]


def _of_two(forms: list[NumberForm], texts: list[str], look: _Look) -> NumberForm:
    """Of two readings of `1.336` the one that the separator speaks for, with a word on it."""
    mark = "," if any("," in text for text in texts) else "."
    as_decimal = NumberForm(mark)
    as_thousands = NumberForm("." if mark == "," else ",", mark)
    separator = look.options.get("separator")
    if mark == "." and separator is None:
        return forms[0]  # the usual: a decimal point
    # A comma between digits is the decimal one where another mark parts the cells; so is a point,
    # unless dates are written with points too.
    with_points = re.search(r"%d\.%m\.", str(look.options.get("time_format"))) is not None
    is_decimal = separator is not None if mark == "," else not with_points
    form = as_decimal if is_decimal else as_thousands
    sample = next(text for text in texts if mark in text)
    value = form.parse(sample)[0]
    other = as_thousands if form == as_decimal else as_decimal
    look.warnings.append(
        f"`{sample}` is read as {value:g}, and could be {other.parse(sample)[0]:g}: see "
        "data.decimal and data.thousands."
    )
    return form


# --- reading it ----------------------------------------------------------------------------------


def _read(look: _Look, content: Content) -> Table:
    """The table by the options that were found; what is missing is counted first of all."""
    return read_table(look.draft(missing="interpolate"), content=content)


def _refuse_clock_change(panel: Panel, path: str) -> None:
    """Raise `DataError` where what is missing is the hour that the clocks of a zone skip."""
    if not isinstance(panel.begins, pd.DatetimeIndex) or panel.begins.tz is not None:
        return
    gaps = np.flatnonzero(~panel.observed)[:2_000]
    moments = panel.dates(gaps)
    if (
        not len(gaps)
        or not isinstance(moments, pd.DatetimeIndex)
        or (moments == moments.normalize()).all()
    ):
        return
    zones = [zone for moment in moments.unique() for zone in zones_that_skip(moment)]
    if not zones:
        return
    zone = max(dict.fromkeys(zones), key=zones.count)
    moment = next(moment for moment in moments if zone in zones_that_skip(moment))
    others = [other for other in dict.fromkeys(zones) if other != zone]
    message = (
        f"{path}: {moment} is missing. At that hour the clocks went forward in {zone}"
        f"{' and elsewhere' if others else ''}: these are local times."
    )
    advice = f"Name their time zone: --timezone {zone}, or UTC where a row is missing indeed."
    raise DataError(Problem(message, advice))
