"""The network of a run, opened, with windows of its series."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.errors import DataError, Problem, UsageError, did_you_mean
from forecast.jobs.opened_network import OpenedNetwork
from forecast.jobs.opening import original_job
from forecast.networks import Architecture
from forecast.runs.weights import read_weights
from forecast.training import Inside
from forecast.windows import gather_after, side_by_side, spread


class Wanted(NamedTuple):
    """Which part of a run to look at."""

    newer: Path | None = None
    """A table of newer rows, in place of the one that the run was made from."""
    series: str | None = None
    member: int = 0
    windows: int = 300
    """At the most."""


class Windowed(NamedTuple):
    """A member of a run's network, and where its windows end."""

    inside: Inside
    panel: Panel
    """The series that the network knows."""
    cutoffs: IntArray
    unit_steps: int
    """Steps of the table in one step of a recurrent layer: those of a patch."""


def architecture_of(opened: OpenedNetwork) -> Architecture:
    """That of the run's network."""
    return Architecture.of(opened.config, opened.data.season_length, opened.network.encoder)


def look_inside(opened: OpenedNetwork, wanted: Wanted) -> Windowed:
    """A member of the run's network with the last windows of a series, or some of all series.

    Of an ensemble of several pipelines it is one of the first pipeline. Raises `UsageError` for a
    series or a member that the run does not have, and `DataError` where no window fits.
    """
    run, config, network = opened.run, opened.config, opened.network
    _, series, member, most = wanted
    if wanted.newer is None:
        panel = original_job(opened).panel
    else:
        panel, _ = opened.continued(wanted.newer)
    panel = panel.of(np.isin(panel.unique_ids, opened.fitted))
    weights = read_weights(run, len(config.pipelines))[0]
    if not 0 <= member < weights.shape[1]:
        message = f"--member {member}: the run has {weights.shape[1]}, from 0 on."
        raise UsageError(Problem(message))
    if series is None and config.model.scope == "local":
        series = panel.unique_ids[0]
    if series is not None and series not in panel.unique_ids:
        advice = did_you_mean(series, list(panel.unique_ids))
        raise UsageError(Problem(f"the run's network has no series {series!r}.", advice))
    place = 0 if config.model.scope == "global" else opened.fitted.index(str(series))
    cutoffs = _cutoffs(opened, panel, series, most)
    if config.model.scope == "local":
        place %= weights.shape[0]  # of targets that are forecast together, all have one network
    branch = network.branches[0]
    encoded = network.encoded(panel, config.window.horizon)
    transformed = branch.transforms.apply(network.shared.apply(panel).panel).panel
    inside = Inside(
        architecture_of(opened),
        weights[place, member][None],
        config.training,
        branch.inputs(transformed, cutoffs, encoded),
        _targets(transformed, cutoffs, config.window.horizon, config.joint_targets),
    )
    return Windowed(inside, panel, cutoffs, config.model.steps_per_patch(opened.data.season_length))


def _cutoffs(opened: OpenedNetwork, panel: Panel, series: str | None, most: int) -> IntArray:
    """Rows with a whole context before them."""
    least = opened.config.rows_seen(opened.data.season_length)
    first = panel.starts + least - 1
    rows = np.arange(len(panel.values))
    own = panel.series_of(rows)
    rows = rows[(rows >= first[own]) & panel.observed[rows]]
    if series is not None:
        rows = rows[panel.series_of(rows) == panel.unique_ids.index(series)][-most:]
    if not len(rows):
        message = f"no series has the {least} rows that the network sees."
        raise DataError(Problem(message, "Give more rows: --input FILE."))
    return rows if series is not None else spread(rows, most)


def _targets(transformed: Panel, cutoffs: IntArray, horizon: int, targets: int) -> FloatArray:
    """What followed each cutoff; NaN behind the end of its series, and where it is a filled gap.

    `(cutoffs, horizon)`; of several targets that are forecast together, `(cutoffs, horizon,
    targets)`.
    """
    values = side_by_side(transformed.truth, targets)
    padded = np.concatenate([values, np.full((horizon, *values.shape[1:]), np.nan)])
    ends = transformed.ends[transformed.series_of(cutoffs)]
    is_own = cutoffs[:, None] + np.arange(1, horizon + 1) < ends[:, None]
    after = gather_after(np, padded, cutoffs % len(values), horizon)
    return np.where(is_own.reshape(*is_own.shape, *(1,) * (after.ndim - 2)), after, np.nan)
