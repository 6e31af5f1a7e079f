"""What runs are there?"""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Literal

from forecast.display import text_table
from forecast.runs import list_runs

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
