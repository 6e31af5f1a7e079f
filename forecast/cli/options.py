"""Options that several commands have."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

RUNS = Path("runs")
STDOUT = Path("-")


def completing(kind: str) -> Callable[[typer.Context, str], list[str]]:
    """What a shell is offered for an option of this kind."""

    def complete(context: typer.Context, incomplete: str) -> list[str]:
        from forecast.completion import KINDS

        return KINDS[kind](incomplete, context.params)

    return complete


ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config",
        help="The YAML config; one that is not here is looked for in configs/; - is stdin.",
        metavar="FILE",
        readable=False,
        autocompletion=completing("config"),
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a key of the config, such as training.epochs=5. Repeatable.",
        autocompletion=completing("set"),
    ),
]
RunsOption = Annotated[
    Path,
    typer.Option(
        "--runs", envvar="FORECAST_RUNS", metavar="DIR", help="The folder in which runs are kept."
    ),
]
RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="The name or the path of a run, or latest: the last complete one.",
        autocompletion=completing("run"),
    ),
]
InputOption = Annotated[
    Path | None,
    typer.Option(
        "--input",
        metavar="FILE",
        help="A table with newer rows of the same series; - reads standard input.",
        readable=False,
    ),
]
FutureOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A table with the known covariates of the steps to come; - reads standard input.",
        readable=False,
    ),
]
SetKnownOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COL=VALUE",
        help="A known covariate has this value in all steps to come, such as price=9.99. "
        "Repeatable.",
    ),
]
OutputOption = Annotated[
    Path,
    typer.Option(
        metavar="FILE",
        help="The file to write, whose ending says how: .csv or .jsonl, with .gz behind it "
        "compressed, or .parquet; - prints the result.",
    ),
]
PlotOption = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", help="Draw it too, into a .png, .svg or .pdf."),
]
FailOption = Annotated[
    str | None,
    typer.Option(
        "--fail-if",
        metavar="EXPR",
        help="End with 6 where it holds, such as 'mase > 1' or 'rmse > seasonal_naive'.",
    ),
]
BackendOption = Annotated[
    Literal["tensorflow", "jax"] | None,
    typer.Option(
        help="What Keras computes with; KERAS_BACKEND, else the config's training.backend, "
        "where it is left out."
    ),
]
EngineName = Literal["threads", "processes", "ray"]
EngineOption = Annotated[
    EngineName,
    typer.Option(
        help="Where the work is done: by threads here, by a process for each core, or by a Ray "
        "cluster. The results are the same."
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="The Ray cluster, or auto for the one that this machine is of; without it, Ray works "
        "on this machine alone.",
    ),
]
