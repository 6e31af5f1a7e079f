"""What can I type? Signatures and help texts; each command imports what it needs when it runs.

This is the one door for imports inside functions: starting up costs what Typer costs, and nothing
but training ever pays for TensorFlow. It is also the one place that turns errors into exit codes.
"""

import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, ParamSpec, cast

import typer

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

app = typer.Typer(
    name="forecast",
    help="Forecast time series with Keras: train, predict and plot from YAML configs.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
runs_app = typer.Typer(
    help="List, show, check and delete runs.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(runs_app, name="runs")

ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config", help="The config, as given or in configs/.", metavar="FILE", readable=False
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override a key, such as training.epochs=5. Repeatable."
    ),
]
RunsOption = Annotated[
    Path,
    typer.Option("--runs", envvar="FORECAST_RUNS", metavar="DIR", help="Where runs are kept."),
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's path or name, or latest.")]
InputOption = Annotated[
    Path | None,
    typer.Option(
        "--input",
        metavar="FILE",
        help="A CSV with newer rows of the same series; - is stdin.",
        readable=False,
    ),
]
FailOption = Annotated[
    str | None,
    typer.Option(
        "--fail-if",
        metavar="EXPR",
        help="Exit with 6 where it holds: 'mase > 1', 'rmse > seasonal_naive'.",
    ),
]
BackendOption = Annotated[
    Literal["tensorflow", "jax"] | None,
    typer.Option(
        help="What Keras computes with; KERAS_BACKEND, else the config's training.backend, "
        "where it is left out."
    ),
]
RUNS = Path("runs")


def command(owner: typer.Typer, name: str | None = None) -> Callable[[Callable[P, None]], None]:
    """Register a function as a command whose errors become messages and exit codes."""

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

        owner.command(name)(run)

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
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say which.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say more: timings, tracebacks, library logs.")
    ] = False,
    color: Annotated[Color, typer.Option(help="Colour what is said.")] = "auto",
    no_progress: Annotated[bool, typer.Option("--no-progress", help="No progress bars.")] = False,
) -> None:
    """Options that every command obeys."""
    if verbose:
        show_warnings()
    context.obj = Console(quiet, verbose, color, not no_progress, context.obj or Stop())


@command(app)
def init(
    context: typer.Context,
    table: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A table to look at.", show_default=False)
    ] = None,
    example: Annotated[
        Literal["airline"] | None, typer.Option("--example", help="An example to write here.")
    ] = None,
    time: Annotated[
        list[str] | None, typer.Option(metavar="COL", help="Column of dates. Repeatable.")
    ] = None,
    time_format: Annotated[
        str | None,
        typer.Option(metavar="FORM", help="How dates are written: %d/%m/%Y, epoch_ms, ..."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="COL,...", help="Column to forecast, or several, each a series."),
    ] = None,
    id_: Annotated[
        str | None,
        typer.Option("--id", metavar="COL,...", help="Columns that tell series apart."),
    ] = None,
    freq: Annotated[
        str | None, typer.Option(metavar="FREQ", help="Frequency: D, MS, h, 15min, ...")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Time zone of local times: Europe/Berlin.")
    ] = None,
    horizon: Annotated[int | None, typer.Option(min=1, metavar="N", help="Steps ahead.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="The config to write.")
    ] = None,
) -> None:
    """Write a commented config: for a table of yours, or an example with its CSV."""
    from forecast.commands.init import config_for, init_example, init_table, seen
    from forecast.data.profile import Hints

    console = context.obj
    if (table is None) == (example is None):
        raise UsageError(Problem("name a table, or an example: --example airline"))
    if table is None:
        written = init_example(Path())
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
    console.say(f"next: forecast train --config {written[0]}")


@command(app)
def check(
    context: typer.Context,
    config: ConfigOption,
    set_: SetOption = None,
    format: Annotated[Literal["text", "json"], typer.Option(help="Form of the result.")] = "text",
) -> None:
    """Check a config and its data: every problem at once."""
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


@command(app)
def train(
    context: typer.Context,
    config: ConfigOption,
    set_: SetOption = None,
    name: Annotated[str | None, typer.Option(help="Name of the run.", metavar="NAME")] = None,
    backend: BackendOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Train a network and print the path of its run."""
    from forecast.stopwatch import Stopwatch

    stopwatch, console = Stopwatch(), context.obj
    # Config, data and the runs folder come first: their errors need not wait for TensorFlow.
    with stopwatch.stage("import"):
        from forecast.jobs.job import prepare
        from forecast.loading import asked_backend, load_keras, require_backend
        from forecast.runs import stage
    with stopwatch.stage("read"):
        job = prepare(config, set_ or (), {"training.backend": asked_backend(backend)})
        require_backend(job.config.training.backend)
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
        run = train_job(job, staging, Invocation(console, stopwatch, sys.argv[1:]))
    console.result(str(run.path))


@command(app)
def predict(
    context: typer.Context,
    run: RunArgument = "latest",
    input_: InputOption = None,
    output: Annotated[
        Path, typer.Option(metavar="FILE", help="Where to write; - is stdout.")
    ] = Path("-"),
    horizon: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Steps to predict.")
    ] = None,
    quantiles: Annotated[
        str | None, typer.Option(metavar="LEVEL,...", help="Quantiles, such as 0.1,0.5,0.9.")
    ] = None,
    format: Annotated[
        Literal["csv", "jsonl", "parquet"] | None,
        typer.Option(help="Form of the table; by default from the ending of FILE, else csv."),
    ] = None,
    runs: RunsOption = RUNS,
) -> None:
    """Predict what comes after the last row."""
    from forecast.commands.predict import parse_levels
    from forecast.commands.predict import predict as predict_table
    from forecast.data.export import encode_table, write_file

    levels = None if quantiles is None else parse_levels(quantiles)
    table = predict_table(_open(run, runs, context.obj), input_, horizon, levels)
    content = encode_table(table, output, format)
    if str(output) == "-":
        context.obj.result(content)
    else:
        write_file(content, output)


@command(app)
def evaluate(
    context: typer.Context,
    run: RunArgument = "latest",
    input_: InputOption = None,
    format: Annotated[
        Literal["table", "csv", "json"], typer.Option(help="Form of the scores.")
    ] = "table",
    fail_if: FailOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Score a run beside the baselines, on its own test part or on newer rows."""
    from forecast.commands.evaluate import INPUT, scores_text
    from forecast.commands.evaluate import evaluate as evaluate_run
    from forecast.methods import BASELINES
    from forecast.scoring.gate import Gate

    gate = Gate(fail_if, BASELINES) if fail_if is not None else None
    opened = _open(run, runs, context.obj)
    scores = evaluate_run(opened, input_)
    context.obj.result(scores_text(scores, format))
    if gate:
        gate.check(scores, INPUT if input_ else "test", opened.model)


@command(app)
def backtest(
    context: typer.Context,
    config: ConfigOption,
    set_: SetOption = None,
    windows: Annotated[int | None, typer.Option(min=1, metavar="N", help="Cutoffs.")] = None,
    stride: Annotated[
        int | None, typer.Option(min=1, metavar="S", help="Steps between cutoffs.")
    ] = None,
    refit: Annotated[
        bool | None, typer.Option("--refit/--no-refit", help="Fit again at every cutoff.")
    ] = None,
    against: Annotated[
        str,
        typer.Option(metavar="NAME,...", help="Methods to set beside it, such as drift or naive2."),
    ] = "naive,seasonal_naive",
    format: Annotated[
        Literal["table", "csv", "json"],
        typer.Option(help="Scores as a table, forecasts as csv, or both as json."),
    ] = "table",
    output: Annotated[
        Path, typer.Option(metavar="FILE", help="Where to write; - is stdout.")
    ] = Path("-"),
    backend: BackendOption = None,
    plot_: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw the forecasts: .png, .svg or .pdf."),
    ] = None,
    fail_if: FailOption = None,
) -> None:
    """Forecast from past cutoffs, each from its own past alone, and score."""
    from forecast.data.export import refuse_unwritable, write_file
    from forecast.jobs.job import prepare
    from forecast.loading import asked_backend, load_keras, require_backend
    from forecast.methods import check_names
    from forecast.scoring.gate import Gate

    console = context.obj
    names = against.split(",")
    check_names(names)
    if str(output) != "-":
        refuse_unwritable(output, "Give another --output.")
    gate = Gate(fail_if, names) if fail_if is not None else None
    if plot_:
        from forecast.commands.plot import plot_backtest, refuse_plot

        refuse_plot(plot_)
    flags = {"n_windows": windows, "stride": stride, "refit": refit}
    overrides = {f"backtest.{key}": value for key, value in flags.items()}
    job = prepare(config, set_ or (), overrides | {"training.backend": asked_backend(backend)})
    require_backend(job.config.training.backend)
    with console.without_library_noise():
        _say_loading(job.config.training.backend, console)
        load_keras(job.config.training.backend)
        from forecast.commands.backtest import SPLIT, backtest_text
        from forecast.commands.backtest import backtest as run_backtest

        result = run_backtest(job, names, console)
    text = backtest_text(result, format)
    if str(output) == "-":
        console.result(text)
    else:
        write_file(text.encode(), output)
    if plot_:
        plot_backtest(job, result.forecasts, result.scores, plot_, console)
        console.say(f"drawn: {plot_}")
    if gate:
        gate.check(result.scores, SPLIT, job.config.model.kind)


@command(app)
def plot(
    context: typer.Context,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN FIGURE...",
            help="Figures: history, forecast (these by default), steps, residuals, backtest.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE|DIR", help="Where to write; the run's plots/ by default."),
    ] = None,
    format: Annotated[
        Literal["png", "svg", "pdf"] | None, typer.Option(help="By default png.")
    ] = None,
    last: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Rows to show before the cutoff; some seasons by default."
        ),
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="The first date to show.")
    ] = None,
    series: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="A series to show; by default the best, the middle and the worst. Repeatable.",
        ),
    ] = None,
    runs: RunsOption = RUNS,
) -> None:
    """Draw figures and print the paths of their files."""
    from forecast.commands.plot import Wanted, run_and_figures
    from forecast.commands.plot import plot as plot_run

    run, figures = run_and_figures(arguments or (), runs, context.obj.warn)
    shown = Wanted(tuple(series or ()), last, from_)
    console = context.obj
    opener = partial(_opened, console=console)
    paths = plot_run(run, opener, console, figures, output, format, shown)
    context.obj.result("\n".join(map(str, paths)))


@command(runs_app, "list")
def list_(
    context: typer.Context,
    format: Annotated[Literal["table", "csv", "json"], typer.Option(help="Form.")] = "table",
    runs: RunsOption = RUNS,
) -> None:
    """List the runs, oldest first, with their scores on the test part; damaged ones too."""
    from forecast.commands.runs import list_text, listed_runs

    found = listed_runs(runs)
    context.obj.result(list_text(found, format))
    for run in found:
        if run.problem:
            context.obj.warn(run.problem)


@command(runs_app)
def show(
    context: typer.Context,
    run: RunArgument = "latest",
    format: Annotated[Literal["table", "json"], typer.Option(help="Form.")] = "table",
    runs: RunsOption = RUNS,
) -> None:
    """Show one run: its config, scores and timings."""
    from forecast.commands.show import show_text
    from forecast.runs import find_run

    context.obj.result(show_text(find_run(runs, run, context.obj.warn), format))


@command(runs_app)
def path(context: typer.Context, run: RunArgument = "latest", runs: RunsOption = RUNS) -> None:
    """Print the path of a run."""
    from forecast.runs import find_run

    context.obj.result(str(find_run(runs, run, context.obj.warn).path))


@command(runs_app)
def verify(context: typer.Context, run: RunArgument = "latest", runs: RunsOption = RUNS) -> None:
    """Check every file of a run against its checksum, and print the path of the run."""
    from forecast.commands.runs import verify as verify_run
    from forecast.runs import find_run

    found = find_run(runs, run, context.obj.warn)
    for warning in verify_run(found):
        context.obj.warn(warning)
    context.obj.result(str(found.path))


@command(runs_app)
def delete(
    context: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's path or name, or latest.")],
    runs: RunsOption = RUNS,
) -> None:
    """Delete a run without asking, and print where it was."""
    from forecast.runs import delete as delete_run

    context.obj.result(str(delete_run(runs, run, context.obj.warn)))


@command(app)
def schema(context: typer.Context) -> None:
    """Print the JSON Schema of the config, for editors."""
    import json

    from forecast.config.schema import json_schema

    context.obj.result(json.dumps(json_schema(), indent=2))


@command(app)
def doctor(context: typer.Context) -> None:
    """Say what is installed, and whether it works."""
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


def main(stop: Stop) -> int:
    """Run the command line; the exit code, one of those of the reference page."""
    try:
        app(obj=stop, prog_name="forecast")
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            return 0  # a reader of the help has seen enough
        return end.code if isinstance(end.code, int) else BUG
    except OSError as error:  # commands have their own; this is the help, or the version
        discard(sys.stdout)
        Console().error(UsageError(stdout_problem(error)))
        return UsageError.exit_code
    return 0
