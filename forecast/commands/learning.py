"""Fitting what a config asks for on the training part: what `train` and `backtest` share."""

import time
from dataclasses import dataclass

from forecast.commands.check import Job
from forecast.console import Console
from forecast.data.panel import IntArray
from forecast.display import epoch_progress, text_table
from forecast.networks import Model, build, combine
from forecast.training import EpochLog, Fitted, fit, layers
from forecast.transforms import Pipeline
from forecast.transforms.fitting import fit_pipeline
from forecast.windows import Windows


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
    watched: Windows | None = windows(cutoffs[segment])
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
