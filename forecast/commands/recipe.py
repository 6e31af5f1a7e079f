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
from forecast.config.schema import FeaturesOptions
from forecast.data.profile import Profile
from forecast.data.sources.content import is_stream
from forecast.errors import DataError, Problem
from forecast.features import unfit

# Below this many windows a network is small and reads differences; above, it is one for all series.
_MANY_WINDOWS = 2_000
_MANY_STEPS = 100_000  # of all windows of a season: too many for a GRU to read one by one
_MOST_SEASONS = 16
_BATCH, _STEPS = 128, 100  # of the recipe for panels
_FEW_SERIES = 10  # below this many short series there is little that one tells of another
_FEW_YEARS = 6  # ahead, as in the M competitions
_FEW_SEASONS = 20  # of a slow series: with more of them contexts are full, and levels well known

_SMALL = """
transforms:{log}
  - kind: difference      # {reason}
    lag: {lag}
  - standard              # a network that says nothing says the mean change

window:
  context_length: {context}
  horizon: 1

model:
  kind: gru
  units: 20
  linear: true            # what the season before had by chance is not to be repeated

training:
  loss: {loss}
  epochs: 200
  schedule: cosine
  ensemble: 5             # the mean of five seeds

predict:
  horizon: {horizon}
"""

_PANEL = """{transforms}
window:
  context_length: {context}
  horizon: {window}
  normalize: {normalize}
  residual_of: {residual_of}{padding}

model:
  kind: gru
  units: 64
  patch_length: {patch_length}
  linear: true
  dropout: 0.1

training:
  loss: {loss}
  learning_rate: 0.003
  schedule: cosine
  clip_norm: 1
  batch_size: 128
  epochs: {epochs}
  steps_per_epoch: {steps}    # {drawn}
  series_weights: equal   # long series do not drown the short
  ensemble: {{size: 3, combine: median}}

predict:
  horizon: {horizon}
"""


_FEATURES = """
# What the date tells of each step, the future ones too; `forecast backtest` says whether it helps:
# features:
#   calendar: [{parts}]
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

_LEAST_ROWS = 6  # of the longest series: for a difference, a context of one, and a test part


@dataclass(frozen=True)
class Recipe:
    """A config for a table."""

    text: str
    is_blend: bool
    """Whether statistical methods forecast with the network."""
    would_blend: bool
    """Whether they would, were they installed."""


@dataclass(frozen=True)
class _Network:
    """The sections of a network, and what it sees."""

    text: str
    context: int
    least_rows: int
    """Of a series that it is trained on."""


def recipe(look: Profile, horizon: int | None, folder: Path, *, blend: bool = True) -> Recipe:
    """A config for the table that was looked at, to stand in `folder`.

    Raises `DataError` where the table is too short for any.
    """
    lengths = np.diff(look.panel.offsets)
    if lengths.max() < _LEAST_ROWS:
        message = f"the longest series has {lengths.max()} rows: too few to train and test on."
        advice = f"It takes {_LEAST_ROWS} at least, and two seasons to see one."
        raise DataError(Problem(message, advice))
    steps = horizon or _usual_horizon(look)
    if _is_small(look):
        test = min(steps, max(1, int(lengths.max()) // 5))
        network, window = _small(look, steps, test), 1
    else:
        test = min(steps, max(1, int(_test_share(look) * np.median(lengths))))
        network, window = _panel(look, steps, test), test
    needs = Needs(test, max(steps, window), network.least_rows, test - window + 1)
    suits = blend and suits_blend(look, needs)
    is_blend = suits and can_blend()
    sections = [
        _data(look, folder),
        f"\nsplit:\n  test: {test}\n",
        network.text,
        _bounds(look),
        blend_sections(look, needs) if is_blend else "",
        _features(look, _lags(look, network.context, window, test)),
    ]
    return Recipe("".join(sections), is_blend, suits and not is_blend)


def _usual_horizon(look: Profile) -> int:
    """A season; where there is none, a few years or a dozen steps."""
    if look.season_length > 1:
        return look.season_length
    return _FEW_YEARS if unit_of(look.panel.freq).removeprefix("B").startswith("Y") else 12


def _is_small(look: Profile) -> bool:
    """Whether there is so little to train on that a small network is to read differences."""
    panel, season = look.panel, look.season_length
    if _is_short(look) and len(panel.unique_ids) >= _FEW_SERIES:
        return False
    windows = len(panel.values) - len(panel.unique_ids) * season
    return windows < _MANY_WINDOWS and windows * season < _MANY_STEPS


def _test_share(look: Profile) -> float:
    """Of the rows of a typical series, at most: short ones have few beside a usual horizon."""
    return 0.4 if _is_short(look) else 0.2


def _is_short(look: Profile) -> bool:
    """Whether slow series have few seasons, or none that is clear."""
    typical = np.median(np.diff(look.panel.offsets))
    is_long = look.has_season and typical >= _FEW_SEASONS * look.season_length
    return is_slow(look) and not is_long


def _lags(look: Profile, context: int, window: int, test: int) -> list[int]:
    """One and two cycles above the season, where the context does not reach one.

    As many as leave half of the rows of a typical series to train on.
    """
    longer = look.longer_season or 0
    if longer <= max(context, window - 1):
        return []
    room = (float(np.median(np.diff(look.panel.offsets))) - test) / 2 - context - window
    return [lag for lag in (longer, 2 * longer) if lag <= room]


def _features(look: Profile, lags: Sequence[int]) -> str:
    """What dates and lags may tell the network, as comments: whether it helps, a backtest says."""
    parts = [
        part
        for part in _PARTS.get(unit_of(look.panel.freq), ())
        if not any(unfit(FeaturesOptions.model_validate({"calendar": part}), look.panel))
    ]
    if not parts:
        return ""
    text = _FEATURES.format(parts=", ".join(parts))
    return text + (_LAGS.format(lags=list(lags), lag=lags[0]) if lags else "")


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


def _log(look: Profile) -> str | None:
    """The logarithm that suits values whose swings grow with their level."""
    if not look.is_multiplicative:
        return None
    return "log" if look.is_positive else "log1p"


def _small(look: Profile, horizon: int, test: int) -> _Network:
    """The recipe of few windows."""
    log = _log(look)
    rows = int(np.diff(look.panel.offsets).max()) - test
    season = look.season_length
    by_season = look.has_season and rows >= 2 * season + 2
    # Half of what is left when the difference is taken goes into the first context.
    lag = season if by_season else 1
    left = rows - lag
    context = min(max(season, 12), max(1, left // 2))
    text = _SMALL.format(
        log=f"\n  - {log:<21} # swings grow with the level" if log else "",
        lag="season" if by_season else 1,
        reason="against the season before: little is left to learn"
        if by_season
        else "against the step before",
        context=context,
        loss="mse" if look.is_intermittent else "mae",
        horizon=horizon,
    )
    return _Network(text, context, lag + context + max(season, 12))


def _panel(look: Profile, horizon: int, test: int) -> _Network:
    """The recipe of many windows.

    Short series have few windows of a full context: what is not there yet is masked, so that all
    are trained on; and the network reads them as changes in percent since the last value.
    """
    is_short = _is_short(look)
    is_growth = is_short and look.is_positive
    log = "log" if is_growth else _log(look)
    transforms = [(log, "changes in percent" if is_growth else "swings grow with the level")]
    if look.is_far_from_zero:
        transforms.append(("standard", "moves are small beside the level"))
    lines = [f"  - {kind:<21} # {why}\n" for kind, why in transforms if kind]
    season, context = look.season_length, _context(look, test)
    has_patches = season > 1 and context % season == 0
    least_rows = (season if is_short else context) + test
    windows = len(look.panel.values) - len(look.panel.unique_ids) * least_rows
    epochs = int(np.clip(2 * windows // (_BATCH * _STEPS), 5, 30))
    steps = min(_STEPS, max(10, windows // 20)) if is_short else _STEPS
    text = _PANEL.format(
        transforms="\ntransforms:\n" + "".join(lines) if lines else "",
        context=context,
        window=test,
        normalize="last         # what is left is the change since"
        if is_growth
        else "standard     # series of any level and spread look alike",
        residual_of="seasonal_naive" if look.has_season and has_patches else "last",
        padding="\n  padding: mask           # series shorter than the context are trained on too"
        if is_short
        else "",
        patch_length="season    # the GRU reads season by season" if has_patches else 1,
        loss="mse" if look.is_intermittent else "mae",
        epochs=epochs,
        steps=steps,
        drawn="the windows are few, and all of them drawn several times"
        if is_short
        else "with this, every window is drawn about twice",
        horizon=horizon,
    )
    return _Network(text, context, least_rows)


def _context(look: Profile, test: int) -> int:
    """What the network of many windows sees: whole seasons, where there is room for them."""
    season, lengths = look.season_length, np.diff(look.panel.offsets)
    rows = float(np.quantile(lengths, 0.25)) - test
    if _is_short(look):
        if season == 1:
            return max(test, _FEW_YEARS)
        return season * int(np.clip(0.4 * rows // season, 2, _MOST_SEASONS))
    room = int(np.median(lengths)) - 2 * test  # for the context of the first window
    most = min(_MOST_SEASONS, room // season) if season > 1 else 0
    if most <= 0:
        return int(np.clip(room // 2, 1, 2 * test))
    return season * int(np.clip(0.4 * rows // season, min(2, most), most))
