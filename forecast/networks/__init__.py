"""What is the network? One module a kind, each with a `build` function, in Keras layers alone."""

from importlib import import_module

import keras

from forecast.config.schema import GRUOptions


def build(
    options: GRUOptions, *, context_length: int, horizon: int, seed: int, features: int = 1
) -> keras.Model:
    """The untrained network of the config's kind.

    It maps `(batch, context_length, features)` to `(batch, horizon)`. Its first weights and its
    dropout follow from `seed` alone.
    """
    module = import_module(f"forecast.networks.{options.kind}")
    network: keras.Model = module.build(options, (context_length, features), horizon, seed)
    return network
