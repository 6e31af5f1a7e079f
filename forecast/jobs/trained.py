"""What came of a job."""

from collections.abc import Sequence
from dataclasses import dataclass

from forecast.inference import Forecaster, Predictor
from forecast.jobs.job import Job
from forecast.networks import Architecture, Weights
from forecast.scoring.conformal import Conformal, ConformalizedQuantiles
from forecast.training import CompiledForward, KerasPredictor
from forecast.transforms import Pipelines


@dataclass(frozen=True)
class TrainedJob:
    """What was fitted for one job: transforms, the weights of its members, their intervals."""

    job: Job
    transforms: Pipelines
    network: Architecture
    running: CompiledForward
    weights: Sequence[Weights]
    """`(members, parameters)` of each pipeline; of local networks, series after series."""
    calibration: Conformal | ConformalizedQuantiles | None = None

    def forecaster(self) -> Forecaster:
        """A forecaster that runs on Keras, for as long as this process lives."""
        options = self.job.config.training.ensemble
        return self.forecaster_of(
            [KerasPredictor(self.running, weights, options) for weights in self.weights]
        )

    def forecaster_of(self, networks: Sequence[Predictor]) -> Forecaster:
        """A forecaster of the same networks in another form, one for each pipeline."""
        job = self.job
        return Forecaster.of(
            job.config, networks, self.transforms, job.season_length, self.calibration
        )
