"""Tables out: as CSV, JSON lines or Parquet."""

import json
import secrets
from io import BytesIO
from pathlib import Path
from typing import Literal

import pandas as pd

from forecast.data.table import records, written_dates
from forecast.errors import Problem, UsageError, require_extra

Format = Literal["csv", "jsonl", "parquet"]
_ENDINGS: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet"}


def encode_table(table: pd.DataFrame, output: Path, format: Format | None = None) -> bytes:
    """A table in the given form, or in that which the ending of `output` names, else CSV.

    Raises `MissingExtraError` for Parquet without pyarrow.
    """
    wanted = format or _ENDINGS.get(output.suffix.lower(), "csv")
    if wanted == "csv":
        return written_dates(table).to_csv(index=False).encode()
    if wanted == "jsonl":
        return "".join(
            json.dumps(row, separators=(",", ":")) + "\n" for row in records(table)
        ).encode()
    require_extra("pyarrow", "parquet")
    buffer = BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def write_file(content: bytes, output: Path) -> None:
    """Write a file whole, or not at all. Raises `UsageError` where it can not be written."""
    try:
        if output.exists() and not output.is_file():  # a pipe or a device; a folder can not be
            output.write_bytes(content)
            return
        target = output.resolve()  # a link stays a link
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            part.write_bytes(content)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(Problem(f"can not write {output}: {error.strerror}.")) from error
