"""How does a network run without Keras? On ONNX Runtime, and always through `Forecaster`.

Train's own scores, `evaluate`, `predict` and `plot` all come from `Forecaster.forecast`, so that
none of them can disagree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime

from forecast.config.schema import Config, ModelOptions
from forecast.data.forecasts import Forecasts
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.errors import DivergedError, Problem, RunError
from forecast.scoring.conformal import Conformal, errors_needed
from forecast.transforms import Pipeline
from forecast.windows import Batch, contexts_at, occurrences

# Contexts run at once: enough to keep the processor busy, few enough to bound memory.
_BATCH = 4096


class Network:
    """An exported network, or as many as there are series."""

    def __init__(self, path: Path) -> None:
        """Raises `RunError` where the file is not an ONNX graph."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors alone: stderr belongs to the person
        try:
            self._session = onnxruntime.InferenceSession(path, options)
        except Exception as error:  # ONNX Runtime's errors share no base but this one
            raise RunError(Problem(f"{path} can not be loaded: {error}")) from error
        self._input = self._session.get_inputs()[0].name

    def predict(self, contexts: Batch) -> Batch:
        """See `Predictor.predict`; in transformed units."""
        forecasts: Batch = self._session.run(None, {self._input: contexts})[0]
        return forecasts


class Predictor(Protocol):
    """What a forecaster needs of a network."""

    def predict(self, contexts: Batch) -> Batch:
        """Contexts `(windows, context_length, 1)` to `(windows, horizon)`.

        Of a network with quantiles, to `(windows, horizon, quantiles)`. Of networks that have a
        series each, contexts and forecasts have the series in front.
        """


@dataclass(frozen=True)
class Forecaster:
    """A trained network with the units that it was trained in, and what is known of its errors."""

    network: Predictor
    transforms: Pipeline
    model: ModelOptions
    context_length: int
    season_length: int
    conformal: Conformal | None = None

    @classmethod
    def of(
        cls,
        config: Config,
        network: Predictor,
        transforms: Pipeline,
        season_length: int,
        conformal: Conformal | None = None,
    ) -> "Forecaster":
        """The forecaster that a config describes."""
        length = config.window.context_length
        return cls(network, transforms, config.model, length, season_length, conformal)

    def forecast(
        self, panel: Panel, cutoffs: IntArray, horizon: int, quantile_levels: Sequence[float] = ()
    ) -> Forecasts:
        """Forecast steps 1 ... horizon after each cutoff, in the units of the panel.

        `cutoffs` are rows of the panel. A series with fewer rows than `context_length` is continued
        backwards. Beyond the network's own horizon its forecasts become its context.
        Raises `DivergedError` where a forecast is not a finite number, and `RunError` for quantiles
        that were neither learned nor calibrated.
        """
        outputs = self._outputs(panel, cutoffs, horizon)
        point = outputs[self._middle]
        y_hat = self.transforms.pointwise.invert(point, cutoffs, panel)
        if not np.isfinite(y_hat).all():
            advice = "Ask for fewer steps, or train again with transforms that suit the new rows."
            raise DivergedError(Problem("the forecast is not a finite number.", advice))
        quantiles = {}
        for level in quantile_levels:
            if self.model.quantiles:
                quantile = outputs[self._known_quantile(level)]
            else:
                errors = self._known_errors(level, horizon)
                offsets = errors.quantile(level, panel.series_of(cutoffs))
                quantile = point + offsets[:, :horizon]
            quantiles[level] = self.transforms.pointwise.invert(quantile, cutoffs, panel)
        return Forecasts(y_hat, quantiles)

    def forecast_pointwise(self, panel: Panel, cutoffs: IntArray, horizon: int) -> FloatArray:
        """The same `(cutoffs, horizon)` in the units of the pointwise transforms.

        In these units errors are alike at every level of the series (a logarithm makes them
        shares), which is why intervals are calibrated in them.
        """
        return self._outputs(panel, cutoffs, horizon)[self._middle]

    def contexts(self, transformed: Panel, cutoffs: IntArray) -> Batch:
        """What the network sees at each cutoff: `(cutoffs, context_length, 1)`."""
        starts = transformed.starts[transformed.series_of(cutoffs)] + self.transforms.reach
        return contexts_at(
            transformed.values, cutoffs, starts, self.context_length, self.season_length
        )

    def call(self, contexts: Batch, panel: Panel, cutoffs: IntArray) -> Batch:
        """One call of the network on these contexts: `(cutoffs, horizon, outputs)`."""
        if self.model.scope == "global":
            forecasts = self.network.predict(contexts)
        else:
            series = panel.series_of(cutoffs)
            places = series, occurrences(series)
            shape = len(panel.unique_ids), int(places[1].max()) + 1, *contexts.shape[1:]
            grid = np.zeros(shape, np.float32)
            grid[places] = contexts
            forecasts = self.network.predict(grid)[places]
        return forecasts if self.model.quantiles else forecasts[..., None]

    @property
    def _middle(self) -> int:
        """Which output is the forecast itself."""
        return self.model.quantiles.index(0.5) if self.model.quantiles else 0

    def _outputs(self, panel: Panel, cutoffs: IntArray, horizon: int) -> list[FloatArray]:
        """What the network says, each `(cutoffs, horizon)` in the units of the pointwise."""
        transformed = self.transforms.apply(panel)
        # One of each series, then the next of each: so a batch of local networks has few of each.
        order = np.argsort(occurrences(panel.series_of(cutoffs)), kind="stable")
        parts = [
            self._continued(transformed, cutoffs[order[i : i + _BATCH]], horizon)
            for i in range(0, len(cutoffs), _BATCH)
        ]
        outputs = np.concatenate(parts)[np.argsort(order)]
        before, rest = self.transforms.pointwise.apply(panel), self.transforms.rest
        return [rest.invert(output, cutoffs, before) for output in np.moveaxis(outputs, -1, 0)]

    def _continued(self, transformed: Panel, cutoffs: IntArray, horizon: int) -> FloatArray:
        """Forecasts `(cutoffs, horizon, outputs)`, of as many calls as the horizon takes."""
        context = self.contexts(transformed, cutoffs)
        parts: list[Batch] = []
        while sum(part.shape[1] for part in parts) < horizon:
            parts.append(self.call(context, transformed, cutoffs))
            context = np.concatenate([context, parts[-1][..., self._middle, None]], axis=1)
            context = context[:, -self.context_length :]
        return np.concatenate(parts, axis=1)[:, :horizon].astype(np.float64)

    def _known_quantile(self, level: float) -> int:
        """Which output it is. Raises `RunError` where the network does not forecast it."""
        levels = self.model.quantiles
        if level not in levels:
            message = f"the network does not forecast the quantile {level:g}."
            known = ", ".join(f"{level:g}" for level in levels)
            raise RunError(Problem(message, f"It forecasts {known}."))
        return levels.index(level)

    def _known_errors(self, level: float, horizon: int) -> Conformal:
        """The calibration, if it reaches so far. Raises `RunError` where it does not."""
        if self.conformal is None:
            advice = "Train with a section `intervals: {quantile_levels: [0.1, 0.9]}`."
            raise RunError(Problem("the run has neither intervals nor quantiles.", advice))
        if horizon > self.conformal.horizon:
            message = f"intervals are calibrated for {self.conformal.horizon} steps, not {horizon}."
            raise RunError(Problem(message, "Train with a longer predict.horizon."))
        if not self.conformal.can_tell(level):
            count = int(np.median(self.conformal.counts))
            message = f"{count} calibration errors are too few for the quantile {level:g}."
            advice = f"Raise intervals.windows: it takes {errors_needed(level)} errors."
            raise RunError(Problem(message, advice))
        return self.conformal
