"""Which network suits a table, written as sections of its config with their reasons.

What the table says is the rule of thumb; a `Variation` has some of it otherwise, to be tried.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from forecast.commands.recipe_blend import is_slow, unit_of
from forecast.data.calendar import longer_season_of
from forecast.data.panel import Panel
from forecast.data.profile import Profile
from forecast.data.split import has_target
from forecast.errors import DataError, Problem

# Below this many windows a network is small; above, it is one for all series.
_MANY_WINDOWS = 2_000
_MANY_STEPS = 100_000  # of all windows of a season: too many for a GRU to read one by one
_ENOUGH = 10_000  # windows: of fewer a network learns intervals that are too narrow
_PLENTY = 200_000  # windows: so many leave little to overfit
_MOST_SEASONS = 16
_BATCH, _STEPS, _MOST_EPOCHS = 128, 100, 40  # of the recipe for panels
_LEAST_ROWS = 6  # of the longest series: for a difference, a context of one, and a test part
_FEW_SERIES = 10  # below this many short series there is little that one tells of another
_FEW_YEARS = 6  # ahead, as in the M competitions
_FEW_SEASONS = 20  # of a slow series: with more of them contexts are full, and levels well known
_MOST_OF_LONGER = 10  # seasons of a longer cycle that contexts are whole ones of: 52 are too many

_SMALL = """
transforms:
{transforms}
window:
  context_length: {context}
  horizon: {window}{reads}

model:
  kind: gru
  units: 20
  linear: true            # {linear}

training:
  loss: {loss}
  epochs: {epochs}
  schedule: cosine
  ensemble: 5             # the mean of five seeds

predict:
  horizon: {horizon}
"""
_STANDARD = "  - standard              # a network that says nothing says the mean change\n"
_LEVEL = """
  normalize: standard     # a network sees how the level moves, and
  residual_of: last       # one that says nothing says the last level
  padding: mask           # what lies before the first row is not made up"""
_DIFFERENCE = "  - kind: difference      # {reason}\n    lag: {lag}\n"

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
  dropout: {dropout}{quantiles}

training:
  loss: {loss}
  learning_rate: {rate}
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
_NORMALIZE = {
    "last": "last         # what is left is the change since",
    "mean": "mean         # series of any level look alike",
    "standard": "standard     # series of any level and spread look alike",
}
_MASK = "\n  padding: mask           # series shorter than the context are trained on too"
_QUANTILES = "\n  quantiles: [0.1, 0.5, 0.9]  # an interval of 80 %"
_GROWTH = "changes in percent"
_SWINGS = "swings grow with the level"

Scale = Literal["none", "log", "sqrt"]
Normalize = Literal["last", "mean", "standard"]
Residual = Literal["last", "seasonal_naive", "seasonal_mean"]
Change = Literal["season", "step", "both", "level"]


@dataclass(frozen=True)
class Variation:
    """What a network has otherwise than the rule of thumb says; None is what that says."""

    name: str
    """What it is called in a table of trials."""
    scale: Scale | None = None
    """Which function of the values it sees."""
    normalize: Normalize | None = None
    residual_of: Residual | None = None
    context: float = 1
    """Its context, in parts of the rule's."""
    cycles: int = 0
    """Of the cycle that is usual above the season, in the place of that context."""
    change: Change | None = None
    """What a small network reads: the level less the season, changes against the season or the
    step before, or against both."""
    calendar: bool = False
    """Whether it is told parts of the date."""


RULE = Variation("usual network")
"""The rule of thumb."""


@dataclass(frozen=True)
class Network:
    """The sections of a network, and what it sees."""

    text: str
    context: int
    least_rows: int
    """Of a series that it is trained on."""
    window: int
    """Steps that it predicts in one call."""
    test: int
    """Rows of each series that are held back."""
    horizon: int
    """Steps that are to be forecast."""
    has_quantiles: bool = False
    """Whether it tells how wide an interval is."""


def network_for(look: Profile, horizon: int | None, variation: Variation = RULE) -> Network:
    """The network that suits a table, for so many steps or as many as are usual.

    Raises `DataError` where the table is too short for any.
    """
    lengths = np.diff(look.panel.offsets)
    if lengths.max() < _LEAST_ROWS:
        message = f"the longest series has {lengths.max()} rows: too few to train and test on."
        advice = f"It takes {_LEAST_ROWS} at least, and two seasons to see one."
        raise DataError(Problem(message, advice))
    steps = horizon or _usual_horizon(look)
    if is_small(look):
        window = min(steps, max(1, int(lengths.max()) // 5))
        return _small(look, steps, window, variation)
    window = min(steps, max(1, int(_test_share(look) * np.median(lengths))))
    return _panel(look, steps, window, variation)


def _test_part(panel: Panel, window: int) -> int:
    """Rows of each series that are held back, for a forecast of so many steps to be scored.

    As many; more, where the row before these was observed in no series: none is scored from there.
    """
    lengths = np.diff(panel.offsets)
    for test in range(window, max(window + 1, int(lengths.max()) // 3)):
        cutoffs = (panel.ends - test - 1)[test < lengths]
        if has_target(panel, cutoffs, window).any():
            return test
    return window


def rule_for(look: Profile, *, is_alone: bool) -> Variation:
    """The rule of thumb of a network that forecasts alone, or in a blend with statistical methods.

    These know the level well. Weighed beside them, a small network that reads changes, and so errs
    otherwise, does more for the blend where that suits the table, and gets no weight where not.
    """
    if is_alone or not is_small(look):
        return RULE
    return replace(RULE, change="season" if look.has_season else "step")


def is_small(look: Profile) -> bool:
    """Whether there is so little to train on that a small network is to read differences."""
    panel, season = look.panel, look.season_length
    if is_short(look) and len(panel.unique_ids) >= _FEW_SERIES:
        return False
    windows = len(panel.values) - len(panel.unique_ids) * season
    return windows < _MANY_WINDOWS and windows * season < _MANY_STEPS


def is_short(look: Profile) -> bool:
    """Whether slow series have few seasons, or none that is clear."""
    typical = np.median(np.diff(look.panel.offsets))
    is_long = look.has_season and typical >= _FEW_SEASONS * look.season_length
    return is_slow(look) and not is_long


def _usual_horizon(look: Profile) -> int:
    """A season; where there is none, a few years or a dozen steps."""
    if look.season_length > 1:
        return look.season_length
    return _FEW_YEARS if unit_of(look.panel.freq).removeprefix("B").startswith("Y") else 12


def _test_share(look: Profile) -> float:
    """Of the rows of a typical series, at most: short ones have few beside a usual horizon."""
    return 0.4 if is_short(look) else 0.2


def _scale(look: Profile, wanted: Scale | None) -> tuple[str, str] | None:
    """A transform as YAML and its reason: the one that is wanted, or that suits the values.

    The logarithm suits values whose swings grow with their level.
    """
    if wanted == "none" or not (wanted or look.is_multiplicative):
        return None
    if wanted == "sqrt":
        return "{kind: boxcox, power: 0.5, offset: 1}", "a square root: as log, but less"
    return "log" if look.is_positive else "log1p", _SWINGS


def _small(look: Profile, horizon: int, window: int, variation: Variation) -> Network:
    """The recipe of few windows: the level less its season, or changes where there is none.

    Of a network alone, on single series, the level errs less than changes against the season
    before; docs/benchmarks.md has by how much.
    """
    test = _test_part(look.panel, window)
    rows = int(np.diff(look.panel.offsets).max()) - test
    season = look.season_length
    has_seasons = 1 < season <= (rows - 2) // 2
    change = variation.change or "level"
    if change in ("season", "level") and not has_seasons:
        change = "step"
    if change == "level":
        return _level(look, horizon, window, test, variation)
    # Half of what is left when the difference is taken goes into the first context.
    lag = {"season": season, "step": 1, "both": season + 1}[change]
    context = min(max(season, 12), max(1, (rows - lag) // 2))
    context = max(1, int(variation.context * context))
    scale = _scale(look, variation.scale)
    text = _SMALL.format(
        transforms=_lines([scale] if scale else []) + _change(change) + _STANDARD,
        context=context,
        window=1,
        reads="",
        linear="what the season before had by chance is not to be repeated",
        loss="mse" if look.is_intermittent else "mae",
        epochs=200,
        horizon=horizon,
    )
    return Network(text, context, lag + context + max(season, 12), 1, test, horizon)


def _level(look: Profile, horizon: int, window: int, test: int, variation: Variation) -> Network:
    """The network of few windows that forecasts the level, all steps at once."""
    season = look.season_length
    context = max(1, int(variation.context * max(season, 12)))
    scale = _scale(look, variation.scale or "none")
    transforms = [scale] if scale else []
    text = _SMALL.format(
        transforms=_lines([*transforms, ("deseasonalize", "what is left is the level")]),
        context=context,
        window=window,
        reads=_LEVEL,
        linear="few windows tell a straight map best; the GRU adds to it",
        loss="mse" if look.is_intermittent else "mae",
        epochs=50,
        horizon=horizon,
    )
    return Network(text, context, 2 * season + test, window, test, horizon)


def _lines(transforms: Sequence[tuple[str, str]]) -> str:
    """Transforms of YAML with their reasons, a line each."""
    return "".join(f"  - {yaml:<21} # {why}\n" for yaml, why in transforms)


def _change(change: Change) -> str:
    """The transforms that leave the change of a series."""
    season = _DIFFERENCE.format(
        reason="against the season before: little is left to learn", lag="season"
    )
    step = _DIFFERENCE.format(reason="against the step before", lag=1)
    both = season + _DIFFERENCE.format(reason="and that against the step before", lag=1)
    return {"season": season, "step": step, "both": both}[change]


def _panel(look: Profile, horizon: int, window: int, variation: Variation) -> Network:
    """The recipe of many windows.

    Short series have few windows of a full context: what is not there yet is masked, so that all
    are trained on; and the network reads them as changes in percent since the last value.
    """
    test = _test_part(look.panel, window)
    is_few = is_short(look)
    is_growth = is_few and look.is_positive
    scale = ("log", _GROWTH) if is_growth else _scale(look, None)
    if variation.scale:
        scale = _scale(look, variation.scale)
    transforms = [scale] if scale else []
    if look.is_far_from_zero:
        transforms.append(("standard", "moves are small beside the level"))
    season = look.season_length
    context = max(1, int(variation.context * _context(look, test)))
    if variation.cycles:
        context = variation.cycles * longer_cycle(look)
    has_patches = season > 1 and context % season == 0
    least_rows = (season if is_few else context) + test
    windows = len(look.panel.values) - len(look.panel.unique_ids) * least_rows
    epochs = int(np.clip(2 * windows // (_BATCH * _STEPS), 5, _MOST_EPOCHS))
    steps = min(_STEPS, max(10, windows // 20)) if is_few else _STEPS
    is_fast = not is_slow(look)
    has_quantiles = is_fast and windows >= _ENOUGH and not look.is_intermittent
    text = _PANEL.format(
        transforms="\ntransforms:\n" + _lines(transforms) if transforms else "",
        context=context,
        window=window,
        normalize=_NORMALIZE[variation.normalize or ("last" if is_growth else "standard")],
        residual_of=(variation.residual_of if context >= season else None)
        or ("seasonal_naive" if look.has_season and has_patches else "last"),
        padding=_MASK if is_few else "",
        patch_length="season    # the GRU reads season by season" if has_patches else 1,
        dropout=0 if windows >= _PLENTY else 0.1,
        quantiles=_QUANTILES if has_quantiles else "",
        loss="mse" if look.is_intermittent else "pinball" if has_quantiles else "mae",
        rate=0.005 if is_fast else 0.003,
        epochs=epochs,
        steps=steps,
        drawn="the windows are few, and all of them drawn several times"
        if is_few
        else "with this, every window is drawn about twice",
        horizon=horizon,
    )
    return Network(text, context, least_rows, window, test, horizon, has_quantiles)


def _context(look: Profile, test: int) -> int:
    """What the network of many windows sees: whole seasons, where there is room for them.

    Whole weeks of hours, where there is room for one: the same day is at the same place then.
    """
    season, lengths = look.season_length, np.diff(look.panel.offsets)
    rows = float(np.quantile(lengths, 0.25)) - test
    if is_short(look):
        if season == 1:
            return max(test, _FEW_YEARS)
        return season * int(np.clip(0.4 * rows // season, 2, _MOST_SEASONS))
    room = int(np.median(lengths)) - 2 * test  # for the context of the first window
    most = min(_MOST_SEASONS, room // season) if season > 1 else 0
    if most <= 0:
        return int(np.clip(room // 2, 1, 2 * test))
    if most == 1:  # no season after another is there to be read as a patch
        return min(room, season + test)
    context = season * int(np.clip(0.4 * rows // season, min(2, most), most))
    longer = longer_cycle(look)
    return context // longer * longer or context


def longer_cycle(look: Profile) -> int:
    """Steps of the cycle that is usual above the season, as the week of hours; else the season."""
    season, longer = look.season_length, longer_season_of(look.panel.freq)
    return longer if not longer % season and longer <= _MOST_OF_LONGER * season else season
