"""How far back does a network look, and how far does it learn?"""

import json
from typing import Literal

import numpy as np
import pandas as pd

from forecast.console import Console
from forecast.data.export import csv_text, records
from forecast.data.panel import FloatArray, IntArray
from forecast.display import text_table
from forecast.jobs.inside import Wanted, Windowed, look_inside
from forecast.jobs.norms import has_norms, judged_norms
from forecast.jobs.opened_network import OpenedNetwork
from forecast.runs.tables import read_history

# Of the gradient at the last step: below, a step is no longer learned from; above, it explodes.
_GONE, _EXPLODED = 0.01, 100.0


class Gradients:
    """How far back a network looks, and learns."""

    gone = _GONE
    """Below this share of what it is at the last step, a gradient is too small to learn from."""

    def __init__(self, found: Windowed, history: pd.DataFrame) -> None:
        """Gradients of windows, as their mean over them; `history` is that of the training."""
        self._history = history
        inside, unit_steps = found.inside, found.unit_steps
        self.windows = len(found.cutoffs)
        self.layers = inside.weight_gradients()
        """The norm of the loss's gradient by the weights of each layer."""
        rows = []
        for of, is_loss in (("forecast", False), ("loss", True)):
            slopes = np.abs(inside.input_gradients(of_loss=is_loss)).sum(axis=-1)
            if len(slopes):
                rows += _by_lag(of, "input", slopes.mean(axis=0), 1)
        for layer, norms in inside.state_gradients().items():
            rows += _by_lag("forecast", layer, norms.mean(axis=0), unit_steps)
        self.table = pd.DataFrame(rows, columns=["of", "by", "lag", "gradient"])
        """`of` the forecast or the loss, `by` the input or a layer's state, `lag`: 1 is the last
        step that the network sees, `gradient`: the mean size over windows."""

    @property
    def sentences(self) -> list[str]:
        """What the gradients mean, and what to do."""
        own = self.table[self.table["by"] != "input"]
        said = []
        for layer, part in own.groupby("by", sort=False):
            if not str(layer).startswith("backward"):
                sizes, lags = part["gradient"].to_numpy(), part["lag"].to_numpy()
                said.append(f"{layer}: {judged(sizes, lags)}")
        inputs = self.table[(self.table["by"] == "input") & (self.table["of"] == "forecast")]
        top = inputs.sort_values("gradient", ascending=False, kind="stable")["lag"].head(3)
        said.append(f"the forecast depends most on lags {', '.join(map(str, top))}")
        if has_norms(self._history):
            said.append(f"while it was trained: {judged_norms(self._history)}")
        return said


def gradients(opened: OpenedNetwork, wanted: Wanted, console: Console) -> Gradients:
    """Look at the gradients of one series, or over windows of all."""
    found = Gradients(look_inside(opened, wanted), read_history(opened.run))
    console.say(f"member {wanted.member}, the mean over {found.windows} windows")
    return found


def gradients_text(found: Gradients, format: Literal["table", "csv", "json"]) -> str:
    """Gradients by lag, and what they mean."""
    if format == "csv":
        return csv_text(found.table)
    if format == "json":
        document = {
            "windows": found.windows, "layers": found.layers, "verdicts": found.sentences,
            "gradients": records(found.table),
        }  # fmt: skip
        return json.dumps(document, indent=2)
    wide = found.table.assign(name=found.table["of"] + " by " + found.table["by"])
    wide = wide.pivot(index="lag", columns="name", values="gradient")[list(wide["name"].unique())]
    lags = zip(wide.index, wide.to_numpy(), strict=True)
    rows = [(str(lag), *map(float, row)) for lag, row in lags]
    return "\n\n".join(
        [
            text_table(("lag", *map(str, wide.columns)), rows),
            text_table(("layer", "norm of the loss's gradient"), list(found.layers.items())),
            "\n".join(found.sentences),
        ]
    )


def _by_lag(of: str, by: str, sizes: FloatArray, unit: int) -> list[tuple[str, str, int, float]]:
    """A row a step, the nearest first."""
    return [(of, by, 1 + i * unit, float(size)) for i, size in enumerate(sizes[::-1])]


def judged(sizes: FloatArray, lags: IntArray) -> str:
    """Vanishing, exploding, or neither, of gradients by a layer's states, the last step first."""
    tiny = np.finfo(np.float64).tiny
    if not np.isfinite(sizes).all() or sizes.max() > _EXPLODED * max(sizes[0], tiny):
        at = int(lags[int(np.argmax(np.nan_to_num(sizes, nan=np.inf)))])
        return (
            f"the gradient explodes: at lag {at} it is {sizes.max() / sizes[0]:.3g} times that of "
            "the last step. Set training.clip_norm: 1, or lower training.learning_rate."
        )
    if not sizes[0] > 0:
        return "no gradient reaches it: its forecasts do not depend on its states."
    alive = np.flatnonzero(sizes >= _GONE * sizes[0])
    reach, last = int(lags[alive[-1]]), int(lags[-1])
    if reach < last:
        return (
            f"the gradient vanishes: beyond lag {reach} of {last} it is below 1 % of that of the "
            "last step. What lies further back is not learned: a GRU or LSTM, patches "
            "(model.patch_length) or features.lags reach further."
        )
    share = sizes[-1] / sizes[0]
    return f"the gradient reaches back to lag {last}, where it is {share:.0%} of the last step's."
