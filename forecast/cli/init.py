"""`forecast init`."""

from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.command import command
from forecast.cli.options import completing
from forecast.errors import Problem, UsageError


@command("forecast init --example airline", "forecast init sales.csv --target units")
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
    blend: Annotated[
        bool,
        typer.Option(
            "--blend/--no-blend",
            help="Blend the network with statistical methods, where that suits the table.",
        ),
    ] = True,
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
        profile = init_table(table, written[0], horizon=horizon, hints=hints, blend=blend)
        console.say(seen(profile))
        for warning in profile.warnings:
            console.warn(warning)
    console.result("\n".join(map(str, written)))
    console.say(f"next: {next_command(written[0], table)}")
