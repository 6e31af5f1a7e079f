"""What is in one run?"""

import json
from typing import Any, Literal

import pandas as pd

from forecast.commands.scored import shown_scores, target_scores
from forecast.data.export import records
from forecast.display import text_table
from forecast.runs import Run, WarmStartRecord
from forecast.runs.documents import read_blend, read_config, resolved_text
from forecast.runs.tables import read_scores


def show_text(run: Run, format: Literal["table", "json"]) -> str:
    """Everything about one run."""
    scores = read_scores(run)
    if format == "json":
        return json.dumps(_document(run, scores), indent=2)
    record, blend = run.record, read_blend(run) if run.is_blend else None
    seconds = ", ".join(f"{stage} {value:.2f}" for stage, value in record.seconds.items())
    return "\n".join(
        [
            f"name: {record.name}",
            f"path: {run.path}",
            f"status: {record.status}",
            *([_origin(record.warm_start)] if record.warm_start else []),
            f"parameters: {record.parameters}",
            f"seconds: {seconds}",
            *(["", text_table(blend.columns, blend.rows)] if blend else []),
            "",
            resolved_text(run),
            shown_scores(scores, "test", read_config(run).data),
        ]
    )


def _origin(start: WarmStartRecord) -> str:
    """Where the run began, in a line."""
    notes = [f"transforms {start.transforms}"]
    notes += [f"{len(start.new_series)} series new"] * bool(start.new_series)
    notes += [f"{len(start.lost_series)} series lost"] * bool(start.lost_series)
    return f"from: {start.name} ({', '.join(notes)})"


def _document(run: Run, scores: pd.DataFrame) -> dict[str, Any]:
    """The document that `--format json` prints; an undefined score is null.

    Where a table has several targets, `targets` are the means over the series of each.
    """
    start, config = run.record.warm_start, read_config(run)
    by_target = target_scores(scores, config.data)
    return {
        "name": run.record.name,
        "path": str(run.path),
        "status": run.record.status,
        "warm_start": None if start is None else start.model_dump(),
        "parameters": run.record.parameters,
        "seconds": run.record.seconds,
        "blend": read_blend(run).model_dump() if run.is_blend else None,
        "config": config.model_dump(mode="json"),
        "scores": records(scores),
    } | ({"targets": records(by_target)} if len(by_target) else {})
