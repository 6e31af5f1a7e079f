"""`forecast backtest`."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from forecast.cli.command import command
from forecast.cli.opening import say_loading
from forecast.cli.options import (
    STDOUT,
    BackendOption,
    ConfigOption,
    FailOption,
    OutputOption,
    PlotOption,
    SetOption,
    completing,
)

if TYPE_CHECKING:
    from forecast.commands.backtest import Fit
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
    backend: BackendOption = None,
    plot_: PlotOption = None,
    fail_if: FailOption = None,
) -> None:
    """Forecast from past cutoffs, and score.

    Each forecast sees its own past alone, so that the scores tell what a person would have got.
    """
    from forecast.data.output import TABLE_FORMATS, output_of
    from forecast.jobs.job import prepare
    from forecast.loading import asked_backend, load_keras, require_backend
    from forecast.methods import check_names
    from forecast.scoring.gate import Gate

    console = context.obj
    names = against.split(",")
    check_names(names)
    to = output_of(output, format, ("table", *TABLE_FORMATS, "json"))
    gate = Gate(fail_if, names) if fail_if is not None else None
    if plot_:
        from forecast.commands.plot import plot_backtest, refuse_plot

        refuse_plot(plot_)
    flags = {"n_windows": windows, "stride": stride, "refit": refit}
    overrides = {f"backtest.{key}": value for key, value in flags.items()}
    job = prepare(
        config, set_ or (), overrides | {"training.backend": asked_backend(backend)}, context.obj
    )
    to.refuse_sources(job.config.data.files)
    if job.networks:
        require_backend(job.config.training.backend)
    with console.without_library_noise():
        if job.networks:
            say_loading(job.config.training.backend, console)
            load_keras(job.config.training.backend)
        from forecast.commands.backtest import SPLIT, encode_backtest
        from forecast.commands.backtest import backtest as run_backtest
        from forecast.commands.verdict import say_verdict

        result = run_backtest(job, names, console, _fit(job))
    to.write(encode_backtest(result, to.format), console)
    say_verdict(result.scores, SPLIT, job.config.forecaster, console, job.config)
    if plot_:
        plot_backtest(job, result.forecasts, result.scores, plot_, console)
        console.say(f"drawn: {plot_}")
    if gate:
        gate.check(result.scores, SPLIT, job.config.forecaster)


def _fit(job: "Job") -> "Fit":
    """What fits a network, or a blend; what takes Keras, which is loaded by now, for no other."""
    if not job.networks:
        from forecast.jobs.blending import fit_blended

        return fit_blended
    from forecast.jobs.fitting import fit_methods, fit_networks

    if job.config.blend is None:
        return fit_methods
    from forecast.jobs.blending import fit_blended

    return partial(fit_blended, fit_networks=fit_networks)
