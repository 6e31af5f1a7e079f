"""A network of any kind: its window units, its forecasts, its members.

A kind is a function from a context, in window units, to an output in the same units. What all kinds
share is here: taking the window's own level and scale out, adding the simple forecast that the
network corrects, and putting level and scale back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

import keras
from keras import ops
from numpy.random import Generator

from forecast.config.schema import EnsembleOptions, ModelOptions, WindowOptions
from forecast.networks.initial import initial
from forecast.networks.layers import KerasLayers, Layers
from forecast.networks.members import Dropping, Layout, MemberLayers, Weights
from forecast.windows import ABSENT

Model: TypeAlias = keras.Model


@dataclass(frozen=True)
class Normalized:
    """A forecast in window units, and what takes it out of them.

    The forecast has the shape `(..., batch, horizon)`, or `(..., batch, horizon, quantiles)`;
    location and scale, where the window has any, `(..., batch, 1)`.
    """

    forecast: Any
    location: Any
    scale: Any
    has_quantiles: bool = False

    @property
    def value(self) -> Any:
        """The forecast in the transforms' units."""
        value, location, scale = self.forecast, self.location, self.scale
        if self.has_quantiles:
            location, scale = (n if n is None else n[..., None] for n in (location, scale))
        value = value if scale is None else value * scale
        return value if location is None else value + location

    def of(self, targets: Any) -> Any:
        """Targets in window units."""
        targets = targets if self.location is None else targets - self.location
        return targets if self.scale is None else targets / self.scale


class Architecture:
    """A kind of network with its options: what all members have in common."""

    def __init__(self, options: ModelOptions, window: WindowOptions, season_length: int) -> None:
        self._options = options
        self._window = window
        self._season_length = season_length
        self.keras_model = self._build()
        self._layout = Layout.of(self.keras_model)

    @property
    def is_local(self) -> bool:
        """Whether there is one network a series."""
        return self._options.scope == "local"

    def description(self) -> dict[str, Any]:
        """What the network is built from, as plain JSON."""
        return {
            "model": self._options.model_dump(),
            "window": self._window.model_dump(),
            "season_length": self._season_length,
        }

    @property
    def parameters(self) -> int:
        """Weights of one member."""
        return sum(self._layout.sizes)

    @property
    def activations(self) -> int:
        """Numbers that the gradient of one window is made from, roughly."""
        steps = self._window.context_length // self._options.steps_per_patch(self._season_length)
        return steps * self._options.units * 16 + self._window.context_length * 2

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Levels of the last axis of a forecast; without any it has no such axis."""
        return self._options.quantiles

    @property
    def dropout(self) -> float:
        """Share of values that members drop while training."""
        return self._options.dropout

    def initial(self, random: Generator) -> Weights:
        """First weights of a member, `(parameters,)`."""
        return initial(self.keras_model, self._layout, random)

    def model(self, weights: Weights) -> Model:
        """One member `(parameters,)` as a plain Keras model.

        It maps contexts `(batch, context_length, 1)` to forecasts `(batch, horizon)`, or
        `(batch, horizon, quantiles)`, both in the transforms' units.
        """
        model = self._build()
        self._layout.assign(model, weights)
        return model

    def weights(self, model: Model) -> Weights:
        """The weights of a plain Keras model of this kind as those of a member."""
        return self._layout.row(model)

    def forward(
        self,
        weights: Any,
        contexts: Any,
        dropping: Dropping | None = None,
        *,
        differentiable: bool = False,
    ) -> Normalized:
        """What members with weights `(members, parameters)` make of their contexts.

        `contexts` has the shape `(members, batch, context_length, 1)`; one set of them may serve
        all members.
        """
        layers = MemberLayers(self._layout.split(weights), dropping, differentiable=differentiable)
        return self._forecast(contexts, layers)

    def _build(self) -> Model:
        context = keras.Input((self._window.context_length, 1), name="context")
        return keras.Model(
            context, self._forecast(context, KerasLayers()).value, name=self._options.kind
        )

    def _forecast(self, context: Any, layers: Layers) -> Normalized:
        window, present = self._window, None
        if window.padding == "mask":
            present = ops.greater(context, ABSENT)
            context = ops.where(present, context, 0.0)
        location, scale = _location(context, present, window), _scale(context, present, window)
        units = Normalized(None, location, scale)
        context = units.of(context)
        if present is not None:
            context = ops.where(present, context, 0.0)
        connect = import_module(f"forecast.networks.{self._options.kind}").connect
        levels = self._options.quantiles
        width = window.horizon * max(1, len(levels))
        output = connect(context, present, self._options, width, self._season_length, layers)
        base = _simple_forecast(context, present, window, self._season_length)
        forecast = _quantiles(output, base, levels) if levels else _sum(output, base)
        location, scale = (n if n is None else n[..., 0] for n in (location, scale))
        return Normalized(forecast, location, scale, bool(levels))


def combine(models: list[keras.Model], options: EnsembleOptions) -> keras.Model:
    """Several models as one: the mean or the median of their forecasts."""
    if len(models) == 1:
        return models[0]
    context = keras.Input(models[0].input_shape[1:], name="context")
    forecasts = []
    for i, model in enumerate(models):
        model.name = f"member_{i}"
        forecasts.append(model(context))
    return keras.Model(context, combined(ops.stack(forecasts), options), name="ensemble")


def combined(forecasts: Any, options: EnsembleOptions) -> Any:
    """The mean or the median over the leading axis."""
    return (ops.mean if options.combine == "mean" else ops.median)(forecasts, axis=0)


def _sum(output: Any, base: Any) -> Any:
    return output if base is None else output + base


def _quantiles(output: Any, base: Any, levels: Sequence[float]) -> Any:
    """Quantiles that can not cross: the median, and positive distances from each to the next.

    From `(..., batch, levels * horizon)` to `(..., batch, horizon, levels)`.
    """
    parts = ops.split(output, len(levels), axis=-1)
    middle = levels.index(0.5)
    parts[middle] = _sum(parts[middle], base)
    for i in range(middle + 1, len(levels)):
        parts[i] = parts[i - 1] + ops.softplus(parts[i])
    for i in range(middle - 1, -1, -1):
        parts[i] = parts[i + 1] - ops.softplus(parts[i])
    return ops.stack(parts, axis=-1)


def _mean(values: Any, present: Any) -> Any:
    """The mean over the steps that are there, `(..., batch, 1, 1)`."""
    if present is None:
        return ops.mean(values, axis=-2, keepdims=True)
    there = ops.cast(present, values.dtype)
    total = ops.sum(values * there, axis=-2, keepdims=True)
    return total / ops.maximum(ops.sum(there, axis=-2, keepdims=True), 1.0)


def _location(context: Any, present: Any, window: WindowOptions) -> Any:
    """The level that is taken from a window, `(..., batch, 1, 1)`."""
    if window.normalize == "last":
        return context[..., -1:, :]
    if window.normalize in ("mean", "standard"):
        return _mean(context, present)
    return None


def _scale(context: Any, present: Any, window: WindowOptions) -> Any:
    """The spread that is taken from a window, `(..., batch, 1, 1)`.

    A hundredth of the level is added: a window that hardly moves would otherwise make any later
    move look enormous.
    """
    if window.normalize != "standard":
        return None
    level = _mean(ops.abs(context), present)
    if present is None:
        deviation = ops.std(context, axis=-2, keepdims=True)
    else:
        deviation = ops.sqrt(_mean(ops.square(context - _mean(context, present)), present))
    return deviation + 0.01 * level + 1e-6


def _simple_forecast(context: Any, present: Any, window: WindowOptions, season_length: int) -> Any:
    """What the network corrects, `(..., batch, horizon)`.

    A step of the season that is not there takes the last value.
    """
    if window.residual_of == "none":
        return None
    period = 1 if window.residual_of == "last" else season_length
    length = window.context_length
    ends = [length]
    if window.residual_of == "seasonal_mean":
        ends = list(range(length, period - 1, -period))
    seasons = [context[..., end - period : end, 0] for end in ends]
    season = sum(seasons[1:], start=seasons[0])
    if present is None:
        season = season / len(seasons)
    else:
        theres = [ops.cast(present[..., end - period : end, 0], season.dtype) for end in ends]
        count = sum(theres[1:], start=theres[0])
        season = ops.where(count > 0, season / ops.maximum(count, 1.0), context[..., -1:, 0])
    repeats = -(-window.horizon // period)
    return ops.concatenate([season] * repeats, axis=-1)[..., : window.horizon]
