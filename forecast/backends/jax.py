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
    return jax.jit(function)


def part(function: Any) -> Any:
    """See `Backend.part`."""
    return function


def compile_everywhere(function: Any) -> Any:
    """See `Backend.compile_everywhere`."""
    everywhere, shared = _sharding(), _sharding(_AXIS)

    def own(same: Any, shares: Any) -> Any:
        return function(*same, jax.tree.map(lambda share: share[0], shares))

    # Nothing is left for XLA to share out by itself: processes could meet in another order each.
    each = jax.shard_map(
        own,
        mesh=everywhere.mesh,
        in_specs=(everywhere.spec, shared.spec),
        out_specs=everywhere.spec,
        check_vma=False,
    )
    program = jax.jit(each, in_shardings=(everywhere, shared), out_shardings=everywhere)
    return lambda *arguments: program(arguments[:-1], arguments[-1])


def shared_out(arrays: Any) -> Any:
    """See `Backend.shared_out`."""
    sharding = _sharding(_AXIS)
    return jax.tree.map(lambda own: jax.make_array_from_process_local_data(sharding, own), arrays)


def added_up(arrays: Any) -> Any:
    """See `Backend.added_up`: as one sum, since several could meet in another order each."""
    numbers, parts = ravel_pytree(arrays)
    return parts(jax.lax.psum(numbers, _AXIS))


def own_devices() -> list[int]:
    """See `Backend.own_devices`."""
    own = jax.process_index()
    return [place for place, device in enumerate(jax.devices()) if device.process_index == own]


def _sharding(*axes: str) -> NamedSharding:
    """Over all devices of all processes, or the same on each of them."""
    return NamedSharding(Mesh(np.array(jax.devices()), (_AXIS,)), PartitionSpec(*axes))


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
