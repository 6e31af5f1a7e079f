"""Looking after runs that are there: are they whole, and how is one removed?"""

import secrets
import shutil
from pathlib import Path

from forecast.errors import Problem, RunError, UsageError, reason
from forecast.runs.latest import repair_latest
from forecast.runs.layout import MEMBERS, PLOTS, RUN, TENSORBOARD, is_of_a_run
from forecast.runs.staging import STAGING, reserved, sweep
from forecast.runs.store import LATEST, Run, Warn, find_run, is_run, unsaid
from forecast.runs.unfinished import checkpoint_path, has_checkpoint


def problems(run: Run) -> list[str]:
    """What is wrong with the files of a run; nothing where each is what was written."""
    found = []
    for name in run.record.checksums:
        try:
            run.file(name)
        except RunError as error:
            found += [problem.message for problem in error.problems]
    try:
        members = list(run.members.values())
    except RunError as error:
        return list(dict.fromkeys([*found, *(problem.message for problem in error.problems)]))
    return [*found, *(problem for member in members for problem in problems(member))]


def strangers(run: Run) -> list[str]:
    """What lies in the run's folder and is none of its files: nothing of it is ever read."""
    known = {RUN, PLOTS, TENSORBOARD, *run.record.checksums}
    known |= {MEMBERS} if run.is_blend else set()
    return sorted({path.name for path in run.path.iterdir()} - known)


def delete(root: Path, wanted: str, warn: Warn = unsaid) -> Path:
    """Remove a run, also a damaged one, and let `latest` lead to the newest that is left.

    Or remove what is kept of a training that was ended on the way. Returns where it was. Raises
    `RunError` where there is none, and `UsageError` for a folder with files that no run has: what
    is not ours is not removed.
    """
    if has_checkpoint(root, wanted) and not is_run(root / wanted):
        path = checkpoint_path(root, wanted)
        with reserved(path.with_name(f"{STAGING}{wanted}"), wanted, "Stop it first."):
            _remove(path, warn)
    else:
        path = _folder(root, wanted)
        _refuse_strange(path)
        _remove(path, warn)
    return path


def _remove(path: Path, warn: Warn) -> None:
    try:
        sweep(path.parent)
        # Gone in one step: whatever ends the removal, no half of a run is left under its name.
        going = path.with_name(f"{STAGING}{secrets.token_hex(8)}")
        path.rename(going)
        shutil.rmtree(going)
        repair_latest(path.parent, warn)
    except OSError as error:
        message = f"can not delete {path}: {reason(error)}."
        raise UsageError(Problem(message, "Look at the permissions of its folder.")) from error


def _refuse_strange(path: Path) -> None:
    strange = sorted(e.name for e in path.iterdir() if not is_of_a_run(e.name))
    if strange:
        message = f"{path} holds what no run has: {', '.join(strange[:5])}."
        raise UsageError(Problem(message, "Move it away, and the run can be deleted."))


def _folder(root: Path, wanted: str) -> Path:
    """The folder of a run, which need not be readable."""
    if wanted != LATEST:
        for path in (Path(wanted), root / wanted):
            if is_run(path):
                return path.resolve()
    return find_run(root, wanted).path
