"""Tables of JSON: an object a line, or one list of objects.

What an object within a row holds is a column of its own, `meta.shop` for `{"meta": {"shop": 1}}`.
"""

import json
from collections.abc import Sequence

import pandas as pd

from forecast.config.data import DataOptions
from forecast.data.sources.content import Content
from forecast.data.sources.raw import Columns, RawTable, refuse_missing_columns
from forecast.data.sources.text import option_of
from forecast.errors import DataError, Problem


def read_json(content: Content, options: DataOptions, columns: Columns | None) -> RawTable:
    """The columns that are wanted, or all of them: texts as text, numbers as numbers."""
    try:
        text = content.read().decode(options.encoding or "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(Problem(f"{content.name} is not UTF-8: {error}.")) from error
    rows, lines, word = _rows(text, content.name)
    if not rows:
        raise DataError(Problem(f"{content.name} is empty."))
    rows = [_flat(row) for row in rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    if columns is not None:
        refuse_missing_columns(names, option_of(options), content.name)
        names = list(columns.all)
    frame = pd.DataFrame({name: [_cell(row.get(name)) for row in rows] for name in names})
    for name in names if columns is None else columns.numbers:
        if all(isinstance(cell, int | float | None) for cell in frame[name]):
            frame[name] = pd.to_numeric(frame[name], errors="coerce").astype("float64")
    return RawTable(frame, content.name, content.sha256, _Lines(lines), word)


def _flat(row: dict[str, object]) -> dict[str, object]:
    """A row with the members of its objects beside its own, after which they are named."""
    flat, left = dict[str, object](), [("", row)]
    while left:
        before, members = left.pop(0)
        for name, value in members.items():
            if isinstance(value, dict) and value:
                left.append((f"{before}{name}.", value))
            else:
                flat.setdefault(before + name, value)
    return flat


def _cell(value: object) -> object:
    """A cell as it is compared and shown: texts and numbers stay, the rest is its JSON."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return json.dumps(value)


class _Lines:
    def __init__(self, lines: list[int]) -> None:
        self.lines = lines

    def __call__(self, rows: Sequence[int]) -> list[int]:
        return [self.lines[row] for row in rows]


def _rows(text: str, name: str) -> tuple[list[dict[str, object]], list[int], str]:
    """The objects, and the line or the place in the list of each."""
    if text.lstrip().startswith("["):
        whole = _parsed(text, name, 1)
        rows = whole if isinstance(whole, list) else []
        _refuse_other_than_objects(rows, list(range(1, len(rows) + 1)), "row", name)
        return rows, list(range(1, len(rows) + 1)), "row"
    numbered = [
        (number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()
    ]
    rows = [_parsed(line, name, number) for number, line in numbered]
    lines = [number for number, _ in numbered]
    _refuse_other_than_objects(rows, lines, "line", name)
    return rows, lines, "line"


def _parsed(text: str, name: str, line: int) -> object:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        at = line + getattr(error, "lineno", 1) - 1
        why = getattr(error, "msg", "too deep")
        raise DataError(Problem(f"{name}: line {at} is not JSON: {why}.")) from error


def _refuse_other_than_objects(
    rows: Sequence[object], lines: Sequence[int], word: str, name: str
) -> None:
    for row, line in zip(rows, lines, strict=True):
        if not isinstance(row, dict):
            message = f"{name}: {word} {line} is not an object of names and values."
            raise DataError(Problem(message, 'A row looks like {"date": "2020-01-01", "y": 1}.'))
