"""A trained network as a method: on ONNX Runtime, or for a while on Keras.

Train's own scores, `evaluate`, `predict` and `plot` all come from `TrainedNetwork.forecast`, so
that none of them can disagree.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import onnxruntime

from forecast.config.models import ModelOptions
from forecast.config.schema import Config, FeaturesOptions, WindowOptions
from forecast.data.forecasts import Forecasts
from forecast.data.joint import first_of
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.errors import DataError, DivergedError, Problem, RunError
from forecast.features import Encoded, Encoder, rolling_means_of, sizes_of
from forecast.methods.intervals import quantiles_about, refuse_few_errors, refuse_uncalibrated
from forecast.methods.method import Note, unheard
from forecast.methods.recursion import Recursion
from forecast.scoring.conformal import Conformal, ConformalizedQuantiles
from forecast.transforms import Pipeline, Pipelines
from forecast.windows import Batch, Columns, Inputs, Sizes, gather, occurrences, side_by_side

# The level of the quantile that is the forecast itself.
MIDDLE = 0.5
# Windows run at once: enough to keep the processor busy, few enough to bound memory.
_BATCH = 4096


class OnnxPredictor:
    """An exported network, or as many as there are series."""

    def __init__(self, graph: Path | bytes, cores: int = 0) -> None:
        """Of a file or what is in one, for so many cores; for all of them, where that is 0.

        Raises `RunError` where it is not an ONNX graph.
        """
        self._graph = graph
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cores
        options.log_severity_level = 3  # errors alone: stderr belongs to the person
        try:
            self._session = onnxruntime.InferenceSession(graph, options)
        except Exception as error:  # ONNX Runtime's errors share no base but this one
            raise RunError(Problem(f"{graph!s:.200} can not be loaded: {error}")) from error
        self._names = [part.name for part in self._session.get_inputs()]

    def __reduce__(self) -> tuple[type["OnnxPredictor"], tuple[bytes, int]]:
        """As its graph, for the one core of a worker, which need not have the file."""
        graph = self._graph if isinstance(self._graph, bytes) else self._graph.read_bytes()
        return OnnxPredictor, (graph, 1)

    def example(self) -> Inputs:
        """Zeros as one window of each series that has a network, or as one window for all."""
        parts = {part.name: part.shape for part in self._session.get_inputs()}
        # A lone input need not have the name that it has among several.
        names = parts if len(parts) > 1 else ("past",)
        shapes = [
            [size if isinstance(size, int) else 1 for size in shape] for shape in parts.values()
        ]
        zeros = [np.zeros(shape, np.float32) for shape in shapes]
        return Inputs(**dict(zip(names, zeros, strict=True)))

    def predict(self, inputs: Inputs) -> Batch:
        """See `Predictor.predict`; on the transforms' scale."""
        named = inputs.named
        forecasts: Batch = self._session.run(None, {name: named[name] for name in self._names})[0]
        return forecasts


class Predictor(Protocol):
    """An exported network, or one that is still in memory."""

    def predict(self, inputs: Inputs) -> Batch:
        """Inputs `(windows, ...)` to forecasts `(windows, horizon)`.

        Of a network that forecasts several targets together they have an axis of these behind, and
        of one with quantiles then one of quantiles. Of networks that have a series each, inputs and
        forecasts have the series in front.
        """


@dataclass(frozen=True)
class Branch:
    """A trained network with the scale on which it sees the data.

    It is given a panel on the scale that all branches share, to which its forecasts come back. A
    window of targets that are forecast together is seen once, whichever of them are asked for.
    """

    network: Predictor
    transforms: Pipeline
    model: ModelOptions
    window: WindowOptions
    season_length: int
    features: FeaturesOptions
    sizes: Sizes
    """Features beside the target."""

    def call(self, transformed: Panel, cutoffs: IntArray, encoded: Encoded | None = None) -> Batch:
        """One call of the network: `(cutoffs, horizon, outputs)` on the scale that it sees."""
        source = self._source(transformed, encoded)
        asked = _Asked.of_cutoffs(transformed, cutoffs, self.sizes.targets)
        inputs = self._inputs(source, asked.windows, self.window.horizon)
        called: Batch = asked.chosen(self._call(inputs, source.panel, asked.windows))
        return called

    def inputs(self, transformed: Panel, cutoffs: IntArray, encoded: Encoded | None) -> Inputs:
        """What one call of the network sees, of a panel on its scale: a window for each cutoff."""
        source = self._source(transformed, encoded)
        return self._inputs(source, cutoffs % len(source.panel.values), self.window.horizon)

    def outputs(
        self,
        panel: Panel,
        cutoffs: IntArray,
        horizon: int,
        note: Note,
        encoded: Encoded | None = None,
    ) -> list[FloatArray]:
        """What the network predicts, each `(cutoffs, horizon)` on the scale of the panel."""
        transformed = self.transforms.apply(panel)
        source = self._source(transformed.panel, encoded)
        asked = _Asked.of_cutoffs(panel, cutoffs, self.sizes.targets)
        windows = asked.windows
        # One of each series, then the next of each: so a batch of local networks has few of each.
        order = np.argsort(occurrences(source.panel.series_of(windows)), kind="stable")
        parts = [
            self._continued(source, windows[order[i : i + _BATCH]], horizon, note)
            for i in range(0, len(windows), _BATCH)
        ]
        outputs = asked.chosen(np.concatenate(parts)[np.argsort(order)])
        return [transformed.invert(output, cutoffs) for output in np.moveaxis(outputs, -1, 0)]

    def _source(self, transformed: Panel, encoded: Encoded | None) -> "_Source":
        return _Source.of(transformed, self.features, encoded, self.sizes.targets)

    def _inputs(self, source: "_Source", cutoffs: IntArray, horizon: int) -> Inputs:
        """What the network sees at each cutoff, and what is known of `horizon` steps after it."""
        moved = source.ahead * source.panel.series_of(cutoffs)
        return gather(
            np,
            source.columns,
            cutoffs + moved,
            self.window.context_length,
            horizon=horizon,
            lags=self.features.lags,
            starts=self._starts(source.panel, cutoffs) + moved,
            season_length=self.season_length,
            is_masked=self.window.padding == "mask",
        )

    def _starts(self, transformed: Panel, cutoffs: IntArray) -> IntArray:
        """The first row of each cutoff's series that has a value on the scale of the network."""
        return transformed.starts[transformed.series_of(cutoffs)] + self.transforms.reach

    def _behind(self, source: "_Source", cutoffs: IntArray) -> FloatArray:
        """The values that rolling means go on from, `(cutoffs, longest, targets)`; or NaN."""
        longest = max(self.features.rolling_means, default=0)
        rows = cutoffs[:, None] + np.arange(1 - longest, 1)
        here = rows >= self._starts(source.panel, cutoffs)[:, None]
        return np.where(here[..., None], source.values[np.maximum(rows, 0)], np.nan)

    def _call(self, inputs: Inputs, panel: Panel, cutoffs: IntArray) -> Batch:
        """Forecasts `(cutoffs, horizon, targets, outputs)`."""
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
        quantiles = max(1, len(self.model.quantiles))
        return forecasts.reshape(*forecasts.shape[:2], self.sizes.targets, quantiles)

    def _continued(
        self, source: "_Source", cutoffs: IntArray, horizon: int, note: Note
    ) -> FloatArray:
        """Forecasts `(cutoffs, horizon, targets, outputs)`, of as many calls as that takes."""
        each, steps = self.window.horizon, self.steps(horizon)
        inputs = self._inputs(source, cutoffs, steps)
        behind = self._behind(source, cutoffs)
        recursion = Recursion.begin(inputs, behind, steps, self.features, self.sizes)
        middle = self.model.quantiles.index(MIDDLE) if self.model.quantiles else 0
        outputs = self.sizes.targets, max(1, len(self.model.quantiles))
        forecasts = np.empty((len(cutoffs), steps, *outputs))
        for ahead, seen in recursion.calls(each):
            forecasts[:, ahead] = self._call(seen, source.panel, cutoffs)
            recursion.write(ahead, forecasts[:, ahead, :, middle])
            note(min(each, horizon - ahead.start))
        return forecasts[:, :horizon]

    def steps(self, horizon: int) -> int:
        """Steps of as many whole calls as a horizon takes."""
        return -(-horizon // self.window.horizon) * self.window.horizon


class _Asked(NamedTuple):
    """Which windows a network has to see for the forecasts that are asked for."""

    windows: IntArray
    """Rows of the first target: the cutoffs, each once."""
    of: IntArray
    """The window of each cutoff."""
    targets: IntArray
    """The target that each cutoff is of."""

    @classmethod
    def of_cutoffs(cls, panel: Panel, cutoffs: IntArray, targets: int) -> "_Asked":
        """For cutoffs of a panel whose targets are forecast together, if they are several."""
        if targets == 1:
            return cls(cutoffs, np.arange(len(cutoffs)), np.zeros_like(cutoffs))
        rows = len(panel.values) // targets
        windows, of = np.unique(cutoffs % rows, return_inverse=True)
        return cls(windows, of, cutoffs // rows)

    def chosen(self, forecasts: FloatArray | Batch) -> Any:
        """Forecasts `(windows, horizon, targets, outputs)` as `(cutoffs, horizon, outputs)`."""
        return forecasts[self.of, :, self.targets]


class _Source(NamedTuple):
    """What the windows of a panel are gathered from."""

    panel: Panel
    """On the scale that a network sees; of several targets the series of the first."""
    values: FloatArray
    """The values of all targets, `(rows, targets)`."""
    columns: Columns
    ahead: int
    """Rows more that each series has in the columns than in the panel: those of its future."""

    @classmethod
    def of(
        cls, panel: Panel, features: FeaturesOptions, encoded: Encoded | None, targets: int
    ) -> "_Source":
        whole = side_by_side(panel.values, targets)
        with np.errstate(over="ignore"):  # infinite, as is the forecast then, which is refused
            values = whole.astype(np.float32)
        means = rolling_means_of(panel, features.rolling_means)
        means = None if means is None else side_by_side(means, targets)
        panel, whole = first_of(panel, targets), whole.reshape(len(whole), targets)
        if encoded is None:
            return cls(panel, whole, Columns(values, rolling_means=means), 0)
        lengths = np.diff(panel.offsets)
        columns = encoded.beside(_longer(values, lengths, encoded.ahead), lengths)
        if means is not None:
            columns = columns._replace(rolling_means=_longer(means, lengths, encoded.ahead))
        return cls(panel, whole, columns, encoded.ahead)


def _longer(rows: Batch, lengths: IntArray, ahead: int) -> Batch:
    """Rows `(rows, ...)` of series of such lengths, with zeros for `ahead` more after each."""
    longer = np.zeros((len(rows) + ahead * len(lengths), *rows.shape[1:]), np.float32)
    longer[np.arange(len(rows)) + np.repeat(ahead * np.arange(len(lengths)), lengths)] = rows
    return longer


@dataclass(frozen=True)
class TrainedNetwork:
    """Networks, one for each pipeline of transforms, and what is known of their errors."""

    shared: Pipeline
    branches: Sequence[Branch]
    combine: Literal["mean", "median"]
    calibration: Conformal | ConformalizedQuantiles | None = None
    encoder: Encoder | None = None
    """Of the covariates, where there are any."""

    @classmethod
    def of(
        cls,
        config: Config,
        networks: Sequence[Predictor],
        transforms: Pipelines,
        season_length: int,
        calibration: Conformal | ConformalizedQuantiles | None = None,
        encoder: Encoder | None = None,
    ) -> "TrainedNetwork":
        """The method that a config describes, with a network for each pipeline."""
        features = config.features
        sizes = sizes_of(encoder, features, config.joint_targets)
        branches = [
            Branch(network, branch, config.model, config.window, season_length, features, sizes)
            for network, branch in zip(networks, transforms.branches, strict=True)
        ]
        return cls(
            transforms.shared, branches, config.training.ensemble.combine, calibration, encoder
        )

    @property
    def model(self) -> ModelOptions:
        """The kind of network of all branches."""
        return self.branches[0].model

    @property
    def is_shared(self) -> bool:
        """Whether all series have one network, and not each its own in one graph."""
        return self.model.scope == "global"

    @property
    def targets(self) -> int:
        """How many targets are forecast together."""
        return self.branches[0].sizes.targets

    def for_series(self, series: IntArray) -> "TrainedNetwork":
        """A shared network with the scales of some of the series alone, in their order."""
        calibration = self.calibration
        if isinstance(calibration, Conformal):
            calibration = replace(calibration, scales=calibration.scales[series])
        return replace(
            self,
            shared=self.shared.of(series),
            branches=[replace(own, transforms=own.transforms.of(series)) for own in self.branches],
            calibration=calibration,
        )

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
        windows = -(-cutoffs // self.branches[0].sizes.targets)
        return len(self.branches) * -(-windows // _BATCH)

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
        that are neither forecast nor calibrated; `DataError` where something that is to be known of
        the future is not.
        """
        for level in quantile_levels:
            self._refuse_unknown(level, horizon)
        lacking = self.lacking(panel, cutoffs, horizon)
        if lacking:
            raise DataError(*lacking)
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
        encoded = self.encoded(panel, self.branches[0].steps(horizon))
        each = [branch.outputs(panel, cutoffs, horizon, note, encoded) for branch in self.branches]
        together = self.combined(each)
        return dict(zip(self.model.quantiles or (MIDDLE,), together, strict=True))

    def combined(self, each: Sequence[Any]) -> FloatArray:
        """Forecasts of all branches, on the scale that these share, as one."""
        together: FloatArray = (np.mean if self.combine == "mean" else np.median)(each, axis=0)
        return together

    def lacking(self, panel: Panel, cutoffs: IntArray, horizon: int) -> list[Problem]:
        """What is to be known of the future to forecast so far, and is not."""
        return [] if self.encoder is None else self.encoder.lacking(panel, cutoffs, horizon)

    def encoded(self, panel: Panel, ahead: int) -> Encoded | None:
        """What the networks see beside the target, of the panel's rows and of `ahead` more."""
        if self.encoder is None:
            return None
        return self.encoder.encode(first_of(panel, self.branches[0].sizes.targets), ahead)

    def _quantiles(
        self, predicted: dict[float, FloatArray], series: IntArray, levels: Sequence[float]
    ) -> dict[float, FloatArray]:
        """Those of these levels: as predicted, conformalized, or about the forecast."""
        calibration, forecast = self.calibration, predicted[MIDDLE]
        if isinstance(calibration, Conformal):
            return quantiles_about(forecast, calibration, series, levels)
        if calibration and levels:
            predicted = calibration.quantiles(predicted)
        return {level: predicted[level] for level in levels}

    def _refuse_unknown(self, level: float, horizon: int) -> None:
        """Raise `RunError` for a quantile that is not calibrated or forecast, or not so far."""
        calibration = self.calibration
        if calibration is None and not self.model.quantiles:
            advice = "Train with a section `intervals: {quantile_levels: [0.1, 0.9]}`."
            raise RunError(Problem("the run has neither intervals nor quantiles.", advice))
        if isinstance(calibration, Conformal):
            refuse_few_errors(calibration, level)
        else:
            levels = calibration.factors if calibration else self.model.quantiles
            if level not in levels:
                message = f"the network does not forecast the quantile {level:g}."
                known = ", ".join(f"{level:g}" for level in levels)
                raise RunError(Problem(message, f"It forecasts {known}."))
        if calibration:
            refuse_uncalibrated(calibration.horizon, horizon)
