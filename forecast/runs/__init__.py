"""What does training leave behind? Run directories: complete or absent, checked when opened.

Every file of a run is written and read here: JSON and YAML in `documents`, tables in `tables`,
arrays in `weights`. These three are imported by their names, for a list of runs needs none of them.
"""

from forecast.runs.keeping import delete, problems, strangers
from forecast.runs.layout import model_names
from forecast.runs.record import (
    BlendRecord,
    DataRecord,
    MemberRecord,
    RunRecord,
    SeriesRecord,
    WarmStartRecord,
)
from forecast.runs.staging import Staging, stage
from forecast.runs.store import DamagedRun, Run, all_runs, find_run, list_runs

__all__ = [
    "BlendRecord",
    "DamagedRun",
    "DataRecord",
    "MemberRecord",
    "Run",
    "RunRecord",
    "SeriesRecord",
    "Staging",
    "WarmStartRecord",
    "all_runs",
    "delete",
    "find_run",
    "list_runs",
    "model_names",
    "problems",
    "stage",
    "strangers",
]
