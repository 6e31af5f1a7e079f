"""What the forecasts missed: is anything left in it to learn?"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from forecast.figures.layout import date_axis, date_label, head, new_figure
from forecast.figures.palette import GUIDE, INTERVAL_ALPHA, MODEL
from forecast.figures.rows import apart, of_series
from forecast.figures.tables import WHOLE, Tables, Tested, View
from forecast.figures.words import of_what, spoken, steps_ahead
from forecast.scoring.metrics import Scale

_LAGS = 24
_CHANCE = 1.96  # standard errors within which 19 of 20 autocorrelations of noise lie
_FEWEST = 8  # forecasts of one step that a series needs to be judged by these alone
_BINS = (5, 40)
_TELLING = 20  # residuals, at least, to tell what is left in them from chance


def residuals(tables: Tables, view: View = WHOLE) -> Figure:
    """Truth less forecast on the test part: in time, as histogram, by its past.

    One step ahead, where there are enough of these. All series of a panel together, each scaled
    as in MASE. Autocorrelations within the dotted lines are what chance alone gives 19 times
    in 20.
    """
    tested = Tested.of(tables)
    own = of_series(tested.of_model(tables.model), view)
    series = own["unique_id"].nunique()
    errors, left_out = _standardized(_chosen(own), tables.scales)
    scaled = series > 1 and any(tables.scales[name].mae > 0 for name in own["unique_id"].unique())
    unit = "scaled as in MASE" if scaled else "scale of the data"
    lags = _autocorrelations(errors)
    bound = _CHANCE / np.sqrt(max(errors["error"].count(), 1))
    shown = f"{of_what(tables.name, view)}: truth less forecast on the test part"
    pooled = f"; {series - left_out} series together" if series > 1 else ""
    missing = f", {left_out} without a scale left out" if left_out else ""
    figure, plots = new_figure(columns=3)
    _draw_in_time(plots[0], errors, unit)
    _draw_histogram(plots[1], errors["error"].dropna().to_numpy(), unit)
    plots[2].bar(np.arange(1, len(lags) + 1), lags, color=MODEL)
    for sign in (-1, 1):
        plots[2].axhline(sign * bound, color=GUIDE, linestyle=":")
    plots[2].set(xlabel="lag", ylabel="autocorrelation")
    learned = _learned(errors, lags, bound, spoken(tables.model))
    head(figure, learned, f"{shown}, {steps_ahead(errors['step'])}{pooled}{missing}")
    return figure


def _chosen(own: pd.DataFrame) -> pd.DataFrame:
    """Forecasts of one step; where they are few, of all steps from cutoffs that do not overlap."""
    near: pd.DataFrame = own[own["step"] == own["step"].min()]
    if near.groupby("unique_id").size().median() >= _FEWEST:
        return near
    return pd.concat([apart(part) for _, part in own.groupby("unique_id", sort=False)])


def _standardized(own: pd.DataFrame, scales: Mapping[str, Scale]) -> tuple[pd.DataFrame, int]:
    """The residuals as a column in the order of time, and how many series have no scale."""
    errors = own.assign(error=own["y"] - own["y_hat"]).sort_values(["unique_id", "ds"])
    names = list(errors["unique_id"].unique())
    if len(names) == 1:
        return errors, 0
    known = {name: scales[name].mae for name in names if scales[name].mae > 0}
    if not known:
        return errors, 0
    errors = errors[errors["unique_id"].isin(known)]
    return (
        errors.assign(error=errors["error"] / errors["unique_id"].map(known)),
        len(names) - len(known),
    )


def _autocorrelations(errors: pd.DataFrame) -> NDArray[np.float64]:
    """At lags 1 ... 24, over all series, each about its own mean; 0 where nothing varies."""
    codes = pd.factorize(errors["unique_id"])[0]
    means = errors.groupby("unique_id")["error"].transform("mean")
    centred = (errors["error"] - means).to_numpy(float)
    longest = int(np.bincount(codes).max())
    total = np.nansum(centred**2)
    lags = range(1, min(_LAGS, longest - 2) + 1)
    products = [
        np.nansum(np.where(codes[lag:] == codes[:-lag], centred[lag:] * centred[:-lag], 0))
        for lag in lags
    ]
    return np.array(products) / (total if total > 0 else 1)


def _learned(errors: pd.DataFrame, lags: NDArray[np.float64], bound: float, model: str) -> str:
    """Whether the forecasts lie too low or too high, and whether the past tells the next error."""
    known = errors["error"].dropna()
    mean = float(known.mean()) if len(known) else float("nan")
    if len(known) < _TELLING:
        count = f"{len(known)} residual{'s are' if len(known) != 1 else ' is'}"
        return f"{model} misses by {mean:.3g} on average; {count} too few to tell bias from chance"
    chance = _CHANCE * float(known.std()) / np.sqrt(len(known))
    bias = f"{model} is not biased beyond chance (mean {mean:.3g})"
    if abs(mean) > chance:
        bias = (
            f"{model} forecasts too {'low' if mean > 0 else 'high'} by {abs(mean):.3g} on average"
        )
    if not len(lags):
        return bias
    beyond = int((np.abs(lags) > bound).sum())
    return f"{bias}; {beyond} of {len(lags)} autocorrelations are beyond chance"


def _draw_in_time(axes: Axes, errors: pd.DataFrame, unit: str) -> None:
    """A line; of many series the one in the middle at each date, and a band of eight in ten."""
    axes.axhline(0, color=GUIDE, linewidth=0.8)
    middle = errors.set_index("ds")["error"]
    if errors["unique_id"].nunique() > 1:
        by_date = errors.groupby("ds")["error"]
        low, high = by_date.quantile(0.1), by_date.quantile(0.9)
        band = _broken(pd.DataFrame({"low": low, "high": high}))
        axes.fill_between(
            band.index, band["low"], band["high"], color=MODEL, alpha=INTERVAL_ALPHA, linewidth=0
        )
        middle = by_date.median()
        axes.set_title("median of the series, and eight in ten", loc="left", fontsize=9)
    line = _broken(middle.to_frame())
    axes.plot(line.index, line["error"], color=MODEL, linewidth=1)
    axes.set_ylabel(f"truth less forecast\n({unit})")
    axes.set_xlabel(date_label(errors["ds"]))
    date_axis(axes, errors["ds"], narrow=True)


def _broken(by_date: pd.DataFrame) -> pd.DataFrame:
    """The same with an empty row where dates are missing, so that no line crosses the gap."""
    distances = by_date.index.to_series().diff()
    gaps = by_date.index[distances > 3 * distances.median()]
    empty = pd.DataFrame(np.nan, index=gaps - distances.min() / 2, columns=by_date.columns)
    return pd.concat([by_date, empty]).sort_index(kind="stable")


def _draw_histogram(axes: Axes, errors: NDArray[np.float64], unit: str) -> None:
    bins = int(np.clip(np.sqrt(len(errors)), *_BINS))
    axes.hist(errors, bins=bins, color=MODEL, edgecolor="white", linewidth=0.6)
    axes.axvline(0, color=GUIDE, linewidth=0.8)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel=f"truth less forecast\n({unit})", ylabel="count")
