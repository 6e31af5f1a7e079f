"""`forecast predict`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from forecast.cli.command import command
from forecast.cli.opening import open_named
from forecast.cli.options import (
    RUNS,
    STDOUT,
    AddressOption,
    EngineOption,
    FutureOption,
    InputOption,
    OutputOption,
    RunArgument,
    RunsOption,
    SetKnownOption,
)


@command(
    "forecast predict",
    "forecast predict latest --horizon 24 --output forecast.csv",
    "forecast predict --future future.csv --set-known promotion=1",
)
def predict(
    context: typer.Context,
    run: RunArgument = "latest",
    input_: InputOption = None,
    output: OutputOption = STDOUT,
    horizon: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Steps to predict; predict.horizon of the config by default."
        ),
    ] = None,
    future: FutureOption = None,
    scenario: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Known covariates of a case that has a forecast of its own, called as the file "
            "is. Repeatable.",
            readable=False,
        ),
    ] = None,
    set_known: SetKnownOption = None,
    quantiles: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL,...", help="Quantiles to predict as well, such as 0.1,0.5,0.9."
        ),
    ] = None,
    format: Annotated[
        Literal["csv", "jsonl", "parquet"] | None,
        typer.Option(help="How to write the table: as the ending of FILE says, or as csv."),
    ] = None,
    engine: EngineOption = "threads",
    address: AddressOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Predict what comes after the last row.

    The table has a row for each series and step, with a column for each quantile.
    """
    from forecast.commands.predict import parse_levels
    from forecast.commands.predict import predict as predict_table
    from forecast.data.export import encode_table
    from forecast.data.output import TABLE_FORMATS, output_of
    from forecast.engines import Asked, check_engine, engine_of
    from forecast.jobs.assumptions import Assumptions

    check_engine(engine, address)
    levels = None if quantiles is None else parse_levels(quantiles)
    console, to = context.obj, output_of(output, format, TABLE_FORMATS)
    assumed = Assumptions(future, scenario or (), set_known or ())
    to.refuse_sources({"--input": input_} | assumed.files)
    opened = open_named(run, runs, console)
    to.refuse_sources(opened.sources)
    with engine_of(engine, Asked(console, address)) as on:
        table = predict_table(opened, input_, horizon, levels, console, assumed, on)
    to.write(encode_table(table, to.format), console)
