"""Fitting of transforms: the one place where scikit-learn is imported.

It stands apart from the transforms themselves because a forecast needs only what was learned, and
the import alone costs more than the forecast.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.preprocessing import MinMaxScaler

from forecast.config.schema import FitOn, TransformOptions
from forecast.data.panel import Past
from forecast.transforms import minmax
from forecast.transforms.pipeline import Pipeline, Transform


def fit_pipeline(options: Sequence[TransformOptions], pasts: Mapping[FitOn, Past]) -> Pipeline:
    """Fit each transform on what the earlier ones made of the rows that it may see."""
    transforms: list[Transform] = []
    for option in options:
        transform = _FITTERS[option.kind](pasts[option.fit_on])
        pasts = {name: Past(transform.apply(past.panel)) for name, past in pasts.items()}
        transforms.append(transform)
    return Pipeline(tuple(transforms))


def _minmax(past: Past) -> minmax.Fitted:
    """Fit one scaler a series. A constant series is moved to 0 and not stretched."""
    panel = past.panel
    scalers = [
        MinMaxScaler().fit(panel.values[begin:end, None])
        for begin, end in zip(panel.starts, panel.ends, strict=True)
    ]
    scale = np.concatenate([scaler.scale_ for scaler in scalers])
    return minmax.Fitted(scale, np.concatenate([scaler.min_ for scaler in scalers]))


_FITTERS = {"minmax": _minmax}
