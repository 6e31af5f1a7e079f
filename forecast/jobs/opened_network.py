"""A run of one network, or of an ensemble of one kind, that is ready to forecast."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from forecast.data.panel import Panel
from forecast.data.split import Needs
from forecast.errors import Problem
from forecast.features import Encoder
from forecast.jobs.opened_run import OpenedRun
from forecast.methods import NetworkOrFallback
from forecast.methods.network import TrainedNetwork
from forecast.scoring.conformal import Conformal, error_scales
from forecast.transforms import EarlierFit, Pipelines, fit_pipelines


@dataclass(frozen=True, kw_only=True)
class OpenedNetwork(OpenedRun):
    """A run with the network that it trained."""

    network: TrainedNetwork
    network_of_newcomers: TrainedNetwork | None = None
    """The same network, with the scales of the newcomers."""

    @property
    def method(self) -> NetworkOrFallback:
        """The network, and for series that are too short for it a fallback."""
        networks = [(self.network, self.fitted)]
        if self.network_of_newcomers:
            networks.append((self.network_of_newcomers, self.newcomers))
        return NetworkOrFallback(networks, self.data.season_length, self.config.predict)

    @property
    def encoder(self) -> Encoder | None:
        """See `OpenedRun.encoder`."""
        return self.network.encoder

    @property
    def quantile_levels(self) -> Sequence[float]:
        """See `OpenedRun.quantile_levels`."""
        if self.config.intervals and self.network.calibration is None:
            return self.config.model.quantiles
        return self.config.quantile_levels

    def strange(self, panel: Panel, horizon: int = 0) -> list[str]:
        """See `OpenedRun.strange`."""
        encoder, covariates = self.network.encoder, panel.covariates
        if encoder is None or covariates is None:
            return []
        lengths = np.diff(panel.offsets)
        begins = lengths - self.config.window.context_length if horizon else None
        return encoder.strange(covariates.up_to(lengths + horizon), begins)

    def lacking(self, panel: Panel, horizon: int) -> list[Problem]:
        """See `OpenedRun.lacking`."""
        forecast = panel.of(np.isin(panel.unique_ids, (*self.fitted, *self.newcomers)))
        return self.network.lacking(forecast, forecast.ends - 1, horizon)

    def knowing(self, panel: Panel, newcomers: NDArray[np.bool_]) -> "OpenedNetwork":
        """See `OpenedRun.knowing`."""
        return replace(
            self,
            known=panel,
            newcomers=tuple(compress(panel.unique_ids, newcomers)),
            network_of_newcomers=self._network_of(panel.of(newcomers)) if newcomers.any() else None,
        )

    @property
    def takes_newcomers(self) -> bool:
        """See `OpenedRun.takes_newcomers`: by a network that many series share."""
        targets = self.config.joint_targets
        return self.config.model.scope == "global" and len(self.fitted) > targets

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
    def least(self) -> int:
        """Rows that the network sees of a series."""
        return self.config.rows_seen(self.data.season_length)

    @property
    def least_of_new(self) -> int:
        """Rows that it takes of a series that it was not fitted on: those of a training window."""
        return Needs.of(self.config, self.data.season_length).rows_before
