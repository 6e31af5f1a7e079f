"""Cells as text, and as a message shows them."""

from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype

from forecast.data.sources import RawTable
from forecast.errors import Problem


def texts_of(column: "pd.Series[str]") -> "pd.Series[str]":
    """Cells as text: whole numbers without a point, dates in ISO 8601."""
    if _is_text(column.dtype):
        return column
    if isinstance(column.dtype, pd.CategoricalDtype):
        if _is_text(column.cat.categories.dtype):
            return column
        named: pd.Series[Any] = column.cat.rename_categories(_text)
        return named
    return column.map(_text, na_action="ignore").astype(object)


def _is_text(dtype: "ExtensionDtype | np.dtype[Any]") -> bool:
    return dtype != np.dtype(object) and pd.api.types.is_string_dtype(dtype)


def _text(cell: object) -> str:
    is_whole = isinstance(cell, float | np.floating) and float(cell).is_integer()
    return str(int(cell)) if is_whole else str(cell)  # type: ignore[call-overload]


def as_shown(value: object) -> str:
    """A cell in a message: a text in quotes, a number as it is."""
    return repr(value) if isinstance(value, str) else str(value)


def report_missing(
    column: "pd.Series[str]", raw: RawTable, problems: list[Problem], advice: str | None = None
) -> None:
    """Add a problem where a column has no value."""
    empty = column.index[column.isna()]
    if len(empty):
        message = f"{raw.name}: `{column.name}` has no value in {raw.places(empty)}."
        problems.append(Problem(message, advice))
