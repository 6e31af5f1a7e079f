"""What was not as expected? Anomalies of a run's test part, or of newer rows."""

import json
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from forecast.console import Console
from forecast.data.calendar import iso
from forecast.data.export import csv_text, records
from forecast.display import text_table
from forecast.errors import DataError, Problem, UsageError, some_of
from forecast.jobs.anomalies import Level, events, newer_points, own_points, with_events
from forecast.jobs.opened_network import OpenedNetwork

COUNTS = ("anomalies", "events")
"""What a gate may ask for."""
_SHOWN = 40  # events that a person is shown


class Detection:
    """The values that were judged, and those of them that are anomalies."""

    def __init__(self, points: pd.DataFrame, level: float) -> None:
        """Of points as `own_points` gives them."""
        self.level = level
        self.points = points
        self.anomalies = with_events(points)
        """`unique_id, ds, y, y_hat, low, high, score, event`"""
        self.events = events(self.anomalies)

    @property
    def counts(self) -> dict[str, int]:
        """How many anomalies and events there are."""
        return {"anomalies": len(self.anomalies), "events": len(self.events)}


def detect(
    opened: OpenedNetwork, newer: Path | None, level: float, step: int, console: Console
) -> Detection:
    """Judge the values of the run's test part, or those of newer rows, from `step` steps before.

    Newer rows that the network was fitted on are passed over. Raises `RunError` where too few
    errors are known for the level, `DataError` where no row can be judged.
    """
    wanted = Level(level)
    if newer is None:
        points = own_points(opened, wanted, step)
    else:
        panel, first = opened.continued(newer)
        begins = np.maximum(first, opened.unseen(panel))
        passed = int(np.sum(begins - first))
        if passed:
            console.say(f"{passed} rows are passed over: the network was fitted on them")
        strange = [name for name in panel.unique_ids if name not in opened.fitted]
        if strange:
            console.say(f"passed over, as the network was not fitted on them: {some_of(strange)}")
        points = newer_points(opened, panel, begins, wanted, step)
    if points.empty:
        message = "there is no row to judge that the network was not fitted on."
        raise DataError(Problem(message, "Give newer rows: --input FILE."))
    detection = Detection(points, level)
    console.say(
        f"{len(points)} values judged {step} step{'s' if step > 1 else ''} ahead: "
        f"{len(detection.anomalies)} outside what {100 * level:g} % are expected to be, where "
        f"chance would have {(1 - level) * len(points):.2g}"
    )
    return detection


def refuse_level(level: float) -> None:
    """Raise `UsageError` for a level that is no share below 1 of all values."""
    if not 0 < level < 1:
        message = f"--level {level:g}: it is a share above 0 and below 1."
        raise UsageError(Problem(message, "Such as 0.99."))


def detection_text(detection: Detection, format: Literal["table", "csv", "json"]) -> str:
    """The events for a person; the anomalies for a program."""
    if format == "csv":
        return csv_text(detection.anomalies)
    if format == "json":
        document = {
            "level": detection.level,
            "rows": len(detection.points),
            **detection.counts,
            "points": records(detection.anomalies),
        }
        return json.dumps(document, indent=2)
    if detection.events.empty:
        return "no anomalies"
    shown = detection.events.head(_SHOWN)
    begins, ends = (iso(pd.Index(shown[column])) for column in ("begin", "end"))
    rows = [
        (name, begin, end, str(values), float(score), _direction(above))
        for name, begin, end, values, score, above in zip(
            shown["unique_id"], begins, ends, shown["values"], shown["score"], shown["above"],
            strict=True,
        )
    ]  # fmt: skip
    table = text_table(("unique_id", "from", "to", "values", "score", ""), rows)
    more = len(detection.events) - len(shown)
    return f"{table}\n... and {more} more" if more else table


def _direction(above: float) -> str:
    return {1.0: "above", 0.0: "below"}.get(above, "above and below")
