"""Is what somebody wants to go on with the same work?"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

from forecast import __version__
from forecast.errors import Problem, UsageError
from forecast.jobs.job import Job
from forecast.runs import Staging
from forecast.runs.checkpoint import Checkpoint, open_checkpoint
from forecast.runs.record import WorkRecord
from forecast.runs.unfinished import checkpoint_path

_SHOWN = 5  # keys of a message
_PACKAGES = ("keras", "tensorflow", "numpy")


def record_of(job: Job) -> WorkRecord:
    """What work on a job begins with."""
    config = job.config.model_dump(mode="json")
    del config["data"]["path"]  # the checksum says which data they are, wherever they lie
    versions = {"python": python_version(), "forecast": __version__}
    return WorkRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions | {name: version(name) for name in _PACKAGES},
        sha256=job.sha256,
        config=config,
    )


def refuse_another(what: str, then: WorkRecord, now: WorkRecord) -> None:
    """Raise `UsageError` where work that was begun, which `what` says, is of something else."""
    advice = "Begin anew, without --resume."
    if then.sha256 != now.sha256:
        message = f"{what} of another table, or of this one before it was changed."
        raise UsageError(Problem(message, advice))
    different = list(_differences(then.config, now.config))
    if different:
        message = f"{what} of another config: {', '.join(different[:_SHOWN])} differ."
        raise UsageError(Problem(message, f"Give it the config that it had, or b{advice[1:]}"))
    changed = [name for name, own in now.versions.items() if then.versions.get(name) != own]
    if changed:
        message = f"{what} that was begun with another version of {', '.join(changed)}."
        raise UsageError(Problem(message, advice))


def new_checkpoint(job: Job, staging: Staging) -> Checkpoint:
    """Where the networks of a blend are kept while it is trained; nothing is written yet."""
    return Checkpoint(checkpoint_path(staging.root, staging.name), record_of(job))


def resumed_checkpoint(job: Job, root: Path, name: str) -> Checkpoint:
    """That of the training of a run of this name, which was ended on the way.

    Raises `UsageError` where the job is of no blend, or of another one, and `RunError` where there
    is no such training.
    """
    if job.config.blend is None:
        message = "--resume goes on with a blend, and this config is of one network."
        advice = "One that was interrupted has left a run: go on from its weights with --from RUN."
        raise UsageError(Problem(message, advice))
    return open_checkpoint(
        root, name, lambda record: refuse_another(f"{name} is a training", record, record_of(job))
    )


def _differences(one: Mapping[str, Any], other: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The dotted keys in which two configs differ."""
    for key in dict.fromkeys([*one, *other]):
        mine, theirs = one.get(key), other.get(key)
        if isinstance(mine, dict) and isinstance(theirs, dict):
            yield from _differences(mine, theirs, f"{path}{key}.")
        elif mine != theirs:
            yield f"{path}{key}"
