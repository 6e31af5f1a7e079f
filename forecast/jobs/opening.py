"""Opening a finished run, for the commands that come after training."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from forecast.config import Config
from forecast.data.joint import without_hindsight
from forecast.data.panel import Panel
from forecast.data.split import Split, cutoffs_by_split
from forecast.errors import DataError, Problem, RunError
from forecast.features import Encoder
from forecast.jobs.job import Job, prepare
from forecast.jobs.opened_blend import OpenedBlend
from forecast.jobs.opened_network import OpenedNetwork
from forecast.jobs.opened_run import OpenedRun
from forecast.methods import Blend, BlendWeights, method_names, named_methods
from forecast.methods.network import OnnxPredictor, TrainedNetwork
from forecast.runs import DataRecord, Run, model_names
from forecast.runs.documents import (
    read_blend,
    read_config,
    read_data,
    read_features,
    read_intervals,
    read_transforms,
)
from forecast.runs.layout import (
    BLEND,
    CONTEXT,
    COVARIATES,
    DATA,
    FEATURES,
    INTERVALS,
    MEMBERS,
    RESOLVED,
    TRANSFORMS,
)
from forecast.runs.regular import damaged
from forecast.runs.tables import read_context
from forecast.scoring.conformal import Conformal, ConformalizedQuantiles
from forecast.transforms import Pipelines
from forecast.windows import spread

_TRIED = 4096  # windows on which a network is tried


def open_run(run: Run) -> OpenedRun:
    """Load what a finished run needs to forecast. Raises `RunError` where a part is damaged."""
    return _open_blend(run) if run.is_blend else open_network(run)


def open_network(run: Run) -> OpenedNetwork:
    """The same of a run with a network of its own. Raises `RunError` for a blend."""
    if run.is_blend:
        names = list(run.members)
        message = f"the run {run.record.name} is a blend, and has no network of its own."
        advice = "None of its members is a network."
        if names:
            paths = ", ".join(str(run.path / MEMBERS / name) for name in names)
            advice = f"Name one of its members: {paths}."
        raise RunError(Problem(message, advice))
    config, data = read_config(run), read_data(run)
    files = [run.file(f"{name}.onnx") for name in model_names(len(config.pipelines))]
    # A run that was interrupted has no intervals.
    has_intervals = config.intervals and INTERVALS in run.record.checksums
    encoder = read_features(run, config)
    network = TrainedNetwork.of(
        config,
        [OnnxPredictor(file) for file in files],
        transforms_of(run, config, data.season_length),
        data.season_length,
        _calibration(run, config, data) if has_intervals else None,
        encoder,
    )
    known = _last_rows(run, config, encoder)
    opened = OpenedNetwork(run=run, config=config, data=data, known=known, network=network)
    _refuse_unlike(opened, files)
    return opened


def _open_blend(run: Run) -> OpenedBlend:
    """A blend with its members: networks of their own runs, and methods that are fitted anew."""
    config, data, record = read_config(run), read_data(run), read_blend(run)
    networks = {name: open_network(member) for name, member in run.members.items()}
    fitted = [series.unique_id for series in data.per_series if series.is_fitted]
    calibration = None
    if config.intervals:
        state = read_intervals(run, len(fitted), of_quantiles=False)
        calibration = Conformal.from_state(state)
    numbers = np.array(record.weights)
    if len(numbers) not in (1, 1 + len(fitted)):
        raise damaged(run.path / BLEND, f"its weights are not those of the series in {DATA}")
    names = [member.name for member in record.members if not member.is_network]
    if not set(names) <= set(method_names()):
        raise damaged(run.path / BLEND, "a member is no method")
    methods = {own.name: own for own in named_methods(names, data.season_length)}
    blend = Blend(
        {own.name: methods.get(own.name) or networks[own.name].method for own in record.members},
        BlendWeights(numbers),
        tuple(fitted),
        data.season_length,
        config.predict,
        calibration,
        config.is_relative,
        config.learned_by({name: own.config for name, own in networks.items()}),
    )
    encoders = [network.encoder for network in networks.values()]
    known = read_context(run, next(filter(None, encoders), None))
    return OpenedBlend(
        run=run, config=config, data=data, known=known, blend=blend, networks=networks
    )


def _last_rows(run: Run, config: Config, encoder: Encoder | None) -> Panel:
    """The last rows of every series."""
    panel = read_context(run, encoder)
    if not config.model.joint:
        return panel
    try:
        return without_hindsight(panel, config.joint_targets)
    except (ValueError, DataError) as error:
        raise damaged(run.path / CONTEXT, "its targets do not have the same rows") from error


def original_job(
    opened: OpenedRun, way_out: str = "Give newer rows: --input FILE. Or train again."
) -> Job:
    """The job that a run was made from. Raises `DataError` where its table is another by now."""
    job = prepare(opened.run.path / RESOLVED)
    if job.sha256 != opened.data.sha256:
        message = f"{opened.config.data.path} is not the table that the run was made from."
        raise DataError(Problem(message, way_out))
    begins = opened.unseen(job.panel)
    if (begins == job.split.test_begins).all():
        return job
    # A network of a blend has the split that all of its members have in common.
    split = Split(np.minimum(job.split.train_ends, begins), begins)
    return replace(job, split=split, cutoffs=cutoffs_by_split(job.panel, split, job.needs))


def transforms_of(run: Run, config: Config, season_length: int) -> Pipelines:
    """The fitted transforms of a run. Raises `RunError` where they do not fit its config."""
    path, states = run.path / TRANSFORMS, read_transforms(run)
    try:
        transforms = Pipelines.from_states(config.pipelines, states, season_length)
    except (ValueError, TypeError, LookupError) as error:
        raise damaged(path, f"it does not fit {RESOLVED}") from error
    if len(transforms.states()) != len(states):
        raise damaged(path, f"it does not fit {RESOLVED}")
    return transforms


def _refuse_unlike(opened: OpenedNetwork, files: Sequence[Path]) -> None:
    """Raise `RunError` for transforms or networks that do not fit the config and the series.

    They are tried on the last rows of the run, from which `predict` goes on.
    """
    known, path = opened.known, opened.run.path / TRANSFORMS
    panel = known.of(np.isin(known.unique_ids, opened.fitted))
    quantiles = opened.config.model.quantiles
    cutoffs = panel.ends - 1
    if opened.config.model.scope == "global":
        cutoffs = spread(cutoffs, _TRIED)  # a network of a series each is tried on all of them
    expected = len(cutoffs), opened.config.window.horizon, max(1, len(quantiles))
    try:
        encoded = opened.network.encoded(panel, opened.config.window.horizon)
    # A country that its library does not know is a RuntimeError.
    except (ValueError, TypeError, LookupError, ArithmeticError, RuntimeError) as error:
        why = f"it does not fit {DATA} or {COVARIATES}"
        raise damaged(path.with_name(FEATURES), why) from error
    try:
        shared = opened.network.shared.apply(panel).panel
        seen = [branch.transforms.apply(shared).panel for branch in opened.network.branches]
    except (ValueError, TypeError, LookupError, DataError) as error:
        raise damaged(path, f"it does not fit {RESOLVED} or the series") from error
    for file, branch, own in zip(files, opened.network.branches, seen, strict=True):
        try:
            shape = branch.call(own, cutoffs, encoded).shape
        except Exception as error:  # ONNX Runtime's errors share no base but this one
            raise damaged(file, f"it does not fit {RESOLVED}") from error
        if shape != expected:
            raise damaged(file, f"it does not fit {RESOLVED}")


def _calibration(run: Run, config: Config, data: DataRecord) -> Conformal | ConformalizedQuantiles:
    of_quantiles = bool(config.model.quantiles)
    kind = ConformalizedQuantiles if of_quantiles else Conformal
    series = sum(series.is_fitted for series in data.per_series)
    state = read_intervals(run, series, of_quantiles=of_quantiles)
    return kind.from_state(state)
