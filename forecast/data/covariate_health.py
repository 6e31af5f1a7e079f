"""What somebody should know of covariates before training on them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from forecast.config.data import CovariateOptions
from forecast.data.arrays import FloatArray
from forecast.data.panel import Panel

_SAME = 0.95  # of the values that are not the usual one; so many that are equal are no chance
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


def covariate_warnings(panel: Panel, options: CovariateOptions, horizon: int) -> Iterator[str]:
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
    for name in (*options.past, *options.known):
        if name not in panel.covariates.levels:
            yield from _leaks(panel, name, horizon, is_known=name in options.known)


def _reaches(panel: Panel, name: str) -> bool:
    """Whether a column has a row after the last target of some series."""
    if panel.covariates is None:
        return False
    series, steps = panel.covariates.rows
    after = steps >= np.diff(panel.offsets)[series]
    return bool((~np.isnan(panel.covariates.columns[name][after])).any())


def _leaks(panel: Panel, name: str, horizon: int, *, is_known: bool) -> Iterator[str]:
    """Whether a column is the target, of the same step or of others that it can not know."""
    values, truth = _beside(panel, name), panel.truth
    first = 1 - horizon if is_known else 1
    shifts = sorted(range(first, horizon + 1), key=abs)
    for shift in shifts:
        if _share_of_same(values, truth, panel, shift) < _SAME:
            continue
        when = "of the same step" if shift == 0 else f"{abs(shift)} steps later"
        when = f"{-shift} steps before" if shift < 0 else when
        yield (
            f"`{name}` is the target {when}, which nobody knows when the forecast is made: the "
            "scores leak."
        )
        return


def _beside(panel: Panel, name: str) -> FloatArray:
    """A column in the rows of the panel, `(rows,)`."""
    covariates = panel.covariates
    values = np.full(len(panel.values), np.nan)
    if covariates is not None:
        series, steps = covariates.rows
        here = steps < np.diff(panel.offsets)[series]
        values[panel.starts[series[here]] + steps[here]] = covariates.columns[name][here]
    return values


def _share_of_same(values: FloatArray, truth: FloatArray, panel: Panel, shift: int) -> float:
    """How many values are the target so many steps later, of those that are not the usual one."""
    rows = np.arange(len(values))
    series = panel.series_of(rows)
    others = rows + shift
    inside = (others >= panel.starts[series]) & (others < panel.ends[series])
    one, other = values[inside], truth[others[inside]]
    known = ~np.isnan(one) & ~np.isnan(other)
    one, other = one[known], other[known]
    if not len(other):
        return 0.0
    numbers, counts = np.unique(other, return_counts=True)
    telling = other != numbers[int(np.argmax(counts))]
    if telling.sum() < max(3, 0.01 * len(other)):
        return 0.0
    return float(np.isclose(one[telling], other[telling], rtol=1e-9, atol=0).mean())


def missing_line(found: Sequence[CovariateHealth]) -> str:
    """How many values of covariates are filled, or nothing."""
    parts = [f"{one.missing} of `{one.name}`" for one in found if one.missing]
    if not parts:
        return ""
    return f"covariates that are missing are what they were last: {', '.join(parts)}."
