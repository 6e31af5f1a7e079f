"""A trained network as a method: on ONNX Runtime, or for a while on Keras.

Train's own scores, `evaluate`, `predict` and `plot` all come from `TrainedNetwork.forecast`, so
that none of them can disagree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import onnxruntime

from forecast.config.schema import Config, ModelOptions, WindowOptions
from forecast.data.forecasts import Forecasts
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.errors import DivergedError, Problem, RunError
from forecast.methods.method import Note, unheard
from forecast.scoring.conformal import Conformal, ConformalizedQuantiles, errors_needed
from forecast.transforms import Pipeline, Pipelines
from forecast.windows import Batch, Inputs, gather, occurrences

# The level of the quantile that is the forecast itself.
MIDDLE = 0.5
# Windows run at once: enough to keep the processor busy, few enough to bound memory.
_BATCH = 4096


class OnnxPredictor:
    """An exported network, or as many as there are series."""

    def __init__(self, path: Path) -> None:
        """Raises `RunError` where the file is not an ONNX graph."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors alone: stderr belongs to the person
        try:
            self._session = onnxruntime.InferenceSession(path, options)
        except Exception as error:  # ONNX Runtime's errors share no base but this one
            raise RunError(Problem(f"{path} can not be loaded: {error}")) from error
        self._names = [part.name for part in self._session.get_inputs()]

    def predict(self, inputs: Inputs) -> Batch:
        """See `Predictor.predict`; on the transforms' scale."""
        named = inputs.named
        forecasts: Batch = self._session.run(None, {name: named[name] for name in self._names})[0]
        return forecasts


class Predictor(Protocol):
    """An exported network, or one that is still in memory."""

    def predict(self, inputs: Inputs) -> Batch:
        """Inputs `(windows, ...)` to forecasts `(windows, horizon)`.

        Of a network with quantiles, to `(windows, horizon, quantiles)`. Of networks that have a
        series each, inputs and forecasts have the series in front.
        """


@dataclass(frozen=True)
class Branch:
    """A trained network with the scale on which it sees the data.

    It is given a panel on the scale that all branches share, to which its forecasts come back.
    """

    network: Predictor
    transforms: Pipeline
    model: ModelOptions
    window: WindowOptions
    season_length: int

    def call(self, transformed: Panel, cutoffs: IntArray) -> Batch:
        """One call of the network: `(cutoffs, horizon, outputs)` on the scale that it sees."""
        return self._call(self._inputs(transformed, cutoffs), transformed, cutoffs)

    def outputs(
        self, panel: Panel, cutoffs: IntArray, horizon: int, note: Note
    ) -> list[FloatArray]:
        """What the network predicts, each `(cutoffs, horizon)` on the scale of the panel."""
        transformed = self.transforms.apply(panel)
        # One of each series, then the next of each: so a batch of local networks has few of each.
        order = np.argsort(occurrences(panel.series_of(cutoffs)), kind="stable")
        parts = [
            self._continued(transformed.panel, cutoffs[order[i : i + _BATCH]], horizon, note)
            for i in range(0, len(cutoffs), _BATCH)
        ]
        outputs = np.moveaxis(np.concatenate(parts)[np.argsort(order)], -1, 0)
        return [transformed.invert(output, cutoffs) for output in outputs]

    def _inputs(self, transformed: Panel, cutoffs: IntArray) -> Inputs:
        """What the network sees at each cutoff."""
        starts = transformed.starts[transformed.series_of(cutoffs)] + self.transforms.reach
        with np.errstate(over="ignore"):  # infinite, as is the forecast then, which is refused
            values = transformed.values.astype(np.float32)
        return gather(
            np,
            values,
            cutoffs,
            self.window.context_length,
            starts=starts,
            period=None if self.window.padding == "mask" else self.season_length,
        )

    def _call(self, inputs: Inputs, panel: Panel, cutoffs: IntArray) -> Batch:
        if self.model.scope == "global":
            forecasts = self.network.predict(inputs)
        else:
            series = panel.series_of(cutoffs)
            places = series, occurrences(series)
            count = len(panel.unique_ids), int(places[1].max()) + 1

            def by_series(part: Batch) -> Batch:
                grid = np.zeros((*count, *part.shape[1:]), np.float32)
                grid[places] = part
                return grid

            forecasts = self.network.predict(inputs.map(by_series))[places]
        return forecasts if self.model.quantiles else forecasts[..., None]

    def _continued(
        self, transformed: Panel, cutoffs: IntArray, horizon: int, note: Note
    ) -> FloatArray:
        """Forecasts `(cutoffs, horizon, outputs)`, of as many calls as the horizon takes.

        What is forecast is written behind the context, of which each call sees the last steps.
        """
        inputs = self._inputs(transformed, cutoffs)
        middle = self.model.quantiles.index(MIDDLE) if self.model.quantiles else 0
        length, each = inputs.past.shape[1], self.window.horizon
        steps = -(-horizon // each) * each
        after = np.ones((len(cutoffs), steps, 1), np.float32)
        past = np.concatenate([inputs.past, after], axis=1)
        present = None
        if inputs.present is not None:
            present = np.concatenate([inputs.present, after], axis=1)
        forecasts = np.empty((len(cutoffs), steps, max(1, len(self.model.quantiles))))
        for begin in range(0, steps, each):
            seen, ahead = slice(begin, begin + length), slice(begin, begin + each)
            known = None if present is None else present[:, seen]
            called = inputs._replace(past=past[:, seen], present=known)
            forecasts[:, ahead] = self._call(called, transformed, cutoffs)
            past[:, length + begin : length + begin + each, 0] = forecasts[:, ahead, middle]
            note(min(each, horizon - begin))
        return forecasts[:, :horizon]


@dataclass(frozen=True)
class TrainedNetwork:
    """Networks, one for each pipeline of transforms, and what is known of their errors."""

    shared: Pipeline
    branches: Sequence[Branch]
    combine: Literal["mean", "median"]
    calibration: Conformal | ConformalizedQuantiles | None = None

    @classmethod
    def of(
        cls,
        config: Config,
        networks: Sequence[Predictor],
        transforms: Pipelines,
        season_length: int,
        calibration: Conformal | ConformalizedQuantiles | None = None,
    ) -> "TrainedNetwork":
        """The method that a config describes, with a network for each pipeline."""
        branches = [
            Branch(network, branch, config.model, config.window, season_length)
            for network, branch in zip(networks, transforms.branches, strict=True)
        ]
        return cls(transforms.shared, branches, config.training.ensemble.combine, calibration)

    @property
    def model(self) -> ModelOptions:
        """The kind of network of all branches."""
        return self.branches[0].model

    @property
    def name(self) -> str:
        """The kind of network, as in the column `model` of tables."""
        return self.model.kind

    @property
    def reach(self) -> int:
        """Rows at the start of each series that have no value on the scale of some branch."""
        return max(branch.transforms.reach for branch in self.branches)

    def passes(self, cutoffs: int) -> int:
        """How often all steps are gone through for so many cutoffs."""
        return len(self.branches) * -(-cutoffs // _BATCH)

    def forecast(
        self,
        panel: Panel,
        cutoffs: IntArray,
        horizon: int,
        quantile_levels: Sequence[float] = (),
        note: Note = unheard,
    ) -> Forecasts:
        """Forecast steps 1 ... horizon after each cutoff, on the scale of the panel.

        `cutoffs` are rows of the panel. A context that its series is too short for is padded.
        Beyond the network's own horizon its forecasts become its context. `note` is called with
        the steps that were done, `horizon` in each of the `passes`.
        Raises `DivergedError` where a forecast is not a finite number, and `RunError` for quantiles
        that are neither forecast nor calibrated.
        """
        for level in quantile_levels:
            self._refuse_unknown(level, horizon)
        scaled = self.shared.apply(panel)
        predicted = self.predictions(scaled.panel, cutoffs, horizon, note)
        y_hat = scaled.invert(predicted[MIDDLE], cutoffs)
        if not np.isfinite(y_hat).all():
            advice = "Ask for fewer steps, or train again with transforms that suit the new rows."
            raise DivergedError(Problem("the forecast is not a finite number.", advice))
        quantiles = self._quantiles(predicted, panel.series_of(cutoffs), quantile_levels)
        return Forecasts(
            y_hat,
            {level: scaled.invert(q, cutoffs) for level, q in quantiles.items()},
        )

    def predictions(
        self, panel: Panel, cutoffs: IntArray, horizon: int, note: Note = unheard
    ) -> dict[float, FloatArray]:
        """What the networks predict together: `(cutoffs, horizon)` by quantile, the forecast 0.5.

        The panel is on the scale that the branches share, and so is what comes of it.
        """
        each = [branch.outputs(panel, cutoffs, horizon, note) for branch in self.branches]
        combined = (np.mean if self.combine == "mean" else np.median)(each, axis=0)
        return dict(zip(self.model.quantiles or (MIDDLE,), combined, strict=True))

    def _quantiles(
        self, predicted: dict[float, FloatArray], series: IntArray, levels: Sequence[float]
    ) -> dict[float, FloatArray]:
        """Those of these levels: as predicted, conformalized, or about the forecast."""
        calibration, forecast = self.calibration, predicted[MIDDLE]
        if isinstance(calibration, Conformal):
            steps = forecast.shape[1]
            offsets = {level: calibration.quantile(level, series)[:, :steps] for level in levels}
            return {level: forecast + offset for level, offset in offsets.items()}
        if calibration and levels:
            predicted = calibration.quantiles(predicted)
        return {level: predicted[level] for level in levels}

    def _refuse_unknown(self, level: float, horizon: int) -> None:
        """Raise `RunError` for a quantile that is not calibrated or forecast, or not so far."""
        calibration = self.calibration
        if calibration is None and not self.model.quantiles:
            advice = "Train with a section `intervals: {quantile_levels: [0.1, 0.9]}`."
            raise RunError(Problem("the run has neither intervals nor quantiles.", advice))
        if isinstance(calibration, Conformal) and not calibration.can_tell(level):
            count = int(np.median(calibration.counts))
            message = f"{count} calibration errors are too few for the quantile {level:g}."
            advice = f"Raise intervals.n_windows: it takes {errors_needed(level)} errors."
            raise RunError(Problem(message, advice))
        if not isinstance(calibration, Conformal):
            levels = calibration.factors if calibration else self.model.quantiles
            if level not in levels:
                message = f"the network does not forecast the quantile {level:g}."
                known = ", ".join(f"{level:g}" for level in levels)
                raise RunError(Problem(message, f"It forecasts {known}."))
        if calibration and horizon > calibration.horizon:
            message = f"intervals are calibrated for {calibration.horizon} steps, not {horizon}."
            raise RunError(Problem(message, "Train with a longer predict.horizon."))
