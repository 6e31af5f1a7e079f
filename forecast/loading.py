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
# As `keras.distribution.initialize` reads them.
PROCESSES = "KERAS_DISTRIBUTION_NUM_PROCESSES"
PROCESS = "KERAS_DISTRIBUTION_PROCESS_ID"
ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
BACKENDS = ("tensorflow", "jax")
_HIDDEN = "sklearn"
_LONGEST = 7 * 24 * 3600  # seconds that others wait for the first process to score the network
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


def load_keras(backend: str, distribution: str | None = None) -> None:
    """Import Keras, which reads the name of its backend from the environment then alone.

    With a `distribution`, find the other processes that train with this one, if Keras's variables
    name any. Raises `MissingExtraError` for a backend that is not installed.
    """
    require_backend(backend)
    os.environ[VARIABLE] = backend
    with without(_HIDDEN):
        import_module("keras")
    if distribution and is_one_of_several():
        _meet()


def is_one_of_several() -> bool:
    """Whether Keras's variables name other processes to train with."""
    return PROCESSES in os.environ


def is_first_process() -> bool:
    """Whether this is the one whose run is kept, of those that train together."""
    return not is_one_of_several() or os.environ.get(PROCESS) == "0"


def _meet() -> None:
    """Wait for the processes that train together.

    Raises `UsageError` where the variables make no sense, or where the others do not come.
    """
    count, own = os.environ[PROCESSES], os.environ.get(PROCESS, "")
    advice = (
        f"Set {ADDRESSES} to the first one's host:port, {PROCESSES} to how many there are, and "
        f"{PROCESS} to 0, 1, ..."
    )
    if not (count.isdecimal() and own.isdecimal() and int(own) < int(count)):
        message = f"this would be process {own or '?'} of {count}, counted from 0."
        raise UsageError(Problem(message, advice))
    if not os.environ.get(ADDRESSES):
        raise UsageError(Problem(f"{ADDRESSES} is not set.", advice))
    try:
        with _as_talk():
            jax = import_module("jax")
            # SIGTERM ends a command as ever, and is no sign to save the work on all machines.
            jax.config.update("jax_enable_preemption_service", val=False)
            # Where a process is lost the others say so, and are not aborted.
            jax.config.update("jax_enable_recoverability", val=True)
            # As `keras.distribution.initialize` does, which has no word for how long to wait.
            jax.distributed.initialize(
                os.environ[ADDRESSES].partition(",")[0],
                int(count),
                int(own),
                shutdown_timeout_seconds=_LONGEST,
            )
            import_module("jax.experimental.multihost_utils").sync_global_devices("met")
    except (RuntimeError, ValueError) as error:
        message = f"process {own} of {count} does not find the others: {error}"
        raise UsageError(Problem(message, advice)) from error


@contextmanager
def _as_talk() -> Iterator[None]:
    """Send what libraries in C++ print to stderr: gloo tells stdout whom it has met."""
    copy = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(copy, 1)
        os.close(copy)


def wait_for_others() -> None:
    """Wait until the processes that trained together are done, before this one ends."""
    import_module("jax").distributed.shutdown()


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
