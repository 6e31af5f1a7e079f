"""Values so large that what is computed from them would be no number."""

import numpy as np

from forecast.data.panel import Panel
from forecast.errors import DataError, Problem

LARGEST = 1e140  # squares of such values, and sums of these, are numbers still


def refuse_overflow(panel: Panel) -> None:
    """Raise `DataError` for values whose squared errors would be infinite."""
    begin, found = 0, []
    for block in panel.blocks():
        found.append(begin + np.flatnonzero(np.abs(block.values) > LARGEST))
        begin += len(block.values)
    rows = np.concatenate(found)
    if not rows.size:
        return
    message = (
        f"{panel.describe(rows[0])} ({rows.size} such rows): errors of values beyond {LARGEST:g} "
        "can not be squared."
    )
    raise DataError(Problem(message, "Write the values in a larger unit, such as millions."))
