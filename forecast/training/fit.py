"""Epoch after epoch: the order of the windows, the log, early stopping, interruption."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from forecast.config.schema import TrainingOptions
from forecast.data.panel import IntArray
from forecast.errors import DivergedError, Problem
from forecast.networks import Network
from forecast.training.epoch_tensorflow import CompiledEpoch
from forecast.windows import Windows


@dataclass(frozen=True)
class EpochLog:
    """One line of history. Losses are in the units that the network sees."""

    epoch: int
    loss: float
    watched_loss: float | None
    learning_rate: float
    seconds: float
    member: int


@dataclass
class Fitted:
    """What came of fitting; the weights are in the network."""

    history: list[EpochLog] = field(default_factory=list)
    compile_seconds: float = 0.0
    fit_seconds: float = 0.0
    interruption: KeyboardInterrupt | None = None

    def extend(self, other: "Fitted") -> None:
        """Add what came of fitting another member."""
        self.history += other.history
        self.compile_seconds += other.compile_seconds
        self.fit_seconds += other.fit_seconds
        self.interruption = other.interruption


def fit(
    network: Network,
    train: Windows,
    watched: Windows | None,
    options: TrainingOptions,
    member: int,
    on_epoch: Callable[[EpochLog], None],
) -> Fitted:
    """Fit one member of an ensemble in place.

    `watched` windows, if any, are measured after every epoch; they decide something only with early
    stopping, which the config allows for a validation part alone. An interruption after the first
    epoch ends training and is handed back, with the weights of the last whole epoch in the network.

    Raises `DivergedError` when the loss is no longer a number.
    """
    fitted = Fitted()
    start = time.perf_counter()
    order = _Order(train, options, options.seed + member)
    optimizer = _optimizer(options, order.batches)
    loss = keras.losses.get(options.loss)
    epochs = CompiledEpoch(network, optimizer, loss, train, watched, options.batch_size)
    fitted.compile_seconds = time.perf_counter() - start
    stopping = _EarlyStopping(network.model, options)
    start = time.perf_counter()
    try:
        for epoch in range(1, options.epochs + 1):
            begin = time.perf_counter()
            train_loss = epochs.train(order.draw())
            watched_loss = epochs.measure()
            _refuse_divergence(epoch, train_loss, watched_loss)
            rate, seconds = float(optimizer.learning_rate), time.perf_counter() - begin
            log = EpochLog(epoch, train_loss, watched_loss, rate, seconds, member)
            fitted.history.append(log)
            on_epoch(log)
            if stopping.is_over(log):
                break
    except KeyboardInterrupt as interruption:
        if not fitted.history:
            raise
        fitted.interruption = interruption
    stopping.restore()
    fitted.fit_seconds = time.perf_counter() - start
    return fitted


def _optimizer(options: TrainingOptions, batches: int) -> keras.optimizers.Optimizer:
    rate: Any = options.learning_rate
    if options.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, options.epochs * batches)
    settings = {"learning_rate": rate, "global_clipnorm": options.clip_norm}
    return type(keras.optimizers.get(options.optimizer))(**settings)


def _refuse_divergence(epoch: int, loss: float, watched_loss: float | None) -> None:
    if math.isfinite(loss) and (watched_loss is None or math.isfinite(watched_loss)):
        return
    advice = (
        "Lower training.learning_rate, set training.clip_norm: 1, or scale the data "
        "(`transforms: [minmax]`)."
    )
    raise DivergedError(Problem(f"training diverged: the loss of epoch {epoch} is {loss}.", advice))


class _Order:
    """Which windows an epoch goes through, and in which order."""

    def __init__(self, train: Windows, options: TrainingOptions, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._cutoffs = train.cutoffs
        self._equal = options.series_weights == "equal"
        self._bounds = np.flatnonzero(np.diff(train.series, prepend=-1, append=-1))
        whole = -(-len(train.cutoffs) // options.batch_size)
        self.batches = options.steps_per_epoch or whole
        self._drawn = options.steps_per_epoch and options.steps_per_epoch * options.batch_size

    def draw(self) -> IntArray:
        """The cutoffs of the next epoch."""
        if not self._equal and not self._drawn:
            return self._random.permutation(self._cutoffs)
        size = self._drawn or len(self._cutoffs)
        if not self._equal:
            return self._random.choice(self._cutoffs, size)
        series = self._random.integers(0, len(self._bounds) - 1, size)
        begins, ends = self._bounds[series], self._bounds[series + 1]
        windows = begins + (self._random.random(size) * (ends - begins)).astype(np.int64)
        cutoffs: IntArray = self._cutoffs[windows]
        return cutoffs


class _EarlyStopping:
    """Remembers the weights of the lowest watched loss; does nothing where it is not asked for."""

    def __init__(self, model: keras.Model, options: TrainingOptions) -> None:
        self._model = model
        self._patience = options.early_stopping.patience if options.early_stopping else None
        self._best = math.inf
        self._best_epoch = 0
        self._weights: list[np.ndarray] | None = None

    def is_over(self, log: EpochLog) -> bool:
        if self._patience is None or log.watched_loss is None:
            return False
        if log.watched_loss < self._best:
            self._best, self._best_epoch = log.watched_loss, log.epoch
            self._weights = self._model.get_weights()
        return log.epoch - self._best_epoch >= self._patience

    def restore(self) -> None:
        if self._weights is not None:
            self._model.set_weights(self._weights)
