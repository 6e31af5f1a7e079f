"""Tables that SQL makes: DuckDB over files and its own databases, PostgreSQL, and SQLite.

The latter two are asked themselves: what DuckDB attaches them with it has to fetch from the network
first.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.config.data import DataOptions
from forecast.data.sources.raw import Columns, RawTable, refuse_missing_columns
from forecast.data.sources.text import option_of
from forecast.errors import DataError, Problem, require_extra

_SERVERS = ("postgresql://", "postgres://")
_SQLITE = (".sqlite", ".sqlite3", ".db")
_VECTOR = 2048  # rows that DuckDB hands over at once, or a number of times


def is_database(path: str) -> bool:
    """Whether a path names a database, of which a query makes the table."""
    return path.startswith(_SERVERS) or Path(path).suffix.lower() in (*_SQLITE, ".duckdb")


def read_query(path: str, options: DataOptions, columns: Columns | None) -> RawTable:
    """What `data.query` gives.

    Raises `MissingExtraError` without DuckDB or psycopg (SQLite needs none), `DataError` where the
    query fails.
    """
    name, digest = without_password(path), hashlib.sha256()
    parts = list(query_in_parts(path, options, columns, None))
    frame = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    digest.update(row_hashes(frame))
    return RawTable(frame, name, digest.hexdigest(), _from_one, "row")


def query_in_parts(
    path: str, options: DataOptions, columns: Columns | None, rows: int | None
) -> Iterator[pd.DataFrame]:
    """The same as frames of about so many rows, or as a whole."""
    query, name = options.query, without_password(path)
    if query is None:
        message = f"{name} is a database: which table is meant?"
        raise DataError(Problem(message, "Say it as `data.query: SELECT day, sold FROM sales`."))
    if not path.startswith(_SERVERS) and path != "-" and not Path(path).exists():
        raise DataError(Problem(f"can not read the table {path}: No such file or directory."))
    is_empty = True
    for frame in _asked(path)(path, query, rows):
        if columns is not None:
            refuse_missing_columns([str(name) for name in frame.columns], option_of(options), name)
            frame = frame[list(columns.all)]  # noqa: PLW2901 - the columns that are wanted
        if len(frame):
            is_empty = False
            yield frame
    if is_empty:
        raise DataError(Problem(f"{name}: the query gives no rows.", query))


def _asked(path: str) -> Callable[[str, str, int | None], Iterator[pd.DataFrame]]:
    """Who is asked the query."""
    if path.startswith(_SERVERS):
        return _postgres
    return _sqlite if Path(path).suffix.lower() in _SQLITE else _duckdb


def row_hashes(frame: pd.DataFrame) -> bytes:
    """What the checksum of a query's rows is made of, row after row."""
    return pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()


def without_password(path: str) -> str:
    """A path as messages have it."""
    if not path.startswith(_SERVERS):
        return path
    scheme, _, rest = path.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _from_one(rows: "object") -> list[int]:
    return [int(row) + 1 for row in rows]  # type: ignore[attr-defined]


Parts = Iterator[pd.DataFrame]


def _sqlite(path: str, query: str, rows: int | None) -> Parts:
    """Read only: a query can change nothing."""
    try:
        connection = sqlite3.connect(f"file:{Path(path).resolve()}?mode=ro", uri=True)
        try:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description or ()]
            yield from _fetched(cursor, names, rows)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise DataError(Problem(f"{path}: the query failed: {error}", query)) from error


def _postgres(path: str, query: str, rows: int | None) -> Parts:
    """Read only: a query can change nothing."""
    require_extra("psycopg", "sql")
    psycopg, numeric = import_module("psycopg"), import_module("psycopg.types.numeric")
    try:
        with psycopg.connect(path, connect_timeout=10) as connection:
            connection.read_only = True
            connection.adapters.register_loader("numeric", numeric.FloatLoader)
            # A cursor with a name stays at the server, which sends rows as they are asked for.
            cursor = connection.cursor() if rows is None else connection.cursor("forecast")
            cursor.execute(query)
            names = [column.name for column in cursor.description or ()]
            yield from _fetched(cursor, names, rows)
    except psycopg.Error as error:
        raise DataError(
            Problem(f"{without_password(path)}: the query failed: {error}", query)
        ) from error


def _fetched(cursor: Any, names: list[str], rows: int | None) -> Parts:
    """What a cursor gives, in frames of so many rows, or in one."""
    while True:
        found = cursor.fetchall() if rows is None else cursor.fetchmany(rows)
        yield pd.DataFrame(found, columns=names).infer_objects()
        if rows is None or len(found) < rows:
            return


def _duckdb(path: str, query: str, rows: int | None) -> Parts:
    require_extra("duckdb", "sql")
    duckdb = import_module("duckdb")

    literal = path.replace("'", "''")
    try:
        with duckdb.connect() as connection:
            if Path(path).suffix.lower() == ".duckdb":
                connection.execute(f"ATTACH '{literal}' AS db (READ_ONLY)")
                connection.execute("USE db")
            else:
                view = f"CREATE VIEW data AS SELECT * FROM '{literal}'"  # noqa: S608 - quoted above
                connection.execute(view)
            result = connection.execute(query)
            if rows is None:
                yield result.df()
                return
            while len(frame := result.fetch_df_chunk(-(-rows // _VECTOR))):
                yield frame
    except duckdb.Error as error:
        raise DataError(Problem(f"{path}: the query failed: {error}", query)) from error
