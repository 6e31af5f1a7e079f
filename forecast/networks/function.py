"""A network of somebody's own: a function that builds it from Keras layers.

It is called as `connect(inputs, shape, **options)` with `forecast.windows.Inputs` of Keras tensors
and `forecast.networks.shape.Shape`, and gives a Keras tensor `(batch, shape.outputs)`. It need not
know of members: they are trained one by one, as many at a time as there are processors.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import ModuleType
from typing import Any

import keras

from forecast.config.models import FunctionOptions
from forecast.errors import ConfigError, Problem
from forecast.networks.layers import Layers
from forecast.networks.shape import Shape
from forecast.windows import Inputs


def connect(inputs: Inputs, shape: Shape, options: FunctionOptions, layers: Layers) -> Any:
    """The function's own layers. Raises `ConfigError` where there is none, or it gives no outputs.

    An error within the function is raised as it is: it is its author who reads it.
    """
    return layers.model(lambda: _model(inputs, shape, options), inputs.named, "network")


def _model(inputs: Inputs, shape: Shape, options: FunctionOptions) -> keras.Model:
    """The function's layers as a model of inputs of the same shapes."""
    own = Inputs(
        **{name: keras.Input(part.shape[1:], name=name) for name, part in inputs.named.items()}
    )
    outputs = _function(options)(own, shape, **options.options)
    wanted = (None, shape.outputs)
    if tuple(getattr(outputs, "shape", ())) != wanted:
        found = getattr(outputs, "shape", type(outputs).__name__)
        message = f"{options.kind} gives {found}, and {wanted} is needed: `shape.outputs` a window."
        raise ConfigError(Problem(message, "End it with keras.layers.Dense(shape.outputs)."))
    model = keras.Model(own.named, outputs, name="network")
    kept = [v.path for v in model.non_trainable_variables if not v.path.endswith(_SEED)]
    if kept:
        message = f"{options.kind} has weights that are not trained: {', '.join(kept[:3])}."
        advice = "Use LayerNormalization in place of BatchNormalization."
        raise ConfigError(Problem(message, advice))
    return model


_SEED = "seed_generator_state"


def _function(options: FunctionOptions) -> Callable[..., Any]:
    name, _, function = options.kind.partition(":")
    try:
        found = getattr(_module(name, options.folder), function)
    except ModuleNotFoundError as error:
        if error.name != name:  # one that the module itself imports
            raise
        message = f"there is no module {name}, in {options.folder} or installed."
        advice = "`model.kind` is module:function; `model.folder` says where the module lies."
        raise ConfigError(Problem(message, advice)) from error
    except AttributeError as error:
        message = f"the module {name} has no function {function}."
        raise ConfigError(Problem(message, "`model.kind` is module:function.")) from error
    connect: Callable[..., Any] = found
    return connect


def _module(name: str, folder: str | None) -> ModuleType:
    """The module of this name in the folder, or else the installed one."""
    spec = PathFinder.find_spec(name, [folder]) if folder and "." not in name else None
    if spec is None or spec.loader is None:
        return import_module(name)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
