"""What a network sees that goes on from its own forecasts, beyond its horizon."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from forecast.config.schema import FeaturesOptions
from forecast.data.panel import FloatArray
from forecast.features import rolling_means
from forecast.windows import Batch, Inputs, Sizes


@dataclass(frozen=True)
class Recursion:
    """Windows with the steps after them, which are filled as they are forecast.

    A call sees the last steps before those that it forecasts. Of these steps it sees what is known,
    and of what is not what it was last; lags and rolling means follow from the forecasts.
    """

    inputs: Inputs
    """Those of the first call, with what is known of all steps."""
    past: Batch
    """`(windows, context_length + steps, features)`, with what was forecast so far."""
    behind: FloatArray
    """What rolling means are of, `(windows, longest + steps, targets)`; NaN where none is."""
    features: FeaturesOptions
    sizes: Sizes

    @classmethod
    def begin(
        cls,
        inputs: Inputs,
        behind: FloatArray,
        steps: int,
        features: FeaturesOptions,
        sizes: Sizes,
    ) -> "Recursion":
        """Before the first of so many steps.

        `behind` ends at the cutoffs, `(windows, longest, targets)`.
        """
        after = np.repeat(inputs.past[:, -1:], steps, axis=1)
        if inputs.future is not None:
            after[..., sizes.ahead] = inputs.future
        unknown = np.full((len(after), steps, sizes.targets), np.nan)
        return cls(
            inputs,
            np.concatenate([inputs.past, after], axis=1),
            np.concatenate([behind, unknown], axis=1),
            features,
            sizes,
        )

    def calls(self, horizon: int) -> Iterator[tuple[slice, Inputs]]:
        """The steps of each call and what it sees; what it forecasts is written before the next."""
        inputs, length = self.inputs, self.inputs.past.shape[1]
        there = None
        if inputs.present is not None:
            there = np.ones_like(self.past[..., :1])
            there[:, :length] = inputs.present
        for begin in range(0, self.past.shape[1] - length, horizon):
            seen, ahead = slice(begin, begin + length), slice(begin, begin + horizon)
            after = self.past[:, length:][:, ahead]
            yield (
                ahead,
                inputs._replace(
                    past=self.past[:, seen],
                    future=None if inputs.future is None else after[..., self.sizes.ahead],
                    present=None if there is None else there[:, seen],
                ),
            )

    def write(self, steps: slice, forecasts: FloatArray) -> None:
        """Go on from forecasts `(windows, horizon, targets)` of these steps."""
        target, targets = self.past[:, self.inputs.past.shape[1] :], self.sizes.targets
        target[:, steps, :targets] = forecasts
        for i, lag in enumerate(self.features.lags):
            first = self.sizes.first_lag + i * targets
            later = target[:, steps.start + lag : steps.stop + lag, first : first + targets]
            later[:] = forecasts[:, : later.shape[1]]
        lengths = self.features.rolling_means
        if lengths:
            longest, count = max(lengths), steps.stop - steps.start
            self.behind[:, longest:][:, steps] = forecasts
            behind = np.moveaxis(self.behind[:, steps.start : longest + steps.stop], -1, 1)
            means = np.moveaxis(rolling_means(behind, lengths)[:, :, -count:], 1, -1)
            target[:, steps, targets : self.sizes.first_lag] = means.reshape(len(means), count, -1)
