"""What can I type? Signatures and help texts; each command imports what it needs when it runs.

This is the one door for imports inside functions: starting up costs what Typer costs, and nothing
but training ever pays for TensorFlow. It is also the one place that turns errors into exit codes.
"""

import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, ParamSpec, cast

import typer
from typer.core import TyperGroup

from forecast import __version__
from forecast.console import Color, Console, stdout_problem
from forecast.errors import ForecastError, Problem, UsageError
from forecast.signals import Stop, exit_code
from forecast.streams import discard, show_warnings

if TYPE_CHECKING:
    from forecast.jobs.opening import OpenedRun
    from forecast.runs import Run

P = ParamSpec("P")
BUG, INTERRUPTED = 1, exit_code(signal.SIGINT)

RUNS = Path("runs")
STDOUT = Path("-")


class Commands(TyperGroup):
    """Commands whose options are refused in our words: what parses them has words of its own."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the options before the command."""
        with _plain_words():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Parse the rest, and run the command."""
        with _plain_words():
            return super().invoke(ctx)


@contextmanager
def _plain_words() -> Iterator[None]:
    try:
        yield
    except typer.BadParameter as error:
        message = error.message.removeprefix("Value error, ").replace("Input should", "should")
        message = message.replace("a valid integer", "a whole number").split(", unable to")[0]
        error.message = message
        raise


def examples(*lines: str) -> str:
    """The end of a help text: what a person may type."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def completing(kind: str) -> Callable[[typer.Context, str], list[str]]:
    """What a shell is offered for an option of this kind."""

    def complete(context: typer.Context, incomplete: str) -> list[str]:
        from forecast.completion import KINDS

        return KINDS[kind](incomplete, context.params)

    return complete


HELP = {"help_option_names": ["--help", "-h"]}
app = typer.Typer(
    name="forecast",
    cls=Commands,
    help="Forecast time series with Keras: train, predict and plot from YAML configs.",
    epilog=examples(
        "forecast init --example airline     begin with an example",
        "forecast init sales.csv             or with a table of your own",
        "forecast train --config sales.yaml",
        "forecast predict --output forecast.csv",
    ),
    context_settings=HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
runs_app = typer.Typer(
    help="List, show, check and delete runs.",
    epilog=examples("forecast runs list", "forecast runs show latest"),
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(runs_app, name="runs")

ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config",
        help="The YAML config; one that is not here is looked for in configs/; - is stdin.",
        metavar="FILE",
        readable=False,
        autocompletion=completing("config"),
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a key of the config, such as training.epochs=5. Repeatable.",
        autocompletion=completing("set"),
    ),
]
RunsOption = Annotated[
    Path,
    typer.Option(
        "--runs", envvar="FORECAST_RUNS", metavar="DIR", help="The folder in which runs are kept."
    ),
]
RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="The name or the path of a run, or latest: the last complete one.",
        autocompletion=completing("run"),
    ),
]
InputOption = Annotated[
    Path | None,
    typer.Option(
        "--input",
        metavar="FILE",
        help="A table with newer rows of the same series; - reads standard input.",
        readable=False,
    ),
]
FutureOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A table with the known covariates of the steps to come; - reads standard input.",
        readable=False,
    ),
]
SetKnownOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COL=VALUE",
        help="A known covariate has this value in all steps to come, such as price=9.99. "
        "Repeatable.",
    ),
]
OutputOption = Annotated[
    Path,
    typer.Option(
        metavar="FILE",
        help="The file to write, whose ending says how: .csv or .jsonl, with .gz behind it "
        "compressed, or .parquet; - prints the result.",
    ),
]
PlotOption = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", help="Draw it too, into a .png, .svg or .pdf."),
]
FailOption = Annotated[
    str | None,
    typer.Option(
        "--fail-if",
        metavar="EXPR",
        help="End with 6 where it holds, such as 'mase > 1' or 'rmse > seasonal_naive'.",
    ),
]
BackendOption = Annotated[
    Literal["tensorflow", "jax"] | None,
    typer.Option(
        help="What Keras computes with; KERAS_BACKEND, else the config's training.backend, "
        "where it is left out."
    ),
]


def command(
    owner: typer.Typer, *typed: str, name: str | None = None
) -> Callable[[Callable[P, None]], None]:
    """Register a function as a command whose errors become messages and exit codes.

    `typed` are examples of what a person may type.
    """

    def register(function: Callable[P, None]) -> None:
        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> None:
            console: Console = cast(typer.Context, kwargs["context"]).obj
            try:
                function(*args, **kwargs)
            except ForecastError as error:
                console.error(error)
                if console.verbose:
                    traceback.print_exc()
                raise typer.Exit(error.exit_code) from error
            except KeyboardInterrupt as stop:
                raise typer.Exit(INTERRUPTED) from stop
            except Exception as error:
                raise typer.Exit(_code_of_unexpected(error, console)) from error

        owner.command(name, epilog=examples(*typed), context_settings=HELP)(run)

    return register


def _code_of_unexpected(error: Exception, console: Console) -> int:
    """The exit code of what should not happen; a bug is shown with all that may explain it."""
    interruption = _interruption_behind(error)
    if interruption is not None:
        return INTERRUPTED
    traceback.print_exception(error)
    console.error(_bug(error))
    return BUG


def _interruption_behind(error: BaseException | None) -> KeyboardInterrupt | None:
    """A library that is interrupted while it loads may say so with an error of its own."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


def _bug(error: Exception) -> ForecastError:
    advice = "Please report it, with the lines above and what you typed."
    return ForecastError(Problem(f"this is a bug in forecast {__version__}: {error!r}", advice))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"forecast {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print the result and errors, and nothing else.")
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="Print timings too, tracebacks, and what libraries have to say."
        ),
    ] = False,
    color: Annotated[
        Color,
        typer.Option(help="Colour messages; auto does on a terminal, unless NO_COLOR is set."),
    ] = "auto",
    no_progress: Annotated[
        bool, typer.Option("--no-progress", help="Draw no progress bars on a terminal.")
    ] = False,
) -> None:
    """Options that every command obeys."""
    if verbose:
        show_warnings()
    context.obj = Console(quiet, verbose, color, not no_progress, context.obj or Stop())


@command(app, "forecast init --example airline", "forecast init sales.csv --target units")
def init(
    context: typer.Context,
    table: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The table to look at.", show_default=False),
    ] = None,
    example: Annotated[
        str | None,
        typer.Option(
            "--example",
            metavar="[NAME]",
            help="Write the recipes and the data of this example here; without a name, list all.",
            autocompletion=completing("example"),
        ),
    ] = None,
    time: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COL", help="The column of dates; several are read as one date. Repeatable."
        ),
    ] = None,
    time_format: Annotated[
        str | None,
        typer.Option(metavar="FORM", help="How dates are written, such as %d/%m/%Y or epoch_ms."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="COL,...", help="The column to forecast, or several, each a series."),
    ] = None,
    id_: Annotated[
        str | None,
        typer.Option("--id", metavar="COL,...", help="The columns that tell the series apart."),
    ] = None,
    freq: Annotated[
        str | None,
        typer.Option(metavar="FREQ", help="The distance of two rows, such as D, MS, h or 15min."),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="The time zone of local times, such as Europe/Berlin."),
    ] = None,
    horizon: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="How many steps ahead to forecast.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="The config to write; named after the table by default.",
        ),
    ] = None,
) -> None:
    """Write a commented config for a table, or an example.

    The table is looked at, and the recipe that suits it is written beside what was seen.
    """
    from forecast.commands.init import (
        config_for,
        examples_text,
        init_example,
        init_table,
        next_command,
        seen,
    )
    from forecast.data.profile import Hints

    console = context.obj
    if (table is None) == (example is None):
        raise UsageError(Problem("name a table, or an example: --example airline"))
    if example == "":
        console.result(examples_text())
        return
    if table is None:
        written = init_example(Path(), example or "")
    else:
        written = [output or config_for(table)]
        hints = Hints(
            tuple(time or ()), time_format, target=target, id=id_, freq=freq, timezone=timezone
        )
        profile = init_table(table, written[0], horizon=horizon, hints=hints)
        console.say(seen(profile))
        for warning in profile.warnings:
            console.warn(warning)
    console.result("\n".join(map(str, written)))
    console.say(f"next: {next_command(written[0], table)}")


@command(app, "forecast check --config sales.yaml")
def check(
    context: typer.Context,
    config: ConfigOption,
    set_: SetOption = None,
    format: Annotated[
        Literal["text", "json"], typer.Option(help="How to print what was found.")
    ] = "text",
) -> None:
    """Check a config and its data: every problem at once.

    What is found is what `train` would find before it begins.
    """
    import json
    from dataclasses import asdict

    from forecast.commands.check import describe, problems_document
    from forecast.jobs.job import prepare

    try:
        found = describe(prepare(config, set_ or ()))
    except ForecastError as error:
        if format == "json":
            context.obj.result(json.dumps(problems_document(error), indent=2))
        raise
    if format == "json":
        context.obj.result(json.dumps({"ok": True, "problems": [], **asdict(found)}, indent=2))
    else:
        context.obj.result(str(found))


@command(
    app,
    "forecast train --config air.yaml",
    "forecast train --config air.yaml --set training.epochs=5 --name quick",
    "forecast train --config air.yaml --from latest --set training.epochs=10",
)
def train(
    context: typer.Context,
    config: ConfigOption,
    set_: SetOption = None,
    name: Annotated[
        str | None,
        typer.Option(help="The run's name; the config's and the time by default.", metavar="NAME"),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="RUN",
            help="Go on from the weights and scales of an earlier run, on newer rows.",
            autocompletion=completing("run"),
        ),
    ] = None,
    backend: BackendOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Train a network and print the path of its run.

    The run holds the network, its scores beside those of the baselines, and all that the other
    commands need.
    """
    from forecast.stopwatch import Stopwatch

    stopwatch, console = Stopwatch(), context.obj
    # Config, data and the runs folder come first: their errors need not wait for TensorFlow.
    with stopwatch.stage("import"):
        from forecast.jobs.job import prepare
        from forecast.jobs.warm_start import warm_start
        from forecast.loading import asked_backend, load_keras, require_backend
        from forecast.runs import find_run, stage
    with stopwatch.stage("read"):
        earlier = None if from_ is None else find_run(runs, from_, console.warn)
        job = prepare(config, set_ or (), {"training.backend": asked_backend(backend)})
        require_backend(job.config.training.backend)
        start = None if earlier is None else warm_start(job, earlier)
    staged = stage(runs, config.stem, name, console.warn)
    with (
        staged as staging,
        console.stop.cleaning(staging.remove),
        console.without_library_noise(),
    ):
        _say_loading(job.config.training.backend, console)
        with stopwatch.stage("import"):
            load_keras(job.config.training.backend)
            from forecast.commands.train import Invocation
            from forecast.commands.train import train as train_job
        run = train_job(job, staging, Invocation(console, stopwatch, sys.argv[1:], start))
    console.result(str(run.path))


@command(
    app,
    "forecast predict",
    "forecast predict latest --horizon 24 --output forecast.csv",
    "forecast predict --future future.csv --set-known promotion=1",
)
def predict(
    context: typer.Context,
    run: RunArgument = "latest",
    input_: InputOption = None,
    output: OutputOption = STDOUT,
    horizon: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Steps to predict; predict.horizon of the config by default."
        ),
    ] = None,
    future: FutureOption = None,
    scenario: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Known covariates of a case that has a forecast of its own, called as the file "
            "is. Repeatable.",
            readable=False,
        ),
    ] = None,
    set_known: SetKnownOption = None,
    quantiles: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL,...", help="Quantiles to predict as well, such as 0.1,0.5,0.9."
        ),
    ] = None,
    format: Annotated[
        Literal["csv", "jsonl", "parquet"] | None,
        typer.Option(help="How to write the table: as the ending of FILE says, or as csv."),
    ] = None,
    runs: RunsOption = RUNS,
) -> None:
    """Predict what comes after the last row.

    The table has a row for each series and step, with a column for each quantile.
    """
    from forecast.commands.predict import parse_levels
    from forecast.commands.predict import predict as predict_table
    from forecast.data.export import encode_table
    from forecast.data.output import TABLE_FORMATS, output_of
    from forecast.jobs.assumptions import Assumptions

    levels = None if quantiles is None else parse_levels(quantiles)
    console, to = context.obj, output_of(output, format, TABLE_FORMATS)
    assumed = Assumptions(future, scenario or (), set_known or ())
    to.refuse_sources({"--input": input_} | assumed.files)
    opened = _open(run, runs, console)
    to.refuse_sources(opened.sources)
    table = predict_table(opened, input_, horizon, levels, console, assumed)
    to.write(encode_table(table, to.format), console)


@command(
    app,
    "forecast evaluate --fail-if 'rmse > seasonal_naive'",
    "forecast evaluate latest --input newer.csv --format json",
    "forecast evaluate --forecasts yesterday.csv --input newer.csv",
)
def evaluate(
    context: typer.Context,
    run: RunArgument = "latest",
    input_: InputOption = None,
    forecasts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Score these forecasts, which predict wrote before, by the rows of --input.",
            readable=False,
        ),
    ] = None,
    format: Annotated[
        Literal["table", "csv", "json"], typer.Option(help="How to print the scores.")
    ] = "table",
    fail_if: FailOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Score a run beside the baselines.

    Without --input its own scores are printed, on the test part above all; with it, rows that came
    later are forecast and scored, or with --forecasts what was forecast of them before they came.
    """
    from forecast.commands.evaluate import (
        INPUT,
        evaluate_forecasts,
        own_scores,
        refuse_lonely,
        scores_text,
    )
    from forecast.commands.evaluate import evaluate as evaluate_run
    from forecast.commands.verdict import say_verdict
    from forecast.methods import BASELINES
    from forecast.runs import find_run
    from forecast.scoring.gate import Gate

    console = context.obj
    gate = Gate(fail_if, BASELINES) if fail_if is not None else None
    if forecasts is not None:
        refuse_lonely(forecasts, input_)
    found = find_run(runs, run, console.warn)
    if input_ is None:
        split, scores = "test", own_scores(found, console)
    elif forecasts is not None:
        split, scores = INPUT, evaluate_forecasts(found, forecasts, input_, console)
    else:
        split, scores = INPUT, evaluate_run(_opened(found, console), input_, console)
    console.result(scores_text(scores, format))
    say_verdict(scores, split, found.record.model, console)
    if gate:
        gate.check(scores, split, found.record.model)


@command(
    app,
    "forecast explain",
    "forecast explain latest --format csv --plot importance.png",
)
def explain(
    context: typer.Context,
    run: RunArgument = "latest",
    input_: InputOption = None,
    repeats: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="Permutations of each feature.")
    ] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the permutations.")] = 0,
    format: Annotated[
        Literal["table", "csv", "json"], typer.Option(help="How to print the importances.")
    ] = "table",
    plot_: PlotOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Tell which covariates and lags matter.

    Each is dealt out anew among windows that the network was not fitted on: the more the error
    grows by that, the more the forecasts rest on it. What does not help is named.
    """
    from forecast.commands.explain import explain as explain_run
    from forecast.commands.explain import explain_text

    console = context.obj
    if plot_:
        from forecast.commands.plot import plot_importance, refuse_plot

        refuse_plot(plot_)
    opened = _open(run, runs, console)
    table = explain_run(opened, input_, repeats, seed, console)
    if plot_:
        plot_importance(opened.run.record.name, opened.model, table, plot_, console)
    console.result(explain_text(table, format))


@command(
    app,
    "forecast backtest --config air.yaml --windows 12 --stride 1",
    "forecast backtest --config air.yaml --refit --against naive,drift,naive2",
)
def backtest(
    context: typer.Context,
    config: ConfigOption,
    set_: SetOption = None,
    windows: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Forecast from so many cutoffs (backtest.n_windows)."
        ),
    ] = None,
    stride: Annotated[
        int | None,
        typer.Option(min=1, metavar="S", help="Steps from one cutoff to the next; the horizon."),
    ] = None,
    refit: Annotated[
        bool | None,
        typer.Option("--refit/--no-refit", help="Fit again at every cutoff, or once before all."),
    ] = None,
    against: Annotated[
        str,
        typer.Option(
            metavar="NAME,...",
            help="Methods to set beside the network, such as drift or naive2.",
            autocompletion=completing("methods"),
        ),
    ] = "naive,seasonal_naive",
    format: Annotated[
        Literal["table", "csv", "jsonl", "parquet", "json"] | None,
        typer.Option(
            help="Write scores as a table, forecasts as csv, jsonl or parquet, or both as json: as "
            "the ending of FILE says (a table is .txt), or as a table."
        ),
    ] = None,
    output: OutputOption = STDOUT,
    backend: BackendOption = None,
    plot_: PlotOption = None,
    fail_if: FailOption = None,
) -> None:
    """Forecast from past cutoffs, and score.

    Each forecast sees its own past alone, so that the scores tell what a person would have got.
    """
    from forecast.data.output import TABLE_FORMATS, output_of
    from forecast.jobs.job import prepare
    from forecast.loading import asked_backend, load_keras, require_backend
    from forecast.methods import check_names
    from forecast.scoring.gate import Gate

    console = context.obj
    names = against.split(",")
    check_names(names)
    to = output_of(output, format, ("table", *TABLE_FORMATS, "json"))
    gate = Gate(fail_if, names) if fail_if is not None else None
    if plot_:
        from forecast.commands.plot import plot_backtest, refuse_plot

        refuse_plot(plot_)
    flags = {"n_windows": windows, "stride": stride, "refit": refit}
    overrides = {f"backtest.{key}": value for key, value in flags.items()}
    job = prepare(config, set_ or (), overrides | {"training.backend": asked_backend(backend)})
    to.refuse_sources(job.config.data.files)
    require_backend(job.config.training.backend)
    with console.without_library_noise():
        _say_loading(job.config.training.backend, console)
        load_keras(job.config.training.backend)
        from forecast.commands.backtest import SPLIT, encode_backtest
        from forecast.commands.backtest import backtest as run_backtest
        from forecast.commands.verdict import say_verdict

        result = run_backtest(job, names, console)
    to.write(encode_backtest(result, to.format), console)
    say_verdict(result.scores, SPLIT, job.config.model.kind, console, job.config)
    if plot_:
        plot_backtest(job, result.forecasts, result.scores, plot_, console)
        console.say(f"drawn: {plot_}")
    if gate:
        gate.check(result.scores, SPLIT, job.config.model.kind)


@command(
    app,
    "forecast plot",
    "forecast plot latest forecast residuals --format svg --output figures/",
)
def plot(
    context: typer.Context,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN FIGURE...",
            help="A run, latest by default, and figures: history, forecast (these two by default), "
            "steps, residuals, backtest.",
            autocompletion=completing("figure"),
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|DIR",
            help="A file or folder to write to, the run's plots/ by default; - prints one figure.",
        ),
    ] = None,
    format: Annotated[
        Literal["png", "svg", "pdf"] | None,
        typer.Option(help="The format of the files, png by default."),
    ] = None,
    last: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Show so many rows before the cutoff; some seasons by default."
        ),
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Show rows from this date on.")
    ] = None,
    series: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="Show this series; the best, the middle and the worst by default. Repeatable.",
        ),
    ] = None,
    future: FutureOption = None,
    set_known: SetKnownOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Draw figures and print the paths of their files."""
    from forecast.commands.plot import Wanted, plot_one, run_and_figures
    from forecast.commands.plot import plot as plot_run
    from forecast.jobs.assumptions import Assumptions

    console = context.obj
    run, figures = run_and_figures(arguments or (), runs, console.warn)
    shown = Wanted(tuple(series or ()), last, from_)
    opener, assumed = partial(_opened, console=console), Assumptions(future, (), set_known or ())
    if str(output) == "-":
        console.result(plot_one(run, opener, console, figures, format, shown, assumed))
        return
    paths = plot_run(run, opener, console, figures, output, format, shown, assumed)
    console.result("\n".join(map(str, paths)))


@command(runs_app, "forecast runs list", "forecast runs list --format json", name="list")
def list_(
    context: typer.Context,
    format: Annotated[
        Literal["table", "csv", "json"], typer.Option(help="How to print the list.")
    ] = "table",
    runs: RunsOption = RUNS,
) -> None:
    """List the runs, oldest first, damaged ones too.

    Scores are those on the test part; a star marks the run that is latest.
    """
    from forecast.commands.runs import list_text, listed_runs

    found = listed_runs(runs)
    context.obj.result(list_text(found, format))
    for run in found:
        if run.problem:
            context.obj.warn(run.problem)


@command(runs_app, "forecast runs show", "forecast runs show latest --format json")
def show(
    context: typer.Context,
    run: RunArgument = "latest",
    format: Annotated[
        Literal["table", "json"], typer.Option(help="How to print the run.")
    ] = "table",
    runs: RunsOption = RUNS,
) -> None:
    """Show one run: its config, scores and timings."""
    from forecast.commands.show import show_text
    from forecast.runs import find_run

    context.obj.result(show_text(find_run(runs, run, context.obj.warn), format))


@command(runs_app, "forecast runs path latest")
def path(context: typer.Context, run: RunArgument = "latest", runs: RunsOption = RUNS) -> None:
    """Print the path of a run."""
    from forecast.runs import find_run

    context.obj.result(str(find_run(runs, run, context.obj.warn).path))


@command(runs_app, "forecast runs verify latest")
def verify(context: typer.Context, run: RunArgument = "latest", runs: RunsOption = RUNS) -> None:
    """Check every file of a run against its checksum.

    The path of the run is printed where all of them are as they were written.
    """
    from forecast.commands.runs import verify as verify_run
    from forecast.runs import find_run

    found = find_run(runs, run, context.obj.warn)
    for warning in verify_run(found):
        context.obj.warn(warning)
    context.obj.result(str(found.path))


@command(runs_app, "forecast runs delete quick")
def delete(
    context: typer.Context,
    run: RunArgument,
    runs: RunsOption = RUNS,
) -> None:
    """Delete a run without asking, and print where it was."""
    from forecast.runs import delete as delete_run

    context.obj.result(str(delete_run(runs, run, context.obj.warn)))


@command(app, "forecast schema > schema.json")
def schema(context: typer.Context) -> None:
    """Print the JSON Schema of the config, for editors."""
    import json

    from forecast.config.schema import json_schema

    context.obj.result(json.dumps(json_schema(), indent=2))


@command(app, "forecast doctor")
def doctor(context: typer.Context) -> None:
    """Print what is installed, and whether it works."""
    from forecast.commands.doctor import doctor as examine

    with context.obj.without_library_noise():
        findings = examine()
    context.obj.result("\n".join(f"{name}: {finding}" for name, finding in findings.items()))


def _say_loading(backend: str, console: Console) -> None:
    """It takes seconds, in which nothing else would be said."""
    console.say(f"loading {'JAX' if backend == 'jax' else 'TensorFlow'} ...")


def _open(run: str, runs: Path, console: Console) -> "OpenedRun":
    from forecast.runs import find_run

    return _opened(find_run(runs, run, console.warn), console)


def _opened(run: "Run", console: Console) -> "OpenedRun":
    """A run that is ready to forecast; one that was interrupted is exported first."""
    from forecast.jobs.opening import open_run

    if not run.is_exported:
        from forecast.loading import load_keras

        console.say("the run was interrupted before its network was exported: that is done now.")
        _say_loading("tensorflow", console)
        with console.without_library_noise():
            load_keras("tensorflow")
            from forecast.jobs.finishing import finish

            run = finish(run)
    return open_run(run)


def _whole(words: list[str]) -> list[str]:
    """What was typed; Typer has no option whose value may be left out."""
    return [*words, ""] if words[-1:] == ["--example"] else words


def main(stop: Stop) -> int:
    """Run the command line; the exit code, one of those of the reference page."""
    try:
        app(_whole(sys.argv[1:]), obj=stop, prog_name="forecast")
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            return 0  # a reader of the help has seen enough
        if end.code == BUG and any(word.endswith("-completion") for word in sys.argv):
            return UsageError.exit_code  # there are shells that Typer does not know
        return end.code if isinstance(end.code, int) else BUG
    except OSError as error:  # commands have their own; this is the help, or the version
        discard(sys.stdout)
        Console().error(UsageError(stdout_problem(error)))
        return UsageError.exit_code
    return 0
