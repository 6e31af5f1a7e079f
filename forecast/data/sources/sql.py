"""Tables that SQL makes: DuckDB over files and its own databases, PostgreSQL, and SQLite.

The latter two are asked themselves: what DuckDB attaches them with it has to fetch from the network
first.
"""

import hashlib
import sqlite3
from importlib import import_module
from pathlib import Path

import pandas as pd

from forecast.config.data import DataOptions
from forecast.data.sources.raw import Columns, RawTable, refuse_missing_columns
from forecast.data.sources.text import option_of
from forecast.errors import DataError, Problem, require_extra

_SERVERS = ("postgresql://", "postgres://")
_SQLITE = (".sqlite", ".sqlite3", ".db")


def is_database(path: str) -> bool:
    """Whether a path names a database, of which a query makes the table."""
    return path.startswith(_SERVERS) or Path(path).suffix.lower() in (*_SQLITE, ".duckdb")


def read_query(path: str, options: DataOptions, columns: Columns | None) -> RawTable:
    """What `data.query` gives.

    Raises `MissingExtraError` without DuckDB or psycopg (SQLite needs none), `DataError` where the
    query fails.
    """
    query, name = options.query, _without_password(path)
    if query is None:
        message = f"{name} is a database: which table is meant?"
        raise DataError(Problem(message, "Say it as `data.query: SELECT day, sold FROM sales`."))
    if not path.startswith(_SERVERS) and path != "-" and not Path(path).exists():
        raise DataError(Problem(f"can not read the table {path}: No such file or directory."))
    if path.startswith(_SERVERS):
        frame = _postgres(path, query)
    else:
        is_sqlite = Path(path).suffix.lower() in _SQLITE
        frame = _sqlite(path, query) if is_sqlite else _duckdb(path, query)
    if frame.empty:
        raise DataError(Problem(f"{name}: the query gives no rows.", query))
    if columns is not None:
        refuse_missing_columns([str(name) for name in frame.columns], option_of(options), name)
        frame = frame[list(columns.all)]
    digest = hashlib.sha256(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return RawTable(frame, name, digest.hexdigest(), _from_one, "row")


def _without_password(path: str) -> str:
    """A path as messages have it."""
    if not path.startswith(_SERVERS):
        return path
    scheme, _, rest = path.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _from_one(rows: "object") -> list[int]:
    return [int(row) + 1 for row in rows]  # type: ignore[attr-defined]


def _sqlite(path: str, query: str) -> pd.DataFrame:
    """Read only: a query can change nothing."""
    try:
        connection = sqlite3.connect(f"file:{Path(path).resolve()}?mode=ro", uri=True)
        try:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description or ()]
            return pd.DataFrame(cursor.fetchall(), columns=names).infer_objects()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise DataError(Problem(f"{path}: the query failed: {error}", query)) from error


def _postgres(path: str, query: str) -> pd.DataFrame:
    """Read only: a query can change nothing."""
    require_extra("psycopg", "sql")
    psycopg, numeric = import_module("psycopg"), import_module("psycopg.types.numeric")
    try:
        with psycopg.connect(path, connect_timeout=10) as connection:
            connection.read_only = True
            connection.adapters.register_loader("numeric", numeric.FloatLoader)
            cursor = connection.execute(query)
            names = [column.name for column in cursor.description or ()]
            return pd.DataFrame(cursor.fetchall(), columns=names).infer_objects()
    except psycopg.Error as error:
        raise DataError(
            Problem(f"{_without_password(path)}: the query failed: {error}", query)
        ) from error


def _duckdb(path: str, query: str) -> pd.DataFrame:
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
            frame: pd.DataFrame = connection.execute(query).df()
            return frame
    except duckdb.Error as error:
        raise DataError(Problem(f"{path}: the query failed: {error}", query)) from error
