"""JAX: gradients by tracing, programs by XLA."""

from typing import Any

import jax


def gradient(function: Any, at: Any) -> tuple[Any, Any]:
    """See `Backend.gradient`."""
    slopes, others = jax.grad(function, has_aux=True)(at)
    return others, slopes


def compile(function: Any, *examples: Any) -> Any:
    """See `Backend.compile`."""
    return jax.jit(function)


def trace(function: Any) -> Any:
    """See `Backend.trace`: JAX has one kind of program, for each shape of its own."""
    return jax.jit(function)
