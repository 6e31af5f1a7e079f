"""A look at a table that nobody has described: how it is written, and what its columns mean."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.config.data import DataOptions
from forecast.console import Console
from forecast.data.clocks import zones_that_skip
from forecast.data.column import Column, columns_of
from forecast.data.panel import FloatArray, Panel
from forecast.data.roles import (
    Candidate,
    dates_in_header,
    find_ids,
    find_successive,
    find_targets,
)
from forecast.data.sample import Sample, sample_of
from forecast.data.seasons import find_longer_season, find_season, is_multiplicative
from forecast.data.sources import RawTable
from forecast.data.sources.content import Content, is_stream
from forecast.data.table import Table, read_table, table_of, wanted_columns
from forecast.data.timing import Timing, find_timing
from forecast.data.writing import (
    Draft,
    find_numbers,
    note_layout,
    read_as_written,
    without_footer,
)
from forecast.errors import DataError, Problem, UsageError, did_you_mean

_MADE_UP = 0.5  # of the values are filled in
_INTERMITTENT = 0.3  # of the values are zero
_REPEATED = 0.05  # of the dates: a slip, and no other series


@dataclass(frozen=True)
class Hints:
    """What a person says of a table beforehand."""

    time: tuple[str, ...] = ()
    time_format: str | None = None
    target: str | None = None
    """A column, or several with commas between them."""
    id: str | None = None
    """A column, or several with commas between them."""
    freq: str | None = None
    timezone: str | None = None


@dataclass(frozen=True)
class Profile:
    """What a table is, as far as looking at it tells."""

    options: DataOptions
    table: Table
    season_length: int
    has_season: bool
    is_multiplicative: bool
    """Whether swings grow with the level, so that a logarithm makes them alike."""
    longer_season: int | None = None
    """A clear cycle above the season, such as the week of hourly data."""
    warnings: tuple[str, ...] = ()
    """What somebody should know before relying on it."""
    unused: tuple[str, ...] = ()
    """Other columns, which vary within a series and might be covariates."""
    unused_static: tuple[str, ...] = ()
    """Those that do not."""
    notes: tuple[str, ...] = ()
    """What else would help it."""
    sample: str = ""
    """Which part of the table was looked at, if that is not all of it."""

    @property
    def panel(self) -> Panel:
        """Its series."""
        return self.table.panel

    def before(self, test: int) -> "Profile":
        """The same, whose seasons and swings are those of all but the last rows of each series.

        Which values there can be at all is still told by all rows.
        """
        panel = self.panel.before(self.panel.ends - test).panel
        panel = panel.of(np.diff(panel.offsets) > 0)
        if not len(panel.values):
            return self
        season_length, has_season = find_season(panel)
        return replace(
            self,
            season_length=season_length,
            has_season=has_season,
            is_multiplicative=is_multiplicative(panel, season_length),
            longer_season=find_longer_season(panel, season_length),
        )

    @property
    def is_positive(self) -> bool:
        """Whether every value has a logarithm."""
        return bool(self.panel.values.min() > 0)

    @property
    def is_far_from_zero(self) -> bool:
        """Whether a series moves so little beside its level that a network's floats would not see.

        They have seven digits; four are left for the moves.
        """
        panel = self.panel
        spans = (panel.values[i:j] for i, j in zip(panel.starts, panel.ends, strict=True))
        return any(0 < np.ptp(y) < 1e-3 * abs(y.mean()) for y in spans)

    @property
    def is_intermittent(self) -> bool:
        """Whether many values are zero, as with goods that are seldom asked for."""
        return bool((self._observed == 0).mean() >= _INTERMITTENT)

    @property
    def is_count(self) -> bool:
        """Whether every value is a whole number from 0 on."""
        return not self.is_ever_negative and bool((self._observed % 1 == 0).all())

    @property
    def is_ever_negative(self) -> bool:
        """Whether some value is below 0."""
        return bool((self._observed < 0).any())

    @property
    def _observed(self) -> FloatArray:
        return self.panel.values[self.panel.observed]


def profile_table(
    path: Path, hints: Hints | None = None, console: Console | None = None
) -> Profile:
    """Find how a table is written and the columns that are not named, and read it.

    Of a table that would be kept in the cache, some series are looked at, each of them whole.
    Raises `DataError` where something can not be told, or the table can not be read; `UsageError`
    where several columns can be forecast and none is named.
    """
    hints = hints or Hints()
    draft = Draft(str(path), {"timezone": hints.timezone, "freq": hints.freq})
    content = Content(path)
    # What comes through a pipe is read once; of another table no more than the head is read here.
    is_pipe = is_stream(str(path))
    note_layout(content if is_pipe else Content(path, is_streamed=True), draft)
    find = partial(_ids_of_sample, hints, draft)
    sample = sample_of(path, draft.options_with(), find, console or Console(quiet=True))
    if sample is None:
        return _profile_of(read_as_written(content, draft), content, hints, draft, None)
    raw = sample.read(draft.options_with(), None)
    return replace(_profile_of(raw, sample.content, hints, draft, sample), sample=str(sample))


def _ids_of_sample(hints: Hints, draft: Draft, head: Sample) -> tuple[str, ...]:
    """The columns that tell series apart in the first rows, or none where these do not tell."""
    raw = head.read(draft.options_with(), None)
    names = [str(name) for name in raw.frame]
    if hints.id is not None:
        return tuple(name for name in _split(hints.id, names) if name in names)
    columns = columns_of(raw.frame)
    try:
        timing = find_timing(columns, raw.name, named=hints.time, form=hints.time_format)
        return _ids(columns, timing, _split(hints.target, names), raw, Draft(draft.path))
    except DataError:
        return ()


def _profile_of(
    raw: RawTable, content: Content, hints: Hints, draft: Draft, sample: Sample | None
) -> Profile:
    """What the columns of a table mean, and the profile of its series, or of some of them."""
    columns = columns_of(raw.frame)
    names = [str(name) for name in raw.frame]
    _refuse_transposed(columns, raw)
    targets, ids = _split(hints.target, names), _split(hints.id, names)
    _refuse_unknown((*hints.time, *targets, *ids), names, raw.name)
    timing = find_timing(columns, raw.name, named=hints.time, form=hints.time_format)
    if timing.footer and sample is None:
        columns = without_footer(raw, columns, timing, draft, content)
        timing = find_timing(columns, raw.name, named=hints.time, form=hints.time_format)
    draft.warnings += [timing.note] if timing.note else []
    draft.options |= {"time": timing.time, "time_format": timing.form}
    draft.options["freq"] = hints.freq or timing.freq
    if not ids and not (sample is not None and _tell_apart(sample.ids, timing, raw)):
        ids = _ids(columns, timing, targets, raw, draft)
    if hints.id is None and sample is not None:
        # The few series that were chosen may be told apart by fewer columns than all are.
        ids = tuple(name for name in names if name in {*sample.ids, *ids})
    targets = targets or _targets(columns, {*timing.columns, *ids}, raw, draft)
    draft.options |= {"target": list(targets), "id": list(ids) or None}
    find_numbers([column for column in columns if column.name in targets], raw, content, draft)
    table = _read(draft, content, sample)
    others = [
        column.name
        for column in columns
        if column.name not in {*timing.columns, *ids, *targets} and len(column.distinct) > 1
    ]
    static = [name for name in others if ids and _is_static(raw.frame, ids, name)]
    return replace(
        _profile(draft, table),
        unused=tuple(name for name in others if name not in static),
        unused_static=tuple(static),
    )


def _is_static(frame: pd.DataFrame, ids: Sequence[str], name: str) -> bool:
    """Whether a column has one value in each series."""
    return bool((frame.groupby(list(ids), observed=True)[name].nunique() <= 1).all())


def _profile(draft: Draft, table: Table) -> Profile:
    panel, reading = table.panel, table.reading
    _refuse_clock_change(panel, draft.path)
    if reading.empty:
        draft.warnings.append(f"without a value, and left out: {', '.join(reading.empty[:5])}.")
    if reading.filled > _MADE_UP * len(panel.values):
        draft.warnings.append(
            f"{reading.filled} of {len(panel.values)} values are filled in, on straight lines "
            "between the others: a network would learn these above all. A coarser step has fewer: "
            "`data.resample`."
        )
    draft.options["missing"] = "interpolate" if reading.filled else "error"
    options = draft.options_with(freq=panel.freq)
    season_length, has_season = find_season(panel)
    return Profile(
        options,
        table,
        season_length,
        has_season,
        is_multiplicative(panel, season_length),
        find_longer_season(panel, season_length),
        tuple(draft.warnings),
    )


def _refuse_transposed(columns: Sequence[Column], raw: RawTable) -> None:
    names = [column.name for column in columns]
    if dates_in_header(names) and not any(column.is_date_text for column in columns):
        message = f"{raw.name}: dates stand in the header, so that a row has many."
        advice = (
            "Turn it, so that each row has one date; with DuckDB: `data.query: UNPIVOT data ON "
            "COLUMNS('[0-9]{4}') INTO NAME date VALUE y`."
        )
        raise DataError(Problem(message, advice))


def _split(text: str | None, names: list[str]) -> tuple[str, ...]:
    """The columns that a text names; a comma may also stand in the name of one."""
    if text is None:
        return ()
    return (text,) if text in names else tuple(text.split(","))


def _refuse_unknown(wanted: Sequence[str], names: list[str], table: str) -> None:
    problems = [
        Problem(f"{table} has no column `{name}`.", did_you_mean(name, names))
        for name in wanted
        if name not in names
    ]
    if problems:
        raise DataError(*problems)


# --- what its columns mean -----------------------------------------------------------------------


def _ids(
    columns: list[Column], timing: Timing, targets: tuple[str, ...], raw: RawTable, draft: Draft
) -> tuple[str, ...]:
    """The columns that tell series apart, where dates repeat."""
    taken = {*timing.columns, *targets}
    if len(np.unique(timing.codes)) == len(timing.codes):
        column = find_successive(columns, taken)
        if column is not None:
            draft.warnings.append(
                f"{', '.join(column.distinct[:3])} of `{column.name}` follow each other in time, "
                f"and are read as one series; if each is one of its own: --id {column.name}."
            )
        return ()
    found = find_ids(columns, timing.codes, taken)
    if found is not None:
        return found
    rest = [column for column in columns if column.name not in taken]
    repeated = pd.Series(timing.codes).duplicated().mean()
    if (
        repeated < _REPEATED
        or not rest
        or all(column.forms and not column.is_whole for column in rest)
    ):
        return ()  # the reader names the rows that are repeated, and the ways out
    message = f"{raw.name}: dates repeat, and no column tells series apart."
    raise DataError(Problem(message, "Name it: --id COL."))


def _tell_apart(ids: tuple[str, ...], timing: Timing, raw: RawTable) -> bool:
    """Whether no date, or next to none, repeats in a series."""
    rows = raw.frame[list(ids)].assign(**{"\0code": timing.codes})
    return bool(rows.duplicated().mean() < _REPEATED)


def _targets(
    columns: list[Column], taken: set[str], raw: RawTable, draft: Draft
) -> tuple[str, ...]:
    """The one column of numbers that can be meant.

    Raises `UsageError` with a line for each where there are several.
    """
    candidates = find_targets(columns, taken)
    likely = [candidate for candidate in candidates if candidate.reason is None]
    if len(likely) == 1:
        return (likely[0].column.name,)
    if not likely and len(candidates) == 1:
        name, reason = candidates[0].column.name, candidates[0].reason
        draft.warnings.append(
            f"`{name}`, the only column of numbers, is {reason}: look whether the table lacks the "
            "column to forecast; one of numbers that are written in another way is named with "
            "--target."
        )
        return (name,)
    if candidates:
        raise _which_target(likely or candidates, candidates, raw)
    advice = "Name it: --target COL. "
    rest = [column for column in columns if column.name not in taken]
    advice += "; ".join(
        f"{column.name} has {', '.join(column.distinct[:3])}" for column in rest[:3]
    )
    raise DataError(Problem(f"{raw.name}: no column holds numbers.", advice.strip()))


def _which_target(
    likely: list[Candidate], candidates: list[Candidate], raw: RawTable
) -> UsageError:
    lines = [f"  {candidate}" for candidate in likely]
    others = [each for each in candidates if each not in likely]
    lines += [f"  ({each.column.name} is {each.reason})" for each in others]
    message = f"{raw.name} has several columns of numbers:\n" + "\n".join(lines)
    first, second = _quoted(likely[0].column.name), _quoted(likely[-1].column.name)
    advice = (
        f"Name the one to forecast: forecast init {_quoted(raw.name)} --target {first}\n"
        f"or several, each as a series: --target {first},{second}"
    )
    return UsageError(Problem(message, advice))


def _quoted(word: str) -> str:
    """A word as a shell takes it."""
    is_plain = all(letter.isalnum() or letter in "._-/" for letter in word)
    return word if is_plain and word else "'" + word.replace("'", "'\\''") + "'"


# --- reading it ----------------------------------------------------------------------------------


def _read(draft: Draft, content: Content, sample: Sample | None) -> Table:
    """The table by the options that were found; what is missing is counted first of all."""
    options = draft.options_with(missing="interpolate")
    if sample is None:
        return read_table(options, content=content)
    return table_of(sample.read(options, wanted_columns(options, options.targets)), options)


def _refuse_clock_change(panel: Panel, path: str) -> None:
    """Raise `DataError` where what is missing is the hour that the clocks of a zone skip."""
    if not isinstance(panel.begins, pd.DatetimeIndex) or panel.begins.tz is not None:
        return
    gaps = np.flatnonzero(~panel.observed)[:2_000]
    moments = panel.dates(gaps)
    if (
        not len(gaps)
        or not isinstance(moments, pd.DatetimeIndex)
        or (moments == moments.normalize()).all()
    ):
        return
    zones = [zone for moment in moments.unique() for zone in zones_that_skip(moment)]
    if not zones:
        return
    zone = max(dict.fromkeys(zones), key=zones.count)
    moment = next(moment for moment in moments if zone in zones_that_skip(moment))
    others = [other for other in dict.fromkeys(zones) if other != zone]
    message = (
        f"{path}: {moment} is missing. At that hour the clocks went forward in {zone}"
        f"{' and elsewhere' if others else ''}: these are local times."
    )
    advice = f"Name their time zone: --timezone {zone}, or UTC where a row is missing indeed."
    raise DataError(Problem(message, advice))
