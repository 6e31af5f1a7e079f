"""`forecast check`."""

from typing import Annotated, Literal

import typer

from forecast.cli.command import command
from forecast.cli.options import ConfigOption, SetOption
from forecast.errors import ForecastError


@command("forecast check --config sales.yaml")
def check(
    context: typer.Context,
    config: ConfigOption,
    set_: SetOption = None,
    format: Annotated[
        Literal["text", "json"], typer.Option(help="How to print what was found.")
    ] = "text",
) -> None:
    """Check a config and its data: every problem at once.

    What is found is what `train` would find before it begins, and `tune`, where there is a section
    `search`.
    """
    import json
    from dataclasses import asdict

    from forecast.commands.check import describe, problems_document
    from forecast.jobs.job import prepare

    try:
        job = prepare(config, set_ or (), console=context.obj)
        if job.config.search:
            from forecast.jobs.search_plan import SearchPlan

            SearchPlan.of(job, set_ or ())
        found = describe(job)
    except ForecastError as error:
        if format == "json":
            context.obj.result(json.dumps(problems_document(error), indent=2))
        raise
    if format == "json":
        context.obj.result(json.dumps({"ok": True, "problems": [], **asdict(found)}, indent=2))
    else:
        context.obj.result(str(found))
