"""What is compiled: training on batches, and measuring the loss, for all members at once.

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
from keras import ops, tree

from forecast.backends import backend
from forecast.config.schema import TrainingOptions
from forecast.networks import Dropping
from forecast.training.optimizers import OPTIMIZERS
from forecast.training.plan import Batches, Members, Plan
from forecast.training.state import OptimizerState, State
from forecast.windows import Columns, Inputs, gather, gather_after

# Windows that are trained on at once: their states stay in the processor's cache, which makes
# a difference for large batches (`benchmarks/training.py`).
_CACHED = 256
# Windows of one member that a matrix product needs to be worth its while.
_LEAST = 64


class Totals(NamedTuple):
    """What training on batches came to for each member, `(members,)`; skipped steps are left out.

    A step is skipped where the loss or its gradient is not finite.
    """

    losses: Any
    """The sum of the losses of all windows."""
    windows: Any
    skipped: Any
    """Steps that were not taken."""
    gradient_norms: Any
    """The sum over steps of the norm of the gradient, as it was before any clipping."""
    largest_gradient_norm: Any

    def plus(self, later: "Totals") -> "Totals":
        """Those of both, one after the other."""
        both: Totals = tree.map_structure(np.add, self, later)
        largest = np.maximum(self.largest_gradient_norm, later.largest_gradient_norm)
        return both._replace(largest_gradient_norm=largest)


class Program:
    """Compiled programs for the members of any block of a plan."""

    def __init__(self, plan: Plan) -> None:
        """Compile the training; measuring is compiled when it is first asked for."""
        architecture, options = plan.architecture, plan.options
        self._drops = plan.drops
        self._architecture = architecture
        self._options = options
        self._optimizer = OPTIMIZERS[options.optimizer]
        self._loss = loss_of(architecture.quantiles, options)
        self._context_length = plan.context_length
        self._horizon = plan.horizon
        self._lags = plan.lags
        self._call_batches = plan.call_batches
        self._prepare(plan)

    def _prepare(self, plan: Plan) -> None:
        """Put in place what windows are gathered from, and compile."""
        self._columns = tree.map_structure(ops.convert_to_tensor, plan.columns.named)
        self._train = self._compile_training(plan)
        self._measure = backend().trace(self._measured)

    def train(
        self, members: Members, state: OptimizerState, active: Any, batches: Batches
    ) -> tuple[OptimizerState, Totals]:
        """Train the active members `(members,)` on a call's batches, or on fewer.

        Gives the state after them, and what they came to.
        """
        count = len(batches)  # the program knows one shape
        batches = np.pad(batches, ((0, self._call_batches - count), (0, 0), (0, 0)))
        state, totals = self._train(members, self._columns, state, active, batches, np.int32(count))
        return state, as_totals(totals)

    def measure(self, weights: Any, batches: Batches) -> Any:
        """The mean loss on windows, `(members,)`."""
        return self._measure(self._columns, weights, batches)

    def _compile_training(self, plan: Plan) -> Callable[..., Any]:
        members, state, active = examples_of(plan)
        arguments = members, self._columns, state, active, no_windows(plan), np.int32(1)
        if plan.shares_batches:
            program = backend().compile_parts(self._side_by_side(plan), *arguments)
        else:
            program = backend().compile(self._one_by_one(plan), *arguments)
        # On a batch without windows: this compiles, and does nothing else.
        tree.map_structure(np.asarray, program(*arguments))
        return program  # type: ignore[no-any-return]

    def _one_by_one(self, plan: Plan) -> Callable[..., Any]:
        """Training on the pieces of a batch, one after the other."""

        def train(
            members: Members,
            columns: dict[str, Any],
            state: OptimizerState,
            active: Any,
            batches: Any,
            count: Any,
        ) -> Any:
            pieces = cut_into(ops, batches, piece_count(plan))

            def gradient(state: OptimizerState, batch: Any, piece: Any) -> Any:
                own, sizes = pieces[batch], _windows(pieces[batch])
                means = self._gradient(members, columns, state, own[piece], sizes, piece)
                return sizes, *means

            return self._through(gradient, members, state, active, count, pieces.shape[1])

        return train

    def _through(
        self,
        gradient: Callable[[OptimizerState, Any, Any], Any],
        members: Members,
        state: OptimizerState,
        active: Any,
        count: Any,
        each: int,
    ) -> Any:
        """The state and totals after `count` batches of `each` pieces, one after the other.

        `gradient` tells of a state, a batch and a piece of it how many windows each member has in
        the batch, and what the piece adds to the mean loss over them and to its gradient.
        """

        def body(i: Any, state: OptimizerState, loss: Any, slopes: Any, totals: Any) -> Any:
            piece = i % each
            sizes, *added = gradient(state, i // each, piece)
            whole = loss + added[0], slopes + added[1]
            ends = piece == each - 1
            due = sizes * active * ops.cast(ends, "float32")
            state, totals = self._step(members, state, *whole, due, totals)
            if each > 1:
                # Not a product with zero: what is not finite would stay.
                loss, slopes = (ops.where(ends, 0.0, part) for part in whole)
            return i + 1, state, loss, slopes, totals

        begin = *_no_gradient(state), _no_totals(state)
        _, state, _, _, totals = ops.while_loop(
            lambda i, *_: i < count * each, body, (ops.zeros_like(count), state, *begin)
        )
        return state, totals

    def _side_by_side(self, plan: Plan) -> Callable[..., Any]:
        """The same with the pieces of a batch on all cores at once.

        What they give is added up in their order, whichever is done first.
        """
        each = piece_count(plan)

        def add_up(
            members: Members, state: OptimizerState, parts: Any, due: Any, totals: Any
        ) -> tuple[OptimizerState, Any]:
            means, slopes = zip(*parts, strict=True)
            return self._step(members, state, sum(means), sum(slopes), due, totals)

        gradient, step = backend().part(self._gradient), backend().part(add_up)

        def train(
            members: Members,
            columns: dict[str, Any],
            state: OptimizerState,
            active: Any,
            batches: Any,
            count: Any,
        ) -> Any:
            pieces = cut_into(ops, batches, each)

            def body(i: Any, state: OptimizerState, totals: Any) -> Any:
                batch, sizes = pieces[i], _windows(pieces[i])
                parts = [
                    gradient(members, columns, state, batch[piece], sizes, ops.array(piece))
                    for piece in range(each)
                ]
                return i + 1, *step(members, state, parts, sizes * active, totals)

            _, state, totals = ops.while_loop(
                lambda i, *_: i < count,
                body,
                (ops.zeros_like(count), state, _no_totals(state)),
            )
            return state, totals

        return train

    def _measured(self, columns: dict[str, Any], weights: Any, batches: Any) -> Any:
        losses, windows = self._sums(columns, weights, batches)
        return losses / windows

    def _sums(self, columns: dict[str, Any], weights: Any, batches: Any) -> tuple[Any, Any]:
        """The sum of the losses of all windows, and how many these are, `(members,)` each."""

        def body(i: Any, losses: Any, windows: Any) -> Any:
            shares, inputs, targets = self._gather(columns, batches[i])
            seen = self._architecture.forward(weights, inputs)
            loss = targets.mean(self._loss(seen.of(targets.values), seen.forecast))
            return i + 1, losses + ops.sum(shares * loss, 1), windows + ops.sum(shares, 1)

        zeros = ops.zeros_like(weights[:, 0])
        _, losses, windows = ops.while_loop(
            lambda i, *_: i < ops.shape(batches)[0], body, (0, zeros, zeros)
        )
        return losses, windows

    def _gradient(
        self,
        members: Members,
        columns: dict[str, Any],
        state: OptimizerState,
        cutoffs: Any,
        sizes: Any,
        piece: Any,
    ) -> tuple[Any, Any]:
        """What a piece of a batch adds to the mean loss over `sizes` windows, and its gradient."""
        first = piece * cutoffs.shape[1]
        return self._gradient_from(first, members, columns, state, cutoffs, sizes)

    def _gradient_from(
        self,
        first: Any,
        members: Members,
        columns: dict[str, Any],
        state: OptimizerState,
        cutoffs: Any,
        sizes: Any,
    ) -> tuple[Any, Any]:
        """The same of windows of which the first is number `first` of its batch."""
        shares, inputs, targets = self._gather(columns, cutoffs)
        dropping = None
        if self._drops:
            steps = ops.cast(state.steps, "uint32")
            dropping = Dropping(members.dropout, members.seeds, steps, first)

        def loss(weights: Any) -> tuple[Any, Any]:
            seen = self._architecture.forward(weights, inputs, dropping, differentiable=True)
            losses = targets.mean(self._loss(seen.of(targets.values), seen.forecast))
            means = ops.sum(shares * losses, axis=1) / ops.maximum(sizes, 1)
            return ops.sum(means), means

        gradient: tuple[Any, Any] = backend().gradient(loss, state.weights)
        return gradient

    def _step(
        self,
        members: Members,
        state: OptimizerState,
        loss: Any,
        gradient: Any,
        sizes: Any,
        totals: Any,
    ) -> tuple[OptimizerState, Any]:
        """A step of the members that were trained on windows, `sizes` of them; and new totals.

        Totals are sums `(members, 4)` and a maximum: few arrays, since each takes time to compile.

        A step is skipped where the loss is not finite, or the sum of the gradient's squares, which
        is what optimizers remember. It is as optax's `apply_if_finite` has it, but that a member
        with too many such steps in a row stands still from then on.
        """
        norms, most = _norms(gradient), self._options.max_skipped_steps
        is_due = (sizes > 0) & (state.failures <= most)
        is_finite = ops.isfinite(norms + loss)
        taken, skipped = (
            ops.cast(those, "float32") for those in (is_due & is_finite, is_due & ~is_finite)
        )
        failures = ops.where(is_finite, 0, state.failures + 1)
        state = self._update(members, state, self._clipped(gradient), taken)
        state = state._replace(failures=ops.where(is_due, failures, state.failures))
        norms = ops.where(taken > 0, norms, 0.0)
        losses = ops.where(taken > 0, loss * sizes, 0.0)
        own, (sums, largest) = ops.stack([losses, sizes * taken, skipped, norms], axis=1), totals
        return state, (sums + own, ops.maximum(largest, norms))

    def _clipped(self, gradient: Any) -> Any:
        """A gradient as the optimizer gets it."""
        if self._options.clip_value:
            gradient = ops.clip(gradient, -self._options.clip_value, self._options.clip_value)
        if self._options.clip_norm:
            norm = _norms(gradient)[:, None]
            gradient = (
                gradient * self._options.clip_norm / ops.maximum(norm, self._options.clip_norm)
            )
        return gradient

    def _update(
        self, members: Members, state: OptimizerState, gradient: Any, taken: Any
    ) -> OptimizerState:
        """The optimizer's step of the members that take it."""
        optimizer = self._optimizer
        step = ops.cast(state.steps + 1, "float32")[:, None]
        direction, slots = optimizer.rule(gradient, state.slots, step)
        decay = self._options.weight_decay
        decay = optimizer.weight_decay if decay is None else decay
        direction = direction + decay * state.weights
        rates = rate(self._options, members, ops.cast(state.steps, "float32"))[:, None]
        weights = state.weights - rates * direction
        moved = taken[:, None] > 0
        weights = ops.where(moved, weights, state.weights)
        slots = tuple(
            ops.where(moved, new, old) for new, old in zip(slots, state.slots, strict=True)
        )
        average = self._averaged(state.average, weights, step, moved)
        steps = state.steps + ops.cast(taken, "int32")
        return OptimizerState(weights, slots, steps, average, state.failures)

    def _averaged(self, average: Any, weights: Any, step: Any, moved: Any) -> Any:
        """The moving average after a step, as a mean of all weights so far, first ones too.

        Polyak, Juditsky 1992, https://doi.org/10.1137/0330046; its bias to zero is taken out as in
        Adam.
        """
        momentum = self._options.ema_momentum
        if momentum is None:
            return average
        share = (1 - momentum) / (1 - momentum**step)
        return ops.where(moved, average + (weights - average) * share, average)

    def _gather(self, columns: dict[str, Any], cutoffs: Any) -> tuple[Any, Inputs, "Targets"]:
        """Shares, inputs and targets at cutoffs `(members, batch)`.

        Shares `(members, batch)` are 1 where there is a window, and 0. Where there is none all
        values are zeros: a share of zero would not hold back the NaN of a strange row.
        """
        there, table = cutoffs >= 0, Columns(**columns)
        rows = ops.maximum(cutoffs, 0)
        starts = None if table.first is None else ops.take(table.first, rows, axis=0)
        inputs = gather(
            ops,
            table,
            rows,
            self._context_length,
            horizon=self._horizon,
            lags=self._lags,
            starts=starts,
            season_length=self._architecture.season_length,
            is_masked=starts is not None,
            there=there,
        )
        targets = gather_after(ops, table.values, rows, self._horizon)
        observed = None
        if table.observed is not None:
            observed = gather_after(ops, table.observed, rows, self._horizon)
        is_window = there[(..., *(None,) * (len(targets.shape) - len(there.shape)))]
        values = ops.where(is_window, targets, 0.0)
        return ops.cast(there, "float32"), inputs, Targets(values, observed)


class Targets(NamedTuple):
    """What follows cutoffs: `(members, batch, horizon)`, or with an axis of targets behind."""

    values: Any
    observed: Any = None
    """1 where a value was observed, 0 where a gap was filled; None where there are no gaps."""

    def mean(self, losses: Any) -> Any:
        """The mean of losses over what was observed of a window, in all of its steps and targets.

        Losses have the shape of the values, and an axis of quantiles, which without any has the
        length 1.
        """
        axes = tuple(range(2, len(self.values.shape)))
        if self.observed is None:
            return ops.mean(losses, axis=(*axes, len(self.values.shape)))
        count = ops.maximum(ops.sum(self.observed, axis=axes), 1)
        return ops.sum(self.observed * ops.mean(losses, axis=-1), axis=axes) / count


def _norms(rows: Any) -> Any:
    """The Euclidean norm of each row."""
    return ops.sqrt(ops.sum(rows * rows, axis=1))


def _windows(batch: Any) -> Any:
    """How many windows each member has in a batch, `(pieces, members, windows)`."""
    return ops.sum(ops.cast(batch >= 0, "float32"), axis=(0, 2))


def _no_gradient(state: OptimizerState) -> tuple[Any, Any]:
    """The loss and gradient of each member before any piece of a batch."""
    return ops.zeros_like(state.weights[:, 0]), ops.zeros_like(state.weights)


def _no_totals(state: OptimizerState) -> Any:
    """Sums and a maximum for each member before any batch."""
    zeros = ops.zeros_like(state.weights[:, 0])
    return ops.zeros_like(ops.stack([zeros] * 4, axis=1)), zeros


def as_totals(totals: Any) -> Totals:
    """What a program gives: see `_step`."""
    sums, largest = map(np.asarray, totals)
    losses, windows, skipped, norms = sums.T
    return Totals(losses, windows, skipped, norms, largest)


def examples_of(plan: Plan) -> tuple[Members, OptimizerState, Any]:
    """Members, a state and who of them is active, to compile for: nobody."""
    weights = np.zeros((plan.size, plan.architecture.parameters), np.float32)
    slots = OPTIMIZERS[plan.options.optimizer].slots
    state = State.begin(weights, slots, plan.options).optimizer
    numbers = np.zeros(plan.size, np.float32)
    seeds = np.zeros(plan.size, np.uint32)
    return Members(numbers, numbers, numbers, numbers, seeds), state, numbers


def no_windows(plan: Plan) -> Batches:
    """The batches of a call, to compile for."""
    return np.full((plan.call_batches, plan.size, plan.batch), -1, np.int32)


def piece_count(plan: Plan) -> int:
    """Into how many pieces a batch is cut, each fit for the processor's cache, and for one step.

    Those that cores share are an even number: most machines have one.
    """
    cached = min(round(plan.size * plan.batch / _CACHED), plan.batch // _LEAST)
    each = max(cached, -(-plan.batch // plan.options.batch_size))
    return each + each % 2 if plan.shares_batches else each


def cut_into(xp: Any, batches: Any, each: int, devices: int = 1) -> Any:
    """Batches as `(batches, pieces, members, windows)`, with `each` of them cut into so many.

    Devices that share a piece have equally many windows of it. A step of the optimizer follows the
    last piece of a batch.
    """
    count, members, batch = batches.shape
    windows = -(-batch // (each * devices)) * devices
    fill = each * windows - batch
    filled = xp.pad(batches, ((0, 0), (0, 0), (0, fill)), constant_values=-1)
    return xp.swapaxes(xp.reshape(filled, (count, members, each, windows)), 1, 2)


def loss_of(levels: Sequence[float], options: TrainingOptions) -> Callable[[Any, Any], Any]:
    """The loss of each forecast value and quantile, `(..., quantiles)`; 1 where there are none."""
    return _pinball(levels) if levels else _by_step(keras.losses.get(options.loss))


def _by_step(loss: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A loss of Keras, which is a mean over the last axis, as one of each value, `(..., 1)`."""
    return lambda targets, forecasts: loss(targets[..., None], forecasts[..., None])[..., None]


def _pinball(levels: Sequence[float]) -> Callable[[Any, Any], Any]:
    """The pinball loss of each step and of each of these quantiles.

    Koenker, Bassett 1978, https://doi.org/10.2307/1913643
    """

    def loss(targets: Any, quantiles: Any) -> Any:
        error = targets[..., None] - quantiles
        level = np.array(levels, np.float32)
        return ops.maximum(level * error, (level - 1) * error)

    return loss


def rate(options: TrainingOptions, members: Members, steps: Any) -> Any:
    """The learning rate of each member after so many steps, `(members,)`.

    `cosine`: Loshchilov, Hutter 2017, https://arxiv.org/abs/1608.03983, without restarts. Warm-up:
    Goyal et al. 2017, https://arxiv.org/abs/1706.02677.
    """
    rates, an_epoch = members.learning_rates, members.total_steps / members.epochs
    if options.schedule == "cosine":
        done = ops.minimum(steps / members.total_steps, 1.0)
        rates = rates * 0.5 * (1 + ops.cos(np.pi * done))
    elif options.schedule == "step":
        falls = ops.floor(steps / (options.decay_epochs * an_epoch))
        rates = rates * options.decay_rate**falls
    if options.warmup_epochs:
        rates = rates * ops.minimum((steps + 1) / (options.warmup_epochs * an_epoch), 1.0)
    return rates
