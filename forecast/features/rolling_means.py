"""Rolling means: of the target over the last steps up to each, as `RollingMean` of mlforecast.

What they are the means of, as are lags, is on the scale of a pipeline's transforms: so they are
made from transformed values, and not encoded from dates and columns.
"""

from collections.abc import Sequence

import numpy as np

from forecast.data.panel import FloatArray, Panel
from forecast.features.feature import Matrix


def rolling_means(values: FloatArray, lengths: Sequence[int]) -> FloatArray:
    """The mean of the last values up to each, along the last axis: `(..., steps, lengths)`.

    Of fewer values at the beginning, and where some are NaN; 0 where there is none.
    """
    there = ~np.isnan(values)
    sums, counts = _sums(np.where(there, values, 0.0)), _sums(there.astype(np.float64))
    ends = np.arange(1, values.shape[-1] + 1)
    means = []
    for length in lengths:
        begins = np.maximum(ends - length, 0)
        total = sums[..., ends] - sums[..., begins]
        means.append(total / np.maximum(counts[..., ends] - counts[..., begins], 1.0))
    return np.stack(means, axis=-1)


def _sums(values: FloatArray) -> FloatArray:
    """The sum of the values before each, and of all: one more along the last axis."""
    sums = np.cumsum(values, axis=-1)
    return np.concatenate([np.zeros_like(sums[..., :1]), sums], axis=-1)


def rolling_means_of(panel: Panel, lengths: Sequence[int]) -> Matrix | None:
    """Those of every row of a panel, `(rows, lengths)`; None where none is wanted."""
    if not lengths:
        return None
    spans = zip(panel.starts, panel.ends, strict=True)
    parts = [rolling_means(panel.values[begin:end], lengths) for begin, end in spans]
    with np.errstate(over="ignore"):  # infinite, as is what comes of such values
        return np.concatenate(parts).astype(np.float32)
