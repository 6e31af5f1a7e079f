"""Figures of a run, as files."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd

from forecast.console import Console
from forecast.data.calendar import iso
from forecast.data.export import panel_table, refuse_unwritable, write_file
from forecast.errors import DataError, NoRunError, Problem, UsageError, did_you_mean, reason
from forecast.figures import (
    DEFAULT,
    FIGURES,
    LayerView,
    Tested,
    View,
    draw_anomalies,
    draw_attribution,
    draw_backtest,
    draw_comparison,
    draw_gates,
    draw_gradients,
    draw_importance,
    drawn,
)
from forecast.jobs.assumptions import NOTHING, Assumptions
from forecast.jobs.job import Job
from forecast.jobs.opened_run import OpenedRun
from forecast.jobs.tables import RunTables
from forecast.runs import Run, find_run
from forecast.runs.store import Warn, unsaid

if TYPE_CHECKING:  # none of them is needed to draw a run
    from forecast.commands.attribution import ForecastAttribution
    from forecast.commands.compare import Comparison
    from forecast.commands.detect import Detection
    from forecast.commands.gates import Gates
    from forecast.commands.gradients import Gradients

NAMES = [figure.__name__ for figure in FIGURES]
FORMATS = ("png", "svg", "pdf")
HISTORY, FORECAST = (figure.__name__ for figure in DEFAULT)
_WHOLE = {"history", "norms"}  # figures that show the run, whatever the series
_UNSAFE = re.compile(r'[\x00-\x1f/\\:*?"<>|%]')
_LONGEST_NAME = 150  # bytes of series in a file's name, of 255 that most systems take
_MOST_SERIES = 20  # in one figure; more would be too small to read


@dataclass(frozen=True)
class Wanted:
    """What the options of `plot` ask to see."""

    series: Sequence[str] = ()
    last: int | None = None
    since: str | None = None
    """A date as text, in the zone of the table where it names none."""


def run_and_figures(words: Sequence[str], root: Path, warn: Warn = unsaid) -> tuple[Run, list[str]]:
    """The run and the figures that are named: the first word is a run unless it is a figure's name.

    Without a run it is the latest under `root`. Raises `RunError` for a run that can not be opened.
    """
    if not words or words[0] in NAMES:
        return find_run(root, warn=warn), list(words)
    try:
        return find_run(root, words[0], warn), list(words[1:])
    except NoRunError as error:
        near = error.problems[0].advice
        advice = near if near and near.startswith("Did") else did_you_mean(words[0], NAMES)
        message = f"{words[0]} is neither a run nor a figure."
        raise NoRunError(Problem(message, advice)) from error


def plot(
    run: Run,
    open_run: Callable[[Run], OpenedRun],
    console: Console,
    figures: Sequence[str] = (),
    output: Path | None = None,
    format: str | None = None,
    wanted: Wanted = Wanted(),
    assumed: Assumptions = NOTHING,
) -> list[Path]:
    """Draw the named figures, or the usual two; the files that were written.

    `output` is a folder, or for one figure a file, whose ending then says the format. Left out, it
    is the run's `plots/`. In a folder, figures of chosen series or rows are called by them too.
    `assumed` is what known covariates of the steps to come will be. Raises `UsageError` for what
    can not be drawn or written, and `DataError` where what is assumed does not fit the run.
    """
    figures = _known(figures, run) or _unasked(run)
    paths = _paths(run, figures, output, format, wanted)
    tables = _tables(run, open_run, figures, assumed, console)
    view = _view(tables, wanted)
    unknown = ""
    for draw in FIGURES:
        if draw.__name__ in paths:
            path = paths[draw.__name__]
            content, squares = drawn(partial(draw, tables, view), _format_of(path))
            _make_folder(path)
            write_file(content, path, _another("--output"))
            unknown += squares
    _say_unknown(unknown, console)
    return list(paths.values())


def plot_one(
    run: Run,
    open_run: Callable[[Run], OpenedRun],
    console: Console,
    figures: Sequence[str],
    format: str | None = None,
    wanted: Wanted = Wanted(),
    assumed: Assumptions = NOTHING,
) -> bytes:
    """One figure as what its file would hold. Raises as `plot`, and where not one is named."""
    if len(_known(figures, run)) != 1:
        advice = f"Name it, such as `forecast plot {DEFAULT[-1].__name__} --output -`."
        raise UsageError(Problem("--output -: standard output holds one figure.", advice))
    tables = _tables(run, open_run, figures, assumed, console)
    [draw] = [figure for figure in FIGURES if figure.__name__ == figures[0]]
    content, unknown = drawn(partial(draw, tables, _view(tables, wanted)), format or FORMATS[0])
    _say_unknown(unknown, console)
    return content


def _tables(
    run: Run,
    open_run: Callable[[Run], OpenedRun],
    figures: Sequence[str],
    assumed: Assumptions,
    console: Console,
) -> RunTables:
    """What is drawn; what is wrong with what is assumed is found before anything is.

    Where known covariates of what comes next lack, it is said why that is not drawn.
    """
    tables = RunTables(run, open_run, assumed)
    if FORECAST not in figures:
        if assumed.is_given:
            message = "--future and --set-known are for the figure forecast alone."
            raise UsageError(Problem(message, "Name it, or leave them out."))
        return tables
    for strange in tables.strange:
        console.warn(strange)
    if tables.lacking and assumed.is_given:
        raise DataError(*tables.lacking)
    if tables.lacking:
        lacks = " ".join(problem.message for problem in tables.lacking)
        console.warn(f"what comes next is not drawn: {lacks}\n{tables.lacking[0].advice}")
    return tables


def _known(figures: Sequence[str], run: Run) -> Sequence[str]:
    """The same names. Raises `UsageError` for one that no figure has, or that the run can not."""
    for name in figures:
        if name not in NAMES:
            raise UsageError(Problem(f"there is no figure {name!r}.", did_you_mean(name, NAMES)))
        if run.is_blend and name == HISTORY:
            message = f"the run {run.record.name} is a blend, and has no history of its own."
            networks = [str(member.path) for member in run.members.values()]
            advice = f"Name one of its networks: {', '.join(networks)}." if networks else None
            raise UsageError(Problem(message, advice))
    return figures


def _unasked(run: Run) -> list[str]:
    """The figures that are drawn where none is named."""
    usual = [figure.__name__ for figure in DEFAULT]
    return [name for name in usual if name != HISTORY or not run.is_blend]


def plot_backtest(
    job: Job, forecasts: pd.DataFrame, scores: pd.DataFrame, output: Path, console: Console
) -> None:
    """Draw the forecasts of a backtest over the truth, as the figure `backtest` of a run.

    Raises `UsageError` where the file can not be written.
    """
    name, model = job.source.path.stem, job.config.forecaster
    actual = panel_table(job.panel)
    tested = Tested(name, model, job.season_length, actual, forecasts, scores)
    _plot(partial(draw_backtest, tested), output, console)


def plot_importance(
    name: str, model: str, table: pd.DataFrame, output: Path, console: Console
) -> None:
    """Draw the importance of features. Raises `UsageError` where the file can not be written."""
    _plot(partial(draw_importance, name, model, table), output, console)


def plot_attribution(
    name: str, told: "ForecastAttribution", output: Path, console: Console
) -> None:
    """Draw what a forecast is made of. Raises `UsageError` as the others do."""
    found = told.found
    draw = partial(
        draw_attribution,
        name,
        told.unique_id,
        told.what,
        told.target,
        (found.baseline, found.forecast),
        found.features,
    )
    _plot(draw, output, console)


def plot_anomalies(
    name: str, detection: "Detection", step: int, output: Path, console: Console
) -> None:
    """Draw what was expected and what was not. Raises `UsageError` as the others do."""
    points, anomalies = detection.points, detection.anomalies
    draw = partial(draw_anomalies, name, detection.level, step, points, anomalies)
    _plot(draw, output, console)


def plot_gates(name: str, gates: "Gates", output: Path, console: Console) -> None:
    """Draw what recurrent layers do. Raises `UsageError` as the others do."""
    ds = pd.Series(gates.panel.dates(gates.cutoffs))
    views = [
        LayerView(
            layer,
            gates.series,
            ds,
            gates.panel.values[gates.cutoffs],
            {name: part[:, -1] for name, part in parts.items()},
            gates.half_lives(layer),
            gates.openness(layer),
        )
        for layer, parts in gates.seen.items()
    ]
    _plot(partial(draw_gates, name, views), output, console)


def plot_gradients(name: str, gradients: "Gradients", output: Path, console: Console) -> None:
    """Draw gradients by lag. Raises `UsageError` as the others do."""
    table, sentences = gradients.table, gradients.sentences
    draw = partial(draw_gradients, name, table, sentences, gradients.gone)
    _plot(draw, output, console)


def plot_comparison(name: str, comparison: "Comparison", output: Path, console: Console) -> None:
    """Draw models beside each other. Raises `UsageError` as the others do."""
    metric, models = comparison.metric, comparison.models
    _plot(partial(draw_comparison, name, metric, models, comparison.forecasts), output, console)


def _plot(draw: Callable[[], Any], output: Path, console: Console) -> None:
    """Draw into the file of a `--plot`. Raises `UsageError` where it can not be written."""
    content, unknown = drawn(draw, _format_of(output))
    write_file(content, output, _another("--plot"))
    _say_unknown(unknown, console)


def refuse_plot(output: Path) -> None:
    """Raise `UsageError` for a file that a `--plot` could not write, before it takes long.

    As `--output FILE` of other commands it is written to a folder that is there.
    """
    if output.suffix.removeprefix(".") not in FORMATS:
        message = f"--plot {output}: the ending names no format of figures."
        raise UsageError(Problem(message, f"Formats are {', '.join(FORMATS)}."))
    refuse_unwritable(output, _another("--plot"))


def _format_of(path: Path) -> str:
    return path.suffix.removeprefix(".")


def _make_folder(path: Path) -> None:
    """Make a file's folder, as `--output` may name one that is not there yet."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"can not write {path}: {reason(error)}."
        raise UsageError(Problem(message, _another("--output"))) from error


def _another(option: str) -> str:
    return f"Give another {option}."


def _paths(
    run: Run,
    figures: Sequence[str],
    output: Path | None,
    format: str | None,
    wanted: Wanted,
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
    folder = output or run.path / "plots"
    chosen = _file_name(wanted)
    return {
        name: folder / f"{name}{'' if name in _WHOLE else chosen}.{format or 'png'}"
        for name in figures
    }


def _file_name(wanted: Wanted) -> str:
    """What tells the file of what is shown from those of others, as any file system takes it."""
    parts = list(wanted.series)
    parts += [] if wanted.last is None else [f"last-{wanted.last}"]
    parts += [] if wanted.since is None else [f"from-{wanted.since}"]
    name = "".join(f"-{_UNSAFE.sub(lambda found: quote(found[0], ''), each)}" for each in parts)
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    digest = sha256(name.encode()).hexdigest()[:8]
    return f"{name.encode()[:_LONGEST_NAME].decode(errors='ignore')}-{digest}"


def _view(tables: RunTables, wanted: Wanted) -> View:
    """What the options ask for. Raises `UsageError` for what the run does not have."""
    if wanted == Wanted():
        return View()
    known = list(dict.fromkeys(tables.forecasts["unique_id"]))
    for name in wanted.series:
        if name not in known:
            raise UsageError(Problem(f"the run has no series {name!r}.", did_you_mean(name, known)))
    series = tuple(dict.fromkeys(wanted.series))
    if len(series) > _MOST_SERIES:
        message = f"--series: {len(series)} series are too many to read in one figure."
        raise UsageError(Problem(message, f"Name {_MOST_SERIES} at most, or draw several figures."))
    return View(series, wanted.last, None if wanted.since is None else _since(tables, wanted.since))


def _since(tables: RunTables, text: str) -> pd.Timestamp | int:
    """The date of `--from`, in the zone of the table; a number where the rows are counted."""
    dates = tables.forecasts["ds"]
    moment = _moment(text, dates)
    if moment > dates.max():
        message = f"--from {text}: the last row of the run is {_written(dates.max())}."
        raise UsageError(Problem(message, "Give an earlier date."))
    return moment


def _moment(text: str, dates: pd.Series) -> pd.Timestamp | int:
    """What a person typed as one of these dates. Raises `UsageError` where it is none."""
    try:
        if dates.dtype.kind == "i":
            return int(text)
        moment = pd.Timestamp(text)
    except ValueError as error:
        advice = f"Write it like {_written(dates.max())}."
        raise UsageError(Problem(f"--from {text}: no date of the run.", advice)) from error
    zone = dates.dt.tz
    if moment.tz is None:
        return moment.tz_localize(zone)
    if zone is None:
        message = f"--from {text}: the dates of the run are in no time zone."
        raise UsageError(Problem(message, "Leave the zone out."))
    return moment


def _written(moment: pd.Timestamp | int) -> str:
    """A date as it stands in tables."""
    return iso(pd.Index([moment]))[0]


def _say_unknown(characters: str, console: Console) -> None:
    """Say which characters could not be drawn, and how they can be."""
    if characters:
        shown = "".join(sorted(set(characters)))[:20]
        console.warn(
            f"no installed font has {shown}: drawn as squares. A font of that script, such as Noto "
            "Sans, mends it."
        )
