"""Networks of a blend that are fitted once, however often its training is ended on the way."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from forecast.console import Console
from forecast.errors import UsageError
from forecast.jobs.fitting import FittedJobs, Fitting, fit_networks
from forecast.jobs.job import Job
from forecast.runs.checkpoint import Checkpoint, NetworkRecord
from forecast.training import EpochLog, MemberKey


@dataclass(frozen=True)
class KeptNetworks:
    """Fits networks, and keeps each; or takes it up as it was kept."""

    checkpoint: Checkpoint

    def fit(self, jobs: Sequence[Job], console: Console) -> FittedJobs:
        """See `fit_networks`. Raises `RunError` where what was kept is damaged."""
        name = hashlib.sha256(jobs[0].config.model_dump_json().encode()).hexdigest()
        kept = self.checkpoint.kept_network(name)
        if kept is None:
            done = fit_networks(jobs, console)
            try:
                self._keep(name, done)
            except UsageError as error:  # it is of use without
                console.warn(f"the network is not kept on the way: {error}")
            return done
        console.say("it was fitted before the training was ended")
        told, arrays = kept
        try:
            weights = [
                [arrays[_key(i, pipeline)] for pipeline in range(len(job.config.pipelines))]
                for i, job in enumerate(jobs)
            ]
            trained = Fitting(jobs).restored(weights)
        except LookupError as error:
            raise self.checkpoint.damaged(name) from error
        history = [EpochLog(**{**row, "member": MemberKey(*row["member"])}) for row in told.history]
        return FittedJobs(trained, history, told.compile_seconds, told.fit_seconds)

    def _keep(self, name: str, done: FittedJobs) -> None:
        told = NetworkRecord(
            history=[log._asdict() for log in done.history],
            compile_seconds=done.compile_seconds,
            fit_seconds=done.fit_seconds,
        )
        weights = {
            _key(i, pipeline): own
            for i, trained in enumerate(done.trained)
            for pipeline, own in enumerate(trained.weights)
        }
        self.checkpoint.keep_network(name, told, weights)


def _key(job: int, pipeline: int) -> str:
    """What an array of weights is called."""
    return f"{job}-{pipeline}"
