"""A look into a network: its gates and states, and what its forecasts and its loss depend on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from forecast.backends import backend
from forecast.config.schema import TrainingOptions
from forecast.data.panel import FloatArray, IntArray
from forecast.networks import Architecture, Seen, Weights
from forecast.training.program import loss_of
from forecast.windows import Inputs

_AT_ONCE = 256  # windows, which bounds memory


@dataclass(frozen=True)
class Inside:
    """A member, and windows for it to be looked at with."""

    architecture: Architecture
    weights: Weights
    """`(1, parameters)`"""
    options: TrainingOptions
    inputs: Inputs
    targets: FloatArray
    """On the network's scale, `(windows, horizon)`, with an axis of targets behind where several
    are forecast together; NaN where nobody knows them yet."""

    def look(self) -> Seen:
        """What recurrent layers did: `(windows, steps, units)` by layer and name."""
        parts = [self._look(own) for own in self._batches]
        return {
            layer: {
                name: np.concatenate([part[layer][name] for part in parts])
                for name in parts[0][layer]
            }
            for layer in parts[0]
        }

    def state_gradients(self) -> dict[str, FloatArray]:
        """The gradient of the mean forecast by the states of each layer, as its norm over units.

        `(windows, steps)`, by the layer's name.
        """
        found: dict[str, list[FloatArray]] = {}
        for own in self._batches:
            inputs = self._tensors(own)
            _, seen = self.architecture.look(self.weights, inputs)
            probes = {name: ops.zeros_like(layer["state"]) for name, layer in seen.items()}

            def forecast(probes: Any, inputs: Inputs = inputs) -> Any:
                done, _ = self.architecture.look(self.weights, inputs, probes)
                return self._mean(done.forecast), 0.0

            _, slopes = backend().gradient(forecast, probes)
            for name, slope in slopes.items():
                norms = np.linalg.norm(ops.convert_to_numpy(slope)[0], axis=-1)
                found.setdefault(name, []).append(norms)
        return {name: np.concatenate(parts) for name, parts in found.items()}

    def input_gradients(self, *, of_loss: bool) -> FloatArray:
        """The gradient of the mean forecast, or of the loss, by the past of each target.

        `(windows, context_length, targets)`, both on the scale of the transforms. Of windows whose
        targets are known, where it is that of the loss.
        """
        targets_seen = self.architecture.sizes.targets
        loss, parts = loss_of(self.architecture.quantiles, self.options), []
        for rows in self._batches:
            known = rows[self._are_known[rows]] if of_loss else rows
            if not len(known):
                continue
            inputs, targets = self._tensors(known), self.targets[known][None].astype(np.float32)

            def number(past: Any, inputs: Inputs = inputs, targets: Any = targets) -> Any:
                done = self.architecture.forward(
                    self.weights, inputs._replace(past=past), differentiable=True
                )
                if of_loss:
                    each = loss(done.of(targets), done.forecast)
                    return ops.sum(_mean_by_window(each)), 0.0
                return self._mean(done.value), 0.0

            _, slopes = backend().gradient(number, ops.convert_to_tensor(inputs.past))
            parts.append(ops.convert_to_numpy(slopes)[0, ..., :targets_seen])
        nothing = np.zeros((0, self.inputs.past.shape[1], targets_seen))
        return np.concatenate(parts) if parts else nothing

    def weight_gradients(self) -> dict[str, float]:
        """The norm of the loss's gradient by the weights of each layer, over all windows."""
        known = np.flatnonzero(self._are_known)
        if not len(known):
            return {}
        loss = loss_of(self.architecture.quantiles, self.options)
        inputs, targets = self._tensors(known), self.targets[known][None].astype(np.float32)

        def mean(weights: Any) -> Any:
            done = self.architecture.forward(weights, inputs, differentiable=True)
            return ops.mean(loss(done.of(targets), done.forecast)), 0.0

        _, slopes = backend().gradient(mean, ops.convert_to_tensor(self.weights))
        parts = self.architecture.by_layer(slopes)
        return {
            name: float(np.sqrt(sum(np.sum(ops.convert_to_numpy(p) ** 2) for p in own)))
            for name, own in parts.items()
        }

    def _mean(self, forecast: Any) -> Any:
        """The forecast over all steps and targets, of the middle quantile; summed over windows."""
        levels = self.architecture.quantiles
        if levels:
            forecast = forecast[..., levels.index(0.5)]
        return ops.sum(_mean_by_window(forecast))

    @property
    def _are_known(self) -> NDArray[np.bool_]:
        """Of which windows every target is known."""
        known = np.isfinite(self.targets).reshape(len(self.targets), -1)
        each: NDArray[np.bool_] = np.logical_and.reduce(known, axis=1)
        return each

    @property
    def _batches(self) -> list[IntArray]:
        rows = np.arange(len(self.targets))
        return [rows[i : i + _AT_ONCE] for i in range(0, len(rows), _AT_ONCE)]

    def _tensors(self, rows: IntArray) -> Inputs:
        return self.inputs.map(lambda part: part[rows][None])

    def _look(self, rows: IntArray) -> Seen:
        _, seen = self.architecture.look(self.weights, self._tensors(rows))
        return {
            layer: {name: ops.convert_to_numpy(part)[0] for name, part in own.items()}
            for layer, own in seen.items()
        }


def _mean_by_window(numbers: Any) -> Any:
    """The mean of numbers `(1, windows, ...)` of each window, `(1, windows)`."""
    return ops.mean(numbers, axis=tuple(range(2, len(numbers.shape))))
