"""A blend as a method: the weighted mean of what its members forecast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config.schema import BLEND, PredictOptions
from forecast.data.forecasts import Forecasts
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.errors import Problem, RunError
from forecast.methods.fallback import Fallback
from forecast.methods.intervals import quantiles_about, refuse_few_errors, refuse_uncalibrated
from forecast.methods.method import Method, Note, unheard
from forecast.scoring.conformal import Conformal, usable
from forecast.scoring.metrics import mean_by_group, scales_of


@dataclass(frozen=True)
class BlendWeights:
    """Weights `(series, steps, members)`, of sum 1; an axis of one is the same everywhere.

    The last step's hold beyond it. The first entry of several series is that of all others.
    """

    numbers: FloatArray

    @classmethod
    def equal(cls, members: int) -> "BlendWeights":
        """The same for all."""
        return cls(np.full((1, 1, members), 1 / members))

    @property
    def mean(self) -> FloatArray:
        """Over series and steps, `(members,)`."""
        whole: FloatArray = self.numbers.mean(axis=(0, 1))
        return whole

    @property
    def used(self) -> NDArray[np.bool_]:
        """Which members `(members,)` have a part in any forecast."""
        largest: FloatArray = self.numbers.max(axis=(0, 1))
        return largest > 0

    def of(self, series: IntArray, horizon: int) -> FloatArray:
        """Those of forecasts of these series, -1 for another: `(forecasts, horizon, members)`."""
        count, steps, _ = self.numbers.shape
        places = series + 1 if count > 1 else np.zeros_like(series)
        ahead = np.minimum(np.arange(horizon), steps - 1)
        own: FloatArray = self.numbers[places[:, None], ahead]
        return own

    def without(self, member: int) -> "BlendWeights":
        """The same, of sum 1, without one of several members."""
        numbers = self.numbers.copy()
        numbers[..., member] = 0
        total = numbers.sum(axis=-1, keepdims=True)
        others = np.full(numbers.shape[-1], 1 / (numbers.shape[-1] - 1))
        others[member] = 0
        return BlendWeights(np.where(total > 0, numbers / np.where(total > 0, total, 1), others))


@dataclass(frozen=True)
class Blend:
    """Methods that forecast together.

    Where a member has no forecast, `Fallback` takes its place.
    """

    members: Mapping[str, Method]
    """By their names, in the order of the weights."""
    weights: BlendWeights
    unique_ids: tuple[str, ...]
    """The series that weights and intervals are of, in their order."""
    season_length: int
    options: PredictOptions
    """What a forecast may be."""
    calibration: Conformal | None = None
    is_relative: bool = False
    """Whether intervals are as wide in parts of each series' level, not in its units."""
    learned: tuple[str, ...] = ()
    """Networks whose own quantiles tell how wide intervals are, where no calibration does."""

    @property
    def name(self) -> str:
        """See `Method.name`."""
        return BLEND

    def passes(self, cutoffs: int) -> int:
        """How often all steps are gone through: once by each member that has a part."""
        return int(self.weights.used.sum())

    def forecast(
        self,
        panel: Panel,
        cutoffs: IntArray,
        horizon: int,
        quantile_levels: Sequence[float] = (),
        note: Note = unheard,
    ) -> Forecasts:
        """See `Method.forecast` and `TrainedNetwork.forecast`.

        Members whose weights are 0 are not asked, unless they alone have quantiles that are wanted.
        Raises `RunError` for quantiles that are neither calibrated nor those of a network.
        """
        self._refuse_unknown(quantile_levels, horizon)
        places = self.places(panel)[panel.series_of(cutoffs)]
        y_hat = np.zeros((len(cutoffs), horizon))
        weights = self.weights.of(places, horizon)
        fallback = Fallback(self.season_length)
        widths = self._learned_weights(weights) if quantile_levels else np.zeros_like(weights)
        has_width = widths.max(axis=(0, 1), initial=0) > 0
        offsets = {level: np.zeros_like(y_hat) for level in quantile_levels if has_width.any()}
        for i in np.flatnonzero(self.weights.used | has_width):
            levels = quantile_levels if has_width[i] else ()
            own = self._methods[i].forecast(panel, cutoffs, horizon, levels)
            y_hat += weights[..., i] * fallback.filling(own.y_hat, panel, cutoffs)
            for level in levels:  # NaN of a series whose width others tell is not asked for
                offset = widths[..., i] * (own.quantiles[level] - own.y_hat)
                offsets[level] += np.where(widths[..., i] > 0, offset, 0)
            if self.weights.used[i]:
                note(horizon)
        forecasts = Forecasts(y_hat, {level: y_hat + own for level, own in offsets.items()})
        if quantile_levels and self.calibration is not None:
            units = self.units(panel, cutoffs)
            quantiles = self._quantiles(y_hat / units, self.calibration, places, quantile_levels)
            forecasts = Forecasts(y_hat, {level: q * units for level, q in quantiles.items()})
        return forecasts.within(self.options)

    @property
    def _methods(self) -> list[Method]:
        return list(self.members.values())

    def _learned_weights(self, weights: FloatArray) -> FloatArray:
        """What the quantiles of each member count for, of sum 1: as much as their forecasts.

        Equally much where none of them has a part; 0 of those that have none, or where errors tell.
        """
        if self.calibration is not None or not self.learned:
            return np.zeros_like(weights)
        is_learned = np.isin(list(self.members), self.learned)
        own = np.where(is_learned, weights, 0)
        total = own.sum(axis=-1, keepdims=True)
        equal = is_learned / is_learned.sum()
        return np.where(total > 0, own / np.where(total > 0, total, 1), equal)

    def units(self, panel: Panel, cutoffs: IntArray) -> FloatArray:
        """What errors after these cutoffs are measured in, `(cutoffs, 1)`.

        Where they are relative, the mean size of a season's values up to the cutoff; otherwise 1.
        """
        if not self.is_relative:
            return np.ones((len(cutoffs), 1))
        begins = np.maximum(
            panel.starts[panel.series_of(cutoffs)], cutoffs + 1 - self.season_length
        )
        sums = np.concatenate([[0.0], np.cumsum(np.abs(panel.values))])
        means = (sums[cutoffs + 1] - sums[begins]) / (cutoffs + 1 - begins)
        units: FloatArray = np.where(means > 0, means, 1.0)[:, None]
        return units

    def scales(self, panel: Panel, others: FloatArray | None = None) -> FloatArray:
        """What the errors of each series of a panel are scaled by, `(series,)`: MASE's unit.

        Where they are relative, in parts of the mean size of its values. `others` are known scales
        of other series.
        """
        scales = scales_of(panel.before(panel.ends), self.season_length)
        if self.is_relative:
            levels = mean_by_group(np.abs(panel.values), np.diff(panel.offsets))
            scales = scales / np.where(levels > 0, levels, np.nan)
        return usable(scales, others)

    def with_series(self, unique_ids: Sequence[str], scales: FloatArray) -> "Blend":
        """The same, for series more that have these scales, and common weights."""
        numbers, calibration = self.weights.numbers, self.calibration
        if len(numbers) > 1:
            numbers = np.concatenate([numbers, np.repeat(numbers[:1], len(unique_ids), axis=0)])
        if calibration is not None:
            own = np.concatenate([calibration.scales, scales])
            calibration = replace(calibration, scales=own)
        return replace(
            self,
            weights=BlendWeights(numbers),
            unique_ids=(*self.unique_ids, *unique_ids),
            calibration=calibration,
        )

    def places(self, panel: Panel) -> IntArray:
        """Where each series of a panel stands among those of the blend, -1 where it does not."""
        places: IntArray = pd.Index(self.unique_ids).get_indexer(pd.Index(panel.unique_ids))
        return places.astype(np.int64)

    def _quantiles(
        self,
        y_hat: FloatArray,
        calibration: Conformal,
        places: IntArray,
        levels: Sequence[float],
    ) -> dict[float, FloatArray]:
        """About forecasts that are measured as errors are; NaN for a series that has no scale."""
        known = (places >= 0)[:, None]
        found = quantiles_about(y_hat, calibration, np.maximum(places, 0), levels)
        return {level: np.where(known, values, np.nan) for level, values in found.items()}

    def _refuse_unknown(self, levels: Sequence[float], horizon: int) -> None:
        """Raise `RunError` for quantiles that are not calibrated, or not so far."""
        if not levels:
            return
        if self.calibration is None and self.learned:
            return  # these refuse what they have not learned
        if self.calibration is None:
            advice = "Train with a section `intervals: {quantile_levels: [0.1, 0.9]}`."
            raise RunError(Problem("the blend has no intervals.", advice))
        for level in levels:
            refuse_few_errors(self.calibration, level)
        refuse_uncalibrated(self.calibration.horizon, horizon)
