"""The options of `data:`: which table, how it is written, and what its columns mean."""

import codecs
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema, field_validator

from forecast.config.section import Count, Section
from forecast.errors import Problem, UsageError


def _columns(value: object) -> object:
    """One column, or several: a list of one is that one."""
    if isinstance(value, str):
        return value
    names = list(value) if isinstance(value, list | tuple) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError("should be a column, or a list of columns")
    if len(set(names)) < len(names):
        raise ValueError("should name each column once")
    return names[0] if len(names) == 1 else tuple(names)


_COLUMNS_SCHEMA = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
}
Columns = Annotated[
    str | tuple[str, ...], BeforeValidator(_columns), WithJsonSchema(_COLUMNS_SCHEMA)
]

TIME_PARTS = (
    "date", "year", "quarter", "month", "week", "day", "time", "hour", "minute", "second",
)  # fmt: skip
"""What the columns of a date in several columns can hold."""


def _time_columns(value: object) -> object:
    """A column, several that make a text together, or a mapping of parts to columns."""
    if not isinstance(value, dict):
        return _columns(value)
    if not all(isinstance(name, str) for name in value.values()):
        raise ValueError("should name a column for each part")
    strange = [part for part in value if part not in TIME_PARTS]
    if strange:
        raise ValueError(f"should have the parts {', '.join(TIME_PARTS)}, and not {strange[0]}")
    if ("date" in value) == ("year" in value):
        raise ValueError("should have either a date or a year among its parts")
    return dict(value)


TimeColumns = Annotated[
    str | tuple[str, ...] | dict[str, str],
    BeforeValidator(_time_columns),
    WithJsonSchema(
        {
            "anyOf": [
                *_COLUMNS_SCHEMA["anyOf"],
                {
                    "type": "object",
                    "description": "the parts of a date, each with the column that holds it",
                    "propertyNames": {"enum": list(TIME_PARTS)},
                },
            ]
        }
    ),
]


def _freq(value: object) -> object:
    """A frequency as text; a table that counts its rows has the frequency 1."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return str(value)
    if not isinstance(value, str):
        raise ValueError("should be a frequency, such as D, MS, h, 15min, W-SUN, or 1")
    old = _OLD_ALIAS.fullmatch(value)
    if old:
        raise ValueError(
            f"should be {old[1]}{_OLD_ALIASES[old[2]]}{old[3]}: so pandas calls {value} now"
        )
    return value


# What pandas called its aliases before version 2.2, and calls them now.
_OLD_ALIASES = {
    "M": "ME", "H": "h", "T": "min", "Q": "QE", "A": "YE", "Y": "YE", "S": "s", "L": "ms",
    "U": "us", "N": "ns", "BM": "BME", "BQ": "BQE", "BA": "BYE", "BY": "BYE", "AS": "YS",
    "BAS": "BYS", "SM": "SME", "BH": "bh",
}  # fmt: skip
_OLD_ALIAS = re.compile(rf"(\d*)({'|'.join(_OLD_ALIASES)})(-[A-Z]{{3}})?")

Freq = Annotated[
    str,
    BeforeValidator(_freq),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 1}]}),
]


def _skipped(value: object) -> object:
    """A number of lines, or a list of their numbers."""
    numbers = value if isinstance(value, list | tuple) else [value]
    if not numbers or not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers):
        raise ValueError("should be a number of lines, or a list of the lines themselves")
    if min(numbers) < (1 if isinstance(value, list | tuple) else 0):
        raise ValueError("should count lines from 1")
    return tuple(value) if isinstance(value, list | tuple) else value


SkipRows = Annotated[
    int | tuple[int, ...],
    BeforeValidator(_skipped),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1},
            ]
        }
    ),
]


def _where(value: object) -> object:
    """For each column the values to take."""
    if not isinstance(value, dict):
        raise ValueError("should be columns, each with a value or a list of values")
    lists = {
        str(column): tuple(wanted) if isinstance(wanted, list | tuple) else (wanted,)
        for column, wanted in value.items()
    }
    for column, wanted in lists.items():
        if not wanted or any(item is None or isinstance(item, dict | list) for item in wanted):
            raise ValueError(f"should have a value, or a list of values, for `{column}`")
    return {
        column: tuple(item if isinstance(item, str | int | float) else str(item) for item in wanted)
        for column, wanted in lists.items()
    }


Wanted = str | bool | int | float
Where = Annotated[
    dict[str, tuple[Wanted, ...]],
    BeforeValidator(_where),
    WithJsonSchema({"type": "object", "description": "columns, each with a value or a list"}),
]


def _words(value: object) -> object:
    """Words and codes that stand for a missing value."""
    words = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(word, str | int | float) for word in words):
        raise ValueError("should be a list of words or numbers")
    return tuple(words)


Words = Annotated[
    tuple[str | int | float, ...],
    BeforeValidator(_words),
    WithJsonSchema({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "number"}]}}),
]

How = Literal["sum", "mean", "median", "min", "max", "first", "last", "count"]


class ResampleOptions(Section):
    """Rows of any distance brought to even steps."""

    freq: Freq
    """The frequency of the steps, as in `data.freq`."""
    how: How
    """What becomes of the values that fall into one step. Where rows are regular, `sum` and `count`
    have no value for a first or last step that is not whole: a day that has only begun is one to be
    forecast."""
    covariates: dict[str, How] = Field(default_factory=dict)
    """The same for covariates that are numbers, by name; of others their mean. Of words a step has
    the one that is there most often, and blank where all are."""


RESERVED = ("unique_id", "ds")
"""What a covariate can not be called."""


class CovariateOptions(Section):
    """Columns beside the target that the network sees. Each is of numbers or of words.

    A number that is missing is the one before it. A blank cell among words is a word too: so a
    column of holidays may be blank on all other days.
    """

    past: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Known up to the last row alone, such as what was measured."""
    known: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Known of the future too, such as a price or a promotion: each row of the horizon needs it."""
    static: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """What does not change within a series, such as a region."""
    categories: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Those of them that are numbers in the table and mean kinds, such as the codes of a weather:
    they are taken as words."""
    scale: Literal["standard", "minmax", "robust", "none"] = "standard"
    """How columns of numbers are scaled, by what the training rows hold."""

    @property
    def all(self) -> tuple[str, ...]:
        """Every column, in the order of past, known and static ones."""
        return (*self.past, *self.known, *self.static)

    def problems(self, taken: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """What is wrong with the names, beside columns that are `taken` by other options."""
        seen = dict(taken)
        for part in ("past", "known", "static"):
            for name in getattr(self, part):
                if name in seen:
                    what = f"`{name}` is a covariate in data.covariates.{part}"
                    what += ", twice." if seen[name].endswith(part) else f", and {seen[name]} too."
                    yield (part,), what, "Name it in one of them alone."
                elif name in RESERVED:
                    what = f"a covariate can not be called `{name}`: tables of a run have one."
                    yield (part,), what, "Rename the column."
                seen.setdefault(name, f"data.covariates.{part}")
        for name in self.categories:
            if name not in self.all:
                what = f"`{name}` is among the categories, and is no covariate."
                yield ("categories",), what, "List it among `past`, `known` or `static` too."


class DataOptions(Section):
    """Which table, and what its columns mean."""

    path: str
    """The table, relative to the config file: CSV, TSV, JSON lines (each also with `.gz`), Parquet
    (a file or a folder) or Excel; a pattern such as `sales-*.csv` is several files, `-` standard
    input, `postgresql://...` a database for `data.query`."""
    query: str | None = None
    """SQL that makes the table, with DuckDB; in it `data` is the table of `path`, or the tables are
    those of the database that `path` names."""
    time: TimeColumns
    """The column of dates; or several, which are joined by a blank (`[Date, Time]`); or a mapping
    of parts to columns (`{year: year, month: month}`, `{date: day, hour: hour}`)."""
    time_format: str | None = None
    """How the dates are written, as in strftime (`%d/%m/%Y`), with `%q` for a quarter, `%h` for a
    half year and two years for one that ends in the next (`%Y/%y`); or a word: `epoch_s`,
    `epoch_ms`, `epoch_us`, `epoch_ns`, `excel`. ISO 8601 where it is left out."""
    timezone: str | None = None
    """The time zone of the dates, such as `Europe/Berlin`: times without an offset are read as
    local times there, others are brought there."""
    target: Columns
    """The column of numbers to forecast; of several each is a series, or with `model.joint` they
    are forecast together."""
    id: Columns | None = None
    """The column that tells the series of a long table apart, or several; without it there is one
    series."""
    covariates: CovariateOptions = CovariateOptions()
    """Columns beside the target that the network sees."""
    future: str | None = None
    """A table with rows after the last of `path`, for known covariates: the same columns, but the
    target, which may be left out. Rows of `path` whose target is blank will do as well, and
    `predict --future FILE`."""
    where: Where | None = None
    """Which rows to take: columns, each with a value or a list of values (`{shop: [2, 3]}`).

    A number is taken wherever the column has it, `2` for `2.0` too; a text as it is written, which
    needs quotes where it looks like a number (`"007"`)."""
    freq: Freq | None = None
    """The distance between two rows as a pandas offset alias (MS, D, h, 15min, W-SUN), or one with
    a number of days (`MS+14D`: the 15th of each month); 1 where rows are counted, not dated, or 10
    where they are counted in tens.

    Inferred where it is left out, and checked either way.
    """
    missing: Literal["error", "interpolate", "ffill", "zero", "mask"] = "error"
    """What to do about values that are missing between others, be it an empty value or a row that
    is not there: refuse them, draw a line from the value before to the value after, repeat the
    value before, or take 0 for it. `mask` fills as `interpolate` does, and with `model.joint` as
    `ffill`. A filled value is neither trained on nor scored, but for `zero`, which says that
    nothing is a value. Before the first value and after the last there is nothing to fill."""
    duplicates: Literal["error", "first", "last", "sum", "mean"] = "error"
    """What to do about several rows of one series and date: refuse them, or make one of them. Its
    covariates are those of the first row, or of the last."""
    resample: ResampleOptions | None = None
    """Bring rows of any distance, or of finer steps, to the steps of a frequency."""
    season_length: Count | None = None
    """Steps in one season, for seasonal naive and MASE; from the frequency where it is left out."""
    separator: str | None = None
    """What stands between two cells, such as `;`; `\\s+` is any number of blanks. Found where it is
    left out."""
    decimal: Annotated[str, Field(min_length=1, max_length=1)] = "."
    """What stands before the decimals of a number."""
    thousands: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """What stands between groups of three digits."""
    encoding: str | None = None
    """How characters are written, such as `cp1252` for Windows' Latin-1; UTF-8, or as the table's
    byte-order mark says, where it is left out."""
    skip_rows: SkipRows | None = None
    """How many lines come before the header, or the numbers of the lines that are no rows. Found
    where it is left out."""
    skip_footer: Annotated[int, Field(ge=0)] = 0
    """How many lines at the end are no rows: a total, a source."""
    header: bool | None = None
    """Whether the first row has the names of the columns; without, they are `column_1` and so on.
    Found where it is left out, and refused where there is none."""
    comment: str | None = None
    """What lines that are no rows begin with, such as `#`."""
    na_values: Words = ()
    """Words and numbers that stand for a missing value, beside the usual (`NA`, `NaN`, `NULL`)."""
    sheet: str | None = None
    """The sheet of an Excel file; the first where it is left out."""

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, zone: str | None) -> str | None:
        try:
            ZoneInfo(zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("should be a time zone, such as Europe/Berlin") from error
        return zone

    @field_validator("encoding")
    @classmethod
    def _is_encoding(cls, name: str | None) -> str | None:
        try:
            codecs.lookup(name or "utf-8")
        except LookupError as error:
            raise ValueError("should be an encoding, such as cp1252 or utf-16") from error
        return name

    @field_validator("time_format")
    @classmethod
    def _is_time_format(cls, form: str | None) -> str | None:
        words = ("epoch_s", "epoch_ms", "epoch_us", "epoch_ns", "excel")
        if form is not None and form not in words and "%" not in form:
            raise ValueError(f"should be a format such as %d/%m/%Y, or one of {', '.join(words)}")
        return form

    @property
    def files(self) -> dict[str, Path | None]:
        """The tables, by the key that names each."""
        future = None if self.future is None else Path(self.future)
        return {"data.path": Path(self.path), "data.future": future}

    @property
    def covariate_columns(self) -> tuple[str, ...]:
        """The columns beside the target that the network sees."""
        return self.covariates.all

    def covariate_problems(self) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """What the columns beside the target can not be: the key, what is wrong, the way out."""
        taken = dict.fromkeys(self.time_columns, "data.time")
        taken |= dict.fromkeys(self.ids, "data.id") | dict.fromkeys(self.targets, "data.target")
        for path, message, advice in self.covariates.problems(taken):
            yield ("covariates", *path), message, advice
        changing = (*self.covariates.past, *self.covariates.known)
        for name in self.resample.covariates if self.resample else ():
            if name not in changing:
                what = f"`{name}` is no covariate that changes from row to row."
                advice = "List it among the `past` or `known` ones of data.covariates."
                yield ("resample", "covariates", name), what, advice
        if self.future is not None and not self.covariates.known:
            what = "`data.future` gives known covariates, and there are none."
            yield ("future",), what, "Name them: `data.covariates: {known: [...]}`."
        if self.future == "-" and self.path == "-":
            what = "`data.path` and `data.future` can not both be standard input."
            yield ("future",), what, "Name a file for one of them."

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns of numbers."""
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def ids(self) -> tuple[str, ...]:
        """The columns that tell the series apart."""
        return () if self.id is None else (self.id,) if isinstance(self.id, str) else self.id

    @property
    def time_columns(self) -> tuple[str, ...]:
        """The columns of dates."""
        if isinstance(self.time, dict):
            return tuple(self.time.values())
        return (self.time,) if isinstance(self.time, str) else self.time


def data_options(values: dict[str, object]) -> DataOptions:
    """The options of these values. Raises `UsageError` for one that a person gave wrongly."""
    try:
        return DataOptions.model_validate(values)
    except ValidationError as error:
        details = error.errors()[0]
        why = details["msg"].removeprefix("Value error, ")
        option = str(details["loc"][0]).replace("_", "-")
        raise UsageError(Problem(f"--{option} {details['input']}: {why}")) from error
