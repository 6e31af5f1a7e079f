"""`forecast train`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from forecast.cli.command import command
from forecast.cli.opening import say_loading
from forecast.cli.options import (
    RUNS,
    BackendOption,
    ConfigOption,
    RunsOption,
    SetOption,
    completing,
)

if TYPE_CHECKING:
    from forecast.commands.invocation import Invocation
    from forecast.jobs.job import Job
    from forecast.runs import Run, Staging
    from forecast.runs.checkpoint import Checkpoint


@command(
    "forecast train --config air.yaml",
    "forecast train --config air.yaml --set training.epochs=5 --name quick",
    "forecast train --config air.yaml --from latest --set training.epochs=10",
)
def train(
    context: typer.Context,
    config: ConfigOption,
    set_: SetOption = None,
    name: Annotated[
        str | None,
        typer.Option(help="The run's name; the config's and the time by default.", metavar="NAME"),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="RUN",
            help="Go on from the weights and scales of an earlier run, on newer rows.",
            autocompletion=completing("run"),
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Go on with the training of a blend that was ended: its members that were "
            "fitted by then are kept.",
        ),
    ] = None,
    backend: BackendOption = None,
    log: Annotated[
        Literal["tensorboard"] | None,
        typer.Option(
            help="Write the history into the run's folder tensorboard/ too, for "
            "`tensorboard --logdir`; needs the extra tensorboard."
        ),
    ] = None,
    runs: RunsOption = RUNS,
) -> None:
    """Train a network, or a blend, and print the path of its run.

    The run holds the network, its scores beside those of the baselines, and all that the other
    commands need.
    """
    from forecast.stopwatch import Stopwatch

    stopwatch, console = Stopwatch(), context.obj
    # Config, data and the runs folder come first: their errors need not wait for TensorFlow.
    with stopwatch.stage("import"):
        from forecast.jobs.job import prepare
        from forecast.jobs.warm_start import warm_start
        from forecast.loading import asked_backend, load_keras, require_backend
        from forecast.runs import find_run, stage
        from forecast.runs.tensorboard import require_tensorboard
    if log:
        require_tensorboard()
    with stopwatch.stage("read"):
        earlier = None if from_ is None else find_run(runs, from_, console.warn)
        job = prepare(config, set_ or (), {"training.backend": asked_backend(backend)}, console)
        if job.networks:
            require_backend(job.config.training.backend)
        start = None if earlier is None else warm_start(job, earlier)
        checkpoint = _checkpoint(job, runs, name, resume)
    with (
        _own_runs(runs, job) as kept_in,
        stage(kept_in, config.stem, resume or name, console.warn) as staging,
        console.stop.cleaning(staging.remove),
        console.without_library_noise(),
    ):
        if job.networks:
            say_loading(job.config.training.backend, console)
            with stopwatch.stage("import"):
                load_keras(job.config.training.backend, job.config.training.distribution)
        from forecast.commands.invocation import Invocation

        invocation = Invocation(console, stopwatch, sys.argv[1:], start, log)
        run = _train(job, staging, invocation, checkpoint)
        if run is not None and kept_in == runs:
            console.result(str(run.path))


def _checkpoint(
    job: "Job", root: Path, name: str | None, resume: str | None
) -> "Checkpoint | None":
    """The training to go on with, if any. Raises where there is none of this job."""
    from forecast.errors import Problem, UsageError
    from forecast.jobs.resuming import resumed_checkpoint
    from forecast.runs.unfinished import refuse_checkpoint

    if resume is None:
        if name is not None:
            refuse_checkpoint(root, name)
        return None
    if name is not None:
        raise UsageError(Problem("--name: a training that is gone on with has its name already."))
    if _is_shared(job):
        message = "--resume: processes that train together keep nothing on the way."
        raise UsageError(Problem(message, "Train without it."))
    return resumed_checkpoint(job, root, resume)


def _is_shared(job: "Job") -> bool:
    """Whether several processes train together."""
    from forecast.loading import is_one_of_several

    return job.config.training.distribution is not None and is_one_of_several()


@contextmanager
def _own_runs(runs: Path, job: "Job") -> Iterator[Path]:
    """The folder of this process's run: of those that train together, the first one's is kept.

    The others leave nothing, and end when it does.
    """
    from forecast.loading import is_first_process, wait_for_others

    if not _is_shared(job):
        yield runs
        return
    if is_first_process():
        yield runs
    else:
        with TemporaryDirectory() as folder:
            yield Path(folder)
    wait_for_others()


def _train(
    job: "Job", staging: "Staging", invocation: "Invocation", checkpoint: "Checkpoint | None"
) -> "Run | None":
    """A network, or a blend; what takes Keras, which is loaded by now, is imported for no other.

    None where the first of the processes that train together leaves the run. The networks of a
    blend are trained one after another, with forecasts in between that all of them make.
    """
    from forecast.loading import is_first_process

    if job.config.blend is None:
        from forecast.commands.train import take_part
        from forecast.commands.train import train as train_job

        if _is_shared(job) and not is_first_process():
            take_part(job, invocation)
            return None
        return train_job(job, staging, invocation)
    from forecast.commands.train_blend import NetworkTraining, train_blend
    from forecast.jobs.resuming import new_checkpoint

    if not _is_shared(job):
        checkpoint = checkpoint or new_checkpoint(job, staging)
    if not job.members:
        return train_blend(job, staging, invocation, checkpoint=checkpoint)
    from forecast.commands.train import write_run
    from forecast.jobs.fitting import fit_networks
    from forecast.jobs.kept_networks import KeptNetworks

    fit = fit_networks if checkpoint is None else KeptNetworks(checkpoint).fit
    return train_blend(job, staging, invocation, NetworkTraining(fit, write_run), checkpoint)
