"""What runs are there, are they whole, and how is one removed?"""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from io import StringIO
from pathlib import Path
from typing import Literal

from forecast.display import text_table
from forecast.errors import Problem, RunError
from forecast.runs import DamagedRun, Run, all_runs, problems, strangers
from forecast.runs.overall import overall_scores


@dataclass(frozen=True)
class ListedRun:
    """One line of the list. What a damaged run does not tell is None."""

    name: str
    status: str
    created: str | None = None
    model: str | None = None
    parameters: int | None = None
    seconds: float | None = None
    rmse: float | None = None
    """On the test part, over all series."""
    mase: float | None = None
    size: int | None = None
    """Bytes."""
    latest: bool = False
    problem: str | None = None
    """What is wrong with a damaged run."""


def listed_runs(root: Path) -> list[ListedRun]:
    """The runs under a folder, oldest first; damaged ones are among them, before all others."""
    latest = (root / "latest").resolve()
    return [replace(_listed(run), latest=run.path.resolve() == latest) for run in all_runs(root)]


def _listed(run: Run | DamagedRun) -> ListedRun:
    name = run.path.name
    if isinstance(run, DamagedRun):
        return _damaged(name, run.error)
    record = run.record
    try:
        scores = overall_scores(run, "test", record.model)
    except RunError as error:
        return _damaged(name, error)
    return ListedRun(
        name=name,
        status=record.status,
        created=record.created,
        model=record.model,
        parameters=record.parameters,
        seconds=record.seconds.get("total"),
        rmse=scores.get("rmse"),
        mase=scores.get("mase"),
        size=run.size,
    )


def _damaged(name: str, error: RunError) -> ListedRun:
    return ListedRun(name, "damaged", problem=error.problems[0].message)


def list_text(runs: Sequence[ListedRun], format: Literal["table", "csv", "json"]) -> str:
    """The list of runs for a person or a program."""
    if format == "json":
        return json.dumps([asdict(run) for run in runs], indent=2)
    columns = [field.name for field in fields(ListedRun)]
    if format == "table":
        rows = [[*astuple(run)[:-3], _bytes(run.size), "*" if run.latest else ""] for run in runs]
        return text_table(columns[:-1], rows)
    out = StringIO()
    rows = [[*astuple(run)[:-2], str(run.latest).lower(), run.problem] for run in runs]
    csv.writer(out, lineterminator="\n").writerows([columns, *rows])
    return out.getvalue()


def _bytes(size: int | None) -> str | None:
    """A size for people."""
    if size is None:
        return None
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size //= 1000
    return f"{size} GB"


def verify(run: Run) -> list[str]:
    """Check the files of a run; what lies beside them is named in what is returned.

    Raises `RunError` with everything that is missing or changed.
    """
    found = problems(run)
    if found:
        raise RunError(*(Problem(problem) for problem in found))
    return [
        f"{run.path / name} is no file of the run: it is never read." for name in strangers(run)
    ]
