"""Values like those of the best trials so far, by Optuna's tree-structured Parzen estimator.

Bergstra et al. 2011, Algorithms for Hyper-Parameter Optimization, NeurIPS 24.
"""

import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from forecast.config.search import Choices, Range, Space
from forecast.errors import require_extra
from forecast.samplers.random import Random, number_at, rounded, steps_of
from forecast.samplers.sampler import Told, Values

_BATCH = 25  # trials; so many are drawn at random first


class TPE(Random):
    """Asks a new study of Optuna for each batch, and tells it all that is known: it has no state.

    Raises `MissingExtraError` where Optuna is not installed.
    """

    batch = _BATCH

    def __init__(self) -> None:
        require_extra("optuna", "tune")

    def draw(
        self, space: Space, seed: int, numbers: range, of: int, told: Sequence[Told]
    ) -> list[Values]:
        """See `Sampler.draw`."""
        optuna: Any = import_module("optuna")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            # Trials of a batch keep away from each other by what Optuna calls an experiment.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                n_startup_trials=_BATCH, constant_liar=True, seed=(seed + numbers.start) % 2**32
            )
        distributions = {key: _distribution(own, optuna) for key, own in space.items()}
        study = optuna.create_study(sampler=sampler)
        for trial in told:
            study.add_trial(_finished(trial, space, distributions, optuna))
        asked = [study.ask(distributions).params for _ in numbers]
        return [{key: _value(space[key], own) for key, own in each.items()} for each in asked]


def _finished(trial: Told, space: Space, distributions: dict[str, Any], optuna: Any) -> Any:
    """A trial as Optuna is told of it."""
    states = optuna.trial.TrialState
    return optuna.trial.create_trial(
        params={
            key: value if isinstance(space[key], Range) else _choices(space[key]).index(value)
            for key, value in trial.values.items()
        },
        distributions=distributions,
        value=trial.score,
        state=states.FAIL if trial.score is None else states.COMPLETE,
    )


def _distribution(dimension: Choices | Range, optuna: Any) -> Any:
    kinds = optuna.distributions
    if not isinstance(dimension, Range):
        # Of places: a choice may be a list of transforms, which Optuna does not know.
        return kinds.CategoricalDistribution(range(len(dimension)))
    low, high, log, step = dimension.low, dimension.high, dimension.log, dimension.step
    if step is not None:
        high = number_at(dimension, steps_of(dimension) - 1)
    if dimension.is_whole:
        return kinds.IntDistribution(low, high, log=log, step=step or 1)
    return kinds.FloatDistribution(low, high, log=log, step=step)


def _value(dimension: Choices | Range, asked: Any) -> object:
    """The value that Optuna asks for."""
    if not isinstance(dimension, Range):
        return dimension[asked]
    return asked if dimension.is_whole else rounded(asked, dimension)


def _choices(dimension: Choices | Range) -> Choices:
    return () if isinstance(dimension, Range) else dimension


SAMPLER = TPE
