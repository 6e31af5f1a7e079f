"""Flat arrays: the rows of all series one after another."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def ranges(begins: IntArray, ends: IntArray) -> IntArray:
    """The rows `begins[i] ... ends[i]` of all `i`, one after another; an empty range adds none."""
    lengths = np.maximum(ends - begins, 0)
    before = np.cumsum(lengths) - lengths
    rows = np.repeat(begins - before, lengths)
    rows += np.arange(len(rows))  # in place: there may be as many as a panel has rows
    return rows
