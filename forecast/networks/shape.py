"""What a kind of network is: a function from inputs to outputs, and the sizes that it is told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
    """Numbers that it gives for each window: `horizon`, times quantiles where it has any."""
    season_length: int
    """Steps in a season."""


Connect = Callable[[Inputs, Shape, Any, Layers], Any]
"""A kind of network: from inputs, their shape, the options of its kind and the layers to connect to
outputs `(..., batch, outputs)`.

Inputs and outputs are normalized: a window's own location and scale are taken out before. A step of
the past that is not there is 0; `present` is then true or false for each, and only first steps are
false."""
