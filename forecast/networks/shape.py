"""What a kind of network is: a function from inputs to outputs, and the sizes that it is told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras import ops

from forecast.networks.layers import Layers
from forecast.windows import Inputs


@dataclass(frozen=True)
class Shape:
    """Sizes that a network is built for."""

    context_length: int
    """Steps of the past that it sees."""
    horizon: int
    """Steps that it forecasts."""
    outputs: int
    """Numbers that it gives for each window: `horizon`, times targets and quantiles where it has
    several. All steps of the first target come first, then those of the next; and all targets of
    the first quantile before those of the next."""
    season_length: int
    """Steps in a season."""
    has_decoder: bool = False
    """Whether a decoder makes the forecast of each step from the outputs."""
    targets: int = 1
    """Targets that it forecasts together: the first features of the past."""

    @property
    def each(self) -> int:
        """Numbers for each step of the horizon."""
        return self.outputs // self.horizon

    def flat(self, steps: Any) -> Any:
        """Outputs of a kind that gives them step by step, `(..., horizon, each)`, as `outputs`.

        A decoder takes all numbers of a step, then those of the next; without one targets and
        quantiles come one by one, all steps of each.
        """
        if self.has_decoder:
            parts = [steps[..., i, :] for i in range(self.horizon)]
        else:
            parts = [steps[..., i] for i in range(self.each)]
        return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)


Connect = Callable[[Inputs, Shape, Any, Layers], Any]
"""A kind of network: from inputs, their shape, the options of its kind and the layers to connect to
outputs `(..., batch, outputs)`.

Inputs and outputs are normalized: a window's own location and scale are taken out before. A step of
the past that is not there is 0; `present` is then true or false for each, and only first steps are
false."""
