"""The columns beside the target: from cells of numbers or words to the covariates of a panel."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.config.data import CovariateOptions, DataOptions
from forecast.data.arrays import FloatArray, IntArray, ranges
from forecast.data.cells import MISSING
from forecast.data.columns import are_numbers, numbers_of
from forecast.data.covariates import BLANK, Covariates
from forecast.data.gaps import Grid
from forecast.data.sources import RawTable
from forecast.data.texts import texts_of
from forecast.errors import DataError, Problem

# A column of which no larger share is no number is one of numbers, with errors in it.
_STRANGE = 0.5
_WHOLE = re.compile(r"([+-]?(?:0|[1-9]\d*))\.0+")
_BOOLEANS = ("true", "false")


@dataclass(frozen=True)
class Beside:
    """Columns by the places of their rows in the raw table."""

    columns: dict[str, FloatArray]
    """Numbers, or places of words among the levels; NaN where there is no row, or no number.
    The last entry, which the place -1 means, is NaN."""
    levels: dict[str, tuple[str, ...]]
    """The words of each column of words, in alphabetical order; a blank cell has one too."""


def columns_beside(
    raw: RawTable,
    options: DataOptions,
    names: Sequence[str],
    words: Collection[str] | None = None,
) -> Beside:
    """These columns of a table, of which those among `words` have words, and the others numbers.

    Where `words` is None, that is found out. Raises `DataError` for words among numbers.
    """
    problems: list[Problem] = []
    columns, levels = {}, {}
    count = int(raw.frame.index.max()) + 2 if len(raw.frame) else 1
    for name in names:
        if _has_words(raw.frame[name], name, options) if words is None else name in words:
            codes, own = pd.factorize(_words(raw.frame[name], options), sort=True)
            values = codes.astype(np.float64)
            levels[name] = tuple(map(str, own))
        else:
            found: list[Problem] = []
            values = numbers_of(raw, name, options, found)
            problems += [_or_category(one, name, words) for one in found]
        column = np.full(count, np.nan)
        column[raw.frame.index.to_numpy(np.int64)] = values
        columns[name] = column
    if problems:
        raise DataError(*problems)
    return Beside(columns, levels)


def _has_words(column: "pd.Series[str]", name: str, options: DataOptions) -> bool:
    return have_words(name, *count_words(column, options), options)


def count_words(column: "pd.Series[str]", options: DataOptions) -> tuple[int, int]:
    """How many cells of a column are numbers, and how many are words."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return int(column.notna().sum()), 0
    texts = texts_of(column).dropna()
    numbers = int(are_numbers(texts, options).sum())
    return numbers, len(texts) - numbers


def have_words(name: str, numbers: int, words: int, options: DataOptions) -> bool:
    """Whether a column of so many numbers and words is one of words."""
    if name in options.covariates.categories:
        return True
    return words > 0 and numbers / (numbers + words) < 1 - _STRANGE


def word_of(text: str, options: DataOptions) -> str:
    """The word of a cell, whichever way a kind of table writes it.

    A whole number has one way (`1.0` is `1`), true and false have, and all that is missing is a
    blank.
    """
    plain = text.strip()
    whole = _WHOLE.fullmatch(plain)
    plain = whole[1] if whole else plain
    if plain in MISSING or plain in map(str, options.na_values):
        return BLANK
    return plain.lower() if plain.lower() in _BOOLEANS else plain


def _words(column: "pd.Series[str]", options: DataOptions) -> "pd.Series[str]":
    """Cells as words; a cell that is missing is a blank."""
    distinct, texts = pd.factorize(texts_of(column))
    words = np.array([*(word_of(str(text), options) for text in texts), BLANK], dtype=object)
    return pd.Series(words[distinct], column.index)


def _or_category(problem: Problem, name: str, words: Collection[str] | None) -> Problem:
    advice = f"If its words are kinds, list it in `data.covariates.categories: [{name}]`."
    if words is not None:
        advice = f"The run was fitted to numbers in `{name}`: give numbers, or train again."
    return Problem(problem.message, f"{problem.advice} {advice}" if problem.advice else advice)


def covariates_of(
    beside: Beside, grid: Grid, first: IntArray, options: CovariateOptions, names: Sequence[str]
) -> Covariates:
    """The covariates of a grid's series, each from its row `first[i]` on, to the end of the grid.

    Raises `DataError` for a static column that changes within a series.
    """
    ends = grid.offsets[1:]
    places = grid.places[ranges(first, ends)]
    offsets = np.concatenate([[0], np.cumsum(ends - first)]).astype(np.int64)
    columns = {name: beside.columns[name][places] for name in (*options.past, *options.known)}
    static, problems = {}, []
    for name in options.static:
        values, blank = beside.columns[name][places], np.nan
        if BLANK in beside.levels.get(name, ()):
            blank = beside.levels[name].index(BLANK)
            values = np.where(values == blank, np.nan, values)
        low, high = _extremes(values, offsets)
        changes = np.flatnonzero(low < high)
        if len(changes):
            of = names[changes[0]]
            message = f"`{name}` is a static covariate, and changes within the series {of}."
            problems.append(Problem(message, "List it among `past` or `known` covariates."))
        static[name] = np.where(np.isnan(low), blank, low)
    if problems:
        raise DataError(*problems)
    return Covariates(offsets, columns, static, beside.levels)


def _extremes(values: FloatArray, offsets: IntArray) -> tuple[FloatArray, FloatArray]:
    """The least and the largest value of each series; NaN where it has none."""
    known = ~np.isnan(values)
    low = np.minimum.reduceat(np.where(known, values, np.inf), offsets[:-1])
    high = np.maximum.reduceat(np.where(known, values, -np.inf), offsets[:-1])
    some = np.isfinite(low)
    return np.where(some, low, np.nan), np.where(some, high, np.nan)
