"""TensorFlow: gradients by a tape, programs by XLA."""

from typing import Any

import tensorflow as tf
from tensorflow.python.client import device_lib

from forecast import machine


def gradient(function: Any, at: Any) -> tuple[Any, Any]:
    """See `Backend.gradient`."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(at)
        number, others = function(at)
    # Zeros, as in JAX, where the number does not depend on a part.
    zero = tf.UnconnectedGradients.ZERO
    return others, tape.gradient(number, at, unconnected_gradients=zero)


def compile(function: Any, *examples: Any) -> Any:
    """See `Backend.compile`. Autograph would rewrite plain Python that needs no rewriting."""
    return tf.function(function, _signature(examples), autograph=False, jit_compile=True)


def compile_parts(function: Any, *examples: Any) -> Any:
    """See `Backend.compile_parts`: TensorFlow's executor hands the parts to its threads."""
    return tf.function(function, _signature(examples), autograph=False)


def part(function: Any) -> Any:
    """See `Backend.part`."""
    return tf.function(function, autograph=False, jit_compile=True)


def _signature(examples: Any) -> Any:
    return tf.nest.map_structure(lambda a: tf.TensorSpec(a.shape, a.dtype), examples)


def devices() -> list[str]:
    """See `Backend.devices`."""
    return [device.name for device in tf.config.list_physical_devices()]


def processors() -> int:
    """See `Backend.processors`: one graphics processor, or the cores."""
    return 1 if tf.config.list_physical_devices("GPU") else machine.cores()


def free_memory() -> int:
    """See `Backend.free_memory`."""
    if not tf.config.list_physical_devices("GPU"):
        return machine.free_memory()
    limits = [d.memory_limit for d in device_lib.list_local_devices() if d.device_type == "GPU"]
    return int(limits[0] - tf.config.experimental.get_memory_info("GPU:0")["current"])


def trace(function: Any) -> Any:
    """See `Backend.trace`."""
    return tf.function(function, autograph=False, reduce_retracing=True)
