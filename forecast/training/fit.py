"""Epoch after epoch: the order of the windows, the log, early stopping, interruption."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np

from forecast.config.schema import TrainingOptions
from forecast.errors import DivergedError, Problem
from forecast.training.epoch_tensorflow import CompiledEpoch
from forecast.windows import Windows


@dataclass(frozen=True)
class EpochLog:
    """One line of history. Losses are in the units of the transformed data."""

    epoch: int
    loss: float
    watched_loss: float
    learning_rate: float
    seconds: float


@dataclass
class Fitted:
    """What came of fitting; the weights are in the model."""

    history: list[EpochLog] = field(default_factory=list)
    compile_seconds: float = 0.0
    fit_seconds: float = 0.0
    interruption: KeyboardInterrupt | None = None


def fit(
    model: keras.Model,
    train: Windows,
    watched: Windows,
    options: TrainingOptions,
    on_epoch: Callable[[EpochLog], None],
) -> Fitted:
    """Fit a model in place.

    `watched` windows are measured after every epoch; they decide something only with early
    stopping, which the config allows for a validation part alone. An interruption after the first
    epoch ends training and is handed back, with the weights of the last whole epoch in the model.

    Raises `DivergedError` when the loss is no longer a number.
    """
    fitted = Fitted()
    start = time.perf_counter()
    epochs = CompiledEpoch(
        model, _optimizer(options), keras.losses.get(options.loss), train, watched,
        options.batch_size,
    )  # fmt: skip
    fitted.compile_seconds = time.perf_counter() - start
    stopping = _EarlyStopping(model, options)
    shuffler = np.random.default_rng(options.seed)
    start = time.perf_counter()
    try:
        for epoch in range(1, options.epochs + 1):
            begin = time.perf_counter()
            loss = epochs.train(shuffler.permutation(train.cutoffs))
            watched_loss = epochs.measure()
            _refuse_divergence(epoch, loss, watched_loss)
            log = EpochLog(
                epoch, loss, watched_loss, options.learning_rate, time.perf_counter() - begin
            )
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


def _optimizer(options: TrainingOptions) -> keras.optimizers.Optimizer:
    settings = {"learning_rate": options.learning_rate, "global_clipnorm": options.clip_norm}
    return keras.optimizers.get({"class_name": options.optimizer, "config": settings})


def _refuse_divergence(epoch: int, loss: float, watched_loss: float) -> None:
    if math.isfinite(loss) and math.isfinite(watched_loss):
        return
    advice = (
        "Lower training.learning_rate, set training.clip_norm: 1, or scale the data "
        "(`transforms: [minmax]`)."
    )
    raise DivergedError(Problem(f"training diverged: the loss of epoch {epoch} is {loss}.", advice))


class _EarlyStopping:
    """Remembers the weights of the lowest watched loss; does nothing where it is not asked for."""

    def __init__(self, model: keras.Model, options: TrainingOptions) -> None:
        self._model = model
        self._patience = options.early_stopping.patience if options.early_stopping else None
        self._best = math.inf
        self._best_epoch = 0
        self._weights: list[np.ndarray] | None = None

    def is_over(self, log: EpochLog) -> bool:
        if self._patience is None:
            return False
        if log.watched_loss < self._best:
            self._best, self._best_epoch = log.watched_loss, log.epoch
            self._weights = self._model.get_weights()
        return log.epoch - self._best_epoch >= self._patience

    def restore(self) -> None:
        if self._weights is not None:
            self._model.set_weights(self._weights)
