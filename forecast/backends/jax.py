"""JAX: gradients by tracing, programs by XLA."""

from typing import Any

import jax

from forecast import machine


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
