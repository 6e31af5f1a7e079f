"""`forecast runs`: list, show, path, verify and delete."""

from typing import Annotated, Literal

import typer

from forecast.cli.command import command
from forecast.cli.options import RUNS, RunArgument, RunsOption


@command("forecast runs list", "forecast runs list --format json", name="list")
def list_(
    context: typer.Context,
    format: Annotated[
        Literal["table", "csv", "json"], typer.Option(help="How to print the list.")
    ] = "table",
    runs: RunsOption = RUNS,
) -> None:
    """List the runs, oldest first, damaged ones too.

    Scores are those on the test part; a star marks the run that is latest.
    """
    from forecast.commands.runs import list_text, listed_runs

    found = listed_runs(runs)
    context.obj.result(list_text(found, format))
    for run in found:
        if run.problem:
            context.obj.warn(run.problem)


@command("forecast runs show", "forecast runs show latest --format json")
def show(
    context: typer.Context,
    run: RunArgument = "latest",
    format: Annotated[
        Literal["table", "json"], typer.Option(help="How to print the run.")
    ] = "table",
    runs: RunsOption = RUNS,
) -> None:
    """Show one run: its config, scores and timings."""
    from forecast.commands.show import show_text
    from forecast.runs import find_run

    context.obj.result(show_text(find_run(runs, run, context.obj.warn), format))


@command("forecast runs path latest")
def path(context: typer.Context, run: RunArgument = "latest", runs: RunsOption = RUNS) -> None:
    """Print the path of a run."""
    from forecast.runs import find_run

    context.obj.result(str(find_run(runs, run, context.obj.warn).path))


@command("forecast runs verify latest")
def verify(context: typer.Context, run: RunArgument = "latest", runs: RunsOption = RUNS) -> None:
    """Check every file of a run against its checksum.

    The path of the run is printed where all of them are as they were written.
    """
    from forecast.commands.runs import verify as verify_run
    from forecast.runs import find_run

    found = find_run(runs, run, context.obj.warn)
    for warning in verify_run(found):
        context.obj.warn(warning)
    context.obj.result(str(found.path))


@command("forecast runs delete quick")
def delete(
    context: typer.Context,
    run: RunArgument,
    runs: RunsOption = RUNS,
) -> None:
    """Delete a run without asking, and print where it was."""
    from forecast.runs import delete as delete_run

    context.obj.result(str(delete_run(runs, run, context.obj.warn)))
