"""Tables and progress bars for people, drawn by rich."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType, RenderResult
from rich.progress import Progress, ProgressColumn, Task
from rich.table import Column, Table
from rich.text import Text

from forecast.console import Console

if TYPE_CHECKING:
    import pandas as pd

_PATIENCE = 0.5  # seconds that pass before it is worth saying how far a forecast is
_BAR = (6, 40)  # columns of a progress bar, at least and at most


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


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The same as a table of Markdown."""
    cells = [list(columns), ["---"] * len(columns), *([_cell(value) for value in r] for r in rows)]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells
    )


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
    shared = _is_shared(whole, "split")
    parts = (whole[shared], whole[~shared])
    return "\n\n".join(_scores_table(part, "split") for part in parts if len(part))


def target_scores_table(scores: "pd.DataFrame") -> str:
    """The scores of each target of one split, of the metrics that all models have.

    A row a target and model, a column a metric.
    """
    return _scores_table(scores[_is_shared(scores, "target")], "target")


def _is_shared(scores: "pd.DataFrame", by: str) -> "pd.Series[bool]":
    """Which scores are of a metric that all models have, in each part that `by` names."""
    models = scores.groupby([by, "model"]).ngroups
    shared: pd.Series[bool] = scores.groupby("metric")["value"].transform("size") == models
    return shared


def _scores_table(scores: "pd.DataFrame", by: str) -> str:
    metrics = list(scores["metric"].unique())
    rows = [
        [part, model, *group.set_index("metric")["value"].reindex(metrics).astype(float)]
        for (part, model), group in scores.groupby([by, "model"], sort=False)
    ]
    return text_table([by, "model", *metrics], rows)


def steps_table(steps: "pd.DataFrame") -> str:
    """RMSE by step of the horizon: a row a step, a column a model."""
    chosen = steps[steps["metric"] == "rmse"]
    models = list(chosen["model"].unique())
    wide = chosen.pivot(index="step", columns="model", values="value")[models]
    rows = [[step, *map(float, row)] for step, row in zip(wide.index, wide.to_numpy(), strict=True)]
    return text_table(["rmse at step", *models], rows)


@contextmanager
def epoch_progress(console: Console, epochs: int, members: int) -> Iterator[Callable[[str], None]]:
    """A line with the epoch, the losses and the time left; nothing where stderr is no terminal.

    What it gives is called after each epoch of each member, with the losses as text. The epoch is
    that of the config: the mean over the members, which are fitted side by side.
    """
    if not console.is_live:
        yield lambda losses: None
        return
    progress = _one_line(console, "epoch", epochs, members)
    with progress:
        task = progress.add_task("fit", total=epochs * members, losses="")
        yield lambda losses: progress.update(task, advance=1, losses=losses)


@contextmanager
def step_progress(console: Console, steps: int, passes: int) -> Iterator[Callable[[int], None]]:
    """A line with the steps that are forecast, once that takes a while; as `epoch_progress`.

    What it gives is called with a number of steps more that were done, in each of the passes.
    """
    if not console.is_live:
        yield lambda steps: None
        return
    progress = _one_line(console, "step", steps, passes)
    task = progress.add_task("forecast", total=steps * passes, losses="")
    begin = time.monotonic()

    def advance(steps: int) -> None:
        progress.update(task, advance=steps)
        if not progress.live.is_started and time.monotonic() - begin > _PATIENCE:
            progress.start()

    try:
        yield advance
    finally:
        progress.stop()


@contextmanager
def piece_progress(console: Console, noun: str, pieces: int) -> Iterator[Callable[[], None]]:
    """A line with the pieces of work that are done elsewhere, and the time left; as above.

    What it gives is called after each of them.
    """
    if not console.is_live:
        yield lambda: None
        return
    with _one_line(console, noun, pieces, 1) as progress:
        task = progress.add_task("work", total=pieces, losses="")
        yield lambda: progress.update(task, advance=1)


def _one_line(console: Console, noun: str, whole: int, times: int) -> Progress:
    no_color = True if console.color == "never" else None  # None asks the environment
    return Progress(
        _WholeLine(noun, whole, times),
        console=RichConsole(file=sys.stderr, force_terminal=True, no_color=no_color),
        expand=True,
    )


class _WholeLine(ProgressColumn):
    """The whole line, as wide as the terminal is at the moment."""

    def __init__(self, noun: str, whole: int, times: int) -> None:
        super().__init__(Column(ratio=1, no_wrap=True))
        self._noun, self._whole, self._times = noun, whole, times

    def render(self, task: Task) -> RenderableType:
        """What rich asks for at each redraw."""
        seconds = task.time_remaining
        left = "" if seconds is None else str(timedelta(seconds=int(seconds)))
        done, losses = task.completed / self._times, task.fields["losses"]
        return _Line(
            lambda width: progress_line(width, done, self._whole, losses, left, self._noun)
        )


@dataclass(frozen=True)
class _Line:
    """A text that is made for a width."""

    make: Callable[[int], str]

    def __rich_console__(self, console: RichConsole, options: ConsoleOptions) -> RenderResult:
        yield Text(self.make(options.max_width), no_wrap=True, overflow="crop")


def progress_line(
    width: int, done: float, epochs: int, losses: str = "", left: str = "", noun: str = "epoch"
) -> str:
    """How far a training is, in at most `width` columns: `epoch 15/600   2 %  ━━━   loss 0.1`.

    `done` counts epochs, or what else `noun` says. The share stays at any width, then the epoch,
    the time left, the losses and the bar take what room there is.
    """
    share = f"{int(100 * done / epochs):3d} %"
    head = f"{noun} {int(done)}/{epochs} {share}"
    if len(head) > width:
        return share.strip()[:width]
    room, tail = width - len(head), ""
    for part in (left, losses):
        if part and len(part) + 2 <= room:
            tail = f"  {part}{tail}"
            room -= len(part) + 2
    bar = min(_BAR[1], room - 2)
    if bar < _BAR[0]:
        return head + tail
    filled = int(bar * done / epochs)
    return f"{head}  {'━' * filled}{'─' * (bar - filled)}{tail}"
