"""Opening a finished run, for the commands that come after training."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from forecast.config import Config, load_config
from forecast.config.schema import DataOptions
from forecast.data.panel import Panel
from forecast.data.table import continue_panel, read_table
from forecast.methods.network import OnnxPredictor, TrainedNetwork
from forecast.runs import DataRecord, Run, model_names
from forecast.scoring.conformal import Conformal, ConformalizedQuantiles
from forecast.scoring.metrics import Scale
from forecast.transforms import Pipelines


@dataclass(frozen=True)
class OpenedRun:
    """A run with its config, what it knows of its data, and the method that it trained."""

    run: Run
    config: Config
    data: DataRecord
    method: TrainedNetwork

    @property
    def model(self) -> str:
        """The network's name in tables."""
        return self.run.record.model

    @property
    def scales(self) -> Mapping[str, Scale]:
        """The units of MASE and RMSSE by series; NaN where the run does not know one."""
        return {
            series.unique_id: Scale(_known(series.scale), _known(series.rmsse_scale))
            for series in self.data.per_series
        }

    def observed(self, newer: Path | None = None) -> Panel:
        """The last rows that the run knows, continued by a table of newer rows of its series.

        Raises `DataError` where that table does not fit the run.
        """
        kept = DataOptions(
            path=str(self.run.file("context.csv")),
            time="ds",
            target="y",
            id="unique_id",
            freq=self.data.freq,
            missing="interpolate",
        )
        panel = read_table(kept).panel
        if newer is None:
            return panel
        options = self.config.data.model_copy(update={"freq": self.data.freq})
        table = read_table(options, newer)
        least = self.config.window.context_length + self.method.reach
        return continue_panel(panel, table.panel, newer, least)


def open_run(run: Run) -> OpenedRun:
    """Load what a finished run needs to forecast. Raises `RunError` where a part is damaged."""
    config = load_config(run.file("resolved.yaml")).config
    states = json.loads(run.file("transforms.json").read_text(encoding="utf-8"))
    data = run.read("data.json", DataRecord)
    method = TrainedNetwork.of(
        config,
        [OnnxPredictor(run.file(f"{name}.onnx")) for name in model_names(len(config.pipelines))],
        Pipelines.from_states(config.pipelines, states, data.season_length),
        data.season_length,
        _calibration(run, config) if config.intervals else None,
    )
    return OpenedRun(run, config, data, method)


def _known(scale: float | None) -> float:
    return float("nan") if scale is None else scale


def _calibration(run: Run, config: Config) -> Conformal | ConformalizedQuantiles:
    kind = ConformalizedQuantiles if config.model.quantiles else Conformal
    return kind.from_state(json.loads(run.file("intervals.json").read_text(encoding="utf-8")))
