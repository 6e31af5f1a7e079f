"""How far ahead can a table be forecast? As far as there are dates, and memory for the rows."""

from datetime import datetime

import pandas as pd

from forecast.data.calendar import is_counted, iso, offset_of
from forecast.data.panel import Panel
from forecast.errors import Problem, UsageError

MOST_ROWS = 20_000_000
_END = datetime(9999, 12, 31)  # the last day that there is a date for
_TRIED = 400  # steps whose mean length tells how many there are until then


def refuse_endless(panel: Panel, horizon: int) -> None:
    """Raise `UsageError` for forecasts that could never be written down."""
    series = len(panel.unique_ids)
    most = max(1, MOST_ROWS // series)
    why = f"of {series} series would be more than {MOST_ROWS:,} rows"
    if not is_counted(panel.freq):
        last = pd.DatetimeIndex(panel.lasts).max()
        left = _steps_left(last, panel.freq)
        if left < most:
            most, why = left, f"after {iso(pd.Index([last]))[0]} lie past the year {_END.year}"
    if horizon > most:
        message = f"{horizon:,} steps of the frequency {panel.freq} {why}."
        raise UsageError(Problem(message, f"Ask for fewer steps: --horizon {most}."))


def _steps_left(last: pd.Timestamp, freq: str) -> int:
    """Steps after a date that surely have one themselves."""
    offset, _ = offset_of(freq)
    wall = last.tz_localize(None)
    left = (_END - wall.to_pydatetime()).total_seconds()
    if isinstance(offset, pd.offsets.Tick):
        length = offset.nanos / 1e9
    else:
        try:
            length = (wall + _TRIED * offset - wall).total_seconds() / _TRIED
        except (OverflowError, ValueError):  # not even these
            return 1
    return max(1, int(0.998 * left / length))
