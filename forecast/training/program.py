"""What is compiled: learning from batches, and measuring the loss, for all members at once.

Keras's own `fit` calls Python once a batch, and for a network this small that call is most of the
cost. Here the loop over batches, the gathering of windows and the optimizer's step are inside one
program, and an epoch is a call of it. A step of many members costs hardly more than one of one.

Members have nothing in common but the program. Each has its own weights, windows, rates and random
numbers; what is summed over members is only what the gradient is taken of, and there each has its
own part. A member without windows left in an epoch, or one that has stopped, does not move.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from forecast.backends import backend
from forecast.config.schema import TrainingOptions
from forecast.networks import Architecture, Dropping
from forecast.training.optimizers import OPTIMIZERS
from forecast.windows import ABSENT

# Windows that are learned from at once: their states stay in the processor's cache, which makes
# a difference for large batches (`benchmarks/training.py`).
_CACHED = 256
# Windows of one member that a matrix product needs to be worth its while.
_LEAST = 64

Batches = NDArray[np.int32]
"""Cutoffs `(batches, members, batch)`; -1 where there is no window."""


class Members(NamedTuple):
    """What differs between members, and stays: `(members,)` each."""

    learning_rates: Any
    total_steps: Any
    """Steps that a schedule is spread over."""
    dropout: Any
    seeds: Any


class State(NamedTuple):
    """What learning changes."""

    weights: Any
    """`(members, parameters)`"""
    slots: tuple[Any, ...]
    """What the optimizer remembers, `(members, parameters)` each."""
    steps: Any
    """Steps that each member has learned from, `(members,)`."""


class Program:
    """Compiled programs for members that share a network, options and the values they look at."""

    def __init__(
        self,
        network: Architecture,
        options: TrainingOptions,
        values: NDArray[np.float32],
        context_length: int,
        horizon: int,
        *,
        first: NDArray[np.int32] | None = None,
        drops: bool,
    ) -> None:
        """`values` are the rows `(rows,)` that cutoffs count.

        `first`: where the series of each row begins, if contexts may reach back before it; `drops`:
        whether any member drops.
        """
        self._drops = drops
        self._network = network
        self._options = options
        self._optimizer = OPTIMIZERS[options.optimizer]
        levels = network.quantiles
        self._loss = _pinball(levels) if levels else keras.losses.get(options.loss)
        self._values = ops.convert_to_tensor(values)
        self._first = None if first is None else ops.convert_to_tensor(first)
        self._before = np.arange(1 - context_length, 1, dtype=np.int32)
        self._after = np.arange(1, horizon + 1, dtype=np.int32)

    def begin(self, weights: NDArray[np.float32]) -> State:
        """The state of members that have learned nothing."""
        slots = (ops.zeros_like(weights),) * self._optimizer.slots
        return State(ops.convert_to_tensor(weights), slots, ops.zeros(len(weights), "int32"))

    def compile_learning(
        self, members: Members, state: State, batches: Batches
    ) -> Callable[..., tuple[State, Any, Any]]:
        """The program that learns from batches of this shape, for as many members.

        It maps members, their state, which of them are active `(members,)`, batches, and how many
        of these count, to the state after them and, for every member, the sum of losses and of
        windows.
        """

        def learn(
            members: Members, values: Any, state: State, active: Any, batches: Any, count: Any
        ) -> Any:
            pieces = _pieces(batches)
            each = pieces.shape[1]

            def body(i: Any, state: State, gradient: Any, losses: Any, windows: Any) -> Any:
                batch, piece = pieces[i // each], i % each
                sizes = ops.sum(ops.cast(batch >= 0, "float32"), axis=(0, 2))
                means, slopes = self._gradient(members, values, state, batch[piece], sizes, piece)
                gradient, sizes = gradient + slopes, sizes * active
                ends = ops.cast(piece == each - 1, "float32")
                state = self._update(members, state, gradient, sizes * ends)
                losses = losses + ops.where(sizes > 0, means * sizes, 0)
                return i + 1, state, gradient * (1 - ends), losses, windows + sizes * ends

            zeros = ops.zeros_like(members.learning_rates)
            loop = ops.zeros_like(count), state, ops.zeros_like(state.weights), zeros, zeros
            _, state, _, losses, windows = ops.while_loop(
                lambda i, *_: i < count * each, body, loop
            )
            return state, losses, windows

        active, none = np.ones(batches.shape[1], np.float32), np.int32(0)
        arguments = (members, self._values, state, active, batches, none)
        program = backend().compile(learn, *arguments)
        program(*arguments)  # with no batch to learn from: this compiles, and does nothing else

        def call(members: Members, state: State, active: Any, batches: Batches, count: int) -> Any:
            return program(members, self._values, state, active, batches, np.int32(count))

        return call

    def compile_measuring(self) -> Callable[[Any, Batches], Any]:
        """The program that maps weights and windows to the mean loss on them, `(members,)`."""

        def measure(values: Any, weights: Any, batches: Any) -> Any:
            def body(i: Any, losses: Any, windows: Any) -> Any:
                shares, contexts, targets = self._gather(values, batches[i])
                units = self._network.forward(weights, contexts)
                loss = self._loss(units.of(targets), units.forecast)
                return i + 1, losses + ops.sum(shares * loss, 1), windows + ops.sum(shares, 1)

            zeros = ops.zeros_like(weights[:, 0])
            _, losses, windows = ops.while_loop(
                lambda i, *_: i < ops.shape(batches)[0], body, (0, zeros, zeros)
            )
            return losses / windows

        program = backend().trace(measure)
        return lambda weights, batches: program(self._values, weights, batches)

    def _gradient(
        self, members: Members, values: Any, state: State, cutoffs: Any, sizes: Any, piece: Any
    ) -> tuple[Any, Any]:
        """What a piece of a batch adds to the mean loss over `sizes` windows, and its gradient."""
        shares, contexts, targets = self._gather(values, cutoffs)
        dropping = None
        if self._drops:
            steps, first = ops.cast(state.steps, "uint32"), piece * cutoffs.shape[1]
            dropping = Dropping(members.dropout, members.seeds, steps, first)

        def loss(weights: Any) -> tuple[Any, Any]:
            units = self._network.forward(weights, contexts, dropping, differentiable=True)
            losses = self._loss(units.of(targets), units.forecast)
            means = ops.sum(shares * losses, axis=1) / ops.maximum(sizes, 1)
            return ops.sum(means), means

        return backend().gradient(loss, state.weights)

    def _update(self, members: Members, state: State, gradient: Any, sizes: Any) -> State:
        """The optimizer's step of the members that have learned from any windows."""
        if self._options.clip_norm:
            norm = ops.sqrt(ops.sum(gradient * gradient, axis=1, keepdims=True))
            gradient = (
                gradient * self._options.clip_norm / ops.maximum(norm, self._options.clip_norm)
            )
        optimizer = self._optimizer
        step = ops.cast(state.steps + 1, "float32")[:, None]
        direction, slots = optimizer.rule(gradient, state.slots, step)
        direction = direction + optimizer.weight_decay * state.weights
        rates = rate(self._options, members, ops.cast(state.steps, "float32"))[:, None]
        weights = state.weights - rates * direction
        moved = sizes[:, None] > 0
        weights = ops.where(moved, weights, state.weights)
        slots = tuple(
            ops.where(moved, new, old) for new, old in zip(slots, state.slots, strict=True)
        )
        return State(weights, slots, state.steps + ops.cast(sizes > 0, "int32"))

    def _gather(self, values: Any, cutoffs: Any) -> tuple[Any, Any, Any]:
        """Shares, contexts and targets at cutoffs `(members, batch)`.

        Shares `(members, batch)` are 1 where there is a window, and 0; contexts have the shape
        `(members, batch, context_length, 1)`, targets `(members, batch, horizon)`. Both are zeros
        where there is no window: a share of zero would not hold back the NaN of a strange row. A
        step of a context before the series begins is `ABSENT`.
        """
        there = cutoffs >= 0
        rows = ops.maximum(cutoffs, 0)[..., None]
        contexts, targets = (
            ops.where(there[..., None], ops.take(values, ops.maximum(at, 0), axis=0), 0.0)
            for at in (rows + self._before, rows + self._after)
        )
        if self._first is not None:
            absent = rows + self._before < ops.take(self._first, rows, axis=0)
            contexts = ops.where(ops.logical_and(there[..., None], absent), ABSENT, contexts)
        return ops.cast(there, "float32"), contexts[..., None], targets


def _pieces(batches: Any) -> Any:
    """Batches as `(batches, pieces, members, windows)`, each piece fit for the processor's cache.

    A step of the optimizer follows the last piece of a batch.
    """
    count, members, batch = batches.shape
    each = max(1, min(round(members * batch / _CACHED), batch // _LEAST))
    windows = -(-batch // each)
    fill = each * windows - batch
    filled = ops.pad(batches, ((0, 0), (0, 0), (0, fill)), constant_values=-1)
    return ops.swapaxes(ops.reshape(filled, (count, members, each, windows)), 1, 2)


def _pinball(levels: Sequence[float]) -> Callable[[Any, Any], Any]:
    """The mean pinball loss over the horizon and these quantiles.

    Koenker, Bassett 1978, https://doi.org/10.2307/1913643
    """

    def loss(targets: Any, quantiles: Any) -> Any:
        error = targets[..., None] - quantiles
        level = np.array(levels, np.float32)
        return ops.mean(ops.maximum(level * error, (level - 1) * error), axis=(-2, -1))

    return loss


def rate(options: TrainingOptions, members: Members, steps: Any) -> Any:
    """The learning rate of each member after so many steps, `(members,)`.

    `cosine`: Loshchilov, Hutter 2017, https://arxiv.org/abs/1608.03983, without restarts.
    """
    if options.schedule == "constant":
        return members.learning_rates
    done = ops.minimum(steps / members.total_steps, 1.0)
    return members.learning_rates * 0.5 * (1 + ops.cos(np.pi * done))
