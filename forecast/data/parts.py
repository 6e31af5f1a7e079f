"""Long tables in Parquet that are written part after part, and read back column by column."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from forecast.errors import require_extra

if TYPE_CHECKING:  # a list of runs, which reads such a table, would wait for it
    import pandas as pd

ENDING = ".parquet"
_EXTRA = "pyarrow", "parquet"


class ParquetParts:
    """A file that is being written; its columns are those of the first part."""

    def __init__(self, path: Path) -> None:
        self._path, self._arrow = path, import_module("pyarrow")
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(self, part: "pd.DataFrame") -> None:
        """Add the rows of a part."""
        schema = None if self._writer is None else self._writer.schema
        table = self._arrow.Table.from_pandas(part, schema=schema, preserve_index=False)
        if self._writer is None:
            parquet = import_module("pyarrow.parquet")
            self._writer = parquet.ParquetWriter(str(self._path), _plain(table.schema))
        self._writer.write_table(table.cast(self._writer.schema))


def write_parquet(parts: "Iterable[pd.DataFrame]", path: Path) -> None:
    """Write a table part by part."""
    with ParquetParts(path) as file:
        for part in parts:
            file.write(part)


def _plain(schema: Any) -> Any:
    """A schema without what pandas noted, and with texts where nothing is known of a column."""
    arrow = import_module("pyarrow")
    texts = {arrow.null(), arrow.large_string()}
    fields = [f.with_type(arrow.string()) if f.type in texts else f for f in schema]
    return arrow.schema(fields)


@contextmanager
def read_errors() -> Iterator[None]:
    """Let what fails inside, since the content is no such table, be a `ValueError`.

    Raises `MissingExtraError` without pyarrow.
    """
    require_extra(*_EXTRA)
    arrow = import_module("pyarrow")
    try:
        yield
    except arrow.ArrowException as error:
        raise ValueError("it is no table in Parquet") from error


def read_columns(content: bytes) -> "dict[str, pd.Series[Any]]":
    """The columns of a table by name, texts as categories. Raises as `read_errors` does."""
    with read_errors():
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
        schema = parquet.read_schema(BytesIO(content))
        texts = [field.name for field in schema if arrow.types.is_string(field.type)]
        # Words repeat: as categories each is made once.
        table = parquet.read_table(BytesIO(content), read_dictionary=texts)
        return {
            name: table.column(name).to_pandas(ignore_metadata=True) for name in table.column_names
        }


def rows_without(content: bytes, column: str) -> list[Mapping[str, Any]]:
    """The rows that have nothing in a column. Raises as `read_errors` does."""
    with read_errors():
        field = import_module("pyarrow.compute").field(column)
        parquet = import_module("pyarrow.parquet")
        rows: list[Mapping[str, Any]] = parquet.read_table(
            BytesIO(content), filters=field.is_null()
        ).to_pylist()
        return rows
