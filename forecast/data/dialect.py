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
    best, most = ",", (0, 0)
    for separator in _SEPARATORS:
        dialect = Dialect(separator=separator, comment=given.comment, skip_lines=given.skip_lines)
        found = [r for r in _first(records(text, dialect), _RECORDS) if r.filled]
        below = found[min(10, len(found) // 3) :]  # a title says nothing of how rows are written
        width = _width(below)
        score = sum(len(record.cells) == width for record in below), _values_in(below[:50])
        if width > 1 and score > most:
            best, most = separator, score
    if most[0]:
        return best
    found = [r for r in _first(records(text, Dialect(separator=WHITESPACE)), 50) if r.cells]
    width = _width(found)
    even = sum(len(record.cells) == width for record in found)
    return WHITESPACE if width > 1 and even >= 0.9 * len(found) else ","


def _values_in(found: Sequence[Record]) -> int:
    """How many cells are numbers or dates: a wrong separator tears them apart."""
    return sum(kind_of(cell) in ("number", "date") for record in found for cell in record.cells)


def _width(found: Sequence[Record]) -> int:
    """How many cells most rows have."""
    counts = Counter(len(record.cells) for record in found)
    return counts.most_common(1)[0][0] if counts else 0


def _with_header(dialect: Dialect, found: list[Record], given: Given) -> Dialect:
    chosen = header_of(found) if given.skip_rows is None else _first_filled(found)
    if chosen is None:
        return replace(dialect, skip_rows=given.skip_rows or 0)
    at, has_header = chosen
    header, rows = found[at], [record for record in found[at + 1 :] if record.filled]
    has_header = has_header if given.header is None else given.header
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


def _first_filled(found: Sequence[Record]) -> tuple[int, bool] | None:
    """The first row that has anything, and whether it has names."""
    at = next((at for at, record in enumerate(found) if record.filled), None)
    if at is None:
        return None
    return at, not _is_row(found[at], [record for record in found[at + 1 :] if record.filled])


def header_of(found: Sequence[Record]) -> tuple[int, bool] | None:
    """The row of names, and whether it has any: the last one of words above the first of data.

    A line of units below it does not count. Where no row has names it is the first that is data.
    """
    filled = [at for at, record in enumerate(found) if record.filled]
    if not filled:
        return None
    width = _width([found[at] for at in filled])
    usual = _usual_kinds([found[at] for at in filled if len(found[at].cells) == width], width)
    first = next((at for at in filled if _is_data(found[at], usual)), None)
    if first is None:
        at = next(at for at in filled if len(found[at].cells) == width)
        return at, not _is_row(found[at], [found[i] for i in filled if i > at])
    before = [at for at in filled if at < first]
    above = _names_above([at for at in before if _may_name(found[at], width)], found, usual)
    if len(above) > 1 and _has_units(found[above[-1]], usual):
        above.pop()
    if above:
        return above[-1], True
    odd = [at for at in before if "date" in _value_kinds(found[at], usual)]
    at = odd[0] if odd else first
    return at, not _is_row(found[first], [found[i] for i in filled if i > first])


def _value_kinds(record: Record, usual: Sequence[Kind]) -> set[Kind]:
    """What a row has where the others have numbers and dates."""
    pairs = zip(record.cells, usual, strict=False)
    return {kind_of(cell) for cell, kind in pairs if kind in ("number", "date")}


def _names_above(above: Sequence[int], found: Sequence[Record], usual: Sequence[Kind]) -> list[int]:
    """Of the rows above the first that is data those up to the last of words.

    One with a date where dates stand is data too, though something is odd in it. A name may be a
    number, where no row has words alone.
    """
    named = [at for at in above if "date" not in _value_kinds(found[at], usual)]
    words = [at for at in named if "number" not in _value_kinds(found[at], usual)]
    return named[: named.index(words[-1]) + 1] if words else named


def _usual_kinds(wide: Sequence[Record], width: int) -> list[Kind]:
    """What most rows have in each column; the first rows count little, for they may be a title."""
    rows = wide[min(5, len(wide) // 3) :]
    return [_kinds(rows, column) for column in range(width)]


def _is_data(record: Record, usual: Sequence[Kind]) -> bool:
    """Whether the cells of a row are what its columns have; some numbers or dates among them."""
    if len(record.cells) < len(usual):
        return False
    pairs = [
        (kind_of(cell), kind)
        for cell, kind in zip(record.cells, usual, strict=False)
        if cell.strip() and not may_be_missing(cell)
    ]
    values = [kind for kind, _ in pairs if kind in ("number", "date")]
    return bool(values) and all(
        kind == wanted for kind, wanted in pairs if wanted in ("number", "date")
    )


def _may_name(record: Record, width: int) -> bool:
    """Whether a row has about as many cells as there are columns, and is no comment."""
    if len(record.cells) < width:  # rows with more cells than names: the reader tells which
        is_comment = record.cells[0].startswith(_COMMENT)
        return 1 < len(record.cells) == record.filled and not is_comment
    return record.filled >= max(min(width, 2), width // 2)


def _has_units(record: Record, usual: Sequence[Kind]) -> bool:
    """Whether a row has units of measure where the others have numbers and dates."""
    cells = [
        cell.strip()
        for cell, kind in zip(record.cells, usual, strict=False)
        if kind in ("number", "date")
    ]
    known = [bool(_UNIT.fullmatch(cell)) for cell in cells if cell]
    return len(cells) > 1 and bool(known) and all(known)


_UNIT = re.compile(
    r"(?i)[\[(].*[\])]|%|-+|[$\u20ac\u00a3]|[y]{2,4}[-./]?m{1,2}.*|d{1,2}[-./]m{1,2}.*|"
    r"(?:k|m|g|t|\u00b5|d|c|h)?(?:wh?|va|v|a|g|m|l|pa|hz|b|n|j|bar|ppm|s)"
    r"(?:[/\u00b7*^\u00b2\u00b3\d][\w\u00b2\u00b3]*)*|min|h|ppb|"
    r"\u00b0\s?[cfk]?|deg\w*|euros?|eur|usd|gbp|chf|units?|pcs|stk|persons?"
)


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
    """Whether a row below the header has units where all others have dates and numbers."""
    usual = [_kinds(rows, column) for column in range(len(row.cells))]
    return len(rows) >= 3 and _has_units(row, usual) and not _is_data(row, usual)


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
