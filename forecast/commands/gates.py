"""What do the gates of a recurrent network do, and how long does it remember?"""

import json
from typing import Literal

import numpy as np
import pandas as pd

from forecast.console import Console
from forecast.data.calendar import iso
from forecast.data.export import csv_text, records
from forecast.data.panel import FloatArray
from forecast.display import text_table
from forecast.errors import Problem, RunError
from forecast.jobs.inside import Wanted, Windowed, look_inside
from forecast.jobs.opened_network import OpenedNetwork

_OPENING = {"update_gate": -1.0, "input_gate": 1.0}
"""The gate that lets new values in, and its sign: Keras's update gate is the share that is kept."""
_KEEPING = ("update_gate", "forget_gate")
"""The gate whose mean says how long a unit remembers."""
_DATES = 5


class Gates:
    """Gates and states of every recurrent layer, at the last step of each window or at all."""

    def __init__(self, found: Windowed, series: str) -> None:
        """Of windows of one series. Raises `RunError` for a network without recurrent layers."""
        inside, self.panel, self.cutoffs, self.unit_steps = found
        self.series = series
        self.seen = inside.look()
        if not self.seen:
            kind = inside.architecture.options.kind
            message = f"{kind} has no recurrent layer, and so no gates."
            raise RunError(Problem(message, "`forecast inspect gradients` looks into any network."))

    def table(self, *, all_steps: bool) -> pd.DataFrame:
        """`unique_id, ds, lag, layer, unit`, and a column a gate; `ds` is that of the cutoff.

        `lag` counts steps back from the next one, which is forecast: 1 alone, that of the cutoff,
        unless all steps are wanted.
        """
        series = self.panel.series_of(self.cutoffs)
        names = np.array(self.panel.unique_ids, dtype=object)[series]
        ds = iso(self.panel.dates(self.cutoffs))
        tables = []
        for layer, parts in self.seen.items():
            windows, steps, units = parts["state"].shape
            chosen = range(steps) if all_steps else [steps - 1]
            for step in chosen:
                columns = {name: part[:, step].ravel() for name, part in parts.items()}
                tables.append(
                    pd.DataFrame(
                        {
                            "unique_id": np.repeat(names, units),
                            "ds": np.repeat(np.array(ds, dtype=object), units),
                            "lag": 1 + (steps - 1 - step) * self.unit_steps,
                            "layer": layer,
                            "unit": np.tile(np.arange(units), windows),
                            **columns,
                        }
                    )
                )
        return pd.concat(tables, ignore_index=True)

    def half_lives(self, layer: str) -> FloatArray | None:
        """Steps of the table after which half of a unit's state is left, `(units,)`.

        From the mean logarithm of the gate that keeps it, over all windows and steps. None of a
        layer without such a gate.
        """
        gate = next((self.seen[layer][name] for name in _KEEPING if name in self.seen[layer]), None)
        if gate is None:
            return None
        kept = np.log(np.clip(gate, 1e-6, 1 - 1e-6)).mean(axis=(0, 1))
        return np.asarray(self.unit_steps * np.log(0.5) / kept, np.float64)

    def openness(self, layer: str) -> FloatArray | None:
        """How far the layer lets each cutoff's value in, 0 to 1, the mean over units; or None."""
        for name, sign in _OPENING.items():
            if name in self.seen[layer]:
                opened = self.seen[layer][name][:, -1].mean(axis=-1)
                return np.asarray(opened if sign > 0 else 1 - opened, np.float64)
        return None


def gates(opened: OpenedNetwork, wanted: Wanted, console: Console) -> Gates:
    """Look at the gates of one series: of the first that the network knows, or the wanted one."""
    series = wanted.series or opened.fitted[0]
    found = Gates(look_inside(opened, wanted._replace(series=series)), series)
    console.say(
        f"member {wanted.member}, {len(found.cutoffs)} windows of {series}; update_gate is "
        "Keras's z, the share of the old state that is kept (1 - z in Chung et al. 2014)"
    )
    return found


def gates_text(found: Gates, format: Literal["table", "csv", "json"], *, all_steps: bool) -> str:
    """What gates do, for a person; every value, for a program."""
    if format != "table":
        table = found.table(all_steps=all_steps)
        return csv_text(table) if format == "csv" else json.dumps(records(table), indent=2)
    parts = []
    for layer, seen in found.seen.items():
        rows = [
            (layer, name, *map(float, np.quantile(part[:, -1], (0.1, 0.5, 0.9))))
            for name, part in seen.items()
        ]
        parts.append(text_table(("layer", "", "10 %", "median", "90 %"), rows))
        lives = found.half_lives(layer)
        if lives is not None:
            few, middle, many = np.quantile(lives, (0.1, 0.5, 0.9))
            parts.append(
                f"units remember: half of the state is left after {middle:.3g} steps (median; "
                f"{few:.3g} for a tenth, {many:.3g} for another)"
            )
        openness = found.openness(layer)
        if openness is not None:
            widest = np.argsort(-openness, kind="stable")[:_DATES]
            dates = zip(iso(found.panel.dates(found.cutoffs[widest])), widest, strict=True)
            opens = ", ".join(f"{date} ({openness[i]:.2f})" for date, i in dates)
            parts.append(f"lets in most at {opens}")
    return "\n".join(parts)
