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

    def compile_everywhere(self, function: Any, *examples: Any) -> Any:
        """The same on all devices of all processes, each with all of the arguments."""

    def over_devices(self, function: Any) -> Any:
        """A function of windows, in a program of `compile_everywhere`, shared by the devices.

        `function(windows, first, *others)` maps windows `(members, windows)`, of which the first is
        number `first` of its batch, to arrays, which are added up over all devices.
        """

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
