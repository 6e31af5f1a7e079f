"""What the forecasts missed: is anything left in it to learn?"""

import numpy as np
from matplotlib.figure import Figure

from forecast.figures.material import BLACK, BLUE, GREY, Material, new_figure

_LAGS = 24


def residuals(material: Material) -> Figure:
    """Truth less forecast, one step ahead on the test part: in time, as histogram, by its past.

    Of a panel, the first series. Autocorrelations within the dotted lines are what chance alone
    gives 19 times in 20.
    """
    figure, plots = new_figure(f"Residuals of {material.name} on the test part", columns=3)
    own = material.test[material.test["model"] == material.model]
    first = own[(own["unique_id"] == own["unique_id"].iloc[0])]
    first = first[first["step"] == 1] if (first["step"] == 1).sum() > 1 else first
    errors = (first["y"] - first["y_hat"]).to_numpy()
    plots[0].axhline(0, color=GREY, linewidth=0.8)
    plots[0].plot(first["ds"], errors, color=BLACK, linewidth=1)
    plots[0].set(xlabel="date", ylabel=f"{first['unique_id'].iloc[0]}: truth less forecast")
    plots[0].tick_params(axis="x", rotation=45)
    plots[1].hist(errors[np.isfinite(errors)], bins="auto", color=BLUE)
    plots[1].set(xlabel="truth less forecast", ylabel="count")
    lags = np.arange(1, min(_LAGS, len(errors) - 2) + 1)
    plots[2].bar(lags, [_autocorrelation(errors, int(lag)) for lag in lags], color=BLUE)
    for bound in (-1.96, 1.96):
        plots[2].axhline(bound / np.sqrt(len(errors)), color=GREY, linestyle=":")
    plots[2].set(xlabel="lag", ylabel="autocorrelation")
    return figure


def _autocorrelation(errors: np.ndarray, lag: int) -> float:
    centred = errors - np.nanmean(errors)
    return float(np.nansum(centred[lag:] * centred[:-lag]) / np.nansum(centred**2))
