"""Tables and progress bars for people, drawn by rich."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from forecast.console import Console

if TYPE_CHECKING:
    import pandas as pd


def text_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in plain text: words to the left, numbers with four digits to the right."""
    table = Table(box=None, pad_edge=False, header_style="")
    numeric = [any(isinstance(row[i], float) for row in rows) for i in range(len(columns))]
    for name, right in zip(columns, numeric, strict=True):
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    out = StringIO()
    RichConsole(file=out, width=10_000, color_system=None, emoji=False).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if value == value else "-"
    return "-" if value is None else str(value)


def scores_table(scores: "pd.DataFrame") -> str:
    """The scores over all series: a row a split and model, a column a metric.

    Metrics that only some of the models have, as those of intervals, stand in a second table, with
    these models alone: one table would be too wide to read, and mostly dashes.
    """
    whole = scores[scores["unique_id"].isna()]
    models = whole.groupby(["split", "model"]).ngroups
    shared = whole.groupby("metric")["value"].transform("size") == models
    return "\n\n".join(_scores_table(part) for part in (whole[shared], whole[~shared]) if len(part))


def _scores_table(whole: "pd.DataFrame") -> str:
    metrics = list(whole["metric"].unique())
    rows = [
        [split, model, *group.set_index("metric")["value"].reindex(metrics).astype(float)]
        for (split, model), group in whole.groupby(["split", "model"], sort=False)
    ]
    return text_table(["split", "model", *metrics], rows)


def steps_table(steps: "pd.DataFrame") -> str:
    """RMSE by step of the horizon: a row a step, a column a model."""
    chosen = steps[steps["metric"] == "rmse"]
    models = list(chosen["model"].unique())
    wide = chosen.pivot(index="step", columns="model", values="value")[models]
    rows = [[step, *map(float, row)] for step, row in zip(wide.index, wide.to_numpy(), strict=True)]
    return text_table(["rmse at step", *models], rows)


@contextmanager
def epoch_progress(console: Console, epochs: int) -> Iterator[Callable[[str], None]]:
    """A bar with the epoch, the losses and the time left; nothing where stderr is no terminal.

    What it gives is called after each epoch with the losses as text.
    """
    if not console.is_live:
        yield lambda losses: None
        return
    no_color = True if console.color == "never" else None  # None asks the environment
    bar = Progress(
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.fields[losses]}"),
        TimeRemainingColumn(),
        console=RichConsole(file=sys.stderr, force_terminal=True, no_color=no_color),
    )
    with bar:
        task = bar.add_task("fit", total=epochs, losses="")
        yield lambda losses: bar.update(task, advance=1, losses=losses)
