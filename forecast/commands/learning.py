"""Fitting what a config asks for on the training part: what `train` and `backtest` share."""

import time
from dataclasses import dataclass, replace

import numpy as np

from forecast.commands.check import Job, rolling_cutoffs, until
from forecast.console import Console
from forecast.data.panel import IntArray
from forecast.display import epoch_progress, text_table
from forecast.inference import Forecaster
from forecast.networks import Model, build, combine
from forecast.scoring.conformal import Conformal
from forecast.scoring.metrics import scales_of
from forecast.training import EpochLog, Fitted, InMemory, fit, layers
from forecast.transforms import Pipeline
from forecast.transforms.fitting import fit_pipeline
from forecast.windows import Windows, spread

# Windows whose loss is measured after each epoch; more would tell little more and take long.
_WATCHED = 10_000


@dataclass(frozen=True)
class Learned:
    """Fitted transforms, the members as one model, and the log of their training."""

    transforms: Pipeline
    model: Model
    fitted: Fitted


def watched_segment(job: Job) -> str:
    """The part whose loss is measured after every epoch."""
    return "validation" if job.split.has_validation else "test"


def learn(job: Job, console: Console, *, watch_test: bool = True) -> Learned:
    """Fit the transforms and the network on the training part alone.

    The loss on the validation part is measured after every epoch, or on the test part, for the
    figure alone, where `watch_test` asks for it.
    """
    config, cutoffs = job.config, job.cutoffs()
    transforms = fit_pipeline(
        config.transforms,
        {"train": job.panel.until(job.split.train_ends), "all": job.panel.until(job.panel.ends)},
        job.season_length,
    )
    values = transforms.apply(job.panel).values

    def windows(rows: IntArray) -> Windows:
        series = job.panel.series_of(rows)
        whole = rows + 1 - job.panel.starts[series] >= job.needs.rows_before
        rows, series = rows[whole], series[whole]
        return Windows(values, rows, series, config.window.context_length, config.window.horizon)

    segment = watched_segment(job)
    watched: Windows | None = windows(spread(cutoffs[segment], _WATCHED))
    if (watched and not len(watched.cutoffs)) or (segment == "test" and not watch_test):
        watched = None
    return Learned(transforms, *_fit_members(job, windows(cutoffs["train"]), watched, console))


def _fit_members(
    job: Job, train: Windows, watched: Windows | None, console: Console
) -> tuple[Model, Fitted]:
    """Fit the members one after another; the members as one model, and their logs as one."""
    options = job.config.training
    label = "val_loss" if job.split.has_validation else "test_loss"
    models: list[Model] = []
    whole = Fitted()
    with epoch_progress(console, options.epochs * options.ensemble.size) as advance:

        def report(log: EpochLog) -> None:
            watched_loss = "" if log.watched_loss is None else f", {label} {log.watched_loss:.4g}"
            advance(f"loss {log.loss:.4g}{watched_loss}")

        for member in range(options.ensemble.size):
            start = time.perf_counter()
            seed = options.seed + member
            network = build(job.config.model, job.config.window, job.season_length, seed)
            whole.compile_seconds += time.perf_counter() - start
            if not models:
                _describe(network.model, console)
            fitted = fit(network, train, watched, options, member, report)
            models.append(network.model)
            whole.extend(fitted)
            if whole.interruption:
                break
    return combine(models, options.ensemble), whole


def _describe(model: Model, console: Console) -> None:
    """The network layer by layer."""
    console.say(text_table(("layer", "type", "output", "parameters"), layers(model)))
    console.say(f"{model.count_params():,} parameters")


def in_memory(job: Job, learned: Learned) -> Forecaster:
    """A forecaster that runs on Keras, for as long as this process lives."""
    return Forecaster(
        InMemory(learned.model),
        learned.transforms,
        job.config.window.context_length,
        job.season_length,
    )


def calibrate(job: Job, horizon: int, console: Console) -> Conformal | None:
    """The errors of forecasts within the training part, of a network fitted before all of them.

    None where the config asks for no intervals.
    """
    options = job.config.intervals
    if options is None:
        return None
    ends = job.split.train_ends
    past = until(job, ends - 1)
    rolling = rolling_cutoffs(past, options.windows, options.stride, horizon)
    console.say(f"calibrating intervals on {options.windows} cutoffs")
    before = until(past, rolling[0])
    forecaster = in_memory(before, learn(before, replace(console, quiet=True), watch_test=False))
    cutoffs = np.concatenate(rolling)
    units = forecaster.transforms.pointwise.apply(past.panel)
    truth = np.where(past.panel.observed, units.values, np.nan)
    errors = truth[cutoffs[:, None] + np.arange(1, horizon + 1)]
    errors = errors - forecaster.forecast_pointwise(past.panel, cutoffs, horizon)
    scales = scales_of(units.until(units.ends), job.season_length)
    series = past.panel.series_of(cutoffs)
    return Conformal.calibrate(errors, series, np.array([scales[n] for n in units.unique_ids]))
