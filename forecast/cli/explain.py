"""`forecast explain`."""

from typing import Annotated, Any, Literal

import typer

from forecast.cli.command import command
from forecast.cli.opening import looking, open_named_network
from forecast.cli.options import (
    RUNS,
    FutureOption,
    InputOption,
    PlotOption,
    RunArgument,
    RunsOption,
    SetKnownOption,
)
from forecast.errors import Problem, UsageError

_REPEATS, _SEED = 5, 0


@command(
    "forecast explain",
    "forecast explain latest --format csv --plot importance.png",
    "forecast explain --method integrated_gradients --series north --future future.csv",
)
def explain(
    context: typer.Context,
    run: RunArgument = "latest",
    method: Annotated[
        Literal["permutation", "integrated_gradients"],
        typer.Option(help="What matters to errors over many windows, or to one forecast."),
    ] = "permutation",
    input_: InputOption = None,
    repeats: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            metavar="N",
            help=f"Permutations of each feature; {_REPEATS} by default.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help=f"Seed of the permutations; {_SEED} by default.")
    ] = None,
    series: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Of integrated gradients: the series; the first by default."
        ),
    ] = None,
    step: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="K",
            help="Of integrated gradients: the step; the mean of all by default.",
        ),
    ] = None,
    future: FutureOption = None,
    set_known: SetKnownOption = None,
    format: Annotated[
        Literal["table", "csv", "json"], typer.Option(help="How to print what was found.")
    ] = "table",
    plot_: PlotOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Tell which covariates and lags matter.

    By permutation, each is dealt out anew among windows that the network was not fitted on: the
    more the error grows by that, the more the forecasts rest on it. What does not help is named.

    By integrated gradients, the forecast after the last row is taken apart: what each adds to it,
    or takes away, beside the forecast of a flat past with covariates at their mean.
    """
    of_permutations = {"--repeats": repeats, "--seed": seed}
    of_one = {"--series": series, "--step": step, "--future": future, "--set-known": set_known}
    if method == "permutation":
        _refuse(of_one, "one forecast: --method integrated_gradients")
    else:
        _refuse(of_permutations, "permutations: --method permutation")
    if plot_:
        from forecast.commands.plot import refuse_plot

        refuse_plot(plot_)
    console = context.obj
    if method == "integrated_gradients":
        with looking(run, runs, console) as opened:
            from forecast.commands.attribution import Asked, attribution, attribution_text
            from forecast.jobs.assumptions import Assumptions

            assumed = Assumptions(future, (), set_known or ())
            told = attribution(opened, input_, Asked(series, step), assumed, console)
        if plot_:
            from forecast.commands.plot import plot_attribution

            plot_attribution(opened.run.record.name, told, plot_, console)
        text = attribution_text(told, format)
    else:
        from forecast.commands.explain import explain as explain_run
        from forecast.commands.explain import explain_text

        opened = open_named_network(run, runs, console)
        counts = _REPEATS if repeats is None else repeats, _SEED if seed is None else seed
        table = explain_run(opened, input_, *counts, console)
        if plot_:
            from forecast.commands.plot import plot_importance

            plot_importance(opened.run.record.name, opened.model, table, plot_, console)
        text = explain_text(table, format)
    console.result(text)


def _refuse(options: dict[str, Any], of: str) -> None:
    """Raise `UsageError` for an option that the method has no use for."""
    for name, value in options.items():
        if value is not None:
            raise UsageError(Problem(f"{name} is of {of}."))
