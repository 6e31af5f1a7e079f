"""What is in one run?"""

import json
from typing import Any, Literal

import pandas as pd

from forecast.data.export import records
from forecast.display import scores_table
from forecast.runs import Run
from forecast.runs.documents import read_config, resolved_text
from forecast.runs.tables import read_scores


def show_text(run: Run, format: Literal["table", "json"]) -> str:
    """Everything about one run."""
    scores = read_scores(run)
    if format == "json":
        return json.dumps(_document(run, scores), indent=2)
    record = run.record
    seconds = ", ".join(f"{stage} {value:.2f}" for stage, value in record.seconds.items())
    return "\n".join(
        [
            f"name: {record.name}",
            f"path: {run.path}",
            f"status: {record.status}",
            f"parameters: {record.parameters}",
            f"seconds: {seconds}",
            "",
            resolved_text(run),
            scores_table(scores),
        ]
    )


def _document(run: Run, scores: pd.DataFrame) -> dict[str, Any]:
    """The document that `--format json` prints; an undefined score is null."""
    return {
        "name": run.record.name,
        "path": str(run.path),
        "status": run.record.status,
        "parameters": run.record.parameters,
        "seconds": run.record.seconds,
        "config": read_config(run).model_dump(mode="json"),
        "scores": records(scores),
    }
