"""What came of a job."""

from collections.abc import Sequence
from dataclasses import dataclass

from forecast.features import Encoder
from forecast.jobs.job import Job
from forecast.methods import NetworkOrFallback
from forecast.methods.network import Predictor, TrainedNetwork
from forecast.networks import Architecture, Weights
from forecast.scoring.conformal import Conformal, ConformalizedQuantiles
from forecast.training import CompiledForward, KerasPredictor
from forecast.transforms import Pipelines


@dataclass(frozen=True)
class TrainedJob:
    """What was fitted for one job: transforms, the weights of its members, their intervals."""

    job: Job
    transforms: Pipelines
    architecture: Architecture
    forward: CompiledForward
    weights: Sequence[Weights]
    """Of each pipeline `(series, size, parameters)`: a network for each series of the job's fitted
    part, or one series for all."""
    calibration: Conformal | ConformalizedQuantiles | None = None
    encoder: Encoder | None = None
    """Of the covariates, where there are any."""

    @property
    def parameters(self) -> int:
        """Weights of all networks."""
        return sum(weights.size for weights in self.weights)

    @property
    def needs_future(self) -> bool:
        """Whether a forecast of what comes next needs to be told more than the job knows."""
        panel = self.job.fitted_part.panel
        horizon = self.job.prediction_horizon
        return bool(self.encoder and self.encoder.lacking(panel, panel.ends - 1, horizon))

    def network(self) -> TrainedNetwork:
        """The networks on Keras, for as long as this process lives."""
        options = self.job.config.training.ensemble
        return self.network_of(
            [KerasPredictor(self.forward, weights, options) for weights in self.weights]
        )

    def network_of(self, networks: Sequence[Predictor]) -> TrainedNetwork:
        """The same networks in another form, one for each pipeline."""
        job = self.job
        return TrainedNetwork.of(
            job.config,
            networks,
            self.transforms,
            job.season_length,
            self.calibration,
            self.encoder,
        )

    def method(self, network: TrainedNetwork | None = None) -> NetworkOrFallback:
        """A forecast for every series of the job: by the network, on Keras unless it is given."""
        return NetworkOrFallback(
            [(network or self.network(), self.job.fitted_part.panel.unique_ids)],
            self.job.season_length,
            self.job.config.predict,
        )
