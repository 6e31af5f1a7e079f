"""Tables out: as CSV, JSON lines or Parquet; and files, whole or not at all."""

import json
import secrets
import stat
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from errno import EISDIR
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.data.calendar import iso
from forecast.data.csvtext import quoted, rows_text
from forecast.data.panel import Panel
from forecast.errors import Problem, UsageError, reason, shortened

_STREAMS = ("/dev/std", "/dev/fd/", "/proc/")


def encode_table(table: pd.DataFrame, format: str) -> bytes:
    """A table as `csv`, `jsonl` or `parquet`, which takes pyarrow."""
    if format == "csv":
        return csv_text(table).encode()
    if format == "jsonl":
        return "".join(
            json.dumps(row, separators=(",", ":")) + "\n" for row in records(table)
        ).encode()
    buffer = BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def encode_tables(tables: Iterable[pd.DataFrame], format: str) -> Iterator[bytes]:
    """Tables of the same columns as one, `csv` or `jsonl`, part by part."""
    for number, table in enumerate(tables):
        content = encode_table(table, format)
        yield content if number == 0 or format != "csv" else content.partition(b"\n")[2]


def csv_text(table: pd.DataFrame) -> str:
    """A table as CSV: dates in ISO 8601, and every value as it reads back.

    Whatever is undefined is an empty field.
    """
    names = [str(name) for name in table.columns]
    return rows_text(names, [_fields(table[name]) for name in table.columns])


def _fields(column: "pd.Series[Any]") -> list[str]:
    """A column as fields of CSV. Words repeat: each is quoted once."""
    kind = column.dtype.kind
    if kind == "f":
        return ["" if number != number else repr(number) for number in column.tolist()]
    if kind in "iu":
        return list(map(str, column.tolist()))
    if kind == "M":
        return iso(pd.DatetimeIndex(column))
    codes, words = pd.factorize(column)
    fields = [*(quoted(str(word)) for word in words), ""]  # the last for code -1, which is nothing
    return [fields[code] for code in codes]


def panel_table(panel: Panel) -> pd.DataFrame:
    """The panel as a long table: `unique_id, ds, y`."""
    names = np.repeat(np.array(panel.unique_ids, dtype=object), np.diff(panel.offsets))
    return pd.DataFrame({"unique_id": names, "ds": panel.ds, "y": panel.truth})


def written_dates(table: pd.DataFrame) -> pd.DataFrame:
    """The same table with its dates as ISO 8601 text."""
    dates = table.select_dtypes(["datetime", "datetimetz"])
    return table.assign(**{str(name): iso(pd.DatetimeIndex(dates[name])) for name in dates})


def records(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """A table as rows for JSON: dates in ISO 8601, null for what is undefined."""
    written = written_dates(table).astype(object)
    return written.where(written.notna(), None).to_dict("records")


def write_file(content: bytes, output: Path, advice: str | None = None) -> None:
    """Write a file whole, or leave what was there as it was.

    It is written beside and renamed: a link that stands there is replaced, and what it leads to
    stays. A pipe or a device is written to. Raises `UsageError`, with the advice, where that can
    not be.
    """
    with written(output, advice) as part:
        part.write_bytes(content)


@contextmanager
def written(output: Path, advice: str | None = None) -> Iterator[Path]:
    """The path to write a file to, which is at its place when the block ends: see `write_file`."""
    with _written_beside(output, advice) as part:
        yield part or output
        if part is not None:
            part.replace(output)


def refuse_unwritable(output: Path, advice: str | None = None) -> None:
    """Raise `UsageError` for what `write_file` could not write, before the content takes long."""
    with _written_beside(output, advice) as part:
        if part is not None:
            part.touch()


@contextmanager
def _written_beside(output: Path, advice: str | None) -> Iterator[Path | None]:
    """A new file's path in the folder of another, gone at the end; None beside what is no file."""
    try:
        if output.is_dir():
            raise IsADirectoryError(EISDIR, "Is a directory")
        if is_stream(output):
            yield None
            return
        part = output.with_name(f".forecast-{secrets.token_hex(8)}.part")
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # a name with a NUL is a wrong value
        message = f"can not write {shortened(str(output))}: {reason(error)}"
        raise UsageError(Problem(f"{message}.", advice)) from error


def is_stream(path: Path) -> bool:
    """Whether a path is a pipe or a device, or one of the links by which a system names them."""
    if str(path).startswith(_STREAMS):
        return path.exists()
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISLNK(mode))
