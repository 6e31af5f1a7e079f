"""JAX: gradients by tracing, programs by XLA."""

from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from forecast import machine

_AXIS = "windows"


def gradient(function: Any, at: Any) -> tuple[Any, Any]:
    """See `Backend.gradient`."""
    slopes, others = jax.grad(function, has_aux=True)(at)
    return others, slopes


def compile(function: Any, *examples: Any) -> Any:
    """See `Backend.compile`."""
    return jax.jit(function)


def compile_parts(function: Any, *examples: Any) -> Any:
    """See `Backend.compile_parts`: one program, in which XLA shares out large products alone."""
    return compile(function, *examples)


def part(function: Any) -> Any:
    """See `Backend.part`."""
    return function


def compile_everywhere(function: Any, *examples: Any) -> Any:
    """See `Backend.compile_everywhere`."""
    mesh, everywhere = Mesh(np.array(jax.devices()), (_AXIS,)), PartitionSpec()
    # Nothing is left for XLA to share out by itself: processes could meet in another order each.
    each = jax.shard_map(
        function, mesh=mesh, in_specs=everywhere, out_specs=everywhere, check_vma=False
    )
    shardings = NamedSharding(mesh, everywhere)
    return jax.jit(each, in_shardings=shardings, out_shardings=shardings)


def over_devices(function: Any) -> Any:
    """See `Backend.over_devices`."""

    def shared(windows: Any, first: Any, *others: Any) -> Any:
        share = windows.shape[1] // jax.device_count()
        place = jax.lax.axis_index(_AXIS) * share
        own = jax.lax.dynamic_slice_in_dim(windows, place, share, axis=1)
        numbers, parts = ravel_pytree(function(own, first + place, *others))
        return parts(jax.lax.psum(numbers, _AXIS))

    return shared


def is_everywhere(digest: bytes) -> bool:
    """See `Backend.is_everywhere`."""
    own = np.frombuffer(digest, np.uint8)
    return bool((multihost_utils.process_allgather(own, tiled=False) == own).all())


def devices() -> list[str]:
    """See `Backend.devices`."""
    return [str(device) for device in jax.devices()]


def processors() -> int:
    """See `Backend.processors`: one graphics processor, or the cores."""
    return machine.cores() if jax.default_backend() == "cpu" else 1


def free_memory() -> int:
    """See `Backend.free_memory`."""
    if jax.default_backend() == "cpu":
        return machine.free_memory()
    stats = jax.devices()[0].memory_stats()
    return int(stats["bytes_limit"] - stats["bytes_in_use"])


def trace(function: Any) -> Any:
    """See `Backend.trace`: JAX has one kind of program, for each shape of its own."""
    return jax.jit(function)
