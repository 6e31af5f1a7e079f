"""`forecast tune`."""

import sys
from typing import Annotated

import typer

from forecast.cli.command import command
from forecast.cli.opening import say_loading
from forecast.cli.options import (
    RUNS,
    AddressOption,
    BackendOption,
    ConfigOption,
    EngineOption,
    RunsOption,
    SetOption,
)


@command(
    "forecast tune --config air.yaml --trials 30",
    "forecast tune --config air.yaml --timeout 600",
    "forecast tune --config air.yaml --resume runs/air-tune-20261126T120000Z-1f2e",
)
def tune(
    context: typer.Context,
    config: ConfigOption,
    set_: SetOption = None,
    trials: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Try so many recipes (search.trials)."),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="S", help="Begin nothing after S seconds, and give what there is."
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="STUDY",
            help="Go on with a search that was ended: its path, or its name in the folder of runs.",
        ),
    ] = None,
    engine: EngineOption = "threads",
    address: AddressOption = None,
    backend: BackendOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Search the recipe that forecasts a table best.

    Recipes are tried within the training rows alone: those of `search` in the config, or else such
    as suit the table. The best is written as a config, whose path is printed; beside it lie the
    leaderboard and figures.
    """
    import math

    from forecast.engines import Asked, check_engine, engine_of
    from forecast.jobs.job import prepare
    from forecast.jobs.search_plan import SearchPlan
    from forecast.loading import asked_backend, load_keras, require_backend

    console = context.obj
    check_engine(engine, address)
    if resume is not None and trials is None:
        from forecast.runs.study import find_study

        trials = find_study(runs, resume)[1].trials
    overrides = {"training.backend": asked_backend(backend), "search.trials": trials}
    job = prepare(config, set_ or (), overrides, context.obj)
    plan = SearchPlan.of(job, set_ or ())
    used = job.config.training.backend
    require_backend(used)
    with console.without_library_noise(), engine_of(engine, Asked(console, address, used)) as on:
        say_loading(used, console)
        load_keras(used)
        from forecast.commands.tune import tune as search

        with plan.new_study(runs) if resume is None else plan.study(runs, resume) as study:
            seconds = math.inf if timeout is None else timeout
            best = search(plan, study, console, seconds, on, sys.argv[1:])
    console.result(str(best))
