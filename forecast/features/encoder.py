"""All covariates of a panel as the matrices that windows are gathered from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.config.schema import Config
from forecast.data.calendar import dates, is_counted, iso
from forecast.data.covariates import BLANK, Covariates
from forecast.data.panel import FloatArray, IntArray, Panel, Past
from forecast.errors import DataError, Problem
from forecast.features.column import MOST_LEVELS, Column, Number, Words, column_of, fill_forward
from forecast.features.feature import Feature, Matrix, encoded, fit_features, kind_of
from forecast.windows import Columns, Sizes


@dataclass(frozen=True)
class Encoded:
    """Features of a panel whose series are longer by `ahead` rows each, which are the future."""

    past: Matrix
    """`(rows, features)`: what is known up to a cutoff. After the panel's last row, that row's."""
    known: Matrix
    """`(rows, features)`: what is known beyond it too."""
    static: Matrix
    """`(series, features)`."""
    ahead: int = 0

    def beside(self, values: FloatArray | Matrix, lengths: IntArray) -> Columns:
        """The features beside values of the same rows, of series of so many rows and the ahead."""
        series = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths + self.ahead)

        def unless_empty(part: Matrix) -> Matrix | None:
            return part if part.shape[1] else None

        static = unless_empty(self.static)
        return Columns(
            values,
            unless_empty(self.past),
            unless_empty(self.known),
            static,
            None if static is None else series,
        )


@dataclass(frozen=True)
class Encoder:
    """Columns beside the target and features of the date, each as it was fitted."""

    past: tuple[Column, ...] = ()
    known: tuple[Column, ...] = ()
    static: tuple[Column, ...] = ()
    dated: Mapping[str, Feature] = field(default_factory=dict)
    """What follows from dates, by name: known too, after the columns that are."""

    @property
    def sizes(self) -> Sizes:
        """How many features there are of each part."""
        past, known, static = (sum(c.features for c in part) for part in self._parts)
        return Sizes(past, known + sum(own.size for own in self.dated.values()), static)

    @property
    def numbers(self) -> dict[str, list[tuple[str, int]]]:
        """How many numbers each covariate becomes, part by part; those of dates `features.NAME`."""
        past, known, static = ([(c.name, c.features) for c in part] for part in self._parts)
        known += [(f"features.{name}", own.size) for name, own in self.dated.items()]
        return {"past": past, "known": known, "static": static}

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in the order of past, known and static ones."""
        return tuple(column.name for part in self._parts for column in part)

    @property
    def static_names(self) -> tuple[str, ...]:
        """The columns that do not change within a series."""
        return tuple(column.name for column in self.static)

    @property
    def words(self) -> tuple[str, ...]:
        """The columns of words."""
        return tuple(c.name for part in self._parts for c in part if isinstance(c, Words))

    @property
    def _parts(self) -> tuple[tuple[Column, ...], ...]:
        return self.past, self.known, self.static

    def encode(self, panel: Panel, ahead: int = 0) -> Encoded:
        """The features of all rows of a panel, and of `ahead` rows after the last of each series.

        What is missing of a column is what it was last.
        """
        rows = _Rows.of(panel, ahead)
        series, dated = len(panel.unique_ids), encoded(self.dated, panel, ahead)
        return Encoded(
            _matrix([rows.encoded(c, to_come=False) for c in self.past], rows.count),
            _matrix([*(rows.encoded(c, to_come=True) for c in self.known), *dated], rows.count),
            _matrix([rows.encoded_static(c) for c in self.static], series),
            ahead,
        )

    def lacking(self, panel: Panel, cutoffs: IntArray, horizon: int) -> list[Problem]:
        """Where known columns lack a value, within `horizon` of cutoffs and after the last row."""
        covariates = panel.covariates
        if not self.known or covariates is None:
            return []
        series = panel.series_of(cutoffs)
        steps = (cutoffs - panel.starts[series])[:, None] + np.arange(1, horizon + 1)
        is_future = steps >= np.diff(panel.offsets)[series][:, None]
        inside = steps < covariates.lengths[series][:, None]
        rows = np.where(inside, covariates.starts[series][:, None] + steps, 0)
        lacks: dict[bytes, list[str]] = {}
        for column in self.known:
            values = covariates.columns[column.name]
            there = inside & _is_known(column, values[rows] if len(values) else rows, covariates)
            lacks.setdefault((is_future & ~there).tobytes(), []).append(column.name)
        return [
            _lacking(panel, names, cutoffs, own)
            for key, names in lacks.items()
            if (own := np.frombuffer(key, bool).reshape(is_future.shape)).any()
        ]

    def strange(self, covariates: Covariates, begins: IntArray | None = None) -> list[str]:
        """Words that the past did not have, and numbers far from those that it had, in sentences.

        From row `begins[i]` of each series `i` on; static ones in all series.
        """
        series, steps = covariates.rows
        here = np.ones(len(steps), bool) if begins is None else steps >= begins[series]
        found = []
        for column in (column for part in self._parts for column in part):
            of, values = "rows", covariates.columns.get(column.name)
            if values is None:
                of, values = "series", covariates.static[column.name]
            else:
                values = values[here]
            found.append(column.strange(values, covariates.levels.get(column.name, ()), of))
        return [sentence for sentence in found if sentence]

    @property
    def levels(self) -> dict[str, tuple[str, ...]]:
        """The words that have a feature, of each column of words."""
        return {c.name: c.levels for part in self._parts for c in part if isinstance(c, Words)}

    def refuse_unlike_kinds(self, covariates: Covariates) -> None:
        """Raise `DataError` for words where numbers were fitted, and the opposite."""
        problems = []
        for name in self.names:
            now, then = (
                "words" if name in own else "numbers" for own in (covariates.levels, self.levels)
            )
            if now != then:
                message = f"`{name}` is a column of {now}, and the run was fitted to {then} in it."
                advice = "Write it as it was, or train without --from."
                if then == "words":
                    advice = f"Set `data.covariates.categories: [{name}]` if its numbers are kinds."
                problems.append(Problem(message, advice))
        if problems:
            raise DataError(*problems)

    def refuse_other_kinds(self, levels: Mapping[str, tuple[str, ...]], name: str) -> None:
        """Raise `DataError` where a column of words has nothing but numbers in a table."""
        problems = []
        for column in (column for part in self._parts for column in part):
            if not isinstance(column, Words) or any(map(_is_number, column.levels)):
                continue
            words = [word for word in levels.get(column.name, ()) if word != BLANK]
            if words and all(map(_is_number, words)):
                message = (
                    f"{name}: `{column.name}` is {words[0]}, a number, and the run was fitted to "
                    f"words such as {max(column.levels)!r}."
                )
                problems.append(Problem(message, "Give its words, or train again."))
        if problems:
            raise DataError(*problems)

    def state(self) -> dict[str, Any]:
        """What was fitted, as plain JSON."""
        names = ("past", "known", "static")
        columns = {
            name: [column.state() for column in part]
            for name, part in zip(names, self._parts, strict=True)
        }
        return {**columns, "dated": {name: own.state() for name, own in self.dated.items()}}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Encoder":
        """The encoder again, from what `state` gave."""
        names = ("past", "known", "static")
        past, known, static = (tuple(column_of(own) for own in state[name]) for name in names)
        dated = dict(state["dated"])
        return cls(
            past,
            known,
            static,
            {name: kind_of(name).fitted.from_state(own) for name, own in dated.items()},
        )


@dataclass(frozen=True)
class _Rows:
    """Rows of a panel and of what comes after, and what is known in each."""

    covariates: Covariates
    offsets: IntArray
    """Of the longer series."""
    here: NDArray[np.bool_]
    """Which of these rows the panel has."""
    source: IntArray
    """The row of the covariates for each, or -1 where they have none."""

    @classmethod
    def of(cls, panel: Panel, ahead: int) -> "_Rows":
        lengths = np.diff(panel.offsets)
        covariates = panel.covariates or Covariates(panel.offsets, {})
        offsets = panel.offsets + ahead * np.arange(len(panel.offsets))
        steps = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths + ahead)
        known = np.repeat(np.diff(covariates.offsets), lengths + ahead)
        starts = np.repeat(covariates.starts, lengths + ahead)
        source = np.where(steps < known, starts + steps, -1)
        return cls(covariates, offsets, steps < np.repeat(lengths, lengths + ahead), source)

    @property
    def count(self) -> int:
        return len(self.source)

    def encoded(self, column: Column, *, to_come: bool) -> FloatArray:
        values = self.covariates.columns[column.name]
        there = self.source >= 0 if to_come else (self.source >= 0) & self.here
        own = (
            np.where(there, values[self.source], np.nan)
            if len(values)
            else np.full(self.count, np.nan)
        )
        filled = fill_forward(own, self.offsets)
        return column.encode(filled, self.covariates.levels.get(column.name, ()))

    def encoded_static(self, column: Column) -> FloatArray:
        levels = self.covariates.levels.get(column.name, ())
        return column.encode(self.covariates.static[column.name], levels)


def fit_encoder(config: Config, past: Past, words: Mapping[str, tuple[str, ...]]) -> Encoder | None:
    """Fit every covariate and feature of a config on the past; None where there is none.

    `words` are those that have a feature, of each column, as `vocabulary` gives them: the same for
    all that is fitted together, whatever its past.
    """
    options, panel = config.data.covariates, past.panel
    dated = fit_features(config.features, past)
    if panel.covariates is None:
        return Encoder(dated=dated) if dated else None
    known = panel.covariates.up_to(np.diff(panel.offsets))

    def fit(name: str, values: FloatArray) -> Column:
        if name not in known.levels:
            return Number.fit(name, values, options.scale)
        return Words.fit(name, values, known.levels[name], words[name])

    return Encoder(
        tuple(fit(name, known.columns[name]) for name in options.past),
        tuple(fit(name, known.columns[name]) for name in options.known),
        tuple(fit(name, known.static[name]) for name in options.static),
        dated,
    )


def vocabulary(panels: Sequence[Panel]) -> dict[str, tuple[str, ...]]:
    """The words of each column that have a feature, for all panels of one table.

    Those that any past has; of too many those that the shortest past has most often.
    """
    pasts = [p.covariates.up_to(np.diff(p.offsets)) for p in panels if p.covariates is not None]
    pasts.sort(key=lambda past: int(past.offsets[-1]))
    chosen = {}
    for name, words in pasts[0].levels.items() if pasts else ():
        counts = [_counts({**past.columns, **past.static}[name], len(words)) for past in pasts]
        often = np.argsort(-counts[0], kind="stable")
        there = [place for place in often if any(own[place] for own in counts)]
        chosen[name] = tuple(words[place] for place in sorted(there[:MOST_LEVELS]))
    return chosen


def _counts(places: FloatArray, words: int) -> IntArray:
    """How often each word stands there."""
    return np.bincount(places[np.isfinite(places)].astype(np.int64), minlength=words)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _is_known(
    column: Column, values: FloatArray | IntArray, covariates: Covariates
) -> NDArray[np.bool_]:
    """Where a value is there; a blank is, where it is one of the words that were fitted."""
    there = ~np.isnan(values)
    levels = covariates.levels.get(column.name, ())
    if isinstance(column, Words) and BLANK in levels and BLANK not in column.seen:
        there &= values != levels.index(BLANK)
    return there


def _matrix(parts: Sequence[FloatArray | Matrix], rows: int) -> Matrix:
    """Columns side by side, `(rows, features)`; none at all where there are none."""
    if not parts:
        return np.zeros((rows, 0), np.float32)
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _lacking(
    panel: Panel, names: Sequence[str], cutoffs: IntArray, lacks: NDArray[np.bool_]
) -> Problem:
    """What known columns lack: of which series, and between which dates."""
    at, step = np.nonzero(lacks)
    series = panel.series_of(cutoffs)
    first = int(at[0])
    own = step[at == first] + 1
    steps = cutoffs[first] - panel.starts[series[first]] + np.array([own.min(), own.max()])
    begins = panel.begins[[series[first]] * 2]
    begin, end = iso(dates(begins, steps, panel.freq))
    when = f"from {begin} to {end}"
    if begin == end:
        when = f"at {begin}" if is_counted(panel.freq) or "T" in begin else f"on {begin}"
    others = len(np.unique(series[at])) - 1
    more = f", and of {others} other series" if others else ""
    of = f" of {panel.unique_ids[series[first]]}" if len(panel.unique_ids) > 1 else ""
    columns = ", ".join(f"`{name}`" for name in names)
    if len(names) > 1:
        what, give, name = "are known of the future, and have no values", "their", "NAME"
    else:
        what, give, name = "is known of the future, and has no value", "its", names[0]
    advice = (
        f"Give {give} values: `--future FILE` with {'this date' if begin == end else 'these dates'}"
        f", `--set-known {name}=VALUE`, or rows of the table whose target is blank."
    )
    return Problem(f"{columns} {what}{of} {when}{more}.", advice)
