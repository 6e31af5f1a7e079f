"""Figures of a run, as files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from forecast.commands.predict import predict
from forecast.data.table import panel_table
from forecast.errors import NoRunError, Problem, UsageError, did_you_mean
from forecast.figures import DEFAULT, FIGURES, Material, Tested, draw_backtest
from forecast.jobs.job import Job
from forecast.jobs.opening import OpenedRun
from forecast.runs import Run, find_run

NAMES = [figure.__name__ for figure in FIGURES]
FORMATS = ("png", "svg", "pdf")
_DPI = 120


def run_and_figures(words: Sequence[str], root: Path) -> tuple[Run, list[str]]:
    """The run and the figures that are named: the first word is a run unless it is a figure's name.

    Without a run it is the latest under `root`. Raises `RunError` for a run that can not be opened.
    """
    if not words or words[0] in NAMES:
        return find_run(root), list(words)
    try:
        return find_run(root, words[0]), list(words[1:])
    except NoRunError as error:
        near = error.problems[0].advice
        advice = near if near and near.startswith("Did") else did_you_mean(words[0], NAMES)
        message = f"{words[0]} is neither a run nor a figure."
        raise NoRunError(Problem(message, advice)) from error


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
            with _writing(path, "--output"):
                draw(material).savefig(path, dpi=_DPI)
    return list(paths.values())


def plot_backtest(job: Job, forecasts: pd.DataFrame, scores: pd.DataFrame, output: Path) -> None:
    """Draw the forecasts of a backtest over the truth, as the figure `backtest` of a run.

    Raises `UsageError` where the file can not be written.
    """
    name, model = job.source.path.stem, job.config.model.kind
    tested = Tested(name, model, panel_table(job.panel), forecasts, scores)
    with _writing(output, "--plot"):
        draw_backtest(tested).savefig(output, dpi=_DPI)


def refuse_plot(output: Path) -> None:
    """Raise `UsageError` for a file that `plot_backtest` could not write, before it takes long."""
    if output.suffix.removeprefix(".") not in FORMATS:
        message = f"--plot {output}: the ending names no format of figures."
        raise UsageError(Problem(message, f"Formats are {', '.join(FORMATS)}."))
    with _writing(output, "--plot"):
        target = output.resolve()  # a link to a file that is not there stays a link
        existed = target.exists()
        target.open("ab").close()
        if not existed:
            target.unlink()


@contextmanager
def _writing(path: Path, option: str) -> Iterator[None]:
    """Make the file's folder; an error of writing is one of the option that names the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        message = f"can not write {path}: {error.strerror}."
        raise UsageError(Problem(message, f"Give another {option}.")) from error


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
    forecasts = pd.read_csv(opened.run.file("forecasts.csv"), dtype={"unique_id": str})
    dates = {name: pd.to_datetime(forecasts[name], format="ISO8601") for name in ("ds", "cutoff")}
    return Material(
        name=opened.run.record.name,
        model=opened.model,
        history=pd.read_csv(opened.run.file("history.csv")),
        forecasts=forecasts.assign(**dates),
        scores=pd.read_csv(opened.run.file("scores.csv"), dtype={"unique_id": str}),
        future=predict(opened),
    )
