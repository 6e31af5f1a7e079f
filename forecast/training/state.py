"""What training changes, and what is random: values from which it can go on anywhere."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.config.schema import TrainingOptions
from forecast.data.panel import IntArray
from forecast.networks import Weights
from forecast.training.plateau import Plateau
from forecast.windows import Windows


class OptimizerState(NamedTuple):
    """What the optimizer changes in a step; each array has the members in front."""

    weights: Any
    """`(members, parameters)`"""
    slots: tuple[Any, ...]
    """What the optimizer remembers, `(members, parameters)` each."""
    steps: Any
    """Steps that each member has been trained for, `(members,)`."""
    average: Any
    """The moving average of the weights, or the mean of those of the last epochs, `(members,
    parameters)`; none, `(members, 0)`, unless the options ask for it."""
    failures: Any
    """Steps in a row, up to the last one, that were skipped since the loss or its gradient was not
    finite, `(members,)`."""

    def averaged(self, counts: IntArray, going: NDArray[np.bool_]) -> "OptimizerState":
        """With the weights of members that go on as one of so many that the average is the mean of.

        Both `(members,)`.
        """
        average, weights = np.asarray(self.average), np.asarray(self.weights)
        share = np.float32(1) / counts[:, None].astype(np.float32)
        mean = np.where(counts[:, None] == 1, weights, average + share * (weights - average))
        return self._replace(average=np.where(going[:, None], mean, average))

    @property
    def used(self) -> Any:
        """The weights to forecast with: the average, where there is one."""
        return self.average if self.average.shape[1] else self.weights


class State(NamedTuple):
    """All that training changes, after whole epochs; each array has the members in front."""

    optimizer: OptimizerState
    active: NDArray[np.bool_]
    """Which members go on: not those that diverged or stopped early, `(members,)`."""
    epochs: IntArray
    """Whole epochs that each member has been trained for, `(members,)`."""
    best_weights: Weights
    """Those of the lowest monitored loss, `(members, parameters)`; none, `(members, 0)`, without
    early stopping."""
    best_losses: NDArray[np.float64]
    """That loss, `(members,)`; infinite where there is none."""
    best_epochs: IntArray
    """The epoch that had it, `(members,)`; 0 where there is none."""
    plateau: Plateau

    @classmethod
    def begin(cls, weights: Weights, slots: int, options: TrainingOptions) -> "State":
        """The state of untrained members with these first weights `(members, parameters)`."""
        members = len(weights)
        kept = weights.shape[1] if options.early_stopping else 0
        has_average = options.ema_momentum or options.average_epochs
        averaged = weights.shape[1] if has_average else 0
        return cls(
            OptimizerState(
                weights,
                (np.zeros_like(weights),) * slots,
                np.zeros(members, np.int32),
                np.zeros((members, averaged), np.float32),
                np.zeros(members, np.int32),
            ),
            np.ones(members, bool),
            np.zeros(members, np.int64),
            np.zeros((members, kept), np.float32),
            np.full(members, np.inf),
            np.zeros(members, np.int64),
            Plateau.begin(members),
        )

    @property
    def result(self) -> Weights:
        """The weights to use, `(members, parameters)`: the best, where early stopping knows any."""
        weights: Weights = np.asarray(self.optimizer.used)
        if not self.best_weights.size:
            return weights
        return np.where(self.best_epochs[:, None] > 0, self.best_weights, weights)


def initial_draws(seed: int) -> np.random.Generator:
    """What a member's first weights are drawn from."""
    return np.random.default_rng(_stream(seed, 0))


def dropout_seed(seed: int) -> np.uint32:
    """From what, with the step, a member's dropout follows."""
    return np.uint32(_stream(seed, 2).generate_state(1)[0])


def _stream(seed: int, purpose: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed).spawn(3)[purpose]


class Order:
    """Which windows an epoch goes through, and in which order."""

    def __init__(self, train: Windows, options: TrainingOptions) -> None:
        self._cutoffs = train.cutoffs
        self._equal = options.series_weights == "equal"
        self._bounds = np.zeros(1, np.int64)
        if self._equal:
            self._bounds = np.flatnonzero(np.diff(train.series, prepend=-1, append=-1))
        whole = -(-len(train.cutoffs) // options.batch_size)
        self.batches = options.steps_per_epoch or whole
        """Batches of an epoch."""
        self.steps = -(-self.batches // options.gradient_accumulation_steps)
        """Steps of the optimizer in an epoch."""
        self._drawn = options.steps_per_epoch is not None
        self.size = self.batches * options.batch_size if self._drawn else len(train.cutoffs)
        """Windows of an epoch."""

    def epochs(self, seed: int, done: int) -> Iterator[IntArray]:
        """The cutoffs of each epoch after `done` ones.

        They follow from the seed and the epoch alone: what earlier epochs drew is drawn again.
        """
        random = np.random.default_rng(_stream(seed, 1))
        for _ in range(done):
            self._draw(random)
        while True:
            yield self._draw(random)

    def _draw(self, random: np.random.Generator) -> IntArray:
        if not self._equal and not self._drawn:
            return random.permutation(self._cutoffs)
        if not self._equal:
            return random.choice(self._cutoffs, self.size)
        series = random.integers(0, len(self._bounds) - 1, self.size)
        begins, ends = self._bounds[series], self._bounds[series + 1]
        windows = begins + (random.random(self.size) * (ends - begins)).astype(np.int64)
        cutoffs: IntArray = self._cutoffs[windows]
        return cutoffs
