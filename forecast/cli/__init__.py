"""What can I type? Signatures and help texts; each command imports what it needs when it runs.

This is the one door for imports inside functions: starting up costs what Typer costs, and nothing
but training ever pays for TensorFlow. It is also the one place that turns errors into exit codes.
"""

import sys
from typing import Annotated

import typer

from forecast import __version__
from forecast.cli.about import doctor, schema
from forecast.cli.backtest import backtest
from forecast.cli.check import check
from forecast.cli.command import BUG, HELP, Commands, examples
from forecast.cli.compare import compare
from forecast.cli.detect import detect
from forecast.cli.evaluate import evaluate
from forecast.cli.explain import explain
from forecast.cli.export import export
from forecast.cli.init import init
from forecast.cli.inspect import gates, gradients, summary
from forecast.cli.plot import plot
from forecast.cli.predict import predict
from forecast.cli.runs import delete, list_, path, show, verify
from forecast.cli.train import train
from forecast.cli.tune import tune
from forecast.console import Color, Console, stdout_problem
from forecast.errors import UsageError
from forecast.signals import Stop
from forecast.streams import discard, show_warnings

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

inspect_app = typer.Typer(
    help="Look inside a network: its layers, its gates, its gradients.",
    epilog=examples("forecast inspect gates --plot gates.png", "forecast inspect gradients"),
    no_args_is_help=True,
    rich_markup_mode=None,
)

_OF_RUNS = (list_, show, path, verify, delete)
_ALL = (
    init, check, train, predict, evaluate, explain, backtest, compare, tune, detect, plot, export,
    schema, doctor,
)  # fmt: skip
for _command in _ALL:
    _command.add_to(app)
for _command in _OF_RUNS:
    _command.add_to(runs_app)
for _command in (summary, gates, gradients):
    _command.add_to(inspect_app)
app.add_typer(inspect_app, name="inspect")
app.add_typer(runs_app, name="runs")


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
