"""How far forecasts are from the truth. Every metric is a function of the same three arguments.

`y` and `y_hat` have shape `(n,)`; `scale` holds the in-sample errors of seasonal naive that MASE
and RMSSE divide by. A metric that its data leave undefined is NaN.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from forecast.data.panel import FloatArray, Past


@dataclass(frozen=True)
class Scale:
    """Errors of seasonal naive on the training rows of one series, in the units of its values."""

    mae: float
    """Mean absolute error: MASE's unit."""
    rmse: float
    """Root mean squared error: RMSSE's unit."""


Metric = Callable[[FloatArray, FloatArray, Scale], float]


def rmse(y: FloatArray, y_hat: FloatArray, scale: Scale) -> float:
    """Root mean squared error, in the units of `y`."""
    return float(np.sqrt(np.mean((y - y_hat) ** 2)))


def mae(y: FloatArray, y_hat: FloatArray, scale: Scale) -> float:
    """Mean absolute error, in the units of `y`."""
    return float(np.mean(np.abs(y - y_hat)))


def mape(y: FloatArray, y_hat: FloatArray, scale: Scale) -> float:
    """Mean absolute percentage error, in percent; undefined where some `y` is 0."""
    if not np.all(y):
        return float("nan")
    return float(100 * np.mean(np.abs((y - y_hat) / y)))


def smape(y: FloatArray, y_hat: FloatArray, scale: Scale) -> float:
    """Symmetric MAPE, 0 to 200, as in the M4 competition; two zeros are no error.

    Makridakis, Spiliotis, Assimakopoulos 2020, https://doi.org/10.1016/j.ijforecast.2019.04.014
    """
    size = np.abs(y) + np.abs(y_hat)
    shares = np.divide(2 * np.abs(y - y_hat), size, out=np.zeros_like(size), where=size > 0)
    return float(100 * np.mean(shares))


def mase(y: FloatArray, y_hat: FloatArray, scale: Scale) -> float:
    """Mean absolute scaled error: below 1 is better than seasonal naive was on the training rows.

    Undefined where seasonal naive made no error there. Hyndman, Koehler 2006,
    https://doi.org/10.1016/j.ijforecast.2006.03.001
    """
    return mae(y, y_hat, scale) / scale.mae if scale.mae > 0 else float("nan")


def rmsse(y: FloatArray, y_hat: FloatArray, scale: Scale) -> float:
    """Root mean squared scaled error: MASE with squares, which large errors weigh more in.

    Undefined where MASE is. Hyndman, Koehler 2006 (as MASE); the M5 competition scaled by naive,
    this by seasonal naive: Makridakis, Spiliotis, Assimakopoulos 2022,
    https://doi.org/10.1016/j.ijforecast.2021.11.013
    """
    return rmse(y, y_hat, scale) / scale.rmse if scale.rmse > 0 else float("nan")


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


def crps(y: FloatArray, quantiles: Mapping[float, FloatArray]) -> float:
    """Mean of twice the pinball loss over the quantiles: the CRPS as far as they tell it.

    Gneiting, Raftery 2007, https://doi.org/10.1198/016214506000001437
    """
    losses = [
        2 * np.maximum(level * (y - q), (level - 1) * (y - q)) for level, q in quantiles.items()
    ]
    return float(np.mean(losses))


def coverage(y: FloatArray, low: FloatArray, high: FloatArray) -> float:
    """Percent of `y` that lie from `low` to `high`."""
    return float(100 * np.mean((low <= y) & (y <= high)))


def width(low: FloatArray, high: FloatArray) -> float:
    """Mean distance from `low` to `high`, in the units of `y`."""
    return float(np.mean(high - low))


METRICS: tuple[Metric, ...] = (rmse, mae, mape, smape, mase, rmsse)
NAMES = tuple(metric.__name__ for metric in METRICS)


def error_scales(past: Past, season_length: int) -> dict[str, Scale]:
    """The units of the scaled metrics by series, from the training rows alone."""
    panel = past.panel
    return {
        name: scale_of(panel.values[begin:end], season_length)
        for name, begin, end in zip(panel.unique_ids, panel.starts, panel.ends, strict=True)
    }


def scales_of(past: Past, season_length: int) -> FloatArray:
    """MASE's unit of each series, `(series,)`, in which intervals measure errors too."""
    return np.array([scale.mae for scale in error_scales(past, season_length).values()])


def scale_of(y: FloatArray, season_length: int) -> Scale:
    """Errors of seasonal naive on the rows `y` of one series, NaN where there are too few.

    A series no longer than a season is measured against naive instead.
    """
    lag = season_length if len(y) > season_length else 1
    if len(y) <= lag:
        return Scale(float("nan"), float("nan"))
    errors = y[lag:] - y[:-lag]
    return Scale(float(np.mean(np.abs(errors))), float(np.sqrt(np.mean(errors**2))))
