"""What somebody should know of covariates before training on them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from forecast.config.data import CovariateOptions
from forecast.data.arrays import FloatArray
from forecast.data.panel import Panel

_SAME = 0.95  # of the values that are not the usual one; so many that are equal are no chance
_EXPLAINED = 0.95  # of the squares of the target's changes; so much is seldom said by a cause
_FEWEST = 20  # changes that can tell anything
_MOST_WORDS = 6  # that are named


@dataclass(frozen=True)
class CovariateHealth:
    """One column beside the target, up to the last target."""

    name: str
    part: str
    """`past`, `known` or `static`."""
    kind: str
    """`numbers` or `words`."""
    levels: tuple[str, ...]
    """The words, of a column that has some."""
    missing: int
    """Rows, or series, that have no value; a blank cell among words is none of them."""

    def __str__(self) -> str:
        """One line for a person."""
        shown = ", ".join(repr(word) if word else "blank" for word in self.levels[:_MOST_WORDS])
        more = ", ..." if len(self.levels) > _MOST_WORDS else ""
        words = f" ({len(self.levels)}: {shown}{more})" if self.levels else ""
        gone = f", {self.missing} missing" if self.missing else ""
        return f"{self.name}, {self.part}, {self.kind}{words}{gone}"


def covariates_health(panel: Panel, options: CovariateOptions) -> list[CovariateHealth]:
    """Each covariate of a panel, in the order of the config."""
    if panel.covariates is None:
        return []
    own = panel.covariates.up_to(np.diff(panel.offsets))
    rows = len(panel.values)
    found = []
    for part in ("past", "known", "static"):
        for name in getattr(options, part):
            values = own.static[name] if part == "static" else own.columns[name]
            absent = 0 if part == "static" else rows - len(values)
            words = own.levels.get(name, ())
            used = np.unique(values[~np.isnan(values)]).astype(np.int64) if words else ()
            missing = absent + int(np.isnan(values).sum())
            kind = "words" if words else "numbers"
            levels = tuple(words[place] for place in used)
            found.append(CovariateHealth(name, part, kind, levels, missing))
    return found


def covariate_warnings(
    panel: Panel, options: CovariateOptions, horizon: int, season_length: int
) -> Iterator[str]:
    """What may be wrong with the columns beside the target, in sentences."""
    if panel.covariates is None:
        return
    bare = [name for name in options.known if not _reaches(panel, name)]
    if bare:
        yield (
            f"known covariates without a value after the last row: {', '.join(bare)}. A forecast "
            "will need them: `data.future`, `predict --future FILE`, or rows with a blank target. "
            "What is measured, and not known before, belongs among the `past` ones."
        )
    # What the target's own past tells of its changes is no sign of a leak.
    changes = _changes(panel.truth, panel)
    past = (-1, -season_length)
    own = max(_explained(changes, changes, panel, shift) for shift in past)
    for name in (*options.past, *options.known):
        if name in panel.covariates.levels:
            continue
        first = 1 - horizon if name in options.known else 1
        shifts = sorted(range(first, horizon + 1), key=abs)
        values = _beside(panel, name)
        same = [s for s in shifts if _share_of_same(values, panel.truth, panel, s) >= _SAME]
        if same:
            yield (
                f"`{name}` is the target {_when(same[0])}, which nobody knows when the forecast is "
                "made: the scores leak."
            )
            continue
        own_changes = _changes(values, panel)
        shares = {shift: _explained(own_changes, changes, panel, shift) for shift in shifts}
        most = max(shifts, key=shares.__getitem__)
        if shares[most] >= _EXPLAINED and 1 - shares[most] < (1 - own) / 2:
            doubt = "its dates are wrong"
            if name in options.known:
                doubt = "nobody knows it before, and it belongs among the `past` ones"
            yield (
                f"`{name}` tells {shares[most]:.1%} of the target's changes {_when(most)} (its own "
                f"past {own:.1%}): if {doubt}, the scores leak."
            )


def _reaches(panel: Panel, name: str) -> bool:
    """Whether a column has a row after the last target of some series."""
    if panel.covariates is None:
        return False
    series, steps = panel.covariates.rows
    after = steps >= np.diff(panel.offsets)[series]
    return bool((~np.isnan(panel.covariates.columns[name][after])).any())


def _when(shift: int) -> str:
    """Which of the target's steps, beside the column's."""
    if shift == 0:
        return "of the same step"
    steps = "1 step" if abs(shift) == 1 else f"{abs(shift)} steps"
    return f"{steps} {'later' if shift > 0 else 'before'}"


def _beside(panel: Panel, name: str) -> FloatArray:
    """A column in the rows of the panel, `(rows,)`."""
    covariates = panel.covariates
    values = np.full(len(panel.values), np.nan)
    if covariates is not None:
        series, steps = covariates.rows
        here = steps < np.diff(panel.offsets)[series]
        values[panel.starts[series[here]] + steps[here]] = covariates.columns[name][here]
    return values


def _changes(values: FloatArray, panel: Panel) -> FloatArray:
    """From each row to the next of its series, on a scale that all series have; `(rows,)`."""
    changes = np.diff(values, append=np.nan)
    changes[panel.ends - 1] = np.nan
    series = panel.series_of(np.arange(len(values)))
    known = ~np.isnan(changes)
    squares = np.bincount(series[known], changes[known] ** 2, len(panel.unique_ids))
    counts = np.bincount(series[known], minlength=len(panel.unique_ids))
    scale = np.sqrt(squares / np.maximum(counts, 1))[series]
    changes[scale == 0] = np.nan
    scaled: FloatArray = changes / np.where(scale > 0, scale, 1.0)
    return scaled


def _explained(one: FloatArray, other: FloatArray, panel: Panel, shift: int) -> float:
    """How much of a column's variance another so many steps before it tells, on a line."""
    one, other = _pairs(one, other, panel, shift)
    if len(one) < _FEWEST or np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1] ** 2)


def _share_of_same(values: FloatArray, truth: FloatArray, panel: Panel, shift: int) -> float:
    """How many values are the target so many steps later, of those that are not the usual one."""
    one, other = _pairs(values, truth, panel, shift)
    if not len(other):
        return 0.0
    numbers, counts = np.unique(other, return_counts=True)
    telling = other != numbers[int(np.argmax(counts))]
    if telling.sum() < max(3, 0.01 * len(other)):
        return 0.0
    return float(np.isclose(one[telling], other[telling], rtol=1e-9, atol=0).mean())


def _pairs(
    one: FloatArray, other: FloatArray, panel: Panel, shift: int
) -> tuple[FloatArray, FloatArray]:
    """Values of a column and those of another so many steps later, where both are known."""
    rows = np.arange(len(one))
    series = panel.series_of(rows)
    others = rows + shift
    inside = (others >= panel.starts[series]) & (others < panel.ends[series])
    one, other = one[inside], other[others[inside]]
    known = ~np.isnan(one) & ~np.isnan(other)
    return one[known], other[known]


def missing_line(found: Sequence[CovariateHealth]) -> str:
    """How many values of covariates are filled, or nothing."""
    parts = [f"{one.missing} of `{one.name}`" for one in found if one.missing]
    if not parts:
        return ""
    return f"covariates that are missing are what they were last: {', '.join(parts)}."
