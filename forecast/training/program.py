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
from forecast.networks import Dropping, Network
from forecast.training.optimizers import OPTIMIZERS

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
        network: Network,
        options: TrainingOptions,
        values: NDArray[np.float32],
        context_length: int,
        horizon: int,
    ) -> None:
        """`values` are the rows, `(rows,)`, that cutoffs count."""
        self._network = network
        self._options = options
        self._optimizer = OPTIMIZERS[options.optimizer]
        self._loss = (
            _pinball(network.quantiles) if network.quantiles else (keras.losses.get(options.loss))
        )
        self._values = ops.convert_to_tensor(values)
        self._before = np.arange(1 - context_length, 1, dtype=np.int32)
        self._after = np.arange(1, horizon + 1, dtype=np.int32)

    def begin(self, weights: NDArray[np.float32]) -> State:
        """The state of members that have learned nothing."""
        slots = (ops.zeros_like(weights),) * self._optimizer.slots
        return State(ops.convert_to_tensor(weights), slots, ops.zeros(len(weights), "int32"))

    def compile_learning(
        self, members: Members, state: State, batches: Batches
    ) -> Callable[..., tuple[State, Any, Any]]:
        """The program that learns from batches of this shape.

        It maps the state, which members are active `(members,)`, batches, and how many of them
        count, to the state after them and, for every member, the sum of losses and of windows.
        """

        def learn(
            members: Members, values: Any, state: State, active: Any, batches: Any, count: Any
        ) -> Any:
            def body(i: Any, state: State, losses: Any, windows: Any) -> Any:
                state, loss, size = self._step(members, values, state, active, batches[i])
                return i + 1, state, losses + loss * size, windows + size

            zeros = ops.zeros_like(members.learning_rates)
            loop = (ops.zeros_like(count), state, zeros, zeros)
            return ops.while_loop(lambda i, *_: i < count, body, loop)[1:]

        active, none = np.ones(batches.shape[1], np.float32), np.int32(0)
        arguments = (members, self._values, state, active, batches, none)
        program = backend().compile(learn, *arguments)
        program(*arguments)  # with no batch to learn from: this compiles, and does nothing else

        def call(state: State, active: Any, batches: Batches, count: int) -> Any:
            return program(members, self._values, state, active, batches, np.int32(count))

        return call

    def compile_measuring(self, batches: Batches) -> Callable[[Any], Any]:
        """The program that maps weights to the mean loss on these windows, `(members,)`."""

        def measure(values: Any, weights: Any, batches: Any) -> Any:
            def body(i: Any, losses: Any, windows: Any) -> Any:
                shares, contexts, targets = self._gather(values, batches[i])
                units = self._network.forward(weights, contexts)
                loss = self._loss(units.of(targets), units.forecast)
                return i + 1, losses + ops.sum(shares * loss, 1), windows + ops.sum(shares, 1)

            zeros = ops.zeros_like(weights[:, 0])
            _, losses, windows = ops.while_loop(
                lambda i, *_: i < batches.shape[0], body, (0, zeros, zeros)
            )
            return losses / windows

        program = backend().trace(measure)
        return lambda weights: program(self._values, weights, batches)

    def _step(
        self, members: Members, values: Any, state: State, active: Any, cutoffs: Any
    ) -> tuple[State, Any, Any]:
        """One step of every member that has windows in this batch: its loss, and how many."""
        shares, contexts, targets = self._gather(values, cutoffs)
        sizes = ops.sum(shares, axis=1)
        dropping = None
        if self._network.dropout:
            steps = ops.cast(state.steps, "uint32")
            dropping = Dropping(members.dropout, members.seeds, steps)

        def loss(weights: Any) -> tuple[Any, Any]:
            units = self._network.forward(weights, contexts, dropping, differentiable=True)
            losses = self._loss(units.of(targets), units.forecast)
            means = ops.sum(shares * losses, axis=1) / ops.maximum(sizes, 1)
            return ops.sum(means), means

        means, gradient = backend().gradient(loss, state.weights)
        moves = active * ops.cast(sizes > 0, "float32")
        return self._update(members, state, gradient, moves), means * active, sizes * active

    def _update(self, members: Members, state: State, gradient: Any, moves: Any) -> State:
        """The optimizer's step, for the members that move."""
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
        moved = moves[:, None] > 0
        weights = ops.where(moved, weights, state.weights)
        slots = tuple(
            ops.where(moved, new, old) for new, old in zip(slots, state.slots, strict=True)
        )
        return State(weights, slots, state.steps + ops.cast(moves, "int32"))

    def _gather(self, values: Any, cutoffs: Any) -> tuple[Any, Any, Any]:
        """Shares, contexts and targets at cutoffs `(members, batch)`.

        Shares `(members, batch)` are 1 where there is a window, and 0; contexts have the shape
        `(members, batch, context_length, 1)`, targets `(members, batch, horizon)`.
        """
        shares = ops.cast(cutoffs >= 0, "float32")
        rows = ops.maximum(cutoffs, len(self._before) - 1)[..., None]
        contexts = ops.take(values, rows + self._before, axis=0)
        return shares, contexts[..., None], ops.take(values, rows + self._after, axis=0)


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
