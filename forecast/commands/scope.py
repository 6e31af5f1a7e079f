"""What are scores of? How many forecasts, of which dates, and how far ahead."""

import pandas as pd

from forecast.console import Console
from forecast.data.calendar import iso
from forecast.scoring.scores import comparable


def say_scope(forecasts: pd.DataFrame, split: str, model: str, console: Console) -> None:
    """Say how many of a model's forecasts are scored in a split, of when, and from which rows.

    Columns `unique_id, ds, cutoff, step, model, split, y, y_hat`.
    """
    forecasts = forecasts[forecasts["split"] == split]
    scored = comparable(forecasts)
    own = scored[scored["model"] == model]
    if not len(own):
        return
    first, last = iso(pd.Index([own["ds"].min(), own["ds"].max()]))
    series = own["unique_id"].nunique()
    count = f"{len(own)} forecast{'s' if len(own) > 1 else ''}"
    if series > 1:
        count += f" of {series} series"
    between = first if first == last else f"{first} to {last}"
    console.say(f"{count} of {between}, {_distance(own['step'])}, {_known(own)}")


def _distance(steps: "pd.Series[int]") -> str:
    nearest, farthest = steps.min(), steps.max()
    if nearest == farthest:
        return "one step ahead" if nearest == 1 else f"{nearest} steps ahead"
    return f"{nearest} to {farthest} steps ahead"


def _known(own: pd.DataFrame) -> str:
    """Which rows the forecasts were made from."""
    if own["cutoff"].nunique() == 1:
        return f"from the rows up to {iso(pd.Index(own['cutoff'].iloc[:1]))[0]}"
    return f"each from the rows {'before it' if (own['step'] == 1).all() else 'up to its cutoff'}"


def say_absent(forecasts: pd.DataFrame, model: str, season_length: int, console: Console) -> None:
    """Name the baselines that forecast no row of a table, and so stand in no score."""
    able = forecasts["y_hat"].notna().groupby(forecasts["model"], sort=False).any()
    for name in able.index[~able]:
        if name != model:
            console.warn(
                f"{name} is not scored: it needs {season_length} rows (a season) up to a cutoff, "
                "and the run keeps too few. Add older rows to --input."
            )
