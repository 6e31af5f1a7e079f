"""Which row of a table has the names of its columns, and which rows around it are none."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from forecast.data.cells import Kind, kind_of, may_be_missing

COMMENT = "#"


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


def first_filled(found: Sequence[Record]) -> tuple[int, bool] | None:
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
    width = width_of([found[at] for at in filled])
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
        most = max(found[at].filled for at in above)  # a title has fewer cells, and so have units
        return [at for at in above if found[at].filled == most][-1], True
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
        is_comment = record.cells[0].startswith(COMMENT)
        return 1 < len(record.cells) == record.filled and not is_comment
    return record.filled >= max(1, width // 2)  # an index often has no name


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


def are_units(row: Record, rows: Sequence[Record]) -> bool:
    """Whether a row below the header has units where all others have dates and numbers."""
    usual = [_kinds(rows, column) for column in range(len(row.cells))]
    return len(rows) >= 3 and _has_units(row, usual) and not _is_data(row, usual)


def width_of(found: Sequence[Record]) -> int:
    """How many cells most rows have."""
    counts = Counter(len(record.cells) for record in found)
    return counts.most_common(1)[0][0] if counts else 0


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names without blanks around them, each once: the second `a` is called `a.1`."""
    seen: Counter[str] = Counter()
    result: list[str] = []
    for number, name in enumerate(names, start=1):
        clean = name.strip() or f"column_{number}"
        result.append(f"{clean}.{seen[clean]}" if seen[clean] else clean)
        seen[clean] += 1
    return tuple(result)
