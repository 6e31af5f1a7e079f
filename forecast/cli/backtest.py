"""`forecast backtest`."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from forecast.cli.command import command
from forecast.cli.opening import say_loading
from forecast.cli.options import (
    STDOUT,
    AddressOption,
    BackendOption,
    ConfigOption,
    EngineOption,
    FailOption,
    OutputOption,
    PlotOption,
    SetOption,
    completing,
)

if TYPE_CHECKING:
    from forecast.commands.backtest import Fit
    from forecast.engines import Engine
    from forecast.jobs.job import Job


@command(
    "forecast backtest --config air.yaml --windows 12 --stride 1",
    "forecast backtest --config air.yaml --refit --against naive,drift,naive2",
)
def backtest(
    context: typer.Context,
    config: ConfigOption,
    set_: SetOption = None,
    windows: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Forecast from so many cutoffs (backtest.n_windows)."
        ),
    ] = None,
    stride: Annotated[
        int | None,
        typer.Option(min=1, metavar="S", help="Steps from one cutoff to the next; the horizon."),
    ] = None,
    refit: Annotated[
        bool | None,
        typer.Option("--refit/--no-refit", help="Fit again at every cutoff, or once before all."),
    ] = None,
    against: Annotated[
        str,
        typer.Option(
            metavar="NAME,...",
            help="Methods to set beside the network, such as drift or naive2.",
            autocompletion=completing("methods"),
        ),
    ] = "naive,seasonal_naive",
    format: Annotated[
        Literal["table", "csv", "jsonl", "parquet", "json"] | None,
        typer.Option(
            help="Write scores as a table, forecasts as csv, jsonl or parquet, or both as json: as "
            "the ending of FILE says (a table is .txt), or as a table."
        ),
    ] = None,
    output: OutputOption = STDOUT,
    engine: EngineOption = "threads",
    address: AddressOption = None,
    backend: BackendOption = None,
    plot_: PlotOption = None,
    fail_if: FailOption = None,
) -> None:
    """Forecast from past cutoffs, and score.

    Each forecast sees its own past alone, so that the scores tell what a person would have got.
    """
    from forecast.commands.backtest import SPLIT, cutoffs_of, encode_backtest
    from forecast.commands.backtest import backtest as run_backtest
    from forecast.data.output import TABLE_FORMATS, output_of
    from forecast.engines import Asked, check_engine, engine_of
    from forecast.jobs.job import prepare
    from forecast.loading import asked_backend, load_keras, require_backend
    from forecast.methods import check_names
    from forecast.scoring.gate import Gate

    console = context.obj
    check_engine(engine, address)
    names = against.split(",")
    check_names(names)
    to = output_of(output, format, ("table", *TABLE_FORMATS, "json"))
    gate = Gate(fail_if, names) if fail_if is not None else None
    if plot_:
        from forecast.commands.plot import plot_backtest, refuse_plot

        refuse_plot(plot_)
    flags = {"n_windows": windows, "stride": stride, "refit": refit}
    overrides: dict[str, object] = {f"backtest.{key}": value for key, value in flags.items()}
    overrides |= {"training.backend": asked_backend(backend)}
    job = prepare(config, set_ or (), overrides, console)
    to.refuse_sources(job.config.data.files)
    cutoffs_of(job)  # which raises where there is no room for them
    used = job.config.training.backend if job.networks else None
    if used:
        require_backend(used)
    with console.without_library_noise(), engine_of(engine, Asked(console, address, used)) as on:
        if used:
            say_loading(used, console)
            load_keras(used)
        from forecast.commands.verdict import say_verdict

        result = run_backtest(job, names, console, _fit(job, on), on)
    to.write(encode_backtest(result, to.format), console)
    say_verdict(result.scores, SPLIT, job.config.forecaster, console, job.config)
    if plot_:
        plot_backtest(job, result.forecasts, result.scores, plot_, console)
        console.say(f"drawn: {plot_}")
    if gate:
        gate.check(result.scores, SPLIT, job.config.forecaster)


def _fit(job: "Job", engine: "Engine") -> "Fit":
    """What fits a network, or a blend; what takes Keras, which is loaded by now, for no other."""
    if not job.networks:
        from forecast.jobs.blending import fit_blended

        return partial(fit_blended, engine=engine)
    from forecast.jobs.fitting import fit_methods, fit_networks

    if job.config.blend is None:
        return partial(fit_methods, engine=engine)
    from forecast.jobs.blending import fit_blended

    own = partial(fit_networks, engine=engine)
    return partial(fit_blended, fit_networks=own, engine=engine)
