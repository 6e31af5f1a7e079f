"""The history of a training as events that TensorBoard reads.

TensorBoard's own class for such files loads TensorFlow, where it is installed, to open them: only
what writes a record is taken from it.
"""

import time
from importlib import import_module
from io import BytesIO
from typing import Any

import pandas as pd

from forecast.errors import require_extra
from forecast.runs.layout import TENSORBOARD
from forecast.runs.staging import Staging

# TensorBoard knows a file of events by `tfevents` in its name.
_FILE = "events.out.tfevents.forecast"
_VERSION = "brain.Event:2"
_NO_SCALARS = {"epoch", "member"}


def require_tensorboard() -> None:
    """Raise `MissingExtraError` where it is not installed."""
    require_extra("tensorboard", "tensorboard")


def write_events(staging: Staging, history: pd.DataFrame) -> None:
    """`tensorboard/member-K/`: for each member a scalar of each column, at every epoch.

    The times of the events are those at which the epochs would have ended, had the last one ended
    now.
    """
    ended = time.time()
    for member, own in history.groupby("member"):
        left = own["seconds"].sum() - own["seconds"].cumsum()
        folder = f"{TENSORBOARD}/member-{member}"
        (staging.path / folder).mkdir(parents=True, exist_ok=True)
        staging.write(f"{folder}/{_FILE}", _events(own, ended - left))


def _events(history: pd.DataFrame, times: pd.Series) -> bytes:
    """A file of events: the version of the form, then an event for each epoch."""
    events = import_module("tensorboard.compat.proto.event_pb2")
    file = BytesIO()
    writer = import_module("tensorboard.summary.writer.record_writer").RecordWriter(file)
    first = events.Event(wall_time=times.iloc[0], file_version=_VERSION)
    writer.write(first.SerializeToString())
    for row, moment in zip(history.to_dict("records"), times, strict=True):
        writer.write(_event(events, row, moment).SerializeToString())
    return file.getvalue()


def _event(events: Any, row: dict[Any, Any], moment: float) -> Any:
    summaries = import_module("tensorboard.compat.proto.summary_pb2")
    values = [
        summaries.Summary.Value(tag=name, simple_value=value)
        for name, value in row.items()
        if name not in _NO_SCALARS and pd.notna(value)
    ]
    return events.Event(
        wall_time=moment, step=row["epoch"], summary=summaries.Summary(value=values)
    )
