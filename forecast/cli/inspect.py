"""`forecast inspect`: summary, gates and gradients."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from forecast.cli.command import command
from forecast.cli.opening import looking
from forecast.cli.options import RUNS, InputOption, PlotOption, RunArgument, RunsOption

FormatOption = Annotated[
    Literal["table", "csv", "json"], typer.Option(help="How to print what was found.")
]
SeriesOption = Annotated[str | None, typer.Option(metavar="ID", help="Windows of this series.")]
MemberOption = Annotated[
    int, typer.Option(min=0, metavar="K", help="Which network of an ensemble, from 0 on.")
]
WindowsOption = Annotated[
    int, typer.Option(min=1, metavar="N", help="Look at so many windows at the most.")
]


@command("forecast inspect summary", "forecast inspect summary latest --format json")
def summary(
    context: typer.Context,
    run: RunArgument = "latest",
    format: FormatOption = "table",
    runs: RunsOption = RUNS,
) -> None:
    """Print layers, shapes, parameters, and the memory of a training."""
    console = context.obj
    with looking(run, runs, console) as opened:
        from forecast.commands.summary import summary as summary_of

        text = summary_of(opened, format)
    console.result(text)


@command(
    "forecast inspect gates --plot gates.png",
    "forecast inspect gates latest --input newer.csv --format csv --steps",
)
def gates(
    context: typer.Context,
    run: RunArgument = "latest",
    input_: InputOption = None,
    series: SeriesOption = None,
    member: MemberOption = 0,
    windows: WindowsOption = 300,
    steps: Annotated[
        bool,
        typer.Option(
            "--steps", help="Print every step of each window, not the last alone (csv, json)."
        ),
    ] = False,
    format: FormatOption = "table",
    plot_: PlotOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Show gates and states of a recurrent network over time.

    At each date they are those of the window that ends there, of the first series or of --series.
    """
    console = context.obj
    _refuse_plot(plot_)
    with looking(run, runs, console) as opened:
        from forecast.commands.gates import gates as gates_of
        from forecast.commands.gates import gates_text
        from forecast.jobs.inside import Wanted

        found = gates_of(opened, Wanted(input_, series, member, windows), console)
        text = gates_text(found, format, all_steps=steps)
    if plot_:
        from forecast.commands.plot import plot_gates

        plot_gates(opened.run.record.name, found, plot_, console)
        console.say(f"drawn: {plot_}")
    console.result(text)


@command(
    "forecast inspect gradients --plot gradients.png",
    "forecast inspect gradients latest --format json",
)
def gradients(
    context: typer.Context,
    run: RunArgument = "latest",
    input_: InputOption = None,
    series: SeriesOption = None,
    member: MemberOption = 0,
    windows: WindowsOption = 300,
    format: FormatOption = "table",
    plot_: PlotOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Show how far back a network looks, and learns.

    That is the gradient of its forecast and of its loss by the input and by its states, lag by lag,
    over windows of all series or of --series. Vanishing and exploding gradients are named.
    """
    console = context.obj
    _refuse_plot(plot_)
    with looking(run, runs, console) as opened:
        from forecast.commands.gradients import gradients as gradients_of
        from forecast.commands.gradients import gradients_text
        from forecast.jobs.inside import Wanted

        found = gradients_of(opened, Wanted(input_, series, member, windows), console)
        text = gradients_text(found, format)
    if plot_:
        from forecast.commands.plot import plot_gradients

        plot_gradients(opened.run.record.name, found, plot_, console)
        console.say(f"drawn: {plot_}")
    console.result(text)


def _refuse_plot(path: Path | None) -> None:
    if path:
        from forecast.commands.plot import refuse_plot

        refuse_plot(path)
