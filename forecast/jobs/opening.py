"""Opening a finished run, for the commands that come after training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path

import numpy as np

from forecast.config import Config
from forecast.config.data import DataOptions
from forecast.data.calendar import from_iso, steps_between
from forecast.data.continuation import continue_panel, named
from forecast.data.joint import by_target, joint_panel, without_hindsight
from forecast.data.largest import refuse_overflow
from forecast.data.panel import IntArray, Panel
from forecast.data.split import Needs
from forecast.data.table import read_table
from forecast.errors import DataError, Problem, did_you_mean
from forecast.features import Encoder
from forecast.jobs.job import Job, prepare
from forecast.methods import NetworkOrFallback
from forecast.methods.network import OnnxPredictor, TrainedNetwork
from forecast.runs import DataRecord, Run, model_names
from forecast.runs.documents import (
    read_config,
    read_data,
    read_features,
    read_intervals,
    read_transforms,
)
from forecast.runs.layout import (
    CONTEXT,
    COVARIATES,
    DATA,
    FEATURES,
    INTERVALS,
    RESOLVED,
    TRANSFORMS,
)
from forecast.runs.regular import damaged
from forecast.runs.tables import read_context
from forecast.scoring.conformal import Conformal, ConformalizedQuantiles, error_scales
from forecast.scoring.metrics import Scale
from forecast.transforms import EarlierFit, Pipelines, fit_pipelines


@dataclass(frozen=True)
class OpenedRun:
    """A run with its config, what it knows of its data, and the network that it trained."""

    run: Run
    config: Config
    data: DataRecord
    network: TrainedNetwork
    known: Panel
    """The last rows of every series."""
    newcomers: tuple[str, ...] = ()
    """Series that the network was not fitted on, and forecasts all the same."""
    network_of_newcomers: TrainedNetwork | None = None
    """The same network, with the scales of these series."""

    @property
    def fitted(self) -> tuple[str, ...]:
        """The series that the network was fitted on, in its order."""
        return tuple(series.unique_id for series in self.data.per_series if series.is_fitted)

    @property
    def method(self) -> NetworkOrFallback:
        """The network, and for series that are too short for it a fallback."""
        networks = [(self.network, self.fitted)]
        if self.network_of_newcomers:
            networks.append((self.network_of_newcomers, self.newcomers))
        return NetworkOrFallback(networks, self.data.season_length, self.config.predict)

    @property
    def model(self) -> str:
        """The network's name in tables."""
        return self.run.record.model

    @property
    def quantile_levels(self) -> Sequence[float]:
        """The quantiles to forecast, as far as the run has them."""
        if self.config.intervals and self.network.calibration is None:
            return self.config.model.quantiles
        return self.config.quantile_levels

    @property
    def scales(self) -> Mapping[str, Scale]:
        """What MASE and RMSSE divide by, of each series; NaN where the run does not know one."""
        return scales_of(self.data)

    @property
    def known_columns(self) -> Sequence[str]:
        """The columns of a table that are to be known of the future."""
        return self.config.data.covariates.known

    @property
    def sources(self) -> dict[str, Path | None]:
        """The tables that the run was made from, by the key of the config that names each."""
        return self.config.data.files

    @property
    def words(self) -> Sequence[str]:
        """The columns beside the target that have words."""
        return self.network.encoder.words if self.network.encoder else ()

    @property
    def data_options(self) -> DataOptions:
        """How to read another table of the run's series: as was found out of the first."""
        options = self.config.data
        covariates = options.covariates.model_copy(update={"categories": tuple(self.words)})
        return options.model_copy(update={"freq": self.data.freq, "covariates": covariates})

    def refuse_other_kinds(self, levels: Mapping[str, tuple[str, ...]], name: str) -> None:
        """Raise `DataError` where a column of words has nothing but numbers in a table."""
        if self.network.encoder:
            self.network.encoder.refuse_other_kinds(levels, name)

    def strange(self, panel: Panel, horizon: int = 0) -> list[str]:
        """What of its covariates is unlike all that the run was fitted to, in sentences.

        For a horizon in what its forecasts after the last row see, otherwise in all rows.
        """
        encoder, covariates = self.network.encoder, panel.covariates
        if encoder is None or covariates is None:
            return []
        lengths = np.diff(panel.offsets)
        begins = lengths - self.config.window.context_length if horizon else None
        return encoder.strange(covariates.up_to(lengths + horizon), begins)

    def lacking(self, panel: Panel, horizon: int) -> list[Problem]:
        """What is to be known of the steps after the last row to forecast them, and is not."""
        forecast = panel.of(np.isin(panel.unique_ids, (*self.fitted, *self.newcomers)))
        return self.network.lacking(forecast, forecast.ends - 1, horizon)

    def unseen(self, panel: Panel) -> IntArray:
        """The first row of each series of a panel on which nothing was fitted."""
        test_begins = {series.unique_id: series.test_begin for series in self.data.per_series}
        moments = from_iso([test_begins[name] for name in panel.unique_ids], panel.begins)
        steps = steps_between(panel.begins, moments, panel.freq)
        rows: IntArray = np.clip(panel.starts + steps, panel.starts, panel.ends)
        return rows

    def joined(self, newer: Path) -> "OpenedRun":
        """The run as if it had known the rows of a table, of its series and of others.

        Others are forecast by a network that many series share, on scales that are fitted to all
        of their rows. Raises `DataError` where the table does not fit the run, or where a series
        is new and too short.
        """
        table, targets = self._table(newer), self.config.joint_targets
        if self.config.model.scope == "local" or len(self.fitted) == targets:
            return replace(self, known=self._continued(self.known, table, newer))
        self._refuse_short(table, newer)
        whole = self.known.beside_new(table)
        if targets > 1:
            whole = whole.in_order(by_target(len(self.known.unique_ids), whole, targets))
        panel = self._continued(whole, table, newer)
        enough = np.diff(panel.offsets) >= self._least_of_new
        new = enough & ~np.isin(panel.unique_ids, self.fitted)
        joined = replace(self, known=panel)
        return replace(
            joined,
            newcomers=tuple(compress(panel.unique_ids, new)),
            network_of_newcomers=self._network_of(panel.of(new)) if new.any() else None,
        )

    def _network_of(self, panel: Panel) -> TrainedNetwork:
        """The network with the scales of series that it was not fitted on."""
        network, past = self.network, panel.before(panel.ends)
        nowhere = np.full(len(panel.unique_ids), -1)
        pipelines = Pipelines(network.shared, tuple(b.transforms for b in network.branches))
        transforms = fit_pipelines(
            self.config.pipelines,
            {"train": past, "all": past},
            self.data.season_length,
            EarlierFit(pipelines, nowhere),
        )
        branches = [
            replace(branch, transforms=own)
            for branch, own in zip(network.branches, transforms.branches, strict=True)
        ]
        calibration = network.calibration
        if isinstance(calibration, Conformal):
            scaled = transforms.shared.apply(panel).panel
            scales = error_scales(scaled, self.data.season_length, calibration.scales)
            calibration = replace(calibration, scales=scales)
        return replace(
            network, shared=transforms.shared, branches=branches, calibration=calibration
        )

    @property
    def _least(self) -> int:
        """Rows that the network sees of a series."""
        return self.config.rows_seen(self.data.season_length)

    @property
    def _least_of_new(self) -> int:
        """Rows that it takes of a series that it was not fitted on: those of a training window."""
        return Needs.of(self.config, self.data.season_length).rows_before

    def _refuse_short(self, table: Panel, newer: Path) -> None:
        """Raise `DataError` for series that the run does not know, with too few rows to forecast.

        So that a name that was mistyped is no new series.
        """
        lengths = dict(zip(table.unique_ids, np.diff(table.offsets).tolist(), strict=True))
        for name in sorted(set(table.unique_ids) - set(self.known.unique_ids)):
            if lengths[name] >= self._least_of_new:
                continue
            message = (
                f"{named(newer)}: the run has no series {name}, and to forecast one that is new it "
                f"takes {self._least_of_new} rows, not {lengths[name]}."
            )
            raise DataError(Problem(message, did_you_mean(name, list(self.known.unique_ids))))

    def _table(self, newer: Path) -> Panel:
        table = read_table(self.data_options, newer)
        refuse_overflow(table.panel)
        if table.panel.covariates:
            self.refuse_other_kinds(table.panel.covariates.levels, named(newer))
        return joint_panel(table, self.config.data) if self.config.model.joint else table.panel

    def _continued(self, known: Panel, newer: Panel, path: Path) -> Panel:
        panel = continue_panel(known, newer, path, self._least)
        if not self.config.model.joint:
            return panel
        return without_hindsight(panel, self.config.joint_targets)

    def continued(self, newer: Path) -> tuple[Panel, IntArray]:
        """The last rows, continued by a table, and which of each series is the first of the table.

        Of a series that the table does not have, that is the row after its last. Raises `DataError`
        where the table does not fit the run.
        """
        table = self._table(newer)
        panel = self._continued(self.known, table, newer)
        rows = dict(zip(table.unique_ids, np.diff(table.offsets).tolist(), strict=True))
        return panel, panel.ends - np.array([rows.get(name, 0) for name in panel.unique_ids])


def open_run(run: Run) -> OpenedRun:
    """Load what a finished run needs to forecast. Raises `RunError` where a part is damaged."""
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
    opened = OpenedRun(run, config, data, network, _last_rows(run, config, encoder))
    _refuse_unlike(opened, files)
    return opened


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
    return job


def scales_of(data: DataRecord) -> Mapping[str, Scale]:
    """What MASE and RMSSE divide by, of each series; NaN where the run does not know one."""
    return {
        series.unique_id: Scale(_known(series.scale), _known(series.rmsse_scale))
        for series in data.per_series
    }


def _known(scale: float | None) -> float:
    return float("nan") if scale is None else scale


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


def _refuse_unlike(opened: OpenedRun, files: Sequence[Path]) -> None:
    """Raise `RunError` for transforms or networks that do not fit the config and the series.

    They are tried on the last rows of the run, from which `predict` goes on.
    """
    known, path = opened.known, opened.run.path / TRANSFORMS
    panel = known.of(np.isin(known.unique_ids, opened.fitted))
    quantiles = opened.config.model.quantiles
    expected = len(panel.unique_ids), opened.config.window.horizon, max(1, len(quantiles))
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
            shape = branch.call(own, panel.ends - 1, encoded).shape
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
