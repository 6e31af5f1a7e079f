"""What does a network do inside? Its layers, its gates, and how far back its gradients reach."""

import json
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from forecast.console import Console
from forecast.data.calendar import iso
from forecast.data.export import csv_text, records
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.display import text_table
from forecast.errors import Problem, RunError
from forecast.figures import LayerView
from forecast.jobs.inside import Windowed, architecture_of, look_inside
from forecast.jobs.opening import OpenedRun, original_job
from forecast.training import layers

Format = Literal["table", "csv", "json"]
_OPENING = {"update_gate": -1.0, "input_gate": 1.0}
"""The gate that lets new values in, and its sign: Keras's update gate is the share that is kept."""
_KEEPING = {"update_gate", "forget_gate"}
"""The gate whose mean says how long a unit remembers."""
_DATES = 5
# Of the gradient at the last step: below, a step is no longer learned from; above, it explodes.
_GONE, _EXPLODED = 0.01, 100.0
# Of the memory that training takes: bytes of a number, and numbers of each parameter at work
# (weight, gradient, what the optimizer remembers).
_BYTES, _AT_WORK = 4, 10


class Wanted(NamedTuple):
    """Which part of a run to look at."""

    newer: Path | None = None
    series: str | None = None
    member: int = 0
    windows: int = 300


def windowed(opened: OpenedRun, wanted: Wanted) -> Windowed:
    """The network with windows of the run's own table, or of newer rows."""
    panel: Panel
    if wanted.newer is None:
        panel = original_job(opened).panel
    else:
        panel, _ = opened.continued(wanted.newer)
    return look_inside(opened, panel, wanted.series, wanted.member, wanted.windows)


class Gates:
    """Gates and states of every recurrent layer, at the last step of each window or at all."""

    def __init__(self, found: Windowed, unit_steps: int) -> None:
        """`unit_steps` are the steps of the table in one step of the layer: those of a patch."""
        inside, self.panel, self.cutoffs = found
        self.seen = inside.look()
        self.unit_steps = unit_steps
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

    @property
    def views(self) -> list[LayerView]:
        """What a figure shows of each layer."""
        values = self.panel.values[self.cutoffs]
        ds = pd.Series(self.panel.dates(self.cutoffs))
        [series] = {self.panel.unique_ids[i] for i in self.panel.series_of(self.cutoffs)}
        return [
            LayerView(
                layer,
                series,
                ds,
                values,
                {name: part[:, -1] for name, part in parts.items()},
                self.half_lives(layer),
                self.openness(layer),
            )
            for layer, parts in self.seen.items()
        ]

    def openness(self, layer: str) -> FloatArray | None:
        """How far the layer lets each cutoff's value in, 0 to 1, the mean over units; or None."""
        for name, sign in _OPENING.items():
            if name in self.seen[layer]:
                opened = self.seen[layer][name][:, -1].mean(axis=-1)
                return np.asarray(opened if sign > 0 else 1 - opened, np.float64)
        return None


def gates(opened: OpenedRun, wanted: Wanted, console: Console) -> Gates:
    """Look at the gates of one series: of the first that the network knows, or the wanted one."""
    if wanted.series is None:
        wanted = wanted._replace(series=opened.fitted[0])
    season = opened.data.season_length
    found = Gates(windowed(opened, wanted), opened.config.model.steps_per_patch(season))
    console.say(
        f"member {wanted.member}, {len(found.cutoffs)} windows of {wanted.series}; update_gate is "
        "Keras's z, the share of the old state that is kept (1 - z in Chung et al. 2014)"
    )
    return found


def gates_text(found: Gates, format: Format, *, all_steps: bool) -> str:
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


class Gradients:
    """How far back a network looks, and learns."""

    def __init__(self, found: Windowed, unit_steps: int) -> None:
        """Gradients of windows, as their mean over them."""
        inside = found.inside
        self.windows = len(found.cutoffs)
        self.layers = inside.weight_gradients()
        """The norm of the loss's gradient by the weights of each layer."""
        rows = []
        for of, is_loss in (("forecast", False), ("loss", True)):
            slopes = np.abs(inside.input_gradients(of_loss=is_loss))
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
        return said


def gradients(opened: OpenedRun, wanted: Wanted, console: Console) -> Gradients:
    """Look at the gradients of one series, or over windows of all."""
    season = opened.data.season_length
    found = Gradients(windowed(opened, wanted), opened.config.model.steps_per_patch(season))
    console.say(f"member {wanted.member}, the mean over {found.windows} windows")
    return found


def gradients_text(found: Gradients, format: Format) -> str:
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
    rows = [
        (str(lag), *map(float, row)) for lag, row in zip(wide.index, wide.to_numpy(), strict=True)
    ]
    weights = [(name, norm) for name, norm in found.layers.items()]
    return "\n\n".join(
        [
            text_table(("lag", *map(str, wide.columns)), rows),
            text_table(("layer", "norm of the loss's gradient"), weights),
            "\n".join(found.sentences),
        ]
    )


def summary(opened: OpenedRun, format: Format) -> str:
    """Layers, shapes and parameters of the network of a run, and the memory that training takes."""
    network, training = architecture_of(opened), opened.config.training
    rows = layers(network.keras_model)
    size, batch = training.ensemble.size, training.batch_size
    memory = _BYTES * size * (batch * network.activations + _AT_WORK * network.parameters)
    facts = {
        "parameters": network.parameters,
        "members": size,
        "batch_size": batch,
        "training_bytes": memory,
    }
    if format == "json":
        keys = ("layer", "type", "output", "parameters")
        listed = [dict(zip(keys, row, strict=True)) for row in rows]
        return json.dumps({"layers": listed, **facts}, indent=2)
    if format == "csv":
        return csv_text(pd.DataFrame(rows, columns=["layer", "type", "output", "parameters"]))
    table = text_table(("layer", "type", "output", "parameters"), rows)
    return (
        f"{table}\n{network.parameters:,} parameters; training takes about {memory / 1e6:,.1f} MB "
        f"for {size} member{'s' if size > 1 else ''} and batches of {batch} windows"
    )


def _by_lag(of: str, by: str, sizes: FloatArray, unit: int) -> list[tuple[str, str, int, float]]:
    """A row a step, the nearest first."""
    return [(of, by, 1 + i * unit, float(size)) for i, size in enumerate(sizes[::-1])]


def judged(sizes: FloatArray, lags: IntArray) -> str:
    """Vanishing, exploding, or neither, of gradients by a layer's states, the last step first."""
    if not np.isfinite(sizes).all() or sizes.max() > _EXPLODED * max(
        sizes[0], np.finfo(float).tiny
    ):
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
