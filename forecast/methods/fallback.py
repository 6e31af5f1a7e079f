"""A forecast for every series: the network's, or a simple one where it has too few rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from forecast.config.schema import PredictOptions
from forecast.data.forecasts import Forecasts
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.methods.baselines.naive import Naive
from forecast.methods.baselines.seasonal_naive import SeasonalNaive
from forecast.methods.method import Baseline, Note, unheard

if TYPE_CHECKING:  # it loads ONNX Runtime, which to say what a fallback is takes too long
    from forecast.methods.network import TrainedNetwork

FALLBACK = "seasonal naive, or naive where it does not reach back a season"


class Fallback(Baseline):
    """Seasonal naive, and naive where the series does not reach back a season."""

    def points(self, panel: Panel, cutoffs: IntArray, horizon: int) -> FloatArray:
        """See `Baseline.points`."""
        seasonal, naive = (
            method(self.season_length).points(panel, cutoffs, horizon)
            for method in (SeasonalNaive, Naive)
        )
        return np.where(np.isnan(seasonal), naive, seasonal)

    def filling(self, points: FloatArray, panel: Panel, cutoffs: IntArray) -> FloatArray:
        """Forecasts `(cutoffs, horizon)` with those that are NaN replaced."""
        bare = np.isnan(points).any(axis=1)
        if not bare.any():
            return points
        filled = points.copy()
        filled[bare] = self.points(panel, cutoffs[bare], points.shape[1])
        return filled


@dataclass(frozen=True)
class NetworkOrFallback:
    """A network for the series that it knows, and `Fallback` for all others.

    It also falls back where a series has too few rows before a cutoff for the network's transforms.
    """

    networks: "Sequence[tuple[TrainedNetwork, tuple[str, ...]]]"
    """The network and the series that it knows, in its order; then the same one with the scales of
    other series, if there are any."""
    season_length: int
    options: PredictOptions
    """What a forecast may be."""

    @property
    def name(self) -> str:
        """The network's name: it stands for both."""
        return self.networks[0][0].name

    @property
    def is_shared(self) -> bool:
        """See `TrainedNetwork.is_shared`."""
        return self.networks[0][0].is_shared

    @property
    def targets(self) -> int:
        """How many targets are forecast together."""
        return self.networks[0][0].targets

    def for_series(self, unique_ids: Sequence[str]) -> "NetworkOrFallback":
        """The same for a panel of these series alone, in the order that they had."""
        wanted, networks = set(unique_ids), []
        for network, known in self.networks:
            places = [place for place, name in enumerate(known) if name in wanted]
            if places:
                own = tuple(known[place] for place in places)
                networks.append((network.for_series(np.array(places)), own))
        return replace(self, networks=networks)

    def passes(self, cutoffs: int) -> int:
        """See `TrainedNetwork.passes`."""
        return self.networks[0][0].passes(cutoffs)

    def forecast(
        self,
        panel: Panel,
        cutoffs: IntArray,
        horizon: int,
        quantile_levels: Sequence[float] = (),
        note: Note = unheard,
    ) -> Forecasts:
        """See `Method.forecast` and `TrainedNetwork.forecast`; a fallback has no quantiles.

        None is beyond the bounds of the config, nor broken where that asks for whole numbers.
        """
        forecasts = self._unbounded(panel, cutoffs, horizon, quantile_levels, note)
        return forecasts.within(self.options)

    def _unbounded(
        self,
        panel: Panel,
        cutoffs: IntArray,
        horizon: int,
        quantile_levels: Sequence[float],
        note: Note,
    ) -> Forecasts:
        series = panel.series_of(cutoffs)
        served = []
        for network, unique_ids in self.networks:
            known = np.isin(panel.unique_ids, unique_ids)
            able = known[series] & (cutoffs - panel.starts[series] >= network.reach)
            if able.all() and known.all():
                return network.forecast(panel, cutoffs, horizon, quantile_levels, note)
            served.append((network, known, able))
        y_hat = Fallback(self.season_length).points(panel, cutoffs, horizon)
        quantiles = {level: np.full_like(y_hat, np.nan) for level in quantile_levels}
        for network, known, able in served:
            if not able.any():
                continue
            rows = panel.rows_of(known, cutoffs[able])
            own = network.forecast(panel.of(known), rows, horizon, quantile_levels, note)
            y_hat[able] = own.y_hat
            for level, values in own.quantiles.items():
                quantiles[level][able] = values
        return Forecasts(y_hat, quantiles)
