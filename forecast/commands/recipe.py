"""Which recipe suits a table, written as a config with its reasons."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forecast.commands.recipe_blend import (
    Needs,
    blend_sections,
    can_blend,
    is_slow,
    suits_blend,
    unit_of,
)
from forecast.commands.recipe_network import Network, Variation, network_for, rule_for
from forecast.config.schema import FeaturesOptions
from forecast.data.profile import Profile
from forecast.data.sources.content import is_stream
from forecast.features import unfit

_FEATURES = """
# What the date tells of each step, the future ones too; `forecast backtest` says whether it helps:
# features:
#   calendar: [{parts}]
"""
_CALENDAR = """
features:                 # what the date tells of each step, the future ones too
  calendar: [{parts}]
"""
_LAGS = """\
#   lags: {lags}   # the table repeats itself after {lag} steps, beyond the context
"""
# The parts of a date that may matter, by the unit of the frequency.
_PARTS = {
    **dict.fromkeys(("s", "min"), ("minute_of_day", "day_of_week")),
    "h": ("hour", "day_of_week"),
    **dict.fromkeys(("D", "B"), ("day_of_week",)),
    "W": ("week",),
    **dict.fromkeys(("MS", "ME"), ("month",)),
    **dict.fromkeys(("QS", "QE"), ("quarter",)),
}

_COVARIATES = """\
  # Columns that are not used. Those that you know of the future too, such as prices and holidays,
  # can stand under `known`, others under `past`:
  # covariates:
"""


@dataclass(frozen=True)
class Recipe:
    """A config for a table."""

    text: str
    is_blend: bool
    """Whether statistical methods forecast with the network."""
    would_blend: bool
    """Whether they would, were they installed."""


def recipe(
    look: Profile,
    horizon: int | None,
    folder: Path,
    *,
    blend: bool = True,
    variation: Variation | None = None,
    head: str = "",
    members: Sequence[str] | None = None,
) -> Recipe:
    """A config for the table that was looked at, to stand in `folder`.

    Its network is that of a variation, or the rule of thumb's; its members are those of the rule of
    thumb, if `blend` is true and a blend suits the table, or what is named, as they are written in
    YAML. Raises `DataError` where the table is too short for any.
    """
    variation = variation or usual_variation(look, blend=blend)
    network = network_for(look, horizon, variation)
    needs = Needs(
        network.test,
        max(network.horizon, network.window),
        network.least_rows,
        network.test - network.window + 1,
        network.has_quantiles,
    )
    suits = blend and suits_blend(look, needs)
    is_blend = len(members) > 1 if members else suits and can_blend()
    sections = [
        head,
        _data(look, folder),
        f"\nsplit:\n  test: {network.test}\n",
        network.text,
        _bounds(look),
        blend_sections(look, needs, members) if is_blend else "",
        _features(look, _lags(look, network), variation),
    ]
    return Recipe("".join(sections), is_blend, suits and not is_blend)


def usual_variation(look: Profile, *, blend: bool) -> Variation:
    """The rule of thumb of the network; `blend` says whether statistical methods may join it."""
    return rule_for(look, is_alone=not (blend and is_slow(look) and can_blend()))


def _lags(look: Profile, network: Network) -> list[int]:
    """One and two cycles above the season, where the context does not reach one.

    As many as leave half of the rows of a typical series to train on.
    """
    longer = look.longer_season or 0
    if longer <= max(network.context, network.window - 1):
        return []
    rows = float(np.median(np.diff(look.panel.offsets))) - network.test
    room = rows / 2 - network.context - network.window
    return [lag for lag in (longer, 2 * longer) if lag <= room]


def _features(look: Profile, lags: Sequence[int], variation: Variation) -> str:
    """What dates and lags may tell the network.

    As comments, unless the variation has the calendar: whether they help, a backtest says.
    """
    parts = ", ".join(calendar_parts(look))
    if not parts:
        return ""
    text = (_CALENDAR if variation.calendar else _FEATURES).format(parts=parts)
    return text + (_LAGS.format(lags=list(lags), lag=lags[0]) if lags else "")


def calendar_parts(look: Profile) -> list[str]:
    """The parts of a date that may matter for a table."""
    return [
        part
        for part in _PARTS.get(unit_of(look.panel.freq), ())
        if not any(unfit(FeaturesOptions.model_validate({"calendar": part}), look.panel))
    ]


def _bounds(look: Profile) -> str:
    """The end of the section `predict`: what a forecast of such values may be."""
    if look.is_count:
        return (
            "  minimum: 0              # all values are counts, none of which is below 0\n"
            "  # round: true           # whole forecasts; the mean of rare demand (0.4) becomes 0\n"
        )
    if look.is_intermittent and not look.is_ever_negative:
        return "  minimum: 0              # many values are 0, and none is below\n"
    return ""


def _data(look: Profile, folder: Path) -> str:
    """The options of `data:` that differ from their defaults."""
    given = look.options.model_dump(exclude_defaults=True) | {"season_length": look.season_length}
    given["path"] = _path_from(look.options.path, folder)
    lines = [f"  {key}: {_written(value)}\n" for key, value in given.items() if value is not None]
    return "data:\n" + "".join(lines) + _covariates(look)


def _covariates(look: Profile) -> str:
    """The columns that are left, as comments: what they are, a person knows."""
    parts = {"known": look.unused, "static": look.unused_static}
    lines = [f"  #   {part}: {_written(list(names))}\n" for part, names in parts.items() if names]
    return _COVARIATES + "".join(lines) if lines else ""


def _path_from(path: str, folder: Path) -> str:
    """A path as a config in a folder has it; of a pipe it is standard input."""
    if is_stream(path):
        return "-"
    return path if "://" in path else os.path.relpath(path, folder)


def _written(value: object) -> str:
    """A value on one line of YAML: names as they are, in quotes where they need them."""
    return json.dumps(value, ensure_ascii=False)
