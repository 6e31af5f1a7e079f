"""How a text holds a table: its encoding, its separator, and where the header stands.

A small sniffer of our own over the first bytes. Decimal commas and the form of dates are no matter
of the dialect: they are told column by column, by those who know what the columns mean.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from forecast.data.cells import kind_of
from forecast.data.header import (
    COMMENT,
    Record,
    are_units,
    distinct,
    first_filled,
    header_of,
    width_of,
)

SAMPLE = 200_000
"""Bytes that are looked at."""
WHITESPACE = r"\s+"
_SEPARATORS = ("\t", ";", "|", ",")  # the comma last: it stands inside of numbers too
_RECORDS = 500  # that are looked at
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class Dialect:
    """How a text holds a table. Lines count from 1."""

    encoding: str = "utf-8-sig"
    separator: str = ","
    skip_rows: int = 0
    """The last line before the header."""
    skip_lines: tuple[int, ...] = ()
    """Single lines that are no rows, such as one of units below the header."""
    header: bool = True
    comment: str | None = None
    """What lines that are no rows begin with."""
    skip_initial_space: bool = False
    names: tuple[str, ...] = field(default=(), compare=False)
    """The columns, each name once: of two equal ones the second has `.1` after it."""
    blank_columns: int = field(default=0, compare=False)
    """Columns at the end that have neither a name nor a value."""


@dataclass(frozen=True)
class Given:
    """What is known of a dialect beforehand."""

    encoding: str | None = None
    separator: str | None = None
    skip_rows: int | None = None
    skip_lines: tuple[int, ...] = ()
    header: bool | None = None
    comment: str | None = None


def sniff(sample: bytes, given: Given | None = None, *, is_whole: bool = True) -> Dialect:
    """The dialect of a text that begins with `sample`; what is given is not asked again.

    Raises `UnicodeDecodeError` where the given encoding is another.
    """
    given = given or Given()
    encoding = given.encoding or encoding_of(sample)
    text = decoded(sample, encoding, is_whole=is_whole)
    separator = given.separator or _separator(text, given)
    space = separator != WHITESPACE and f'{separator} "' in text
    dialect = Dialect(
        encoding,
        separator,
        comment=given.comment,
        skip_lines=given.skip_lines,
        skip_initial_space=space,
    )
    found = list(_first(records(text, dialect), _RECORDS))
    if given.skip_rows is not None:
        found = [record for record in found if record.first_line > given.skip_rows]
    dialect = _with_header(dialect, found, given)
    if given.comment is None and _has_comments(found, dialect):
        return sniff(sample, replace(given, comment=COMMENT), is_whole=is_whole)
    return dialect


def _has_comments(found: Sequence[Record], dialect: Dialect) -> bool:
    """Whether lines that begin with `#`, and are no rows by their cells, stand among the rows."""
    rows = [record for record in found if record.first_line > dialect.skip_rows + 1]
    marked = [record for record in rows if record.cells and record.cells[0].startswith(COMMENT)]
    width = len(dialect.names) + dialect.blank_columns
    return 0 < len(marked) < len(rows) / 2 and all(
        len(record.cells) != width or record.filled == 1 < width for record in marked
    )


def decoded(sample: bytes, encoding: str, *, is_whole: bool) -> str:
    """The text of a sample; of one that was cut, without what the cut may have damaged."""
    text = codecs.getincrementaldecoder(encoding)().decode(sample, final=is_whole)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if is_whole or "\n" not in text else text[: text.rindex("\n") + 1]


def encoding_of(sample: bytes) -> str:
    """By its mark, by its zeros, or because it is UTF-8; else Windows' Latin-1."""
    for mark, encoding in _BOMS.items():
        if sample.startswith(mark):
            return encoding
    head = sample[:2000]
    if head.count(0) > len(head) // 4:
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return "cp1252" if _is_decodable(sample, "cp1252") else "latin-1"
    return "utf-8-sig"


def _is_decodable(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def lines_of(text: str) -> list[str]:
    """The lines of a text; what else Unicode takes for a line's end is a character."""
    return list(io.StringIO(text))


def records(text: str, dialect: Dialect) -> Iterator[Record]:
    """The rows of a text, blank ones and the header among them, with their lines."""
    lines = lines_of(text)
    skipped, mark = set(dialect.skip_lines), dialect.comment
    kept = [
        (number, line)
        for number, line in enumerate(lines, start=1)
        if number not in skipped and not (mark and line.startswith(mark))
    ]
    if dialect.separator == WHITESPACE:
        for number, line in kept:
            yield Record(tuple(line.split()), number, number)
        return
    reader = csv.reader(
        (line for _, line in kept),
        delimiter=dialect.separator,
        skipinitialspace=dialect.skip_initial_space,
    )
    before = 0
    for cells in reader:
        yield Record(tuple(cells), kept[before][0], kept[reader.line_num - 1][0])
        before = reader.line_num


def _first(found: Iterator[Record], count: int) -> Iterator[Record]:
    try:
        for record, _ in zip(found, range(count), strict=False):
            yield record
    except csv.Error:  # a field that never ends, or a NUL: what was seen so far has to do
        return


def _separator(text: str, given: Given) -> str:
    """The separator by which most rows have equally many cells."""
    announced = re.match(r"sep=(.)\n", text)
    if announced:
        return announced[1]
    best, most = ",", (0, 0)
    for separator in _SEPARATORS:
        dialect = Dialect(separator=separator, comment=given.comment, skip_lines=given.skip_lines)
        found = [r for r in _first(records(text, dialect), _RECORDS) if r.filled]
        below = found[min(10, len(found) // 3) :]  # a title says nothing of how rows are written
        width = width_of(below)
        score = sum(len(record.cells) == width for record in below), _values_in(below[:50])
        if width > 1 and score > most:
            best, most = separator, score
    if most[0]:
        return best
    found = [r for r in _first(records(text, Dialect(separator=WHITESPACE)), 50) if r.cells]
    width = width_of(found)
    even = sum(len(record.cells) == width for record in found)
    return WHITESPACE if width > 1 and even >= 0.9 * len(found) else ","


def _values_in(found: Sequence[Record]) -> int:
    """How many cells are numbers or dates: a wrong separator tears them apart."""
    return sum(kind_of(cell) in ("number", "date") for record in found for cell in record.cells)


def _with_header(dialect: Dialect, found: list[Record], given: Given) -> Dialect:
    chosen = header_of(found) if given.skip_rows is None else first_filled(found)
    if chosen is None:
        return replace(dialect, skip_rows=given.skip_rows or 0)
    at, has_header = chosen
    header, rows = found[at], [record for record in found[at + 1 :] if record.filled]
    has_header = has_header if given.header is None else given.header
    skip = given.skip_rows if given.skip_rows is not None else header.first_line - 1
    units: tuple[int, ...] = ()
    if has_header and not given.skip_lines and rows and are_units(rows[0], rows[1:]):
        units = tuple(range(rows[0].first_line, rows[0].last_line + 1))
    names = header.cells if has_header else _made_up(header.cells)
    names, blank = _without_blank_end(names, rows)
    return replace(
        dialect,
        skip_rows=skip,
        skip_lines=dialect.skip_lines + units,
        header=has_header,
        names=distinct(names),
        blank_columns=blank,
    )


def _without_blank_end(
    names: tuple[str, ...], rows: Sequence[Record]
) -> tuple[tuple[str, ...], int]:
    """The names, and how many columns at the end are blank (a separator ends each line)."""
    width = max([len(names), *(len(row.cells) for row in rows)])
    last = len(names)
    while last and not names[last - 1].strip():
        last -= 1
    beyond = [row.cells[last:] for row in rows]
    if any(cell.strip() for cells in beyond for cell in cells):
        return names, 0  # rows with more cells than names: the reader tells which
    return names[:last], width - last


def _made_up(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"column_{number}" for number in range(1, len(cells) + 1))
