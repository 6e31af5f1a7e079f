"""Jobs that are fitted together: each as it would have been alone."""

from pathlib import Path

import numpy as np
import pytest

from forecast.console import Console
from forecast.jobs.fitting import Fitting
from forecast.jobs.job import Job, prepare_each

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

QUIET = Console(quiet=True)
COMMON = ["model={kind: mlp, layers: [4]}", "training.warmup_epochs=1"]
DIFFERENT: list[dict[str, object]] = [
    {"training.epochs": 4, "training.learning_rate": 0.01},
    {"training.epochs": 2, "training.learning_rate": 0.02, "training.seed": 7},
    {"training.epochs": 3, "model.dropout": 0.0, "transforms": ["log", "difference", "standard"]},
    {"training.epochs": 3, "model.dropout": 0.5, "training.ensemble": 2},
]


def _jobs(project: Path, *different: dict[str, object]) -> list[Job]:
    return prepare_each(project / "air.yaml", [*COMMON, "training.schedule=cosine"], different)


def test_jobs_of_different_rates_epochs_dropout_and_transforms_are_as_alone(project: Path) -> None:
    """They share a program, and nothing else."""
    jobs = _jobs(project, *DIFFERENT)
    together = Fitting(jobs).run_each(QUIET)
    for job, own in zip(jobs, together, strict=True):
        [alone] = Fitting([job]).run(QUIET).trained
        assert own is not None
        assert own.architecture == alone.architecture
        np.testing.assert_allclose(own.weights[0], alone.weights[0], rtol=1e-4, atol=1e-6)


def test_a_job_that_diverges_leaves_the_others_alone(project: Path) -> None:
    """It has come to nothing; they go on."""
    jobs = _jobs(project, {"training.learning_rate": 1e30}, {"training.epochs": 2})
    lost, kept = Fitting(jobs).run_each(QUIET)
    assert lost is None
    assert kept is not None
    assert np.isfinite(kept.weights[0]).all()


def test_jobs_of_different_networks_are_not_fitted_together(project: Path) -> None:
    """They would be different programs."""
    with pytest.raises(ValueError, match="differ"):
        Fitting(_jobs(project, {"training.batch_size": 8}, {"training.batch_size": 16}))
