"""How far forecasts are from the truth. Every metric is a function of the same four arguments.

`y` and `y_hat` have shape `(n,)`; `scale` holds the in-sample errors of seasonal naive that MASE
and RMSSE divide by; `mean` averages the rows: all of them, or, where many series are scored at
once, those of each. A metric that its data leave undefined is NaN.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecast.data.panel import FloatArray, IntArray, Panel, Past, ranges

Mean = Callable[[FloatArray], Any]
"""Of a number a row, one number, or one for each group of rows."""
Number = Any
"""A number, or an array of one for each group of rows."""


@dataclass(frozen=True)
class Scale:
    """Errors of seasonal naive on the training rows of one series, on the scale of its values.

    Of several series, an array of them each.
    """

    mae: Number
    """Mean absolute error: MASE's unit."""
    rmse: Number
    """Root mean squared error: RMSSE's unit."""


Metric = Callable[[FloatArray, FloatArray, Scale, Mean], Number]


def rmse(y: FloatArray, y_hat: FloatArray, scale: Scale, mean: Mean = np.mean) -> Number:
    """Root mean squared error, on the scale of `y`."""
    return np.sqrt(mean((y - y_hat) ** 2))


def mae(y: FloatArray, y_hat: FloatArray, scale: Scale, mean: Mean = np.mean) -> Number:
    """Mean absolute error, on the scale of `y`."""
    return mean(np.abs(y - y_hat))


def mape(y: FloatArray, y_hat: FloatArray, scale: Scale, mean: Mean = np.mean) -> Number:
    """Mean absolute percentage error, in percent; undefined where some `y` is 0."""
    return 100 * mean(np.abs((y - y_hat) / np.where(y == 0, np.nan, y)))


def smape(y: FloatArray, y_hat: FloatArray, scale: Scale, mean: Mean = np.mean) -> Number:
    """Symmetric MAPE, 0 to 200, as in the M4 competition; two zeros are no error.

    Makridakis, Spiliotis, Assimakopoulos 2020, https://doi.org/10.1016/j.ijforecast.2019.04.014
    """
    size = np.abs(y) + np.abs(y_hat)
    shares = np.divide(2 * np.abs(y - y_hat), size, out=np.zeros_like(size), where=size > 0)
    return 100 * mean(shares)


def mase(y: FloatArray, y_hat: FloatArray, scale: Scale, mean: Mean = np.mean) -> Number:
    """Mean absolute scaled error: below 1 is better than seasonal naive was on the training rows.

    Undefined where seasonal naive made no error there. Hyndman, Koehler 2006,
    https://doi.org/10.1016/j.ijforecast.2006.03.001
    """
    return mae(y, y_hat, scale, mean) / _unit(scale.mae)


def rmsse(y: FloatArray, y_hat: FloatArray, scale: Scale, mean: Mean = np.mean) -> Number:
    """Root mean squared scaled error: MASE with squares, which large errors weigh more in.

    Undefined where MASE is. Hyndman, Koehler 2006 (as MASE); the M5 competition scaled by naive,
    this by seasonal naive: Makridakis, Spiliotis, Assimakopoulos 2022,
    https://doi.org/10.1016/j.ijforecast.2021.11.013
    """
    return rmse(y, y_hat, scale, mean) / _unit(scale.rmse)


def _unit(scale: Number) -> Number:
    """What can be divided by: NaN stands for no error at all."""
    return np.where(np.asarray(scale) > 0, scale, np.nan)


def owa(errors: Mapping[str, float], of_naive2: Mapping[str, float]) -> float:
    """M4's overall weighted average: the mean of sMAPE and MASE, each over that of Naive2.

    Both take `smape` and `mase` as means over all series. Below 1 is better than Naive2; undefined
    where Naive2 made no error. Makridakis, Spiliotis, Assimakopoulos 2020,
    https://doi.org/10.1016/j.ijforecast.2019.04.014
    """
    names = ("smape", "mase")
    if not all(of_naive2[name] > 0 for name in names):
        return float("nan")
    return float(np.mean([errors[name] / of_naive2[name] for name in names]))


def crps(y: FloatArray, quantiles: Mapping[float, FloatArray], mean: Mean = np.mean) -> Number:
    """Mean of twice the pinball loss over the quantiles: the CRPS as far as they tell it.

    A group of rows that has not all of the quantiles tells it by those that it has.
    Gneiting, Raftery 2007, https://doi.org/10.1198/016214506000001437
    """
    losses = np.array(
        [
            mean(2 * np.maximum(level * (y - q), (level - 1) * (y - q)))
            for level, q in quantiles.items()
        ]
    )
    count = np.isfinite(losses).sum(axis=0)
    return np.nansum(losses, axis=0) / np.where(count > 0, count, np.nan)


def coverage(y: FloatArray, low: FloatArray, high: FloatArray, mean: Mean = np.mean) -> Number:
    """Percent of `y` that lie from `low` to `high`."""
    inside = ((low <= y) & (y <= high)).astype(np.float64)
    return 100 * mean(np.where(np.isnan(low) | np.isnan(high), np.nan, inside))


def width(low: FloatArray, high: FloatArray, mean: Mean = np.mean) -> Number:
    """Mean distance from `low` to `high`, on the scale of `y`."""
    return mean(high - low)


METRICS: tuple[Metric, ...] = (rmse, mae, mape, smape, mase, rmsse)
NAMES = tuple(metric.__name__ for metric in METRICS)


def error_scales(past: Past, season_length: int) -> dict[str, Scale]:
    """What the scaled metrics divide by, of each series, from the training rows alone."""
    both = zip(*_seasonal_errors(past, season_length), strict=True)
    pairs = zip(past.panel.unique_ids, both, strict=True)
    return {name: Scale(float(mae), float(rmse)) for name, (mae, rmse) in pairs}


def scales_of(past: Past, season_length: int) -> FloatArray:
    """MASE's unit of each series, `(series,)`, in which intervals measure errors too."""
    return _seasonal_errors(past, season_length)[0]


def _seasonal_errors(past: Past, season_length: int) -> tuple[FloatArray, FloatArray]:
    """Errors of seasonal naive on the rows of each series, NaN where there are too few.

    Mean absolute and root mean squared ones, `(series,)`. A series no longer than a season is
    measured against naive instead.
    """
    blocks = [_errors_of(block, season_length) for block in past.panel.blocks()]
    mae, rmse = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return mae, rmse


def _errors_of(panel: Panel, season_length: int) -> tuple[FloatArray, FloatArray]:
    lengths = np.diff(panel.offsets)
    lags = np.where(lengths > season_length, season_length, 1)
    counts = np.maximum(lengths - lags, 0)
    rows = ranges(panel.starts + lags, panel.ends)
    errors = panel.values[rows] - panel.values[rows - np.repeat(lags, counts)]
    return mean_by_group(np.abs(errors), counts), np.sqrt(mean_by_group(errors**2, counts))


def mean_by_group(numbers: FloatArray, counts: IntArray) -> FloatArray:
    """Means of the first `counts[0]` numbers, of the next `counts[1]`, and so on; NaN of none."""
    found = np.full(len(counts), np.nan)
    some = counts > 0
    if some.any():
        begins = (np.cumsum(counts) - counts)[some]
        found[some] = np.add.reduceat(numbers, begins) / counts[some]
    return found
