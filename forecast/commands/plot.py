"""Figures of a run, as files."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import pandas as pd

from forecast.commands.predict import predict
from forecast.console import Console
from forecast.data.calendar import iso
from forecast.data.forecasts import forecast_table
from forecast.data.panel import Panel
from forecast.data.table import panel_table
from forecast.errors import Problem, UsageError, did_you_mean
from forecast.figures import DEFAULT, FIGURES, Tested, View, draw_backtest, drawn
from forecast.jobs.job import Job
from forecast.jobs.opening import OpenedRun
from forecast.methods import BASELINES, named_methods
from forecast.scoring.metrics import Scale

NAMES = [figure.__name__ for figure in FIGURES]
FORMATS = ("png", "svg", "pdf")
_MOST_SERIES = 20  # in one figure; more would be too small to read


@dataclass(frozen=True)
class Wanted:
    """What the options of `plot` ask to see."""

    series: Sequence[str] = ()
    last: int | None = None
    since: str | None = None
    """A date as text, in the zone of the table where it names none."""


def plot(
    opened: OpenedRun,
    console: Console,
    figures: Sequence[str] = (),
    output: Path | None = None,
    format: str | None = None,
    wanted: Wanted = Wanted(),
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
    tables = RunTables(opened)
    view = _view(tables, wanted)
    unknown = ""
    for draw in FIGURES:
        if draw.__name__ in paths:
            path = paths[draw.__name__]
            content, letters = drawn(partial(draw, tables, view), _ending(path))
            _write(content, path, "--output")
            unknown += letters
    _say_unknown(unknown, console)
    return list(paths.values())


def plot_backtest(
    job: Job, forecasts: pd.DataFrame, scores: pd.DataFrame, output: Path, console: Console
) -> None:
    """Draw the forecasts of a backtest over the truth, as the figure `backtest` of a run.

    Raises `UsageError` where the file can not be written.
    """
    name, model = job.source.path.stem, job.config.model.kind
    actual = panel_table(job.panel)
    tested = Tested(name, model, job.season_length, actual, forecasts, scores)
    content, unknown = drawn(partial(draw_backtest, tested), _ending(output))
    _write(content, output, "--plot")
    _say_unknown(unknown, console)


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


def _ending(path: Path) -> str:
    """The format that the name of a file says."""
    return path.suffix.removeprefix(".")


def _write(content: bytes, path: Path, option: str) -> None:
    with _writing(path, option):
        path.write_bytes(content)


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


class RunTables:
    """The tables of a run for its figures, each read when a figure asks for it."""

    def __init__(self, opened: OpenedRun) -> None:
        self._opened = opened
        self.name = opened.run.record.name
        self.model = opened.model
        self.season_length = opened.data.season_length
        self.horizon = opened.config.window.horizon

    @cached_property
    def history(self) -> pd.DataFrame:
        """`epoch, loss, member`, and `val_loss` or `test_loss`."""
        return pd.read_csv(self._opened.run.file("history.csv"))

    @cached_property
    def forecasts(self) -> pd.DataFrame:
        """Of known rows, by every model."""
        table = pd.read_csv(self._opened.run.file("forecasts.csv"), dtype={"unique_id": str})
        dates = {name: _dates(table[name], self._panel) for name in ("ds", "cutoff")}
        return table.assign(**dates)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Columns `unique_id, split, model, metric, value`."""
        return pd.read_csv(self._opened.run.file("scores.csv"), dtype={"unique_id": str})

    @property
    def scales(self) -> Mapping[str, Scale]:
        """The units of MASE and RMSSE by series."""
        return self._opened.scales

    @cached_property
    def actual(self) -> pd.DataFrame:
        """The rows whose forecasts are kept, and the last ones of each series."""
        own = self.forecasts[self.forecasts["model"] == self.model]
        both = pd.concat([own[["unique_id", "ds", "y"]], panel_table(self._panel)])
        known = both.groupby(["unique_id", "ds"], sort=False)["y"].first()
        return known.reset_index()

    @cached_property
    def future(self) -> pd.DataFrame:
        """What comes next, by the model and by the baselines."""
        panel, last = self._panel, self._panel.ends - 1
        own = predict(self._opened).assign(model=self.model)
        horizon = int(own["step"].max())
        beside = [
            forecast_table(panel, last, method.forecast(panel, last, horizon)).assign(
                model=method.name
            )
            for method in named_methods(BASELINES, self.season_length)
        ]
        return pd.concat([own, *beside], ignore_index=True)

    @cached_property
    def _panel(self) -> Panel:
        return self._opened.observed()


def _dates(column: pd.Series, panel: Panel) -> pd.Series:
    """Dates as text in the time zone of the panel; numbers where it counts its rows."""
    if not isinstance(panel.begins, pd.DatetimeIndex):
        return column
    zone = panel.begins.tz
    dates = pd.to_datetime(column, format="ISO8601", utc=zone is not None)
    return dates if zone is None else dates.dt.tz_convert(zone)


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
