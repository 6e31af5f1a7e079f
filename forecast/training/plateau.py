"""The schedule `plateau`: a learning rate that falls where the loss no longer does."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.config.schema import PlateauOptions
from forecast.data.panel import FloatArray, IntArray


class Plateau(NamedTuple):
    """How the loss of each member went, and what became of its learning rate; `(members,)` each."""

    lowest: FloatArray
    """The lowest loss so far."""
    waited: IntArray
    """Epochs since then, or since the rate last fell."""
    factors: NDArray[np.float32]
    """What the learning rate is multiplied by."""

    @classmethod
    def begin(cls, members: int) -> "Plateau":
        """Before the first epoch."""
        return cls(
            np.full(members, np.inf), np.zeros(members, np.int64), np.ones(members, np.float32)
        )

    def after(self, losses: FloatArray, options: PlateauOptions) -> "Plateau":
        """After an epoch of these losses `(members,)`, by the rule of Keras's ReduceLROnPlateau."""
        falls = losses < self.lowest - options.min_delta
        waited = np.where(falls, 0, self.waited + 1)
        is_flat = waited >= options.patience
        factors = np.where(is_flat, self.factors * np.float32(options.factor), self.factors)
        return Plateau(np.where(falls, losses, self.lowest), np.where(is_flat, 0, waited), factors)
