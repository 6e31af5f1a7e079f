"""Which series and which rows a figure shows."""

import numpy as np
import pandas as pd

from forecast.figures.tables import Tested, View, columns_of_values
from forecast.figures.words import remark

# A season and a forecast can be seen, and neither is a scribble.
_SEASONS, _LEAST, _FUTURES = 5, 50, (4, 12)


def chosen_series(tested: Tested, view: View) -> dict[str, str]:
    """The series to draw, each with its title: those that were asked for, or of a panel three.

    These are the series that was forecast best on the test part, by MASE, the one in the middle
    and the worst.
    """
    several = tested.forecasts["unique_id"].nunique() > 1
    if view.series:
        return {name: remark(tested, name) if several else "" for name in view.series}
    ranked = list(_ranking(tested).index)
    if len(ranked) < 2:
        name = ranked[0] if ranked else str(tested.forecasts["unique_id"].iloc[0])
        return {name: remark(tested, name) if several else ""}
    places = {0: f"best of {len(ranked)}", len(ranked) // 2: "in the middle"}
    places[len(ranked) - 1] = "worst"
    return {ranked[i]: remark(tested, ranked[i], place) for i, place in places.items()}


def _ranking(tested: Tested) -> "pd.Series[float]":
    """MASE by series, best first, of those that have one."""
    scores = tested.scores
    own = scores[
        (scores["model"] == tested.model)
        & (scores["metric"] == "mase")
        & scores["unique_id"].notna()
        & scores["value"].notna()
    ]
    values = pd.Series(own["value"].to_numpy(float), own["unique_id"].astype(str))
    return values.sort_values(kind="stable")


def of_series(table: pd.DataFrame, view: View) -> pd.DataFrame:
    """The rows of the series that were asked for."""
    return table[table["unique_id"].isin(view.series)] if view.series else table


def rows_before(season_length: int, ahead: int) -> int:
    """How many rows are shown before the cutoff of a forecast: the last few seasons.

    Fewer where the `ahead` steps that follow would be lost behind them.
    """
    least, most = (share * ahead for share in _FUTURES)
    seasons = min(_SEASONS * season_length, max(most, 2 * season_length))
    return max(_LEAST, least, seasons)


def since(actual: pd.DataFrame, view: View, unasked: int) -> object:
    """The first date to show of one series whose rows are given in the order of time."""
    if view.since is not None:
        return view.since
    count = min(view.last or unasked, len(actual))
    return actual["ds"].iloc[len(actual) - count]


def apart(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Of one series, the forecasts of the latest cutoffs that do not overlap."""
    spans = forecasts.groupby("cutoff")["ds"].agg(["min", "max"])
    chosen: list[object] = []
    taken = None
    for cutoff, first, last in spans[::-1].itertuples():
        if taken is None or last < taken:
            chosen.append(cutoff)
            taken = first
    return forecasts[forecasts["cutoff"].isin(chosen)]


def with_breaks(forecasts: pd.DataFrame) -> pd.DataFrame:
    """The rows cutoff by cutoff, with an empty one after each, so that no line joins two of them.

    Forecasts of one step alone are joined: nobody would see a line of one point.
    """
    ordered = forecasts.sort_values(["cutoff", "step"])
    if (ordered["step"] == 1).all():
        return ordered
    ends = ordered.drop_duplicates("cutoff", keep="last")
    breaks = ends.assign(**dict.fromkeys(columns_of_values(ordered), np.nan))
    return pd.concat([ordered, breaks]).sort_values("cutoff", kind="stable")
