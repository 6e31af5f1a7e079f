"""Epoch after epoch for all members: the order of the windows, the log, early stopping, blocks."""

import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

import numpy as np
from numpy.typing import NDArray

from forecast.backends import backend
from forecast.config.schema import TrainingOptions
from forecast.data.panel import FloatArray, IntArray
from forecast.errors import DivergedError, Problem
from forecast.networks import Architecture, Weights
from forecast.training.program import Batches, Members, Program, State, rate
from forecast.windows import Windows

# Windows whose loss is measured at once.
_MEASURED_BATCH = 1024
# Steps of all windows of one call of a program: few enough that Ctrl-C is obeyed soon. But so many
# batches at least, since a call hands over the state of all members.
_CALL, _CALL_BATCHES = 2**20, 16
# Of the memory that is free, what training may take.
_SHARE_OF_MEMORY = 0.25


@dataclass(frozen=True)
class Member:
    """One of the networks that are trained together."""

    windows: Windows
    """What it learns from. Members may look at different values."""
    monitored: Windows | None
    """Measured after every epoch, and for early stopping alone more than a number in the log."""
    seed: int
    """First weights, order of windows and dropout follow from it, whatever the other members do."""
    learning_rate: float | None = None
    """That of the config where it is left out."""
    dropout: float | None = None
    """That of the config where it is left out."""


@dataclass(frozen=True)
class EpochLog:
    """One line of history. Losses are in the units that the network sees."""

    epoch: int
    loss: float
    monitored_loss: float | None
    learning_rate: float
    seconds: float
    member: int


@dataclass
class Fitted:
    """What came of fitting."""

    weights: Weights
    """`(members, parameters)`; of the lowest monitored loss, with early stopping."""
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
        for member, log in sorted(self.diverged.items()):
            of = f" of member {member}" if len(self.weights) > 1 else ""
            message = f"training diverged: the loss{of} in epoch {log.epoch} is {log.loss}."
            advice = (
                "Lower training.learning_rate, set training.clip_norm: 1, or scale the data "
                "(`transforms: [minmax]`)."
            )
            raise DivergedError(Problem(message, advice))


def fit(
    network: Architecture,
    members: Sequence[Member],
    options: TrainingOptions,
    on_epoch: Callable[[EpochLog], None],
    most: int | None = None,
) -> Fitted:
    """Fit all members, in blocks: one for each processor, and more where memory is short.

    A block, of at most `most` members where that is given, is one program; programs run side by
    side. How members are cut into blocks changes nothing but the time. A member whose loss is no
    longer a number stops; the others go on. An interruption after the first epoch ends training and
    is handed back, with the weights of the last whole epoch.
    """
    begin = time.perf_counter()
    workers = min(backend().processors(), len(members))
    most = most or max(1, _affordable(network, members, options) // workers)
    blocks = np.array_split(np.arange(len(members)), max(workers, -(-len(members) // most)))
    training = _Training(network, members, options, len(blocks[0]))
    fitted = Fitted(training.first_weights, compile_seconds=time.perf_counter() - begin)
    stop = Event()

    def fit_block(which: IntArray) -> None:
        if not stop.is_set():
            _Block(training, which, fitted, stop).fit(on_epoch)

    with ThreadPoolExecutor(workers) as pool:
        try:
            list(pool.map(fit_block, blocks))
        except KeyboardInterrupt as interruption:
            fitted.interruption = interruption
        finally:
            stop.set()
    if fitted.interruption and not fitted.history:
        raise fitted.interruption
    fitted.history.sort(key=lambda log: (log.epoch, log.member))
    fitted.fit_seconds = time.perf_counter() - begin - fitted.compile_seconds
    return fitted


def _affordable(network: Architecture, members: Sequence[Member], options: TrainingOptions) -> int:
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


class _Training:
    """What all blocks share: the windows of all members, and the programs."""

    def __init__(
        self, network: Architecture, members: Sequence[Member], options: TrainingOptions, size: int
    ) -> None:
        """Blocks have `size` members."""
        windows = [member.windows for member in members]
        values, first, self.offsets = _joined(windows)
        draws = [_Draws(member.seed) for member in members]
        self.options = options
        self.size = size
        self.first_weights = np.stack([network.initial(draw.initial) for draw in draws])
        self.orders = [
            _Order(own, options, draw.order) for own, draw in zip(windows, draws, strict=True)
        ]
        self.batch = min(options.batch_size, max(order.size for order in self.orders))
        batches = max(order.batches for order in self.orders)
        steps = size * self.batch * windows[0].context_length
        self.call_batches = min(max(_CALL_BATCHES, _CALL // steps), batches)
        self.differences = Members(
            _numbers([member.learning_rate for member in members], options.learning_rate),
            np.array([options.epochs * order.batches for order in self.orders], np.float32),
            _numbers([member.dropout for member in members], network.dropout),
            np.array([draw.dropout for draw in draws], np.uint32),
        )
        program = Program(
            network,
            options,
            values,
            windows[0].context_length,
            windows[0].horizon,
            first=first,
            drops=bool(self.differences.dropout.any()),
        )
        self.begin = program.begin
        some = np.zeros(size, np.int64)
        self.learn = program.compile_learning(
            self.of(some),
            program.begin(self.first_weights[some]),
            np.full((self.call_batches, size, self.batch), -1, np.int32),
        )
        self.measure = program.compile_measuring()
        self.monitored = [
            np.zeros(0, np.int64) if member.monitored is None else member.monitored.cutoffs + offset
            for member, offset in zip(members, self.offsets, strict=True)
        ]
        self._most_monitored = max(map(len, self.monitored))

    @property
    def monitors(self) -> bool:
        """Whether any member monitors anything."""
        return self._most_monitored > 0

    def table(self, monitored: Sequence[IntArray]) -> Batches:
        """What the members of a block watch, in the one shape that all blocks have."""
        batch = min(_MEASURED_BATCH, self._most_monitored)
        return _table(monitored, batch, -(-self._most_monitored // batch))

    def of(self, which: IntArray) -> Members:
        """What differs between the members of a block."""
        return Members(*(numbers[which] for numbers in self.differences))


class _Block:
    """Members that are trained in one program. All blocks have one size, and so one program."""

    def __init__(self, training: _Training, which: IntArray, fitted: Fitted, stop: Event) -> None:
        """Of all members those of the positions `which`; where they are too few, idle copies."""
        self._training = training
        self._which = which
        self._fitted = fitted
        self._stop = stop
        filled = np.resize(which, training.size)
        self._members = training.of(filled)
        self._state: State = training.begin(fitted.weights[filled])
        self._active = (np.arange(training.size) < len(which)).astype(np.float32)
        self._best = [_Best(training.options) for _ in which]
        monitored = [training.monitored[i] for i in filled]
        self._monitored = training.table(monitored) if training.monitors else None

    def fit(self, on_epoch: Callable[[EpochLog], None]) -> None:
        """All epochs, or those that are whole before a stop.

        The weights and the log go to what was fitted.
        """
        for epoch in range(1, self._training.options.epochs + 1):
            begin, trained = time.perf_counter(), self._train()
            if trained is None:
                break
            for log in self._logs(epoch, *trained, begin):
                self._fitted.history.append(log)
                on_epoch(log)
            if not self._active.any():
                break
        weights = np.array(self._state.weights)
        for row, member, best in zip(weights, self._which, self._best, strict=False):
            self._fitted.weights[member] = row if best.row is None else best.row

    def _logs(self, epoch: int, state: State, losses: FloatArray, begin: float) -> list[EpochLog]:
        """What an epoch came to for each member that was active; some are so no longer."""
        self._state, options = state, self._training.options
        active = np.flatnonzero(self._active)
        monitored = self._measure()
        seconds = time.perf_counter() - begin
        rates = np.asarray(rate(options, self._members, np.asarray(self._state.steps)))
        weights = np.asarray(self._state.weights) if options.early_stopping else None
        logs = []
        for i in active:
            member, loss = int(self._which[i]), float(losses[i])
            log = EpochLog(epoch, loss, monitored[i], float(rates[i]), seconds, member)
            logs.append(log)
            if not math.isfinite(log.loss) or not math.isfinite(log.monitored_loss or 0):
                self._fitted.diverged[member] = log
                self._active[i] = 0
            elif weights is not None and self._best[i].is_over(log, weights[i]):
                self._active[i] = 0
        return logs

    def _train(self) -> tuple[State, FloatArray] | None:
        """The state after all batches of an epoch, and the mean loss of every member.

        None if it was stopped on the way.
        """
        training, state = self._training, self._state
        none = [np.zeros(0, np.int64)] * (training.size - len(self._which))
        drawn = [training.orders[i].draw() + training.offsets[i] for i in self._which]
        batches = max(-(-len(own) // training.batch) for own in drawn)
        table = _table(drawn + none, training.batch, batches)
        losses, sizes = np.zeros(training.size), np.zeros(training.size)
        for first in range(0, len(table), training.call_batches):
            if self._stop.is_set():
                return None
            part = table[first : first + training.call_batches]
            count = len(part)  # the program knows one shape
            part = np.pad(part, ((0, training.call_batches - count), (0, 0), (0, 0)))
            state, loss, size = training.learn(self._members, state, self._active, part, count)
            losses, sizes = losses + np.asarray(loss), sizes + np.asarray(size)
        return state, losses / np.maximum(sizes, 1)

    def _measure(self) -> list[float | None]:
        """The loss on what each member monitors, if it does."""
        if self._monitored is None:
            return [None] * len(self._which)
        losses = np.asarray(self._training.measure(self._state.weights, self._monitored))
        return [
            float(loss) if len(self._training.monitored[i]) else None
            for i, loss in zip(self._which, losses, strict=False)
        ]


def _numbers(own: Sequence[float | None], default: float) -> Weights:
    """A number for each member: its own, or the one of the config."""
    return np.array([default if number is None else number for number in own], np.float32)


def _joined(
    windows: Sequence[Windows],
) -> tuple[NDArray[np.float32], NDArray[np.int32] | None, list[int]]:
    """All values that members look at in one row, and what to add to the cutoffs of each.

    In between, where the series of each row begins, if contexts need not be whole.
    """
    different = list({id(w.values): w for w in windows}.values())
    begins = np.cumsum([0, *(len(w.values) for w in different)])
    place = {id(w.values): int(begin) for w, begin in zip(different, begins, strict=False)}
    values = np.concatenate([w.values for w in different]).astype(np.float32)
    firsts = [w.first + place[id(w.values)] for w in different if w.first is not None]
    first = np.concatenate(firsts).astype(np.int32) if firsts else None
    return values, first, [place[id(w.values)] for w in windows]


def _table(cutoffs: Sequence[IntArray], batch: int, batches: int) -> Batches:
    """Cutoffs of every member as `(batches, members, batch)`, -1 where one has no more."""
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
    """A member's weights of the lowest monitored loss; none without early stopping."""

    def __init__(self, options: TrainingOptions) -> None:
        self._patience = options.early_stopping.patience if options.early_stopping else None
        self._loss = math.inf
        self._epoch = 0
        self.row: Weights | None = None

    def is_over(self, log: EpochLog, weights: Weights) -> bool:
        """Whether the monitored loss has not fallen for too long."""
        if self._patience is None or log.monitored_loss is None:
            return False
        if log.monitored_loss < self._loss:
            self._loss, self._epoch, self.row = log.monitored_loss, log.epoch, weights.copy()
        return log.epoch - self._epoch >= self._patience
