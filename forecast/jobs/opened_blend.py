"""A run of a blend that is ready to forecast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from forecast.data.panel import Panel
from forecast.errors import Problem
from forecast.features import Encoder
from forecast.jobs.opened_network import OpenedNetwork
from forecast.jobs.opened_run import OpenedRun
from forecast.methods import Blend


@dataclass(frozen=True, kw_only=True)
class OpenedBlend(OpenedRun):
    """A run with the forecasters that it blends."""

    blend: Blend
    networks: Mapping[str, OpenedNetwork]
    """Its members that were trained, by their names."""

    @property
    def method(self) -> Blend:
        """The blend."""
        return self.blend

    @property
    def encoder(self) -> Encoder | None:
        """See `OpenedRun.encoder`: networks of a blend have the columns of a table in common."""
        encoders = (network.encoder for network in self.networks.values())
        return next(filter(None, encoders), None)

    @property
    def quantile_levels(self) -> Sequence[float]:
        """See `OpenedRun.quantile_levels`."""
        return self.config.quantile_levels

    def strange(self, panel: Panel, horizon: int = 0) -> list[str]:
        """See `OpenedRun.strange`."""
        each = (network.strange(panel, horizon) for network in self.networks.values())
        return list(dict.fromkeys(line for lines in each for line in lines))

    def lacking(self, panel: Panel, horizon: int) -> list[Problem]:
        """See `OpenedRun.lacking`."""
        each = (network.lacking(panel, horizon) for network in self.networks.values())
        return list(dict.fromkeys(problem for problems in each for problem in problems))

    def knowing(self, panel: Panel, newcomers: NDArray[np.bool_]) -> "OpenedBlend":
        """See `OpenedRun.knowing`."""
        networks = {name: own.knowing(panel, newcomers) for name, own in self.networks.items()}
        blend, calibration = self.blend, self.blend.calibration
        names = tuple(compress(panel.unique_ids, newcomers))
        if names:
            others = None if calibration is None else calibration.scales
            scales = blend.scales(panel.of(newcomers), others)
            blend = blend.with_series(names, scales)
        methods = {name: own.method for name, own in networks.items()}
        blend = replace(blend, members={**blend.members, **methods})
        return replace(self, known=panel, newcomers=names, blend=blend, networks=networks)

    @property
    def takes_newcomers(self) -> bool:
        """See `OpenedRun.takes_newcomers`."""
        return len(self.fitted) > 1 and all(
            network.takes_newcomers for network in self.networks.values()
        )

    @property
    def least(self) -> int:
        """See `OpenedRun.least`: what is left of a short series, methods are fitted to."""
        return max((network.least for network in self.networks.values()), default=1)

    @property
    def least_of_new(self) -> int:
        """See `OpenedRun.least_of_new`."""
        return max((network.least_of_new for network in self.networks.values()), default=2)
