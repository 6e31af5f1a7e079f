"""A run that is ready to forecast: what those of one network and those of a blend share."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from forecast.config import Config
from forecast.config.data import DataOptions
from forecast.data.calendar import from_iso, steps_between
from forecast.data.continuation import continue_panel, named
from forecast.data.joint import by_target, joint_panel, without_hindsight
from forecast.data.largest import refuse_overflow
from forecast.data.panel import IntArray, Panel
from forecast.data.table import read_table
from forecast.errors import DataError, Problem, did_you_mean
from forecast.features import Encoder
from forecast.methods import Blend, NetworkOrFallback
from forecast.runs import DataRecord, Run
from forecast.scoring.metrics import Scale


@dataclass(frozen=True, kw_only=True)
class OpenedRun(ABC):
    """A run that is ready to forecast, with its config and what it knows of its data."""

    run: Run
    config: Config
    data: DataRecord
    known: Panel
    """The last rows of every series."""
    newcomers: tuple[str, ...] = ()
    """Series that nothing was fitted on, and that are forecast all the same."""

    @property
    @abstractmethod
    def method(self) -> NetworkOrFallback | Blend:
        """Who forecasts."""

    @property
    @abstractmethod
    def encoder(self) -> Encoder | None:
        """Of the covariates, where there are any."""

    @property
    @abstractmethod
    def quantile_levels(self) -> Sequence[float]:
        """The quantiles to forecast, as far as the run has them."""

    @abstractmethod
    def strange(self, panel: Panel, horizon: int = 0) -> list[str]:
        """What of its covariates is unlike all that the run was fitted to, in sentences.

        For a horizon in what its forecasts after the last row see, otherwise in all rows.
        """

    @abstractmethod
    def lacking(self, panel: Panel, horizon: int) -> list[Problem]:
        """What is to be known of the steps after the last row to forecast them, and is not."""

    @abstractmethod
    def knowing(self, panel: Panel, newcomers: NDArray[np.bool_]) -> Self:
        """The run as if it had known a panel, of whose series some `(series,)` are new."""

    @property
    @abstractmethod
    def takes_newcomers(self) -> bool:
        """Whether series can be forecast that nothing was fitted on."""

    @property
    @abstractmethod
    def least(self) -> int:
        """Rows of a series that a forecast depends on at least."""

    @property
    @abstractmethod
    def least_of_new(self) -> int:
        """Rows that it takes of a series that nothing was fitted on."""

    @property
    def fitted(self) -> tuple[str, ...]:
        """The series that were fitted, in their order."""
        return tuple(series.unique_id for series in self.data.per_series if series.is_fitted)

    @property
    def model(self) -> str:
        """Its name in tables."""
        return self.run.record.model

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
        return self.encoder.words if self.encoder else ()

    @property
    def data_options(self) -> DataOptions:
        """How to read another table of the run's series: as was found out of the first."""
        options = self.config.data
        covariates = options.covariates.model_copy(update={"categories": tuple(self.words)})
        return options.model_copy(update={"freq": self.data.freq, "covariates": covariates})

    def refuse_other_kinds(self, levels: Mapping[str, tuple[str, ...]], name: str) -> None:
        """Raise `DataError` where a column of words has nothing but numbers in a table."""
        if self.encoder:
            self.encoder.refuse_other_kinds(levels, name)

    def unseen(self, panel: Panel) -> IntArray:
        """The first row of each series of a panel on which nothing was fitted."""
        test_begins = {series.unique_id: series.test_begin for series in self.data.per_series}
        moments = from_iso([test_begins[name] for name in panel.unique_ids], panel.begins)
        steps = steps_between(panel.begins, moments, panel.freq)
        rows: IntArray = np.clip(panel.starts + steps, panel.starts, panel.ends)
        return rows

    def joined(self, newer: Path) -> Self:
        """The run as if it had known the rows of a table, of its series and of others.

        Others are forecast by a network that many series share, on scales that are fitted to all
        of their rows. Raises `DataError` where the table does not fit the run, or where a series
        is new and too short.
        """
        table, targets = self._table(newer), self.config.joint_targets
        if not self.takes_newcomers:
            panel = self._continued(self.known, table, newer)
            return self.knowing(panel, np.zeros(len(panel.unique_ids), bool))
        self._refuse_short(table, newer)
        whole = self.known.beside_new(table)
        if targets > 1:
            whole = whole.in_order(by_target(len(self.known.unique_ids), whole, targets))
        panel = self._continued(whole, table, newer)
        enough = np.diff(panel.offsets) >= self.least_of_new
        return self.knowing(panel, enough & ~np.isin(panel.unique_ids, self.fitted))

    def _refuse_short(self, table: Panel, newer: Path) -> None:
        """Raise `DataError` for series that the run does not know, with too few rows to forecast.

        So that a name that was mistyped is no new series.
        """
        lengths = dict(zip(table.unique_ids, np.diff(table.offsets).tolist(), strict=True))
        for name in sorted(set(table.unique_ids) - set(self.known.unique_ids)):
            if lengths[name] >= self.least_of_new:
                continue
            message = (
                f"{named(newer)}: the run has no series {name}, and to forecast one that is new it "
                f"takes {self.least_of_new} rows, not {lengths[name]}."
            )
            raise DataError(Problem(message, did_you_mean(name, list(self.known.unique_ids))))

    def _table(self, newer: Path) -> Panel:
        table = read_table(self.data_options, newer)
        refuse_overflow(table.panel)
        if table.panel.covariates:
            self.refuse_other_kinds(table.panel.covariates.levels, named(newer))
        is_joint = self.config.joint_targets > 1
        return joint_panel(table, self.config.data) if is_joint else table.panel

    def _continued(self, known: Panel, newer: Panel, path: Path) -> Panel:
        panel = continue_panel(known, newer, path, self.least)
        if self.config.joint_targets == 1:
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


def scales_of(data: DataRecord) -> Mapping[str, Scale]:
    """What MASE and RMSSE divide by, of each series; NaN where the run does not know one."""
    return {
        series.unique_id: Scale(_known(series.scale), _known(series.rmsse_scale))
        for series in data.per_series
    }


def _known(scale: float | None) -> float:
    return float("nan") if scale is None else scale
