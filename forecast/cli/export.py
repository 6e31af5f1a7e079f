"""`forecast export`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from forecast.cli.command import command
from forecast.cli.opening import open_named, say_loading
from forecast.cli.options import RUNS, RunArgument, RunsOption


@command(
    "forecast export --format onnx --output sales-onnx",
    "forecast export latest --format litert -o sales-litert",
)
def export(
    context: typer.Context,
    format: Annotated[
        Literal["onnx", "keras", "litert", "saved-model"],
        typer.Option(help="The form that the network is to have."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="PATH", help="The folder to write, which must not be there."
        ),
    ],
    run: RunArgument = "latest",
    runs: RunsOption = RUNS,
) -> None:
    """Write a network for other programs, and print its folder.

    Beside it stand its scales, an example, and a README of inputs, scales and dates, with code that
    runs it where nothing of forecast is installed.
    """
    from forecast.commands.export import WITHOUT_KERAS, refuse_export
    from forecast.commands.export import export as export_run

    console = context.obj
    opened = open_named(run, runs, console)
    refuse_export(opened, format, output)
    with console.without_library_noise():
        if format not in WITHOUT_KERAS:
            from forecast.loading import load_keras

            say_loading("tensorflow", console)
            load_keras("tensorflow")
        export_run(opened, format, output, console.stop)
    console.say(f"next: read {output / 'README.md'}")
    console.result(str(output))
