"""Figures of a run, as files."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Protocol

import pandas as pd

from forecast.commands.predict import predict
from forecast.data.export import refuse_unwritable, write_file
from forecast.data.table import panel_table
from forecast.errors import Problem, UsageError, did_you_mean
from forecast.figures import DEFAULT, FIGURES, Material, Tested, draw_backtest
from forecast.jobs.job import Job
from forecast.jobs.opening import OpenedRun
from forecast.runs.tables import read_forecasts, read_history, read_scores

NAMES = [figure.__name__ for figure in FIGURES]
FORMATS = ("png", "svg", "pdf")
_DPI = 120


def plot(
    opened: OpenedRun,
    figures: Sequence[str] = (),
    output: Path | None = None,
    format: str | None = None,
) -> list[Path]:
    """Draw the named figures, or the usual two; the files that were written.

    `output` is a folder, or for one figure a file, whose ending then says the format. Left out, it
    is the run's `plots/`. Raises `UsageError` for what can not be drawn or written.
    """
    figures = figures or [figure.__name__ for figure in DEFAULT]
    for name in figures:
        if name not in NAMES:
            raise UsageError(Problem(f"there is no figure {name!r}.", did_you_mean(name, NAMES)))
    paths = _paths(opened, figures, output, format)
    material = _material(opened)
    for draw in FIGURES:
        if draw.__name__ in paths:
            path = paths[draw.__name__]
            _write(draw(material), path, "--output")
    return list(paths.values())


def plot_backtest(job: Job, forecasts: pd.DataFrame, scores: pd.DataFrame, output: Path) -> None:
    """Draw the forecasts of a backtest over the truth, as the figure `backtest` of a run.

    Raises `UsageError` where the file can not be written.
    """
    name, model = job.source.path.stem, job.config.model.kind
    tested = Tested(name, model, panel_table(job.panel), forecasts, scores)
    _write(draw_backtest(tested), output, "--plot")


def refuse_plot(output: Path) -> None:
    """Raise `UsageError` for a file that `plot_backtest` could not write, before it takes long."""
    if output.suffix.removeprefix(".") not in FORMATS:
        message = f"--plot {output}: the ending names no format of figures."
        raise UsageError(Problem(message, f"Formats are {', '.join(FORMATS)}."))
    _make_folder(output, "--plot")
    refuse_unwritable(output, _another("--plot"))


class _Figure(Protocol):
    def savefig(self, fname: BytesIO, *, format: str, dpi: int) -> None: ...


def _write(figure: _Figure, path: Path, option: str) -> None:
    """Write a figure whole, or leave what was there."""
    content = BytesIO()
    figure.savefig(content, format=path.suffix.removeprefix("."), dpi=_DPI)
    _make_folder(path, option)
    write_file(content.getvalue(), path, _another(option))


def _make_folder(path: Path, option: str) -> None:
    """Make the file's folder; an error is one of the option that names the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"can not write {path}: {error.strerror}."
        raise UsageError(Problem(message, _another(option))) from error


def _another(option: str) -> str:
    return f"Give another {option}."


def _paths(
    opened: OpenedRun, figures: Sequence[str], output: Path | None, format: str | None
) -> dict[str, Path]:
    """Where each figure goes."""
    ending = output.suffix.removeprefix(".") if output and not output.is_dir() else ""
    if output and ending:
        if len(figures) > 1:
            advice = "Name a folder, or one figure."
            raise UsageError(Problem(f"--output {output} is one file for several figures.", advice))
        if ending not in FORMATS or format not in (None, ending):
            message = f"--output {output}: a figure can not be written as {format or ending} there."
            raise UsageError(Problem(message, f"Formats are {', '.join(FORMATS)}."))
        return {figures[0]: output}
    folder = output or opened.run.path / "plots"
    return {name: folder / f"{name}.{format or 'png'}" for name in figures}


def _material(opened: OpenedRun) -> Material:
    return Material(
        name=opened.run.record.name,
        model=opened.model,
        history=read_history(opened.run),
        forecasts=read_forecasts(opened.run),
        scores=read_scores(opened.run),
        future=predict(opened),
    )
