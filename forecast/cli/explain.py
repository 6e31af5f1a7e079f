"""`forecast explain`."""

from typing import Annotated, Literal

import typer

from forecast.cli.command import command
from forecast.cli.opening import open_named_network
from forecast.cli.options import RUNS, InputOption, PlotOption, RunArgument, RunsOption


@command(
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
    opened = open_named_network(run, runs, console)
    table = explain_run(opened, input_, repeats, seed, console)
    if plot_:
        plot_importance(opened.run.record.name, opened.model, table, plot_, console)
    console.result(explain_text(table, format))
