"""Epoch after epoch for all members: the order of the windows, the log, early stopping, blocks."""

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from forecast.config.schema import TrainingOptions
from forecast.data.panel import FloatArray, IntArray
from forecast.errors import DivergedError, Problem
from forecast.networks import Network, Weights
from forecast.training.program import Batches, Members, Program, State, rate
from forecast.windows import Windows

# Windows whose loss is measured at once.
_MEASURED_BATCH = 1024
# Windows of one call of a program: few enough that Ctrl-C is obeyed soon, and that the table of
# their cutoffs stays small.
_CALL = 2**17
# Of the memory that is free, what training may take.
_SHARE_OF_MEMORY = 0.25


@dataclass(frozen=True)
class Member:
    """One of the networks that are trained together."""

    windows: Windows
    """What it learns from. Members may look at different values."""
    watched: Windows | None
    """Measured after every epoch, and for early stopping alone more than a number in the log."""
    seed: int
    """First weights, order of windows and dropout follow from it, whatever the other members do."""


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
    """What came of fitting."""

    weights: Weights
    """`(members, parameters)`; of the lowest watched loss, with early stopping."""
    history: list[EpochLog] = field(default_factory=list)
    compile_seconds: float = 0.0
    fit_seconds: float = 0.0
    diverged: dict[int, EpochLog] = field(default_factory=dict)
    """The epoch in which the loss of a member was no longer a number."""
    interruption: KeyboardInterrupt | None = None

    @property
    def trained(self) -> list[int]:
        """Members that have gone through an epoch."""
        return sorted({log.member for log in self.history})

    def refuse_divergence(self) -> None:
        """Raise `DivergedError` if any member diverged."""
        for member, log in self.diverged.items():
            of = f" of member {member}" if len(self.weights) > 1 else ""
            message = f"training diverged: the loss{of} in epoch {log.epoch} is {log.loss}."
            advice = (
                "Lower training.learning_rate, set training.clip_norm: 1, or scale the data "
                "(`transforms: [minmax]`)."
            )
            raise DivergedError(Problem(message, advice))


def fit(
    network: Network,
    members: Sequence[Member],
    options: TrainingOptions,
    on_epoch: Callable[[EpochLog], None],
    most: int | None = None,
) -> Fitted:
    """Fit all members, in as few blocks as memory allows, or of at most `most` members.

    How they are cut into blocks changes nothing but the time. A member whose loss is no longer a
    number stops; the others go on. An interruption after the first epoch ends training and is
    handed back, with the weights of the last whole epoch.
    """
    begin = time.perf_counter()
    draws = [_Draws(member.seed) for member in members]
    fitted = Fitted(np.stack([network.initial(draw.initial) for draw in draws]))
    fitted.compile_seconds = time.perf_counter() - begin
    blocks = -(-len(members) // (most or _affordable(network, members, options)))
    for which in np.array_split(np.arange(len(members)), blocks):
        _Block(network, members, options, which, draws, fitted).fit(on_epoch)
        if fitted.interruption:
            break
    return fitted


def _affordable(network: Network, members: Sequence[Member], options: TrainingOptions) -> int:
    """How many members memory has room for at once, roughly."""
    batch = min(options.batch_size, max(len(member.windows.cutoffs) for member in members))
    numbers = batch * network.activations + 10 * network.parameters
    return max(1, int(_SHARE_OF_MEMORY * _free_memory() / (4 * numbers)))


def _free_memory() -> int:
    """Bytes; half of all where the system does not say what is free."""
    page = os.sysconf("SC_PAGE_SIZE")
    if "SC_AVPHYS_PAGES" in os.sysconf_names:
        return page * os.sysconf("SC_AVPHYS_PAGES")
    return page * os.sysconf("SC_PHYS_PAGES") // 2


class _Draws:
    """The random numbers of one member, a stream for each purpose."""

    def __init__(self, seed: int) -> None:
        initial, order, dropout = np.random.SeedSequence(seed).spawn(3)
        self.initial = np.random.default_rng(initial)
        self.order = np.random.default_rng(order)
        self.dropout = dropout.generate_state(1)[0]


class _Block:
    """Members that are trained in one program."""

    def __init__(
        self,
        network: Network,
        members: Sequence[Member],
        options: TrainingOptions,
        which: IntArray,
        draws: Sequence[_Draws],
        fitted: Fitted,
    ) -> None:
        """Of all members and their draws, those of the positions `which`."""
        begin = time.perf_counter()
        own = [members[i] for i in which]
        windows = [member.windows for member in own]
        values, offsets = _joined(windows)
        self._options = options
        self._which = which
        self._fitted = fitted
        self._offsets = offsets
        self._orders = [
            _Order(w, options, draws[i].order) for w, i in zip(windows, which, strict=True)
        ]
        self._batch = min(options.batch_size, max(order.size for order in self._orders))
        self._batches = max(order.batches for order in self._orders)
        self._members = Members(
            np.full(len(own), options.learning_rate, np.float32),
            np.array([options.epochs * order.batches for order in self._orders], np.float32),
            np.full(len(own), network.dropout, np.float32),
            np.array([draws[i].dropout for i in which], np.uint32),
        )
        program = Program(network, options, values, windows[0].context_length, windows[0].horizon)
        self._state: State = program.begin(fitted.weights[which])
        self._calls = max(1, _CALL // (len(own) * self._batch))
        shape = (min(self._calls, self._batches), len(own), self._batch)
        self._learn = program.compile_learning(
            self._members, self._state, np.full(shape, -1, np.int32)
        )
        watching = [
            (member.watched, offset)
            for member, offset in zip(own, offsets, strict=True)
            if member.watched is not None
        ]
        self._watchers = [i for i, member in enumerate(own) if member.watched is not None]
        if watching:
            watched = [windows.cutoffs + offset for windows, offset in watching]
            batch = min(_MEASURED_BATCH, max(map(len, watched)))
            self._measure = program.compile_measuring(_table(watched, batch))
        self._best = [_Best(options) for _ in own]
        self._active = np.ones(len(own), np.float32)
        fitted.compile_seconds += time.perf_counter() - begin

    def fit(self, on_epoch: Callable[[EpochLog], None]) -> None:
        """All epochs; the weights and the log go to what was fitted."""
        begin = time.perf_counter()
        try:
            for epoch in range(1, self._options.epochs + 1):
                for log in self._epoch(epoch):
                    self._fitted.history.append(log)
                    on_epoch(log)
                if not self._active.any():
                    break
        except KeyboardInterrupt as interruption:
            if not self._fitted.history:
                raise
            self._fitted.interruption = interruption
        weights = np.array(self._state.weights)
        for i, best in enumerate(self._best):
            self._fitted.weights[self._which[i]] = weights[i] if best.row is None else best.row
        self._fitted.fit_seconds += time.perf_counter() - begin

    def _epoch(self, epoch: int) -> list[EpochLog]:
        """One epoch of the members that are active, and what each of them came to."""
        begin, active = time.perf_counter(), self._active.copy()
        state, losses = self._train()
        watched = self._watched(state)
        self._state = state
        seconds = time.perf_counter() - begin
        rates = np.asarray(rate(self._options, self._members, np.asarray(state.steps)))
        logs = [
            EpochLog(
                epoch, float(losses[i]), watched[i], float(rates[i]), seconds, int(self._which[i])
            )
            for i in np.flatnonzero(active)
        ]
        weights = np.asarray(state.weights) if self._options.early_stopping else None
        for i, log in zip(np.flatnonzero(active), logs, strict=True):
            if not math.isfinite(log.loss) or not math.isfinite(log.watched_loss or 0):
                self._fitted.diverged[log.member] = log
                self._active[i] = 0
            elif weights is not None and self._best[i].is_over(log, weights[i]):
                self._active[i] = 0
        return logs

    def _train(self) -> tuple[State, FloatArray]:
        """The state after all batches of an epoch, and the mean loss of every member."""
        drawn = [
            order.draw() + offset for order, offset in zip(self._orders, self._offsets, strict=True)
        ]
        table = _table(drawn, self._batch)
        state = self._state
        losses, sizes = np.zeros(len(self._which)), np.zeros(len(self._which))
        for first in range(0, len(table), self._calls):
            part = table[first : first + self._calls]
            count = len(part)
            if count < min(self._calls, self._batches):  # the program knows one shape
                part = np.pad(part, ((0, self._calls - count), (0, 0), (0, 0)))
            state, loss, size = self._learn(state, self._active, part, count)
            losses, sizes = losses + np.asarray(loss), sizes + np.asarray(size)
        return state, losses / np.maximum(sizes, 1)

    def _watched(self, state: State) -> list[float | None]:
        """The loss on what each member watches."""
        watched: list[float | None] = [None] * len(self._which)
        if self._watchers:
            weights = state.weights
            if len(self._watchers) < len(self._which):
                weights = np.asarray(weights)[self._watchers]
            for i, loss in zip(self._watchers, np.asarray(self._measure(weights)), strict=True):
                watched[i] = float(loss)
        return watched


def _joined(windows: Sequence[Windows]) -> tuple[NDArray[np.float32], list[int]]:
    """All values that members look at in one row, and what to add to the cutoffs of each.

    Rows that a difference left undefined become 0: no window has them, but what fills up a batch
    may, and there even a share of zero would not hold a NaN back.
    """
    different = list({id(w.values): w.values for w in windows}.values())
    begins = np.cumsum([0, *map(len, different)])
    place = {id(values): int(begin) for values, begin in zip(different, begins, strict=False)}
    values = np.concatenate([np.nan_to_num(values).astype(np.float32) for values in different])
    return values, [place[id(w.values)] for w in windows]


def _table(cutoffs: Sequence[IntArray], batch: int) -> Batches:
    """Cutoffs of every member as `(batches, members, batch)`, -1 where one has no more."""
    batches = max(-(-len(own) // batch) for own in cutoffs)
    table = np.full((len(cutoffs), batches * batch), -1, np.int32)
    for row, own in zip(table, cutoffs, strict=True):
        row[: len(own)] = own
    return np.ascontiguousarray(table.reshape(len(cutoffs), batches, batch).swapaxes(0, 1))


class _Order:
    """Which windows an epoch goes through, and in which order."""

    def __init__(
        self, train: Windows, options: TrainingOptions, random: np.random.Generator
    ) -> None:
        self._random = random
        self._cutoffs = train.cutoffs
        self._equal = options.series_weights == "equal"
        self._bounds = np.flatnonzero(np.diff(train.series, prepend=-1, append=-1))
        whole = -(-len(train.cutoffs) // options.batch_size)
        self.batches = options.steps_per_epoch or whole
        self._drawn = options.steps_per_epoch is not None
        self.size = self.batches * options.batch_size if self._drawn else len(train.cutoffs)

    def draw(self) -> IntArray:
        """The cutoffs of the next epoch."""
        if not self._equal and not self._drawn:
            return self._random.permutation(self._cutoffs)
        if not self._equal:
            return self._random.choice(self._cutoffs, self.size)
        series = self._random.integers(0, len(self._bounds) - 1, self.size)
        begins, ends = self._bounds[series], self._bounds[series + 1]
        windows = begins + (self._random.random(self.size) * (ends - begins)).astype(np.int64)
        cutoffs: IntArray = self._cutoffs[windows]
        return cutoffs


class _Best:
    """A member's weights of the lowest watched loss; none where early stopping is not asked for."""

    def __init__(self, options: TrainingOptions) -> None:
        self._patience = options.early_stopping.patience if options.early_stopping else None
        self._loss = math.inf
        self._epoch = 0
        self.row: Weights | None = None

    def is_over(self, log: EpochLog, weights: Weights) -> bool:
        """Whether the watched loss has not fallen for too long."""
        if self._patience is None or log.watched_loss is None:
            return False
        if log.watched_loss < self._loss:
            self._loss, self._epoch, self.row = log.watched_loss, log.epoch, weights.copy()
        return log.epoch - self._epoch >= self._patience
