"""CSV as text, of which every value reads back as the one that was written.

Nothing is an empty field, and the empty text is `""`, as databases write them. A text with a quote,
a comma or a line's end is quoted; all others stand as they are.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from io import StringIO

_SPECIAL = re.compile('[",\r\n]')


def quoted(text: str | None) -> str:
    """A field of a row; None is nothing."""
    if text is None:
        return ""
    if text and not _SPECIAL.search(text):
        return text
    return f'"{text.replace(chr(34), chr(34) * 2)}"'


def rows_text(header: Iterable[str], columns: Iterable[Iterable[str]]) -> str:
    """Rows below a header, from columns of fields that are quoted where they have to be."""
    rows = zip(*columns, strict=True)
    return "\n".join([",".join(map(quoted, header)), *map(",".join, rows), ""])


def read_rows(text: str) -> Iterator[tuple[str | None, ...]]:
    """The rows of a text, its header first. In the first column, nothing is None.

    In other columns, which hold numbers or words, nothing is the empty text. Raises `csv.Error`
    where the quotes do not match.
    """
    lines = list(StringIO(text, newline=""))
    reader, begin = csv.reader(lines, strict=True), 0
    for row in reader:
        is_nothing = row[:1] == [""] and not lines[begin].startswith('"')
        begin = reader.line_num
        yield (None, *row[1:]) if is_nothing else tuple(row)
