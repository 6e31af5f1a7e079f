"""Loading Keras with the backend that a config asks for.

Keras imports scikit-learn where it is installed, for wrappers that nothing here uses, and that
takes a quarter of the time that loading takes (1.0 of 4.2 s of processor time). So scikit-learn is
hidden while Keras is loaded; a transform that is fitted with it can import it later.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from forecast.errors import Problem, UsageError, require_extra

VARIABLE = "KERAS_BACKEND"
BACKENDS = ("tensorflow", "jax")
_HIDDEN = "sklearn"
_EXTRAS = {"jax": "jax"}  # by the backend's module


def asked_backend(option: str | None = None) -> str | None:
    """The backend that `--backend` names, else Keras's own variable; None where neither does.

    Raises `UsageError` where the variable names one that networks are not trained with here.
    """
    named = option or os.environ.get(VARIABLE) or None
    if named is None or named in BACKENDS:
        return named
    message = f"{VARIABLE} is {named!r}, and networks are trained with {' or '.join(BACKENDS)}."
    raise UsageError(Problem(message, "Say --backend tensorflow, or unset the variable."))


def require_backend(backend: str) -> None:
    """Raise `MissingExtraError` for a backend that is not installed."""
    if backend in _EXTRAS:
        require_extra(backend, _EXTRAS[backend])


def load_keras(backend: str) -> None:
    """Import Keras, which reads the name of its backend from the environment then alone.

    Raises `MissingExtraError` for a backend that is not installed.
    """
    require_backend(backend)
    os.environ[VARIABLE] = backend
    with without(_HIDDEN):
        import_module("keras")


@contextmanager
def without(module: str) -> Iterator[None]:
    """Let imports of a module fail, as if it were not installed, unless it is loaded already."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # as Python documents it
    try:
        yield
    finally:
        del sys.modules[module]
