"""scikit-learn's scalers, fitted once a series or once for all."""

from collections.abc import Callable
from typing import Any

import numpy as np

from forecast.config.schema import Per
from forecast.data.panel import FloatArray, Past
from forecast.transforms.affine import Affine


def fit_each(past: Past, per: Per, fit: Callable[[FloatArray], Any]) -> list[Any]:
    """What `fit` makes of the rows `(n, 1)` of each series, or of all rows together.

    Rows that an earlier difference left undefined are passed over.
    """
    panel = past.panel
    bounds = [(0, len(panel.values))]
    if per == "series":
        bounds = list(zip(panel.starts, panel.ends, strict=True))
    parts = [panel.values[begin:end] for begin, end in bounds]
    return [fit(part[np.isfinite(part), None]) for part in parts]


def centred(centers: list[FloatArray], scales: list[FloatArray]) -> Affine:
    """`(value - center) / scale` of each series as one transform."""
    scale = 1 / np.concatenate(scales)
    return Affine(scale, -np.concatenate(centers) * scale)
