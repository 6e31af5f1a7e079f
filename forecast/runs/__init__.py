"""What does training leave behind? Run directories: complete or absent, checked when opened."""

from forecast.runs.record import DataRecord, RunRecord, SeriesRecord, model_names
from forecast.runs.store import Run, Staging, find_run, list_runs, stage

__all__ = [
    "DataRecord",
    "Run",
    "RunRecord",
    "SeriesRecord",
    "Staging",
    "find_run",
    "list_runs",
    "model_names",
    "stage",
]
