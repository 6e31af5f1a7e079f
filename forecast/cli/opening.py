"""Runs made ready for the commands that forecast with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.console import Console

if TYPE_CHECKING:
    from forecast.jobs.opened_network import OpenedNetwork
    from forecast.jobs.opened_run import OpenedRun
    from forecast.runs import Run


def say_loading(backend: str, console: Console) -> None:
    """It takes seconds, in which nothing else would be said."""
    console.say(f"loading {'JAX' if backend == 'jax' else 'TensorFlow'} ...")


def open_named(run: str, runs: Path, console: Console) -> "OpenedRun":
    """The run of a name in a folder of runs, ready to forecast."""
    from forecast.runs import find_run

    return opened_run(find_run(runs, run, console.warn), console)


def open_named_network(run: str, runs: Path, console: Console) -> "OpenedNetwork":
    """The same, of one network: a blend is refused."""
    from forecast.jobs.opening import open_network
    from forecast.runs import find_run

    return open_network(_exported(find_run(runs, run, console.warn), console))


def opened_run(run: "Run", console: Console) -> "OpenedRun":
    """A run that is ready to forecast; one that was interrupted is exported first."""
    from forecast.jobs.opening import open_run

    return open_run(_exported(run, console))


def _exported(run: "Run", console: Console) -> "Run":
    if run.is_exported:
        return run
    from forecast.loading import load_keras

    console.say("the run was interrupted before its network was exported: that is done now.")
    say_loading("tensorflow", console)
    with console.without_library_noise():
        load_keras("tensorflow")
        from forecast.jobs.finishing import finish

        return finish(run)


@contextmanager
def looking(run: str, runs: Path, console: Console) -> Iterator["OpenedNetwork"]:
    """The run, with Keras loaded to look into it."""
    from forecast.loading import load_keras, require_backend

    opened = open_named_network(run, runs, console)
    backend = opened.config.training.backend
    require_backend(backend)
    with console.without_library_noise():
        say_loading(backend, console)
        load_keras(backend)
        yield opened
