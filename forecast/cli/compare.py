"""`forecast compare`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from forecast.cli.command import command
from forecast.cli.opening import say_loading
from forecast.cli.options import (
    RUNS,
    AddressOption,
    BackendOption,
    EngineOption,
    PlotOption,
    RunsOption,
    SetOption,
    completing,
)
from forecast.errors import Problem, UsageError


@command(
    "forecast compare --config air.yaml --models gru,lstm,mlp,dlinear",
    "forecast compare quick thorough --format md",
)
def compare(
    context: typer.Context,
    run: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN...",
            help="Runs to set beside each other: names, paths, or latest.",
            autocompletion=completing("run"),
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Train networks from this config instead; - is stdin.",
            readable=False,
            autocompletion=completing("config"),
        ),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(
            metavar="KIND,...",
            help="The kinds of networks, such as gru,lstm,mlp; the rest of the config is theirs "
            "in common.",
            autocompletion=completing("networks"),
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, max=100, metavar="N", help="Train each kind N times; 5 by default."),
    ] = None,
    set_: SetOption = None,
    format: Annotated[
        Literal["table", "csv", "json", "md"], typer.Option(help="How to print the comparison.")
    ] = "table",
    plot_: PlotOption = None,
    engine: EngineOption = "threads",
    address: AddressOption = None,
    backend: BackendOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Compare kinds of networks, or runs, on the same test part.

    The table tells accuracy with its spread over seeds beside the baselines, what each model
    costs, and whether a difference is more than chance.
    """
    from forecast.commands.compare import (
        compare_runs,
        comparison_text,
        kinds_of,
        refuse_common_kinds,
    )
    from forecast.engines import Asked, check_engine, engine_of

    console = context.obj
    check_engine(engine, address)
    if (config is None) == (not run) or (config is None) != (models is None):
        advice = "forecast compare RUN RUN, or forecast compare --config FILE --models KIND,KIND."
        raise UsageError(Problem("name runs, or a config and kinds of networks.", advice))
    if plot_:
        from forecast.commands.plot import plot_comparison, refuse_plot

        refuse_plot(plot_)
    if config is None:
        from forecast.runs import find_run

        elsewhere = None if engine == "threads" else engine
        trained = {"--seeds": seeds, "--set": set_, "--backend": backend, "--engine": elsewhere}
        for option, value in trained.items():
            if value is not None:
                raise UsageError(Problem(f"{option} is of networks that are trained: --config."))
        name = "runs"
        comparison = compare_runs(
            [find_run(runs, each, console.warn) for each in run or ()], console
        )
    else:
        from forecast.jobs.job import prepare_each
        from forecast.loading import asked_backend, load_keras, require_backend

        name, asked = config.stem, {"training.backend": asked_backend(backend)}
        kinds = kinds_of(models or "")
        jobs = prepare_each(
            config, set_ or (), [asked | {"model.kind": kind} for kind in kinds], context.obj
        )
        refuse_common_kinds(jobs[0])
        used = jobs[0].config.training.backend
        require_backend(used)
        asked_engine = Asked(console, address, used)
        with console.without_library_noise(), engine_of(engine, asked_engine) as on:
            say_loading(used, console)
            load_keras(used)
            from forecast.commands.compare_kinds import compare_kinds

            comparison = compare_kinds(jobs, seeds or 5, console, on)
    if plot_:
        plot_comparison(name, comparison, plot_, console)
        console.say(f"drawn: {plot_}")
    console.result(comparison_text(comparison, format))
