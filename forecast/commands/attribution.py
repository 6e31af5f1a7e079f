"""Why is one forecast what it is? What each lag and covariate adds to it, on Keras."""

import json
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from forecast.commands.predict import continued, warn_of_strange
from forecast.console import Console
from forecast.data.calendar import iso
from forecast.data.export import csv_text, records
from forecast.data.panel import Panel
from forecast.display import text_table
from forecast.errors import DataError, Problem, UsageError, did_you_mean
from forecast.jobs.assumptions import Assumptions
from forecast.jobs.attribution import Attribution, Explained, Usual, attribute
from forecast.jobs.inside import architecture_of
from forecast.jobs.opened_network import OpenedNetwork
from forecast.jobs.opening import original_job
from forecast.methods import FALLBACK
from forecast.methods.network import TrainedNetwork
from forecast.runs.weights import Weights, read_weights
from forecast.training import DifferentiableForward

_SHOWN = 20  # features in a table for a person; the others are one row
_MISSED = 0.01  # of what is added up, that the numeric integral should not miss


class Asked(NamedTuple):
    """Which forecast to explain."""

    series: str | None = None
    """The first of the run where it is left out."""
    step: int | None = None
    """The mean of all steps where it is left out."""


class ForecastAttribution(NamedTuple):
    """What a forecast is made of, and which one it is."""

    found: Attribution
    unique_id: str
    cutoff: str
    """In ISO 8601."""
    first_step: int
    last_step: int
    target: str
    """The column that is forecast."""

    @property
    def what(self) -> str:
        """The forecast in words: `the mean of steps 1 to 7 after 2024-02-04`."""
        if self.first_step == self.last_step:
            return f"step {self.first_step} after {self.cutoff}"
        return f"the mean of steps {self.first_step} to {self.last_step} after {self.cutoff}"


def attribution(
    opened: OpenedNetwork, newer: Path | None, asked: Asked, assumed: Assumptions, console: Console
) -> ForecastAttribution:
    """Explain the forecast after the last row of a series, as `predict` makes it.

    `newer` is a table with newer rows, and `assumed` what known covariates will be. Raises
    `UsageError` for a series or a step that is not forecast, and for what can not be assumed;
    `DataError` where something that is to be known of the future is not, where the series is too
    short for the network, and where the mean of covariates is not to be had; `DivergedError` where
    a forecast is not a finite number.
    """
    if opened.config.joint_targets > 1:
        message = "a forecast of targets that are forecast together is not taken apart."
        raise UsageError(Problem(message, "Say --method permutation."))
    assumed.refuse_unusable(opened, newer)
    steps, horizon = _steps(opened, asked.step, console)
    opened = continued(opened, newer, console)
    name = _series(opened, asked.series, console)
    [panel] = (own for _, own in assumed.panels(opened, opened.known, horizon))
    network, panel = _own(opened, panel, name)
    place = panel.unique_ids.index(name)
    explained = Explained(network, panel, int(panel.ends[place]) - 1, steps)
    if explained.cutoff - panel.starts[place] < network.reach:
        raise _too_short(name)
    forecasts = network.forecast(panel, explained.at(1), horizon)
    bounded = forecasts.within(opened.config.predict)
    warn_of_strange(opened, [panel.of(np.isin(panel.unique_ids, [name]))], horizon, console)
    found = attribute(
        explained,
        DifferentiableForward(architecture_of(opened), opened.config.training.ensemble),
        _weights(opened, name),
        _usual(opened, name),
        *(float(explained.mean(own.y_hat)[0]) for own in (forecasts, bounded)),
    )
    [cutoff] = iso(panel.dates(explained.at(1)))
    target = ", ".join(opened.config.data.targets)
    told = ForecastAttribution(found, name, cutoff, steps.start + 1, steps.stop, target)
    beside = "" if network.encoder is None else ", and covariates the mean of their training rows"
    console.say(f"{name}: {told.what}; at the baseline the past is its own mean{beside}")
    if found.missed > _MISSED:
        console.warn(
            f"the integral misses {found.missed:.0%} of what is added up: what a feature adds is a "
            "rough figure. On the way from the baseline the forecast jumps, or it moves by less "
            "than single precision tells."
        )
    return told


def attribution_text(told: ForecastAttribution, format: Literal["table", "csv", "json"]) -> str:
    """What a forecast is made of, for a person or for a program."""
    found = told.found
    which = {
        "unique_id": told.unique_id, "cutoff": told.cutoff,
        "first_step": told.first_step, "last_step": told.last_step,
    }  # fmt: skip
    if format == "csv":
        return csv_text(pd.DataFrame(which, index=found.table.index).join(found.table))
    if format == "json":
        document = {
            **which,
            "baseline": found.baseline, "sum": found.total, "remainder": found.remainder,
            "bounds": found.forecast - found.unbounded, "forecast": found.forecast,
            "attributions": records(found.features),
        }  # fmt: skip
        return json.dumps(document, indent=2)
    features = found.features
    shown = len(features) if len(features) <= _SHOWN + 1 else _SHOWN  # a lone one stands for itself
    few, others = features[:shown], features[shown:]
    rows = [("baseline", "", f"{found.baseline:.6g}")]
    rows += [_row(str(f), str(p), v) for f, p, v in few.itertuples(index=False)]
    if len(others):
        rows.append(_row(f"{len(others)} others", "", others["attribution"].sum()))
    rows += [_row(name, "", value) for name, value in (("sum", found.total), *found.rest)]
    rows.append(("forecast", "", f"{found.forecast:.6g}"))
    return text_table(("feature", "part", told.target), rows)


def _row(feature: str, part: str, value: float) -> tuple[str, str, str]:
    return feature, part, f"{value:+.4g}"


def _steps(opened: OpenedNetwork, step: int | None, console: Console) -> tuple[slice, int]:
    """The steps whose mean is explained, and how many are forecast.

    These are as many as `predict` forecasts, as far as one call of the network goes.
    """
    config = opened.config
    longest, wanted = config.window.horizon, config.predict.horizon or config.window.horizon
    horizon = min(longest, wanted)
    if step is None:
        if wanted > longest:
            console.say(
                f"steps after the first {longest} go on from the network's own forecasts, and are "
                "not explained"
            )
        return slice(0, horizon), horizon
    if step > longest:
        message = f"--step {step}: the network forecasts {longest} steps in one call."
        advice = f"Those after them go on from its own forecasts. Give 1 to {longest}."
        raise UsageError(Problem(message, advice if longest > 1 else "Give 1."))
    return slice(step - 1, step), max(step, horizon)


def _series(opened: OpenedNetwork, series: str | None, console: Console) -> str:
    """The series that is asked for, or the first."""
    names = [*opened.fitted, *opened.newcomers]
    if series is None:
        if len(names) > 1:
            console.say(f"{names[0]} is the first of {len(names)} series: --series ID picks one")
        return names[0]
    if series not in names and series in opened.known.unique_ids:
        raise _too_short(series)
    if series not in names:
        advice = did_you_mean(series, names)
        raise UsageError(Problem(f"the run's network has no series {series!r}.", advice))
    return series


def _too_short(name: str) -> DataError:
    message = f"{name} is too short for the network: its forecast is {FALLBACK}."
    return DataError(Problem(message, "Give more rows of it: --input FILE."))


def _own(opened: OpenedNetwork, panel: Panel, name: str) -> tuple[TrainedNetwork, Panel]:
    """The network that forecasts a series, and all series that it knows."""
    [(network, ids)] = [own for own in opened.method.networks if name in own[1]]
    return network, panel.of(np.isin(panel.unique_ids, ids))


def _weights(opened: OpenedNetwork, name: str) -> list[Weights]:
    """Those of the members of each pipeline that forecast a series."""
    config = opened.config
    place = opened.fitted.index(name) if config.model.scope == "local" else 0
    return [own[place] for own in read_weights(opened.run, len(config.pipelines))]


def _usual(opened: OpenedNetwork, name: str) -> Usual:
    """The mean of covariates over the training rows: of a local network those of its series."""
    encoder = opened.network.encoder
    if encoder is None:
        return Usual.nothing()
    job = original_job(
        opened, "The mean of its training rows is the baseline: restore it, or train again."
    ).fitted_part
    past = job.panel.before(job.split.train_ends).panel
    if opened.config.model.scope == "local":
        past = past.of(np.isin(past.unique_ids, [name]))
    encoded = encoder.encode(past)
    parts = encoded.past, encoded.known, encoded.static
    return Usual(*(part.mean(axis=0, dtype=np.float64).astype(np.float32) for part in parts))
