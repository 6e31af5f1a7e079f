"""What do scores come to? Said after `train`, `backtest` and `evaluate` alike."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from forecast.config import Config
from forecast.config.schema import BLEND
from forecast.console import Console
from forecast.scoring.scores import better_baselines, lost_series, overall

# Coverage is far from its promise where that would be two standard errors off in so many forecasts.
_FORECASTS = 25
_NAMED = 5  # series in one line
_COVERAGE = re.compile(r"coverage_([\d.]+)")
_SCALERS = {"minmax", "standard", "robust"}


def say_verdict(
    scores: pd.DataFrame,
    split: str,
    model: str,
    console: Console,
    config: Config | None = None,
) -> None:
    """Warn where a baseline wins in a split, and of intervals that do not hold what they promise.

    Where the network wins over all series, those are named on which a baseline does.
    With a config the way to a better one is said, unless it goes that way already.
    """
    table = overall(scores, split)
    if model not in table.index:
        return
    better = better_baselines(scores, split, model)
    part = "in the backtest" if split == "backtest" else f"on the {split} part"
    for name, row in better.iterrows():
        console.warn(f"{name} is better than {model} {part} (rmse {row['rmse']:.4g}).")
    if len(better):
        whole = "blend" if model == BLEND else "network"
        console.say(f"Prefer {better.index[0]} until the {whole} beats it.{_way_out(config)}")
    else:
        series = scores["unique_id"].nunique()
        for name, lost in lost_series(scores, split, model).items():
            console.say(f"on {len(lost)} of {series} series {name} is better: {_listed(lost)}")
    for message in _broken_promises(table.loc[model].to_dict(), part):
        console.warn(message)


def _listed(names: Sequence[str]) -> str:
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return ", ".join([*names[:_NAMED], *more])


def _way_out(config: Config | None) -> str:
    """Towards transforms, of a config that has none but a scale."""
    if config is None or config.blend:
        return ""
    if config.window.normalize != "none" or config.window.residual_of != "none":
        return ""
    if any(options.kind not in _SCALERS for _, options in config.each_transform()):
        return ""
    return (
        " Transforms usually decide: `forecast init FILE` writes a recipe with those that suit "
        "the table."
    )


def _broken_promises(scores: Mapping[Any, float], part: str) -> list[str]:
    """What is to be said of intervals whose coverage is far from their level."""
    messages = []
    for metric, found in scores.items():
        level = _COVERAGE.fullmatch(str(metric))
        if level is None:
            continue
        promised = float(level[1])
        far = 2 * (promised * (100 - promised) / _FORECASTS) ** 0.5
        if found < promised - far:
            way_out = "they are too narrow to be relied on; `intervals` calibrates them."
        elif found > min(promised + far, 99.5):
            way_out = "they are wider than they have to be."
        else:
            continue
        messages.append(f"intervals of {promised:g} % hold {found:.0f} % {part}: {way_out}")
    return messages
