"""`forecast plot`."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from forecast.cli.command import command
from forecast.cli.opening import opened_run
from forecast.cli.options import RUNS, FutureOption, RunsOption, SetKnownOption, completing


@command(
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
            "steps, residuals, backtest, norms.",
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
    opener, assumed = partial(opened_run, console=console), Assumptions(future, (), set_known or ())
    if str(output) == "-":
        console.result(plot_one(run, opener, console, figures, format, shown, assumed))
        return
    paths = plot_run(run, opener, console, figures, output, format, shown, assumed)
    console.result("\n".join(map(str, paths)))
