"""An epoch as one compiled program, on TensorFlow.

Keras's own `fit` calls Python once a batch, and for a network this small that call is most of the
cost. Here the loop over batches, the gathering of windows and the optimizer's step are inside one
`tf.function`: an epoch is one call.

Every batch has the same shape, so that one step is traced and not two: the last one is filled up
with examples of share zero, which leaves its loss and gradient those of the examples alone.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from forecast.data.panel import IntArray
from forecast.networks import Network
from forecast.windows import Windows

# Examples of one batch when nothing is learned: large enough to be quick, small enough to be cheap.
EVALUATION_BATCH = 1024

BatchLoss = Callable[[Any, Any], Any]  # (cutoffs, shares) -> the batch's weighted mean loss
Program = Callable[[Any, Any], Any]  # the same over many batches


class CompiledEpoch:
    """Compiled programs that train a network for an epoch and that measure its loss."""

    def __init__(
        self,
        network: Network,
        optimizer: keras.optimizers.Optimizer,
        loss: Callable[[Any, Any], Any],
        train: Windows,
        watched: Windows | None,
        batch_size: int,
    ) -> None:
        """`loss` maps targets and forecasts, both `(batch, horizon)`, to `(batch,)`."""
        self._batch_size = min(batch_size, len(train.cutoffs))
        weights = network.units.trainable_variables
        optimizer.build(weights)
        values = tf.constant(train.values, tf.float32)

        def batch_loss(training: bool) -> BatchLoss:
            def weighted_mean(cutoffs: Any, shares: Any) -> Any:
                contexts, targets = _gather(values, cutoffs, train.context_length, train.horizon)
                outputs = network.units(contexts, training=training)
                targets = targets - outputs.get("location", 0.0)
                losses = loss(targets / outputs.get("scale", 1.0), outputs["forecast"])
                return tf.reduce_sum(shares * losses) / tf.reduce_sum(shares)

            return weighted_mean

        def learn(cutoffs: Any, shares: Any) -> Any:
            with tf.GradientTape() as tape:
                mean = batch_loss(training=True)(cutoffs, shares)
            optimizer.apply(tape.gradient(mean, weights), weights)
            return mean

        self._train = _compile(learn, self._batch_size)
        self._measure: Callable[[], float | None] = lambda: None
        if watched is not None:
            size = min(EVALUATION_BATCH, len(watched.cutoffs))
            program, batches = (
                _compile(batch_loss(training=False), size),
                _batches(watched.cutoffs, size),
            )
            self._measure = lambda: float(program(*batches))

    def train(self, order: IntArray) -> float:
        """Train on the windows at these cutoffs, in this order; the mean loss on the way."""
        return float(self._train(*_batches(order, self._batch_size)))

    def measure(self) -> float | None:
        """The mean loss on the watched windows, if there are any."""
        return self._measure()


def _gather(values: Any, cutoffs: Any, context_length: int, horizon: int) -> tuple[Any, Any]:
    """Contexts `(batch, context_length, 1)` and targets `(batch, horizon)` at `(batch,)` rows."""
    contexts = tf.gather(values, cutoffs[:, None] + tf.range(1 - context_length, 1, dtype=tf.int64))
    targets = tf.gather(values, cutoffs[:, None] + tf.range(1, horizon + 1, dtype=tf.int64))
    return contexts[..., None], targets


def _compile(batch_loss: BatchLoss, batch_size: int) -> Program:
    """A program that goes through `(batches, batch_size)` cutoffs and returns the mean loss."""

    def epoch(cutoffs: Any, shares: Any) -> Any:
        def body(i: Any, total: Any) -> tuple[Any, Any]:
            return i + 1, total + batch_loss(cutoffs[i], shares[i]) * tf.reduce_sum(shares[i])

        batches = tf.shape(cutoffs)[0]
        _, total = tf.while_loop(
            lambda i, total: i < batches, body, (0, 0.0), parallel_iterations=1
        )
        return total / tf.reduce_sum(shares)

    signature = [
        tf.TensorSpec((None, batch_size), tf.int64),
        tf.TensorSpec((None, batch_size), tf.float32),
    ]
    # Autograph would rewrite plain Python that needs no rewriting. Tracing happens here, once.
    program: Program = tf.function(epoch, signature, autograph=False).get_concrete_function()
    return program


def _batches(cutoffs: IntArray, batch_size: int) -> tuple[Any, Any]:
    """Cutoffs and their shares `(batches, batch_size)`; the fill repeats the last, with share 0."""
    fill = -len(cutoffs) % batch_size
    padded = np.pad(cutoffs, (0, fill), mode="edge").reshape(-1, batch_size)
    shares = np.pad(np.ones(len(cutoffs), np.float32), (0, fill)).reshape(-1, batch_size)
    return tf.constant(padded, tf.int64), tf.constant(shares)
