"""`--fail-if 'mase > 1'`: a score as a condition for scripts and CI."""

import math
import operator
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from forecast.errors import GateError, Problem, UsageError, did_you_mean
from forecast.scoring import metrics
from forecast.scoring.scores import overall

_EXPRESSION = re.compile(r"\s*([\w.]+)\s*(<=|>=|<|>)\s*([\w.+-]+)\s*")
_OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}

# The metrics that not all scores have, with an example of a level, and what each of them takes.
_QUANTILES = "They are scored where the config has a section `intervals`."
_AT_TIMES = {
    "owa": "It is scored beside naive2: `forecast backtest --against naive2`.",
    "crps": _QUANTILES,
    "coverage_80": _QUANTILES,
    "width_80": _QUANTILES,
}
_INTERVAL = re.compile(r"(coverage|width)_\d+(\.\d+)?")


class Gate:
    """A condition on the model's score over all series, such as `rmse > seasonal_naive`.

    The right side is a number, or a baseline, which stands for its own score in the same metric.
    """

    def __init__(
        self, expression: str, known: Sequence[str] = (), counts: Sequence[str] = ()
    ) -> None:
        """`known` baselines may stand on the right; `counts` are metrics in place of scores.

        Raises `UsageError` for anything but METRIC OPERATOR NUMBER-OR-BASELINE.
        """
        self._known = known
        self._expression = expression
        match = _EXPRESSION.fullmatch(expression)
        if not match:
            shown = "'mase > 1' or 'rmse > seasonal_naive'"
            if counts:
                shown = f"'{counts[0]} > 0'"
            advice = f"Write METRIC OPERATOR LIMIT, such as {shown}."
            raise UsageError(Problem(f"--fail-if {expression!r} is no condition.", advice))
        self._metric, sign, self._limit = match.groups()
        self._holds = _OPERATORS[sign]
        known_metrics = list(counts) or [*metrics.NAMES, *_AT_TIMES]
        is_interval = not counts and _INTERVAL.fullmatch(self._metric)
        if self._metric not in known_metrics and not is_interval:
            advice = did_you_mean(self._metric, known_metrics)
            raise UsageError(Problem(f"--fail-if: there is no metric {self._metric!r}.", advice))
        if self._limit not in known and not _is_number(self._limit):
            advice = did_you_mean(self._limit, list(known))
            message = f"--fail-if: {self._limit!r} is neither a number nor a baseline."
            if counts:
                message, advice = f"--fail-if: {self._limit!r} is no number.", "Such as 0."
            raise UsageError(Problem(message, advice))

    def check(self, scores: pd.DataFrame, split: str, model: str) -> None:
        """Raise `GateError` where the condition holds, or can not be told."""
        table = overall(scores, split)
        if self._metric not in table:
            message = f"--fail-if {self._expression!r}: the scores have no {self._metric}."
            raise GateError(Problem(message, _way_to(self._metric, list(map(str, table)))))
        column = table[self._metric]
        value = float(column.get(model, math.nan))
        is_baseline = self._limit in self._known
        limit = float(column.get(self._limit, math.nan) if is_baseline else self._limit)
        if math.isnan(value) or math.isnan(limit):
            raise GateError(
                Problem(f"--fail-if {self._expression!r}: the score is undefined here.")
            )
        self._refuse(value, limit, is_baseline=is_baseline)

    def check_count(self, counts: Mapping[str, int]) -> None:
        """Raise `GateError` where the condition holds of numbers by their name."""
        self._refuse(counts[self._metric], float(self._limit), is_baseline=False)

    def _refuse(self, value: float, limit: float, *, is_baseline: bool) -> None:
        if self._holds(value, limit):
            message = f"--fail-if {self._expression!r} holds: {self._metric} is {value:.6g}"
            raise GateError(Problem(message + (f", against {limit:.6g}." if is_baseline else ".")))


def _way_to(metric: str, scored: Sequence[str]) -> str:
    """The levels that there are, or what it takes to have the metric at all."""
    kind = metric.partition("_")[0]
    levels = [name for name in scored if name.startswith(f"{kind}_")]
    if levels:
        return f"Known here: {', '.join(levels)}."
    return next(advice for name, advice in _AT_TIMES.items() if name.startswith(kind))


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
