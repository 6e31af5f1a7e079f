"""Which recipe suits a table, written as a config with its reasons."""

import json
import os
from pathlib import Path

import numpy as np

from forecast.data.profile import Profile

# Below this many windows a network is small and reads differences; above, it is one for all series.
_MANY_WINDOWS = 2_000
_MOST_SEASONS = 16
_BATCH, _STEPS = 128, 100  # of the recipe for panels

_SMALL = """
transforms:{log}
  - kind: difference      # against the season before: little is left to learn
    lag: {lag}
  - minmax

window:
  context_length: {context}
  horizon: 1

model:
  kind: gru
  units: 20

training:
  loss: mae
  epochs: 200
  schedule: cosine
  ensemble: 5             # the mean of five seeds

predict:
  horizon: {horizon}
"""

_PANEL = """{transforms}
window:
  context_length: {context}
  horizon: {horizon}
  normalize: standard     # series of any level and spread look alike
  residual_of: {residual_of}

model:
  kind: gru
  units: 64
  patch_length: {patch_length}         # the GRU reads season by season
  linear: true
  dropout: 0.1

training:
  loss: mae
  learning_rate: 0.003
  schedule: cosine
  clip_norm: 1
  batch_size: 128
  epochs: {epochs}
  steps_per_epoch: 100    # with this, every window is drawn about twice
  series_weights: equal   # long series do not drown the short
  ensemble: {{size: 3, combine: median}}

predict:
  horizon: {horizon}
"""


def recipe(look: Profile, horizon: int | None, folder: Path) -> str:
    """A config for the table that was looked at, to stand in `folder`."""
    steps = horizon or (look.season_length if look.season_length > 1 else 12)
    windows = len(look.panel.values) - len(look.panel.unique_ids) * look.season_length
    model = _small(look, steps) if windows < _MANY_WINDOWS else _panel(look, steps)
    return _data(look, folder) + f"\nsplit:\n  test: {steps}\n" + model


def _data(look: Profile, folder: Path) -> str:
    options = look.options
    keys = {
        "path": os.path.relpath(options.path, folder),
        "time": options.time,
        "target": options.target,
        "id": options.id,
        "freq": look.panel.freq,
        "season_length": look.season_length,
        "missing": None if options.missing == "error" else options.missing,
    }
    lines = [f"  {key}: {json.dumps(value)}\n" for key, value in keys.items() if value is not None]
    return "data:\n" + "".join(lines)


def _log(look: Profile) -> str | None:
    """The logarithm that suits values whose swings grow with their level."""
    if not look.is_multiplicative:
        return None
    return "log" if look.is_positive else "log1p"


def _small(look: Profile, horizon: int) -> str:
    log = _log(look)
    return _SMALL.format(
        log=f"\n  - {log:<21} # swings grow with the level" if log else "",
        lag="season" if look.has_season else 1,
        context=max(look.season_length, 12),
        horizon=horizon,
    )


def _panel(look: Profile, horizon: int) -> str:
    log = _log(look)
    season = look.season_length
    rows = float(np.quantile(np.diff(look.panel.offsets), 0.25)) - horizon
    seasons = int(np.clip(0.4 * rows // season, 2, _MOST_SEASONS)) if season > 1 else 0
    windows = len(look.panel.values) - len(look.panel.unique_ids) * (season * seasons + horizon)
    epochs = int(np.clip(2 * windows // (_BATCH * _STEPS), 5, 30))
    return _PANEL.format(
        transforms=f"\ntransforms:\n  - {log:<21} # swings grow with the level\n" if log else "",
        context=season * seasons if seasons else 2 * horizon,
        horizon=horizon,
        epochs=epochs,
        residual_of="seasonal_naive" if look.has_season else "last",
        patch_length="season" if seasons else 1,
    )
