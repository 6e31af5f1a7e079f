"""Members that forecast together as one function of their inputs, and its gradient."""

from typing import Any

import numpy as np
from keras import ops

from forecast.backends import backend
from forecast.config.schema import EnsembleOptions
from forecast.data.panel import FloatArray
from forecast.networks import Architecture, Weights, combined
from forecast.windows import Inputs

AT_ONCE = 32
"""Windows of one call: the program of a recurrent network has to know how many there are."""


class DifferentiableForward:
    """What the members of a pipeline forecast together, of quantiles the middle one.

    Forecasts are on the network's scale, `(windows, horizon)`, and windows a multiple of `AT_ONCE`.
    """

    def __init__(self, architecture: Architecture, options: EnsembleOptions) -> None:
        """The programs are shared by all pipelines, which differ in their weights."""
        self._architecture = architecture
        self._options = options
        self._forecast = backend().trace(self._forecasts)
        self._slopes = backend().trace(self._gradient)

    def forecasts(self, weights: Weights, inputs: Inputs) -> FloatArray:
        """What members `(members, parameters)` forecast of inputs `(windows, ...)`."""
        parts = [self._forecast(weights, own.named) for own in _batches(inputs)]
        return np.concatenate([ops.convert_to_numpy(part) for part in parts]).astype(np.float64)

    def gradients(self, weights: Weights, inputs: Inputs, factors: FloatArray) -> Inputs:
        """The gradient of the sum of the forecasts times `factors`, by each number of the inputs.

        `factors` have the shape of the forecasts, and what comes of it that of the inputs. Which
        steps are there, if the network is told, is no number to differentiate by: it has none.
        """
        found: list[dict[str, FloatArray]] = []
        for own, factor in zip(_batches(inputs), _cut(factors.astype(np.float32)), strict=True):
            at = own._replace(present=None).named
            fixed = {} if own.present is None else {"present": own.present}
            slopes = self._slopes(weights, at, fixed, factor)
            found.append({name: ops.convert_to_numpy(part) for name, part in slopes.items()})
        joined = {name: np.concatenate([own[name] for own in found]) for name in found[0]}
        return Inputs(**{name: part.astype(np.float64) for name, part in joined.items()})

    def _forecasts(self, weights: Any, parts: dict[str, Any]) -> Any:
        inputs = Inputs(**parts).map(lambda part: part[None])  # one set for all members
        # So a recurrent layer has the gradient that is derived by hand, which any backend takes.
        values = self._architecture.forward(weights, inputs, differentiable=True).value
        levels = self._architecture.quantiles
        together = combined(values, self._options)
        return together[..., levels.index(0.5)] if levels else together

    def _gradient(
        self, weights: Any, at: dict[str, Any], fixed: dict[str, Any], factors: Any
    ) -> dict[str, Any]:
        def number(at: dict[str, Any]) -> tuple[Any, Any]:
            return ops.sum(self._forecasts(weights, {**at, **fixed}) * factors), 0.0

        _, slopes = backend().gradient(number, at)
        return dict(slopes)


def _batches(inputs: Inputs) -> list[Inputs]:
    parts = {name: _cut(part.astype(np.float32)) for name, part in inputs.named.items()}
    rows = zip(*parts.values(), strict=True)
    return [Inputs(**dict(zip(parts, own, strict=True))) for own in rows]


def _cut(windows: Any) -> list[Any]:
    return [windows[i : i + AT_ONCE] for i in range(0, len(windows), AT_ONCE)]
