"""Tables in Excel files: one sheet, its header found below whatever titles stand above it."""

import io
from collections.abc import Sequence

import pandas as pd

from forecast.config.data import DataOptions
from forecast.data.header import Record, distinct, header_of
from forecast.data.sources.content import Content
from forecast.data.sources.raw import Columns, RawTable, refuse_missing_columns
from forecast.data.sources.text import option_of
from forecast.errors import DataError, Problem, require_extra


def read_excel(content: Content, options: DataOptions, columns: Columns | None) -> RawTable:
    """The columns that are wanted, or all of them, with their types.

    Raises `MissingExtraError` without openpyxl.
    """
    require_extra("openpyxl", "excel")
    try:
        sheet = pd.read_excel(
            io.BytesIO(content.read()),
            sheet_name=options.sheet or 0,
            header=None,
            keep_default_na=False,
            na_values=[""],
            engine="openpyxl",
        )
    except (ValueError, OSError, KeyError) as error:
        raise DataError(Problem(f"{content.name} is not an Excel table: {error}")) from error
    cells = [
        Record(tuple("" if pd.isna(cell) else str(cell) for cell in row), number, number)
        for number, row in enumerate(sheet.head(200).itertuples(index=False), start=1)
    ]
    chosen = header_of(cells)
    if chosen is None:
        raise DataError(Problem(f"{content.name} is empty."))
    at, has_header = chosen
    if not has_header:
        message = f"{content.name} has no header: its first row is data."
        raise DataError(Problem(message, "Put the names of the columns above it."))
    at = options.skip_rows if isinstance(options.skip_rows, int) else at
    names = distinct(cells[at].cells)
    rows = sheet.iloc[at + 1 : len(sheet) - options.skip_footer].reset_index(drop=True)
    rows.columns = pd.Index(names)
    rows = rows.dropna(how="all").infer_objects()
    if rows.empty:
        raise DataError(Problem(f"{content.name} has a header and no rows."))
    if columns is not None:
        refuse_missing_columns(names, option_of(options), content.name)
        rows = rows[list(columns.all)]
    return RawTable(rows, content.name, content.sha256, _Below(at + 2), "row")


class _Below:
    """The numbers of rows as the sheet shows them."""

    def __init__(self, first: int) -> None:
        self.first = first

    def __call__(self, rows: Sequence[int]) -> list[int]:
        return [int(row) + self.first for row in rows]
