"""What came of a job."""

from collections.abc import Sequence
from dataclasses import dataclass

from forecast.jobs.job import Job
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
    """Of each pipeline `(series, size, parameters)`: a network a series, or one series for all."""
    calibration: Conformal | ConformalizedQuantiles | None = None

    def method(self) -> TrainedNetwork:
        """The method on Keras, for as long as this process lives."""
        options = self.job.config.training.ensemble
        return self.method_of(
            [KerasPredictor(self.forward, weights, options) for weights in self.weights]
        )

    def method_of(self, networks: Sequence[Predictor]) -> TrainedNetwork:
        """The method of the same networks in another form, one for each pipeline."""
        job = self.job
        return TrainedNetwork.of(
            job.config, networks, self.transforms, job.season_length, self.calibration
        )
