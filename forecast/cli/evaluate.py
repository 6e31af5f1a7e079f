"""`forecast evaluate`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from forecast.cli.command import command
from forecast.cli.opening import opened_run
from forecast.cli.options import RUNS, FailOption, InputOption, RunArgument, RunsOption


@command(
    "forecast evaluate --fail-if 'rmse > seasonal_naive'",
    "forecast evaluate latest --input newer.csv --format json",
    "forecast evaluate --forecasts yesterday.csv --input newer.csv",
)
def evaluate(
    context: typer.Context,
    run: RunArgument = "latest",
    input_: InputOption = None,
    forecasts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Score these forecasts, which predict wrote before, by the rows of --input.",
            readable=False,
        ),
    ] = None,
    format: Annotated[
        Literal["table", "csv", "json"], typer.Option(help="How to print the scores.")
    ] = "table",
    fail_if: FailOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Score a run beside the baselines.

    Without --input its own scores are printed, on the test part above all; with it, rows that came
    later are forecast and scored, or with --forecasts what was forecast of them before they came.
    """
    from forecast.commands.evaluate import (
        INPUT,
        evaluate_forecasts,
        own_scores,
        refuse_lonely,
        scores_text,
    )
    from forecast.commands.evaluate import evaluate as evaluate_run
    from forecast.commands.verdict import say_verdict
    from forecast.methods import BASELINES
    from forecast.runs import find_run
    from forecast.scoring.gate import Gate

    console = context.obj
    gate = Gate(fail_if, BASELINES) if fail_if is not None else None
    if forecasts is not None:
        refuse_lonely(forecasts, input_)
    found = find_run(runs, run, console.warn)
    if input_ is None:
        split, scores = "test", own_scores(found, console)
    elif forecasts is not None:
        split, scores = INPUT, evaluate_forecasts(found, forecasts, input_, console)
    else:
        split, scores = INPUT, evaluate_run(opened_run(found, console), input_, console)
    console.result(scores_text(found, scores, split, format))
    say_verdict(scores, split, found.record.model, console)
    if gate:
        gate.check(scores, split, found.record.model)
