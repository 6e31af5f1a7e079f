"""What is known of dates to come: known covariates from a table of their own."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.config.data import CovariateOptions, DataOptions
from forecast.data.arrays import FloatArray, IntArray
from forecast.data.beside import columns_beside
from forecast.data.calendar import dates, iso, steps_between, zone_of
from forecast.data.columns import Rows, in_order, rows_of
from forecast.data.gaps import most_steps
from forecast.data.panel import Panel
from forecast.data.resample import resample
from forecast.data.sources import Columns, RawTable, read_source
from forecast.data.sources.content import Content
from forecast.errors import DataError, Problem, did_you_mean


@dataclass(frozen=True)
class Ahead:
    """Values of known covariates in rows after the last target."""

    series: IntArray
    """The series of each row, of those of a panel."""
    steps: IntArray
    """Which row of its series it is."""
    columns: dict[str, FloatArray]
    levels: dict[str, tuple[str, ...]]
    sha256: str | None = None
    """The checksum of the table that they were read from, if it is one."""

    def over(self, panel: Panel) -> Panel:
        """The panel, which knows these values too; they replace what it knew of the same dates."""
        if panel.covariates is None:
            raise ValueError("the panel has no covariates")
        covariates = panel.covariates.laid_over(self.series, self.steps, self.columns, self.levels)
        return replace(panel, covariates=covariates)


def read_ahead(
    content: Content,
    options: DataOptions,
    panel: Panel,
    names: Sequence[str],
    left_out: Collection[str] = (),
) -> Ahead:
    """The rows of a table that lie after the last of a panel's series, with columns of these names.

    It has the dates and the ids of `options`, and need not have the columns of `data.where`. Series
    that were `left_out` of the panel are passed over. Raises `DataError` with what is wrong: a
    column, a date, a number or a series, rows that are repeated or lie between two steps.
    """
    if panel.covariates is None:
        raise ValueError("the panel has no covariates")
    words = tuple(name for name in names if name in panel.covariates.levels)
    there = columns_of(content, options)
    options = options.model_copy(
        update={
            "freq": panel.freq,
            "query": None,
            "covariates": CovariateOptions(known=tuple(names), categories=words),
            "where": {c: own for c, own in (options.where or {}).items() if c in there} or None,
        }
    )
    raw = _read(content, options)
    rows = rows_of(raw, options, is_part=True, has_target=False)
    rows, parts = in_order(_of_panel(rows, panel, raw, left_out)), None
    places = rows.places
    if options.resample is not None and len(places):
        parts = resample(rows, options.resample)
        rows = parts.steps
    codes = np.array([*map(panel.unique_ids.index, rows.unique_ids)], np.int64)[rows.codes]
    steps = steps_between(panel.begins[codes], rows.ds, panel.freq)
    # A date between the last and the next counts as the last step, and is none.
    lasts = np.diff(panel.offsets)[codes] - 1
    after = (steps > lasts) | ((steps == lasts) & np.asarray(rows.ds != panel.lasts[codes]))
    codes, steps, rows = codes[after], steps[after], rows.take(after)
    _refuse_far_ahead(codes, steps, rows, panel, raw)
    _refuse_beside_steps(codes, steps, rows, panel, raw)
    _refuse_repeated(codes, steps, rows, raw)
    own = replace(raw, frame=raw.frame.loc[np.unique(places)])
    beside = columns_beside(own, options, names, words)
    beside = beside if parts is None else parts.beside(beside)
    columns = {name: column[rows.places] for name, column in beside.columns.items()}
    return Ahead(codes, steps, columns, beside.levels, raw.sha256)


def columns_of(content: Content, options: DataOptions) -> set[str]:
    """The names of all columns of a table."""
    anything = options.model_copy(update={"query": None})
    return set(map(str, read_source(anything, None, content).frame))


def _read(content: Content, options: DataOptions) -> RawTable:
    covariates = options.covariates
    texts = (*options.time_columns, *options.ids, *(options.where or ()), *covariates.categories)
    numbers = tuple(name for name in covariates.known if name not in covariates.categories)
    # No target is looked for.
    bare = options.model_copy(update={"target": ()})
    return read_source(bare, Columns(tuple(dict.fromkeys(texts)), numbers), content)


def _of_panel(rows: Rows, panel: Panel, raw: RawTable, left_out: Collection[str]) -> Rows:
    """The rows of the panel's series, in its time zone."""
    known = set(panel.unique_ids)
    strange = [name for name in rows.unique_ids if name not in known and name not in left_out]
    if strange:
        message = f"{raw.name}: there is no series {strange[0]} to forecast."
        raise DataError(Problem(message, did_you_mean(strange[0], list(panel.unique_ids))))
    own, zone = zone_of(rows.ds), zone_of(panel.begins)
    if (own is None) != (zone is None):
        message = f"{raw.name}: the times are in zone {own}, and those of the series in {zone}."
        raise DataError(Problem(message, "Write them as the table of the targets does."))
    if own is not None and own != zone:
        rows = replace(rows, ds=rows.ds.tz_convert(zone))  # type: ignore[union-attr]
    kept = np.array([name in known for name in rows.unique_ids], bool)
    if kept.all():
        return rows
    names = tuple(name for name in rows.unique_ids if name in known)
    rows = rows.take(kept[rows.codes])
    return replace(rows, unique_ids=names, codes=(np.cumsum(kept) - 1)[rows.codes])


def _refuse_far_ahead(
    codes: IntArray, steps: IntArray, rows: Rows, panel: Panel, raw: RawTable
) -> None:
    lengths = np.diff(panel.offsets).astype(np.float64)
    np.maximum.at(lengths, codes, steps + 1.0)
    most = most_steps(len(panel.values) + len(steps))
    if lengths.sum() <= most:
        return
    row = int(np.argmax(steps))
    [moment], [last] = iso(rows.ds[[row]]), iso(panel.lasts[codes[[row]]])
    message = (
        f"{raw.name}: {moment}{_of(rows, row)}, in {raw.places(rows.places[[row]])}, is "
        f"{steps[row]:,} steps of the frequency {panel.freq} from the first of the series, "
        f"whose last target is that of {last}."
    )
    raise DataError(Problem(message, "Correct that date, or leave the row out."))


def _refuse_beside_steps(
    codes: IntArray, steps: IntArray, rows: Rows, panel: Panel, raw: RawTable
) -> None:
    off = np.flatnonzero(dates(panel.begins[codes], steps, panel.freq) != rows.ds)
    if len(off):
        [moment], [last] = iso(rows.ds[off[:1]]), iso(panel.lasts[codes[off[:1]]])
        message = (
            f"{raw.name}: {moment}{_of(rows, off[0])} is no step of the frequency {panel.freq} "
            f"after {last}, in {raw.places(rows.places[off[:1]])}."
        )
        advice = "Give a row for each step to come, at the dates that forecasts will have."
        raise DataError(Problem(message, advice))


def _refuse_repeated(codes: IntArray, steps: IntArray, rows: Rows, raw: RawTable) -> None:
    order = np.lexsort((steps, codes))
    same = (np.diff(codes[order]) == 0) & (np.diff(steps[order]) == 0)
    if same.any():
        first = int(np.flatnonzero(same)[0])
        pair: NDArray[np.intp] = order[[first, first + 1]]
        [moment] = iso(rows.ds[pair[:1]])
        message = (
            f"{raw.name}: {moment}{_of(rows, pair[0])} stands more than once, in "
            f"{raw.places(rows.places[pair])}; {same.sum()} rows are repeated in all."
        )
        raise DataError(Problem(message, "Keep one row for each series and date."))


def _of(rows: Rows, row: int) -> str:
    return f" of {rows.unique_ids[rows.codes[row]]}" if len(rows.unique_ids) > 1 else ""
