"""What is the network? One module a kind, in Keras layers and operations alone.

A kind is a function from a context, in window units, to a forecast in the same units. What all
kinds share is here: taking the window's own level and scale out, adding the simple forecast that
the network corrects, and putting level and scale back.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import keras
from keras import ops

from forecast.config.schema import EnsembleOptions, GRUOptions, WindowOptions

Model = keras.Model


@dataclass(frozen=True)
class Network:
    """One set of weights, as two models that share it.

    `model` maps contexts `(batch, context_length, 1)` to forecasts `(batch, horizon)`, both in the
    transforms' units: it is what is kept. `units` gives the forecast in window units, and the
    location and the scale `(batch, 1)` of those: it is what is trained.
    """

    model: keras.Model
    units: keras.Model


def build(options: GRUOptions, window: WindowOptions, season_length: int, seed: int) -> Network:
    """An untrained network; its first weights and its dropout follow from `seed` alone."""
    context = keras.Input((window.context_length, 1), name="context")
    location, scale = _location(context, window), _scale(context, window)
    normalised = context
    if location is not None:
        normalised = normalised - location
    if scale is not None:
        normalised = normalised / scale
    module = import_module(f"forecast.networks.{options.kind}")
    forecast = module.connect(normalised, options, window.horizon, season_length, seed)
    base = _simple_forecast(normalised, window, season_length)
    if base is not None:
        forecast = forecast + base
    outputs = {"forecast": forecast}
    if scale is not None:
        outputs["scale"] = scale[:, 0]
        forecast = forecast * outputs["scale"]
    if location is not None:
        outputs["location"] = location[:, 0]
        forecast = forecast + outputs["location"]
    return Network(
        keras.Model(context, forecast, name=options.kind),
        keras.Model(context, outputs, name=f"{options.kind}_units"),
    )


def combine(models: list[keras.Model], options: EnsembleOptions) -> keras.Model:
    """Several models as one: the mean or the median of their forecasts."""
    if len(models) == 1:
        return models[0]
    context = keras.Input(models[0].input_shape[1:], name="context")
    forecasts = []
    for i, model in enumerate(models):
        model.name = f"member_{i}"
        forecasts.append(model(context))
    stacked = ops.stack(forecasts, axis=0)
    joined = ops.mean(stacked, axis=0) if options.combine == "mean" else ops.median(stacked, axis=0)
    return keras.Model(context, joined, name="ensemble")


def _location(context: Any, window: WindowOptions) -> Any:
    """The level that is taken from a window, `(batch, 1, 1)`."""
    if window.normalize == "last":
        return context[:, -1:]
    if window.normalize in ("mean", "standard"):
        return ops.mean(context, axis=1, keepdims=True)
    return None


def _scale(context: Any, window: WindowOptions) -> Any:
    """The spread that is taken from a window, `(batch, 1, 1)`.

    A hundredth of the level is added: a window that hardly moves would otherwise make any later
    move look enormous.
    """
    if window.normalize != "standard":
        return None
    level = ops.mean(ops.abs(context), axis=1, keepdims=True)
    return ops.std(context, axis=1, keepdims=True) + 0.01 * level + 1e-6


def _simple_forecast(context: Any, window: WindowOptions, season_length: int) -> Any:
    """What the network corrects, `(batch, horizon)`."""
    if window.residual_of == "none":
        return None
    period = 1 if window.residual_of == "last" else season_length
    season = context[:, -period:, 0]
    if window.residual_of == "seasonal_mean":
        whole = window.context_length // period * period
        seasons = ops.reshape(context[:, -whole:, 0], (-1, whole // period, period))
        season = ops.mean(seasons, axis=1)
    repeats = -(-window.horizon // period)
    return ops.tile(season, (1, repeats))[:, : window.horizon]
