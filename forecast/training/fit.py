"""Fitting members: a plan that all of them share, blocks of them, and what came of each.

A member is known by its key, and everything that describes it can be pickled: an engine has blocks
of members fitted by threads here, or elsewhere. Fitting changes nothing but its own state.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from keras import tree
from numpy.typing import NDArray

from forecast.backends import backend
from forecast.config.schema import TrainingOptions
from forecast.console import Console
from forecast.data.panel import FloatArray, IntArray
from forecast.engines import Engine, Threads, Work, Workplace
from forecast.errors import DivergedError, Problem, UsageError, some_of
from forecast.networks import Architecture, Weights
from forecast.training.distributed import DistributedProgram, digest_of
from forecast.training.plan import (
    Block,
    Member,
    MemberKey,
    Members,
    Plan,
    batch_table,
    plan_of,
)
from forecast.training.plateau import Plateau
from forecast.training.program import Program, Totals, rate
from forecast.training.state import OptimizerState, Order, State

# Of the memory that is free, what training may take.
_SHARE_OF_MEMORY = 0.25
# Members of a block at the most: with more, a step takes as much longer as there are more of them
# (`benchmarks/engines.py`), and there would be less to give out.
_MOST_MEMBERS = 40
_LOST = "training stopped: one of the processes that train together has ended."
_DIFFERENT = "the processes that train together have different rows or configs."


class EpochLog(NamedTuple):
    """One line of history. Losses are on the scale that the network sees."""

    epoch: int
    loss: float
    monitored_loss: float | None
    learning_rate: float
    gradient_norm: float
    """The mean over the epoch's steps of the norm of the gradient, before any clipping."""
    max_gradient_norm: float
    """The largest of them."""
    weight_norm: float
    """The norm of the weights after the epoch."""
    skipped_steps: int
    """Steps that were not taken, since the loss or its gradient was not finite."""
    seconds: float
    member: MemberKey

    @property
    def is_finite(self) -> bool:
        """Whether its losses are numbers: those of steps that were taken, and what is monitored."""
        return math.isfinite(self.loss) and math.isfinite(self.monitored_loss or 0)


@dataclass(frozen=True)
class FittedBlock:
    """What came of fitting a block, or of an epoch of it."""

    keys: tuple[MemberKey, ...]
    state: State
    """Of these members, and of nobody else; its arrays may be those of the backend."""
    history: tuple[EpochLog, ...]
    compile_seconds: float = 0.0
    """What compiling took where it was fitted."""

    @property
    def weights(self) -> dict[MemberKey, Weights]:
        """To use, of each member that an epoch was finished for."""
        rows = zip(self.keys, self.state.result, self.state.epochs, strict=True)
        return {key: row for key, row, epochs in rows if epochs}


@dataclass(frozen=True)
class Fitted:
    """What came of fitting all blocks. A member that no epoch was finished for is not among it."""

    weights: Mapping[MemberKey, Weights]
    """Of each member `(parameters,)`: those of the lowest monitored loss, with early stopping."""
    history: Sequence[EpochLog]
    """Epoch by epoch, and within each by member."""
    compile_seconds: float
    fit_seconds: float

    @property
    def diverged(self) -> dict[MemberKey, EpochLog]:
        """The epoch in which the loss of a member was no longer a number."""
        return {log.member: log for log in self.history if not log.is_finite}

    @property
    def skipped(self) -> dict[MemberKey, int]:
        """How many steps were skipped, of members that skipped any."""
        counts: Counter[MemberKey] = Counter()
        for log in self.history:
            counts[log.member] += log.skipped_steps
        return {key: count for key, count in counts.items() if count}

    def refuse_divergence(self) -> None:
        """Raise `DivergedError` if any member diverged."""
        for member, log in sorted(self.diverged.items()):
            of = f" of {member}" if len(self.weights) > 1 else ""
            steps = "1 step" if log.skipped_steps == 1 else f"{log.skipped_steps} steps"
            if log.skipped_steps:
                what = (
                    f"the loss{of} or its gradient was not finite in {steps} of epoch {log.epoch}"
                )
            else:
                what = f"the monitored loss{of} in epoch {log.epoch} is {log.monitored_loss}"
            message = f"training diverged: {what}."
            advice = (
                "Lower training.learning_rate, set training.clip_norm: 1, or scale the data "
                "(`transforms: [minmax]`)."
            )
            raise DivergedError(Problem(message, advice))


def fit(
    architecture: Architecture,
    members: Sequence[Member],
    options: TrainingOptions,
    on_epoch: Callable[[FittedBlock], None],
    console: Console | None = None,
    engine: Engine | None = None,
    most: int | None = None,
    table: str = "",
) -> Fitted:
    """Fit all members, in blocks: one for each core, and more where there is much to do.

    A block, of at most `most` members where that is given, is one program; an engine has programs
    run side by side, by threads here where it is left out. How members are cut into blocks follows
    from them and from `Engine.cores`, and changes nothing but the time, and rounding. A member
    whose loss is no longer a number stops; the others go on. Where the engine is stopped, the
    epochs that are not whole are given up. `on_epoch` is given what there is of a block after each
    of its epochs, by the thread that fits it, if that is one here. `table` tells what the values
    of members follow from, for processes that train together to compare.
    """
    if len({member.key for member in members}) < len(members):
        raise ValueError("two members have one key")
    begin = time.perf_counter()
    engine = engine or Threads()
    processors = engine.cores or backend().processors()
    # Of processes that train together, each has to run the same programs in the same order.
    workers = 1 if options.distribution else min(processors, len(members))
    most = most or min(_MOST_MEMBERS, _affordable(architecture, members, options, workers))
    blocks = workers * -(-len(members) // (workers * most))
    plan, blocks_ = plan_of(architecture, members, options, min(blocks, len(members)))
    if options.distribution and not backend().is_everywhere(digest_of(plan, blocks_, table)):
        raise UsageError(Problem(_DIFFERENT, "Give each of them the same config and table."))
    work = FittingBlocks(plan, 1 if options.distribution else backend().processors())
    try:
        fitted = engine.map(work, blocks_, console or Console(quiet=True), on_epoch)
    except RuntimeError as error:
        if not options.distribution:
            raise
        raise UsageError(Problem(_LOST, f"Start all of them again. It said: {error}")) from error
    weights = {key: row for block in fitted for key, row in block.weights.items()}
    logs = [log for block in fitted for log in block.history]
    compile_seconds = max(block.compile_seconds for block in fitted)
    seconds = time.perf_counter() - begin - compile_seconds
    history = sorted(logs, key=lambda log: (log.epoch, log.member))
    return Fitted(weights, history, compile_seconds, seconds)


@dataclass(frozen=True)
class FittingBlocks(Work[Block, FittedBlock]):
    """Fits blocks of a plan, which is compiled once where that is done."""

    plan: Plan
    at_once: int | None = None
    noun = "block"

    def begin(self, place: Workplace) -> Callable[[Block], FittedBlock]:
        """See `Work.begin`."""
        begin = time.perf_counter()
        program = (DistributedProgram if self.plan.options.distribution else Program)(self.plan)
        seconds = time.perf_counter() - begin

        def fit_one(block: Block) -> FittedBlock:
            fitted = fit_block(self.plan, block, program, place.note, place.is_stopped)
            return replace(fitted, compile_seconds=seconds)

        return fit_one

    def label(self, piece: Block) -> str:
        """Its members."""
        return some_of([f"({key})" for key in piece.keys])


def fit_block(
    plan: Plan,
    block: Block,
    program: Program,
    on_epoch: Callable[[FittedBlock], None],
    is_stopped: Callable[[], bool],
) -> FittedBlock:
    """All epochs of a block's members that are not done, or those that are whole before a stop."""
    fitting = _Fitting(plan, block, program, is_stopped)
    history: list[EpochLog] = []
    while not fitting.is_over:
        logs = fitting.epoch()
        if logs is None:
            break
        history += logs
        on_epoch(FittedBlock(block.keys, fitting.state, tuple(logs)))
    whole = tree.map_structure(np.array, fitting.state)
    return FittedBlock(block.keys, whole, tuple(history))


def _affordable(
    architecture: Architecture, members: Sequence[Member], options: TrainingOptions, workers: int
) -> int:
    """How many members memory has room for in each of the blocks at work, roughly."""
    if not architecture.is_memberwise:
        return 1
    batch = min(options.batch_size, max(len(member.train.cutoffs) for member in members))
    memory = _SHARE_OF_MEMORY * backend().free_memory()
    most = int(memory / architecture.training_bytes(batch))
    return max(1, most // workers)


class _Fitting:
    """The fitting of one block, epoch by epoch."""

    def __init__(
        self, plan: Plan, block: Block, program: Program, is_stopped: Callable[[], bool]
    ) -> None:
        self._plan = plan
        self._program = program
        self._is_stopped = is_stopped
        self._keys = block.keys
        self._epochs = np.array([plan.epochs(member) for member in block.members])
        # All blocks have one size, and so one program: where members are too few, idle copies.
        self._filled = filled = np.resize(np.arange(len(block.keys)), plan.size)
        self._constant = plan.differences(block, filled)
        # A copy: what it is resumed from stays as it is.
        self._state: State = tree.map_structure(np.array, block.begin(plan))
        self._optimizer: OptimizerState = tree.map_structure(
            lambda array: array[filled], self._state.optimizer
        )
        self._orders = [
            Order(member.train, plan.options).epochs(member.key.seed, int(done))
            for member, done in zip(block.members, self._state.epochs, strict=True)
        ]
        self._offsets = block.offsets
        self._monitored = plan.monitored_table(block, filled)
        self._monitors = [member.monitor is not None for member in block.members]
        self._validates = np.array([member.is_validation for member in block.members])

    @property
    def is_over(self) -> bool:
        """Whether no member has an epoch left."""
        return not self._going.any()

    @property
    def _going(self) -> NDArray[np.bool_]:
        """Which members have epochs left."""
        return self._state.active & (self._state.epochs < self._epochs)

    @property
    def state(self) -> State:
        """After the last whole epoch, of the block's own members."""
        own = len(self._keys)
        if own == self._plan.size:
            whole: State = self._state._replace(optimizer=self._optimizer)
            return whole
        arrays: OptimizerState = tree.map_structure(lambda array: array[:own], self._optimizer)
        state: State = self._state._replace(optimizer=arrays)
        return state

    @property
    def _differences(self) -> Members:
        """What differs between members in this epoch."""
        rates = self._constant.learning_rates * self._state.plateau.factors[self._filled]
        return self._constant._replace(learning_rates=rates)

    def epoch(self) -> list[EpochLog] | None:
        """What one more epoch came to for each active member; None if it was stopped on the way."""
        begin = time.perf_counter()
        trained = self._train()
        if trained is None:
            return None
        steps = np.asarray(trained[0].steps) - np.asarray(self._optimizer.steps)
        self._optimizer, totals = self._averaged(trained[0]), trained[1]
        monitored = self._measure()
        seconds = time.perf_counter() - begin
        rates = np.asarray(
            rate(self._plan.options, self._differences, np.asarray(self._optimizer.steps))
        )
        losses, norms = self._means(totals, steps)
        weights = np.asarray(self._optimizer.weights, np.float64)  # squares of large floats fit
        weight_norms = np.linalg.norm(weights, axis=1)
        logs = [
            EpochLog(
                int(self._state.epochs[i]) + 1,
                float(losses[i]),
                monitored[i],
                float(rates[i]),
                float(norms[i]),
                float(totals.largest_gradient_norm[i]),
                float(weight_norms[i]),
                int(totals.skipped[i]),
                seconds,
                self._keys[i],
            )
            for i in np.flatnonzero(self._going)
        ]
        self._state = self._after(logs)
        return logs

    def _averaged(self, optimizer: OptimizerState) -> OptimizerState:
        """With the mean of the last epochs, where that is to be used: until these, the weights.

        Izmailov et al. 2018, https://arxiv.org/abs/1803.05407.
        """
        last = self._plan.options.average_epochs
        if not last:
            return optimizer
        counts = np.maximum(1, self._state.epochs + 1 - (self._epochs - last))
        return optimizer.averaged(counts[self._filled], self._going[self._filled])

    def _means(self, totals: Totals, steps: IntArray) -> tuple[FloatArray, FloatArray]:
        """The mean loss and norm of the gradient of each member, over so many steps.

        They are NaN where no step was taken, or too many in a row were skipped: that is the end.
        """
        is_sound = np.asarray(self._optimizer.failures) <= self._plan.options.max_skipped_steps
        is_sound &= steps > 0
        losses = totals.losses / np.maximum(totals.windows, 1)
        norms = totals.gradient_norms / np.maximum(steps, 1)
        return np.where(is_sound, losses, np.nan), np.where(is_sound, norms, np.nan)

    def _after(self, logs: Sequence[EpochLog]) -> State:
        """The state with who goes on, and with whose weights are the best so far."""
        # Copies: what was handed out stays as it is.
        names = ("active", "epochs", "best_weights", "best_losses", "best_epochs")
        state: State = self._state._replace(
            **{name: getattr(self._state, name).copy() for name in names}
        )
        stopping, schedule = self._plan.options.early_stopping, self._plan.options.schedule
        if schedule == "plateau":
            state = state._replace(plateau=self._plateau(logs))
        weights = np.asarray(self._optimizer.used) if stopping else None
        for i, log in zip(np.flatnonzero(self._going), logs, strict=True):
            state.epochs[i] = log.epoch
            if not log.is_finite:
                state.active[i] = False
            elif stopping and weights is not None and log.monitored_loss is not None:
                if log.monitored_loss < state.best_losses[i]:
                    state.best_losses[i], state.best_epochs[i] = log.monitored_loss, log.epoch
                    state.best_weights[i] = weights[i]
                state.active[i] = log.epoch - state.best_epochs[i] < stopping.patience
        return state

    def _plateau(self, logs: Sequence[EpochLog]) -> Plateau:
        """What became of the learning rates; those of members that have stopped mean nothing."""
        losses = np.full(len(self._keys), np.nan)
        for i, log in zip(np.flatnonzero(self._going), logs, strict=True):
            validated = log.monitored_loss if self._validates[i] else None
            losses[i] = log.loss if validated is None else validated
        return self._state.plateau.after(losses, self._plan.options.plateau)

    def _train(self) -> tuple[OptimizerState, Totals] | None:
        """The optimizer's state after all batches of an epoch, and what they came to."""
        plan, state = self._plan, self._optimizer
        drawn = [
            next(order) + offset for order, offset in zip(self._orders, self._offsets, strict=True)
        ]
        drawn += [np.zeros(0, np.int64)] * (plan.size - len(drawn))
        table = batch_table(drawn, plan.batch, max(-(-len(own) // plan.batch) for own in drawn))
        active = np.zeros(plan.size, np.float32)
        active[: len(self._keys)] = self._going
        totals = Totals(*[np.zeros(plan.size)] * len(Totals._fields))
        for first in range(0, len(table), plan.call_batches):
            if self._is_stopped():
                return None
            part = table[first : first + plan.call_batches]
            state, own = self._program.train(self._differences, state, active, part)
            totals = totals.plus(own)
        return state, totals

    def _measure(self) -> list[float | None]:
        """The loss on what each member monitors, if it does."""
        if self._monitored is None:
            return [None] * len(self._keys)
        losses = np.asarray(self._program.measure(self._optimizer.used, self._monitored))
        return [
            float(loss) if monitors else None
            for loss, monitors in zip(losses, self._monitors, strict=False)
        ]
