"""A network of any kind: normalization, its forecasts, its members.

A kind is a function from inputs to outputs, both normalized. What all kinds share is here: taking
the window's own location and scale out, adding the simple forecast that the network corrects, and
putting location and scale back.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from importlib import import_module
from math import prod
from typing import Any, TypeAlias

import keras
from keras import ops, tree
from numpy.random import Generator

from forecast.config.models import FunctionOptions, ModelOptions
from forecast.config.schema import Config, EnsembleOptions, WindowOptions
from forecast.features import Encoder, sizes_of
from forecast.networks.initial import initial
from forecast.networks.layers import KerasLayers, Layers
from forecast.networks.looking import LookingLayers, Seen
from forecast.networks.members import Dropping, Layout, MemberLayers, Weights
from forecast.networks.shape import Shape
from forecast.windows import Inputs, Sizes

Model: TypeAlias = keras.Model


@dataclass(frozen=True)
class Normalized:
    """A forecast without its window's location and scale, and these.

    The forecast has the shape `(..., batch, horizon)`, with an axis of targets behind where several
    are forecast together, and then one of quantiles where there are any; location and scale, where
    the window has any, `(..., batch, 1)`, or `(..., batch, 1, targets)`.
    """

    forecast: Any
    location: Any
    scale: Any
    has_quantiles: bool = False

    @property
    def value(self) -> Any:
        """The forecast on the transforms' scale."""
        value, location, scale = self.forecast, self.location, self.scale
        if self.has_quantiles:
            location, scale = (n if n is None else n[..., None] for n in (location, scale))
        value = value if scale is None else value * scale
        return value if location is None else value + location

    def of(self, values: Any) -> Any:
        """Values of the window without its location and scale."""
        values = values if self.location is None else values - self.location
        if self.scale is None:
            return values
        is_there = self.scale > 0  # a window of zeros has no scale: what follows it tells nothing
        return ops.where(is_there, values / ops.where(is_there, self.scale, 1.0), 0.0)


@dataclass(frozen=True)
class Architecture:
    """A kind of network with its options: what all members have in common.

    It is a value: it can be pickled, and what is built from it is built again elsewhere.
    """

    options: ModelOptions
    window: WindowOptions
    season_length: int
    sizes: Sizes = field(default_factory=Sizes)
    """Features beside the target."""

    @classmethod
    def of(cls, config: Config, season_length: int, encoder: Encoder | None) -> "Architecture":
        """That of a config's network, with what is encoded beside the target."""
        sizes = sizes_of(encoder, config.features, config.joint_targets)
        return cls(config.model, config.window, season_length, sizes)

    @cached_property
    def keras_model(self) -> Model:
        """A plain Keras model, with weights that mean nothing."""
        return self._build()

    @cached_property
    def _layout(self) -> Layout:
        return Layout.of(self.keras_model)

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def is_local(self) -> bool:
        """Whether there is one network a series."""
        return self.options.scope == "local"

    @property
    def is_memberwise(self) -> bool:
        """Whether many members are one computation; else each is one of its own."""
        return self.options.is_memberwise

    @property
    def parameters(self) -> int:
        """Weights of one member."""
        return sum(self._layout.sizes)

    @property
    def activations(self) -> int:
        """Numbers that the gradient of one window is made from, roughly."""
        return sum(_kept(layer) for layer in self.keras_model.layers)

    def training_bytes(self, batch: int) -> int:
        """The memory that a member takes to be trained with so many windows at once, roughly.

        Beside what the gradient is made from, ten numbers of each parameter: its weight, its
        gradient, what the optimizer remembers, and copies of these.
        """
        return 4 * (batch * self.activations + 10 * self.parameters)

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Levels of the last axis of a forecast; without any it has no such axis."""
        return self.options.quantiles

    @property
    def dropout(self) -> float:
        """Share of values that members drop while training."""
        return self.options.dropout_rate

    @property
    def recurrent_dropout(self) -> float:
        """The same of states, which all members share."""
        return self.options.recurrent_dropout_rate

    def initial(self, random: Generator) -> Weights:
        """First weights of a member, `(parameters,)`."""
        bias = getattr(self.options, "bias_initializer", None)
        is_chrono = bias is not None and bias.name == "chrono"
        return initial(self.keras_model, self._layout, random, is_chrono=is_chrono)

    def model(self, weights: Weights) -> Model:
        """One member `(parameters,)` as a plain Keras model.

        It maps contexts `(batch, context_length, 1)` to forecasts `(batch, horizon)`, with axes of
        targets and quantiles as `output_shape` has them, both on the transforms' scale. A network
        with more inputs takes them by the names of `Inputs`.
        """
        model = self._build()
        self._layout.assign(model, weights)
        return model

    def weights(self, model: Model) -> Weights:
        """The weights of a plain Keras model of this kind as those of a member."""
        return self._layout.row(model)

    def layer_weights(self, weights: Weights) -> dict[str, list[Weights]]:
        """The weights of each layer by its name, `(members, ...)`, in Keras's order."""
        return self._layout.arrays(weights)

    def forward(
        self,
        weights: Any,
        inputs: Inputs,
        dropping: Dropping | None = None,
        *,
        differentiable: bool = False,
    ) -> Normalized:
        """What members with weights `(members, parameters)` make of their inputs.

        Inputs have the shape `(members, batch, ...)`; one set of them may serve all members.
        """
        layers = MemberLayers(
            self._layout.split(weights),
            dropping,
            differentiable=differentiable,
            template=self.keras_model,
        )
        return self._forecast(inputs, layers)

    def look(
        self, weights: Any, inputs: Inputs, probes: Mapping[str, Any] | None = None
    ) -> tuple[Normalized, Seen]:
        """What `forward` gives, and what its recurrent layers did at every step.

        `probes` are added to their states: see `LookingLayers`.
        """
        layers = LookingLayers(self._layout.split(weights), self.keras_model, probes)
        return self._forecast(inputs, layers), layers.seen

    def by_layer(self, flat: Any) -> dict[str, list[Any]]:
        """Flat weights `(members, parameters)`, or gradients of them, by the layer's name."""
        return self._layout.split(flat)

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each input of one window, by the names of `Inputs`."""
        sizes, window = self.sizes, self.window
        shapes: dict[str, tuple[int, ...]] = {"past": (window.context_length, sizes.in_past)}
        if sizes.in_future:
            shapes["future"] = (window.horizon, sizes.in_future)
        if sizes.static:
            shapes["static"] = (sizes.static,)
        if window.padding == "mask":
            shapes["present"] = (window.context_length, 1)
        return shapes

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of a forecast of one window.

        `(horizon,)`, with an axis of targets where several are forecast together, and one of
        quantiles where there are any.
        """
        axes = [self.sizes.targets] if self.sizes.targets > 1 else []
        axes += [len(self.quantiles)] if self.quantiles else []
        return (self.window.horizon, *axes)

    def _build(self) -> Model:
        named = {name: keras.Input(shape, name=name) for name, shape in self.input_shapes().items()}
        inputs = Inputs(**named)
        forecast = self._forecast(inputs, KerasLayers()).value
        # A lone input needs no name.
        return keras.Model(
            named if len(named) > 1 else inputs.past, forecast, name=_identifier(self.options.kind)
        )

    def _forecast(self, inputs: Inputs, layers: Layers) -> Normalized:
        window, sizes, targets, present = self.window, self.sizes, self.sizes.targets, None
        own, beside = _split(inputs.past, sizes.on_scale)
        context, _ = _split(own, targets)
        if inputs.present is not None:
            present = ops.greater(inputs.present, 0.5)
        location, scale = _location(context, present, window), _scale(context, present, window)
        own = _leveled(own, location, scale)
        if present is not None:
            own = ops.where(present, own, 0.0)
        levels = self.options.quantiles
        context, _ = _split(own, targets)
        bases = [
            _simple_forecast(context, i, present, window, self.season_length)
            for i in range(targets)
        ]
        base = bases[0] if len(bases) == 1 or bases[0] is None else ops.concatenate(bases, axis=-1)
        future = inputs.future
        if sizes.lags:
            lagged, known = _split(future, targets * sizes.lags)
            future = _joined(_leveled(lagged, location, scale), known)
        seen = inputs._replace(past=_joined(own, beside), future=future, present=present)
        output = self._output(seen, base, layers)
        forecast = _quantiles(output, base, levels) if levels else _sum(output, base)
        if targets > 1:
            forecast = _by_target(forecast, targets, axis=-2 if levels else -1)
        else:
            location, scale = (n if n is None else n[..., 0] for n in (location, scale))
        return Normalized(forecast, location, scale, bool(levels))

    def _output(self, inputs: Inputs, base: Any, layers: Layers) -> Any:
        """What the network adds to the simple forecast, in the order of `Shape.outputs`.

        Where something is known of the steps ahead, the kind gives some numbers for each of them,
        and a decoder that all steps share makes the forecast of a step from these and from what is
        known of it: the temporal decoder of TiDE, https://arxiv.org/abs/2304.08424 (Das et al.
        2023).
        """
        connect, horizon = _kind(self.options).connect, self.window.horizon
        targets = self.sizes.targets
        numbers = targets * max(1, len(self.options.quantiles))
        has_decoder = self.sizes.in_future or self.sizes.static
        each = self.options.decoder.inputs if has_decoder else numbers
        shape = Shape(
            self.window.context_length,
            horizon,
            horizon * each,
            self.season_length,
            bool(has_decoder),
            targets,
        )
        output = connect(inputs, shape, self.options, layers)
        if not has_decoder:
            return output
        parts = [layers.steps(output, horizon)]
        if base is not None:
            parts.append(_by_target(base, targets) if targets > 1 else base[..., None])
        parts += [] if inputs.future is None else [inputs.future]
        if inputs.static is not None:
            parts.append(ops.repeat(inputs.static[..., None, :], horizon, axis=-2))
        known = layers.together(parts)
        decoder = self.options.decoder
        for i, units in enumerate(decoder.layers, start=1):
            hidden = layers.dense(known, units, f"decoder_{i}", activation="relu")
            known = layers.dropout(hidden, self.options.dropout_rate, f"decoder_dropout_{i}")
        steps = layers.dense(known, numbers, "decoder_forecast")
        return replace(shape, outputs=horizon * numbers, has_decoder=False).flat(steps)


def _kept(layer: keras.layers.Layer) -> int:
    """Numbers that the gradient of one window needs of a layer, roughly."""
    numbers = 2 * prod(layer.output.shape[1:])
    shapes = [part.shape[1:] for part in tree.flatten(layer.input)]
    if isinstance(layer, keras.layers.RNN):  # what each step keeps, and its gradient
        numbers += 16 * shapes[0][0] * layer.units
    if isinstance(layer, keras.layers.MultiHeadAttention):  # scores, and what becomes of them
        queries, values = shapes[0][0], shapes[1][0]
        numbers += 4 * layer.num_heads * queries * values
    if isinstance(layer, keras.layers.Conv1D):  # each step beside those before it
        numbers += 2 * prod(layer.kernel_size) * prod(shapes[0])
    return int(numbers)


def _kind(options: ModelOptions) -> Any:
    """The module of a kind of network; that of functions for one which is a function."""
    name = "function" if isinstance(options, FunctionOptions) else options.kind
    return import_module(f"forecast.networks.{name}")


def _identifier(kind: str) -> str:
    """A kind as a name that Keras takes for a model."""
    return re.sub(r"\W", "_", kind)


def combine(models: list[keras.Model], options: EnsembleOptions) -> keras.Model:
    """Several models as one: the mean or the median of their forecasts."""
    if len(models) == 1:
        return models[0]
    inputs = tree.map_structure(
        lambda part: keras.Input(part.shape[1:], name=part.name), models[0].input
    )
    forecasts = []
    for i, model in enumerate(models):
        model.name = f"member_{i}"
        forecasts.append(model(inputs))
    return keras.Model(inputs, combined(ops.stack(forecasts), options), name="ensemble")


def combined(forecasts: Any, options: EnsembleOptions) -> Any:
    """The mean or the median over the leading axis."""
    if options.combine == "mean":
        return ops.mean(forecasts, axis=0)
    # Keras's own median interpolates in 64 bits, for which LiteRT has no operators.
    ordered, count = ops.sort(forecasts, axis=0), forecasts.shape[0]
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2


def _split(features: Any, first: int) -> tuple[Any, Any]:
    """The first features `(..., steps, features)`, and the others or None."""
    if features.shape[-1] == first:
        return features, None
    return features[..., :first], features[..., first:]


def _joined(first: Any, others: Any) -> Any:
    """The opposite of `_split`."""
    return first if others is None else ops.concatenate([first, others], axis=-1)


def _leveled(features: Any, location: Any, scale: Any) -> Any:
    """Features of the targets' scale `(..., steps, features)` without their window's level.

    Location and scale are those of each target, which stand side by side again and again.
    """
    times = 1 if location is None else features.shape[-1] // location.shape[-1]
    if location is not None and location.shape[-1] > 1 and times > 1:
        location, scale = (
            n if n is None else ops.concatenate([n] * times, axis=-1) for n in (location, scale)
        )
    return Normalized(None, location, scale).of(features)


def _by_target(forecast: Any, targets: int, axis: int = -1) -> Any:
    """The steps of one target after another, along an axis, as steps and behind it targets.

    From `(..., targets * horizon)` to `(..., horizon, targets)`.
    """
    return ops.stack(ops.split(forecast, targets, axis=axis), axis=axis)


def _sum(output: Any, base: Any) -> Any:
    return output if base is None else output + base


def _quantiles(output: Any, base: Any, levels: Sequence[float]) -> Any:
    """Quantiles that can not cross: the median, and positive distances from each to the next.

    From `(..., batch, levels * horizon)` to `(..., batch, horizon, levels)`; each has the horizon
    of all targets, one after another.
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
    """The mean over the steps that are there, `(..., batch, 1, targets)`."""
    if present is None:
        return ops.mean(values, axis=-2, keepdims=True)
    there = ops.cast(present, values.dtype)
    total = ops.sum(values * there, axis=-2, keepdims=True)
    return total / ops.maximum(ops.sum(there, axis=-2, keepdims=True), 1.0)


def _location(context: Any, present: Any, window: WindowOptions) -> Any:
    """The level that is taken from a window, `(..., batch, 1, targets)`."""
    if window.normalize == "last":
        return context[..., -1:, :]
    if window.normalize in ("mean", "standard"):
        return _mean(context, present)
    return None


def _scale(context: Any, present: Any, window: WindowOptions) -> Any:
    """The spread that is taken from a window, `(..., batch, 1, targets)`.

    A hundredth of the level is added: a window that hardly moves would otherwise make any later
    move look enormous. All is in proportion to the level, so that the unit of the data is none of
    the network's business; a window of zeros has the scale 0, and zeros for a forecast.
    """
    if window.normalize != "standard":
        return None
    level = _mean(ops.abs(context), present)
    # Squares of the values themselves could leave the range of their floats.
    shares = context / ops.where(level > 0, level, 1.0)
    if present is None:
        deviation = ops.std(shares, axis=-2, keepdims=True)
    else:
        deviation = ops.sqrt(_mean(ops.square(shares - _mean(shares, present)), present))
    return level * (deviation + 0.01)


def _simple_forecast(
    context: Any, target: int, present: Any, window: WindowOptions, season_length: int
) -> Any:
    """What the network corrects of one of the targets, `(..., batch, horizon)`.

    A step of the season that is not there takes the last value.
    """
    if window.residual_of == "none":
        return None
    period = 1 if window.residual_of == "last" else season_length
    length = window.context_length
    ends = [length]
    if window.residual_of == "seasonal_mean":
        ends = list(range(length, period - 1, -period))
    seasons = [context[..., end - period : end, target] for end in ends]
    season = sum(seasons[1:], start=seasons[0])
    if present is None:
        season = season / len(seasons)
    else:
        theres = [ops.cast(present[..., end - period : end, 0], season.dtype) for end in ends]
        count = sum(theres[1:], start=theres[0])
        season = ops.where(count > 0, season / ops.maximum(count, 1.0), context[..., -1:, target])
    repeats = -(-window.horizon // period)
    return ops.concatenate([season] * repeats, axis=-1)[..., : window.horizon]
