"""`forecast init`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from forecast.cli.command import command
from forecast.cli.opening import say_loading
from forecast.cli.options import AddressOption, EngineOption, completing
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
    effort: Annotated[
        Literal["none", "low", "high"],
        typer.Option(
            envvar="FORECAST_EFFORT",
            help="How much is tried: nothing, which writes the rule of thumb; a small family of "
            "recipes, for two minutes of a panel of 400 series; or a larger one, for twenty.",
        ),
    ] = "low",
    engine: EngineOption = "threads",
    address: AddressOption = None,
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

    The table is looked at, and a few recipes and blends forecast from within its training rows. The
    one that errs least is written, beside what was tried and how much better than simple methods it
    is expected to be.
    """
    from functools import partial

    from forecast.commands.init import (
        config_for,
        examples_text,
        init_example,
        look_at,
        next_command,
        rule_of_thumb,
        seen,
        write_recipe,
    )
    from forecast.data.profile import Hints
    from forecast.engines import Asked, check_engine, engine_of
    from forecast.loading import asked_backend, load_keras, require_backend

    console = context.obj
    if (table is None) == (example is None):
        raise UsageError(Problem("name a table, or an example: --example airline"))
    check_engine(engine, address)
    if engine != "threads" and (table is None or effort == "none"):
        message = "--engine is of trials, and nothing is tried."
        raise UsageError(Problem(message, "Name a table, and say --effort low."))
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
        profile = look_at(table, written[0], hints, console)
        console.say(seen(profile))
        for warning in profile.warnings:
            console.warn(warning)
        if effort == "none":
            find = partial(rule_of_thumb, blend=blend)
            notes = write_recipe(profile, written[0], horizon, find)
        else:
            backend = asked_backend() or "tensorflow"
            require_backend(backend)
            asked = Asked(console, address, backend)
            with console.without_library_noise(), engine_of(engine, asked) as on:
                say_loading(backend, console)
                load_keras(backend)
                from forecast.commands.effort import tried_recipe

                find = partial(tried_recipe, blend=blend, effort=effort, console=console, engine=on)
                notes = write_recipe(profile, written[0], horizon, find)
        for note in notes:
            console.say(note)
    console.result("\n".join(map(str, written)))
    console.say(f"next: {next_command(written[0], table)}")
