"""How a text holds a table: its encoding, its separator, and where the header stands.

A small sniffer of our own over the first bytes. Decimal commas and the form of dates are no matter
of the dialect: they are told column by column, by those who know what the columns mean.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from forecast.data.cells import Kind, kind_of, may_be_missing

SAMPLE = 200_000
"""Bytes that are looked at."""
WHITESPACE = r"\s+"
_SEPARATORS = ("\t", ";", "|", ",")  # the comma last: it stands inside of numbers too
_COMMENT = "#"
_RECORDS = 500  # that are looked at
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class Record:
    """One row of a text table: its cells, and the lines that it takes (more, where it quotes)."""

    cells: tuple[str, ...]
    first_line: int
    last_line: int

    @property
    def filled(self) -> int:
        """How many cells are not blank."""
        return sum(bool(cell.strip()) for cell in self.cells)


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
        return sniff(sample, replace(given, comment=_COMMENT), is_whole=is_whole)
    return dialect


def _has_comments(found: Sequence[Record], dialect: Dialect) -> bool:
    """Whether lines that begin with `#`, and are no rows by their cells, stand among the rows."""
    rows = [record for record in found if record.first_line > dialect.skip_rows + 1]
    marked = [record for record in rows if record.cells and record.cells[0].startswith(_COMMENT)]
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


def records(text: str, dialect: Dialect) -> Iterator[Record]:
    """The rows of a text, blank ones and the header among them, with their lines."""
    lines = text.splitlines(keepends=True) if "\n" in text else [text]
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
    best, most = ",", 0
    for separator in _SEPARATORS:
        dialect = Dialect(separator=separator, comment=given.comment, skip_lines=given.skip_lines)
        found = [r for r in _first(records(text, dialect), _RECORDS) if r.filled]
        width = _width(found)
        rows = sum(len(record.cells) == width for record in found) if width > 1 else 0
        if rows > most:
            best, most = separator, rows
    if most:
        return best
    found = [r for r in _first(records(text, Dialect(separator=WHITESPACE)), 50) if r.cells]
    width = _width(found)
    even = sum(len(record.cells) == width for record in found)
    return WHITESPACE if width > 1 and even >= 0.9 * len(found) else ","


def _width(found: Sequence[Record]) -> int:
    """How many cells most rows have."""
    counts = Counter(len(record.cells) for record in found)
    return counts.most_common(1)[0][0] if counts else 0


def _with_header(dialect: Dialect, found: list[Record], given: Given) -> Dialect:
    at = header_of(found) if given.skip_rows is None else _first_filled(found)
    if at is None:
        return replace(dialect, skip_rows=given.skip_rows or 0)
    header, rows = found[at], [record for record in found[at + 1 :] if record.filled]
    has_header = given.header if given.header is not None else not _is_row(header, rows)
    skip = given.skip_rows if given.skip_rows is not None else header.first_line - 1
    units: tuple[int, ...] = ()
    if has_header and not given.skip_lines and rows and _are_units(rows[0], rows[1:]):
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


def _first_filled(found: Sequence[Record]) -> int | None:
    return next((at for at, record in enumerate(found) if record.filled), None)


def header_of(found: Sequence[Record]) -> int | None:
    """The first row that is as wide and as full as the table; a preamble is neither."""
    filled = [record for record in found if record.filled]
    if not filled:
        return None
    width = _width(filled)
    wide = [record for record in filled if len(record.cells) == width]
    full = sorted(record.filled for record in wide)[len(wide) // 2]
    for at, record in enumerate(found):
        is_wide = len(record.cells) == width and record.filled >= max(min(2, full), 0.6 * full)
        if is_wide and not _is_comment_before(found, at):
            short = _short_header_before(found, at, width)
            return at if short is None else short
    return _first_filled(found)


def _short_header_before(found: Sequence[Record], at: int, width: int) -> int | None:
    """The header with fewer names than its rows have cells, if row `at` is the first below it."""
    before = [i for i in range(at) if found[i].filled]
    if not before or not {"number", "date"} & {kind_of(cell) for cell in found[at].cells}:
        return None
    header = found[before[-1]]
    is_header = 1 < len(header.cells) < width and header.filled == len(header.cells)
    kinds = {kind_of(cell) for cell in header.cells}
    return before[-1] if is_header and kinds == {"text"} else None


def _is_comment_before(found: Sequence[Record], at: int) -> bool:
    """Whether a row begins with `#`, and a header without numbers follows it."""
    if not found[at].cells[0].startswith("#") or at + 2 >= len(found):
        return False
    following = [kind_of(cell) for cell in found[at + 1].cells]
    return "number" not in following and "date" not in following


def _kinds(rows: Sequence[Record], column: int) -> Kind:
    """What most rows have in a column."""
    kinds = Counter(
        kind_of(row.cells[column])
        for row in rows[:50]
        if column < len(row.cells) and not may_be_missing(row.cells[column])
    )
    return kinds.most_common(1)[0][0] if kinds else "blank"


def _is_row(first: Record, rows: Sequence[Record]) -> bool:
    """Whether the first row is data: each cell is what the column has, and one is a date.

    A table of numbers alone has no header where the first row is one of numbers.
    """
    if not rows or not first.filled:
        return False
    pairs = [
        (kind_of(cell), _kinds(rows, column))
        for column, cell in enumerate(first.cells)
        if not may_be_missing(cell)
    ]
    kinds = [kind for kind, _ in pairs]
    alike = all(kind == usual for kind, usual in pairs)
    return alike and ("date" in kinds or set(kinds) == {"number"})


def _are_units(row: Record, rows: Sequence[Record]) -> bool:
    """Whether a row below the header has words where all others have dates and numbers."""
    kinds = [_kinds(rows, column) for column in range(len(row.cells))]
    here = [kind_of(cell) for cell in row.cells]
    values = [
        (kind, cell)
        for kind, usual, cell in zip(here, kinds, row.cells, strict=True)
        if usual in ("number", "date")
    ]
    if len(rows) < 3 or len(values) < 2:
        return False
    words = [kind == "text" and not may_be_missing(cell) for kind, cell in values]
    return any(words) and all(kind in ("text", "blank") for kind, _ in values)


def _made_up(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"column_{number}" for number in range(1, len(cells) + 1))


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


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names without blanks around them, each once: the second `a` is called `a.1`."""
    seen: Counter[str] = Counter()
    result: list[str] = []
    for number, name in enumerate(names, start=1):
        clean = name.strip() or f"column_{number}"
        result.append(f"{clean}.{seen[clean]}" if seen[clean] else clean)
        seen[clean] += 1
    return tuple(result)
