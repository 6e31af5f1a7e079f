"""What runs are there, and what is in one?"""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any, Literal

from forecast.config import load_config
from forecast.runs import Run, find_run, list_runs
from forecast.display import text_table

_COLUMNS = ("name", "status", "created", "model", "parameters", "seconds")


def list_text(root: Path, format: Literal["table", "csv", "json"]) -> str:
    """The runs under a folder, oldest first."""
    rows = [
        (run.path.name, record.status, record.created, record.model, record.parameters,
         record.seconds.get("total"))
        for run in list_runs(root)
        for record in [run.record]
    ]  # fmt: skip
    if format == "json":
        return json.dumps([dict(zip(_COLUMNS, row, strict=True)) for row in rows], indent=2)
    if format == "table":
        return text_table(_COLUMNS, rows)
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerows([_COLUMNS, *rows])
    return out.getvalue()


def show_text(root: Path, wanted: str, format: Literal["table", "json"]) -> str:
    """Everything about one run."""
    run = find_run(root, wanted)
    document = describe(run)
    if format == "json":
        return json.dumps(document, indent=2)
    scores = document.pop("scores")
    config = run.file("resolved.yaml").read_text(encoding="utf-8").rstrip()
    seconds = ", ".join(f"{stage} {value:.2f}" for stage, value in run.record.seconds.items())
    rows = [
        (row["segment"], row["model"], row["metric"], row["value"])
        for row in scores
        if row["unique_id"] is None
    ]
    return "\n".join(
        [
            f"name: {run.record.name}",
            f"path: {run.path}",
            f"status: {run.record.status}",
            f"parameters: {run.record.parameters}",
            f"seconds: {seconds}",
            "",
            config,
            "",
            text_table(("segment", "model", "metric", "value"), rows),
        ]
    )


def describe(run: Run) -> dict[str, Any]:
    """The document that `runs show --format json` prints."""
    with run.file("scores.csv").open(newline="", encoding="utf-8") as file:
        scores = [
            {**row, "unique_id": row["unique_id"] or None,
             "value": float(row["value"]) if row["value"] else None}
            for row in csv.DictReader(file)
        ]  # fmt: skip
    return {
        "name": run.record.name,
        "path": str(run.path),
        "status": run.record.status,
        "parameters": run.record.parameters,
        "seconds": run.record.seconds,
        "config": load_config(run.file("resolved.yaml")).config.model_dump(mode="json"),
        "scores": scores,
    }
