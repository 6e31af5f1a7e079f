"""`forecast detect`."""

from typing import Annotated, Literal

import typer

from forecast.cli.command import command
from forecast.cli.opening import open_named_network
from forecast.cli.options import (
    RUNS,
    InputOption,
    PlotOption,
    RunArgument,
    RunsOption,
)


@command(
    "forecast detect",
    "forecast detect latest --input newer.csv --level 0.999 --fail-if 'events >= 1'",
)
def detect(
    context: typer.Context,
    run: RunArgument = "latest",
    input_: InputOption = None,
    level: Annotated[
        float,
        typer.Option(metavar="P", help="Share of usual values that is expected, below 1."),
    ] = 0.99,
    step: Annotated[
        int, typer.Option(min=1, metavar="K", help="Judge each value by a forecast K steps before.")
    ] = 1,
    format: Annotated[
        Literal["table", "csv", "json"],
        typer.Option(help="Print events as a table, or anomalies as csv or json."),
    ] = "table",
    plot_: PlotOption = None,
    fail_if: Annotated[
        str | None,
        typer.Option(
            "--fail-if",
            metavar="EXPR",
            help="End with 6 where it holds, such as 'anomalies > 0' or 'events >= 3'.",
        ),
    ] = None,
    runs: RunsOption = RUNS,
) -> None:
    """Find values that are not as expected.

    A value is an anomaly where the forecast of the step before missed it by more than the errors
    of the run allow. Judged are the run's test part, or the rows of --input.
    """
    from forecast.commands.detect import COUNTS, detection_text, refuse_level
    from forecast.commands.detect import detect as detect_in
    from forecast.scoring.gate import Gate

    console = context.obj
    refuse_level(level)
    gate = Gate(fail_if, counts=COUNTS) if fail_if is not None else None
    if plot_:
        from forecast.commands.plot import plot_anomalies, refuse_plot

        refuse_plot(plot_)
    opened = open_named_network(run, runs, console)
    found = detect_in(opened, input_, level, step, console)
    if plot_:
        plot_anomalies(opened.run.record.name, found, step, plot_, console)
        console.say(f"drawn: {plot_}")
    console.result(detection_text(found, format))
    if gate:
        gate.check_count(found.counts)
