"""What can Keras's operations not say? Gradients and compilation, one module a backend."""

from importlib import import_module
from typing import Any, Protocol, cast

import keras


class Backend(Protocol):
    """What a backend has to offer beside `keras.ops`."""

    def gradient(self, function: Any, at: Any) -> tuple[Any, Any]:
        """What `function` gives beside the number that it gives first, and that number's gradient.

        `function` maps an array to `(number, others)`.
        """

    def compile(self, function: Any, *examples: Any) -> Any:
        """A function as a machine program for arguments of the shapes of these arrays."""

    def compile_parts(self, function: Any, *examples: Any) -> Any:
        """The same for a function that calls parts.

        Parts that do not wait for each other run side by side, where the backend can do that.
        """

    def part(self, function: Any) -> Any:
        """A function as a machine program within a function of `compile_parts`."""

    def compile_everywhere(self, function: Any) -> Any:
        """A function as a program of all devices of all processes.

        Each device has its own of the last argument, which is what `shared_out` gives, and all of
        the others.
        """

    def shared_out(self, arrays: Any) -> Any:
        """Arrays whose leading axis is the devices of this process, as those of all devices."""

    def added_up(self, arrays: Any) -> Any:
        """In a program of `compile_everywhere`, the sum over all devices of what each has."""

    def own_devices(self) -> list[int]:
        """The places of this process's devices among those of all."""

    def is_everywhere(self, digest: bytes) -> bool:
        """Whether all processes that train together have the same."""

    def devices(self) -> list[str]:
        """The names of what it can compute on."""

    def processors(self) -> int:
        """Programs that can run side by side, each on a processor of its own."""

    def free_memory(self) -> int:
        """Bytes that a program may take on the device that it runs on, roughly."""

    def trace(self, function: Any) -> Any:
        """A function as a program for arguments of any shape: slower to run, quicker to have."""


def backend() -> Backend:
    """That of Keras."""
    return cast(Backend, import_module(f"forecast.backends.{keras.backend.backend()}"))
