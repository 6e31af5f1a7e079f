"""Two ways to run one network, which have to give one forecast."""

import numpy as np

from forecast.windows import Batch

PARITY = 1e-5
"""Of the largest forecast, or of 1 where all are smaller; on the scale of the transforms."""


def refuse_disparity(exported: Batch, expected: Batch, name: str) -> None:
    """Raise `ArithmeticError` where forecasts of the same inputs differ."""
    difference = float(np.abs(exported - expected).max())
    if not difference <= PARITY * max(1.0, float(np.abs(expected).max())):  # NaN is none
        raise ArithmeticError(f"the {name} network differs by {difference:.2g}")
