"""What is to be fitted: members, the plan that they share, and blocks of them. All of it is values.

A plan and a block can be pickled and fitted anywhere; what comes of it is the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.config.schema import TrainingOptions
from forecast.data.panel import IntArray
from forecast.networks import Architecture, Weights
from forecast.training.optimizers import OPTIMIZERS
from forecast.training.state import Order, State, dropout_seed, initial_draws
from forecast.windows import Columns, Windows

# Windows whose loss is measured at once.
_MEASURED_BATCH = 1024
# Steps of all windows of one call of a program: few enough that a stop is obeyed soon. But so many
# batches at least, since a call hands over the state of all members.
_CALL, _CALL_BATCHES = 2**20, 16
# Numbers that the gradient of a batch is made from, for which a batch is worth to be shared: a step
# takes some 3 ms then on one core, and 0.2 ms to hand out its pieces.
_WORTH_SHARING = 2**20

Batches = NDArray[np.int32]
"""Cutoffs `(batches, members, batch)`; -1 where there is no window."""


class MemberKey(NamedTuple):
    """Which member it is, wherever it is fitted: what its weights and its log are known by."""

    seed: int
    """First weights, order of windows and dropout follow from it, whatever other members do."""
    series: str = ""
    """Of a local network, the series that is its own."""
    pipeline: int = 0
    """Which of the pipelines of transforms its values come from."""
    job: str = ""
    """What it is fitted for, such as one cutoff of a backtest."""

    def __str__(self) -> str:
        """As a person is told of it."""
        parts = [f"seed {self.seed}"]
        if self.series:
            parts.append(f"series {self.series}")
        if self.pipeline:
            parts.append(f"pipeline {self.pipeline + 1}")
        if self.job:
            parts.append(self.job)
        return ", ".join(parts)


@dataclass(frozen=True)
class Member:
    """One of the networks that are trained together."""

    key: MemberKey
    train: Windows
    """What it is fitted on. Members may look at different values."""
    monitor: Windows | None
    """Measured after every epoch, and for early stopping alone more than a number in the log."""
    is_validation: bool = False
    """Whether a schedule may depend on what is monitored: on the test part nothing may."""
    learning_rate: float | None = None
    """That of the config where it is left out."""
    dropout: float | None = None
    """That of the config where it is left out."""
    epochs: int | None = None
    """Those of the config where they are left out."""
    initial: Weights | None = None
    """First weights `(parameters,)`; drawn from the seed where they are left out."""


class Members(NamedTuple):
    """What differs between members, and stays: `(members,)` each."""

    learning_rates: Any
    epochs: Any
    total_steps: Any
    """Steps of all epochs, which a schedule is spread over."""
    dropout: Any
    seeds: Any


@dataclass(frozen=True)
class Block:
    """Members that are fitted by one program."""

    members: tuple[Member, ...]
    offsets: tuple[int, ...]
    """What to add to the cutoffs of each: where its values begin among those of the plan."""
    resumed: State | None = None
    """From where they go on, if they do not begin."""

    @property
    def keys(self) -> tuple[MemberKey, ...]:
        """Those of the members, in their order."""
        return tuple(member.key for member in self.members)

    def begin(self, plan: "Plan") -> State:
        """The state that fitting goes on from."""
        if self.resumed is not None:
            return self.resumed
        weights = np.stack([plan.first_weights(member) for member in self.members])
        return State.begin(weights, OPTIMIZERS[plan.options.optimizer].slots, plan.options)


@dataclass(frozen=True)
class Plan:
    """What all blocks have in common, and so one compiled program."""

    architecture: Architecture
    options: TrainingOptions
    columns: Columns
    """All values that members look at, and what is known beside them."""
    context_length: int
    horizon: int
    lags: tuple[int, ...]
    drops: bool
    """Whether any member drops anything."""
    size: int
    """Members of a block."""
    batch: int
    """Windows of a step of the optimizer: a batch, or several whose gradients are accumulated."""
    call_batches: int
    """How many of these are one call of the program."""
    most_monitored: int
    """Windows that a member monitors at the most."""
    shares_batches: bool
    """Whether the cores share each batch: one large network would be left to one of them.

    It follows from the work alone, not from the cores: the numbers are those of any machine.
    """

    def first_weights(self, member: Member) -> Weights:
        """The weights `(parameters,)` that a member begins with."""
        if member.initial is not None:
            return member.initial
        return self.architecture.initial(initial_draws(member.key.seed))

    def epochs(self, member: Member) -> int:
        """How many a member is trained for."""
        return self.options.epochs if member.epochs is None else member.epochs

    def differences(self, block: Block, filled: IntArray) -> Members:
        """What differs between the block's members, `filled` up to the size of all blocks."""
        options, members = self.options, [block.members[i] for i in filled]
        epochs = [self.epochs(member) for member in members]
        steps = [Order(member.train, options).steps for member in members]
        return Members(
            _numbers([member.learning_rate for member in members], options.learning_rate),
            np.array(epochs, np.float32),
            np.multiply(epochs, steps, dtype=np.float32),
            _numbers([member.dropout for member in members], self.architecture.dropout),
            np.array([dropout_seed(member.key.seed) for member in members], np.uint32),
        )

    def monitored_table(self, block: Block, filled: IntArray) -> Batches | None:
        """What the members of a block monitor, in the one shape that all blocks have."""
        if not self.most_monitored:
            return None
        batch = min(_MEASURED_BATCH, self.most_monitored)
        monitors = [(block.members[i].monitor, block.offsets[i]) for i in filled]
        rows = [
            np.zeros(0, np.int64) if monitor is None else monitor.cutoffs + offset
            for monitor, offset in monitors
        ]
        return batch_table(rows, batch, -(-self.most_monitored // batch))


def plan_of(
    architecture: Architecture, members: Sequence[Member], options: TrainingOptions, blocks: int
) -> tuple[Plan, list[Block]]:
    """The plan of all members, and them in so many blocks."""
    windows = [member.train for member in members]
    columns, offsets = _joined(windows)
    orders = [Order(own, options) for own in windows]
    size = -(-len(members) // blocks)
    batch = options.batch_size * options.gradient_accumulation_steps
    batch = min(batch, max(order.size for order in orders))
    steps = size * batch * windows[0].context_length
    batches = max(order.steps for order in orders)
    dropouts = [
        architecture.dropout if member.dropout is None else member.dropout for member in members
    ]
    plan = Plan(
        architecture,
        options,
        columns,
        windows[0].context_length,
        windows[0].horizon,
        windows[0].lags,
        drops=any([*dropouts, architecture.recurrent_dropout, not architecture.is_memberwise]),
        size=size,
        batch=batch,
        call_batches=min(max(_least_batches(options), _CALL // steps), batches),
        most_monitored=max(len(m.monitor.cutoffs) if m.monitor else 0 for m in members),
        shares_batches=len(members) == 1 and architecture.activations * batch >= _WORTH_SHARING,
    )
    parts = np.array_split(np.arange(len(members)), blocks)
    return plan, [
        Block(tuple(members[i] for i in part), tuple(offsets[i] for i in part)) for part in parts
    ]


def _least_batches(options: TrainingOptions) -> int:
    """Batches of a call. Where each device is given the rows of its windows, these are copied."""
    return 1 if options.distribution else _CALL_BATCHES


def batch_table(cutoffs: Sequence[IntArray], batch: int, batches: int) -> Batches:
    """Cutoffs of every member as `(batches, members, batch)`, -1 where one has no more."""
    table = np.full((len(cutoffs), batches * batch), -1, np.int32)
    for row, own in zip(table, cutoffs, strict=True):
        row[: len(own)] = own
    return np.ascontiguousarray(table.reshape(len(cutoffs), batches, batch).swapaxes(0, 1))


def _numbers(own: Sequence[float | None], default: float) -> NDArray[np.float32]:
    """A number for each member: its own, or the one of the config."""
    return np.array([default if number is None else number for number in own], np.float32)


def _joined(windows: Sequence[Windows]) -> tuple[Columns, list[int]]:
    """All that members look at in one set of rows, and what to add to the cutoffs of each.

    Members that look at the same array share its place. Where all look at one, nothing is copied.
    """
    different: list[Windows] = []
    places: list[int] = []
    for own in windows:
        known = (i for i, other in enumerate(different) if other.values is own.values)
        place = next(known, len(different))
        if place == len(different):
            different.append(own)
        places.append(place)
    begins = np.cumsum([0, *(len(own.values) for own in different)])
    with np.errstate(over="ignore"):  # infinite, and so is the loss then: it diverges
        values = _together([own.values for own in different], np.float32)
    firsts = [
        own.first + begin if begin else own.first
        for own, begin in zip(different, begins, strict=False)
        if own.first is not None
    ]
    beside = [own.beside for own in different if own.beside is not None]
    columns = _side_by_side(values, beside)._replace(
        observed=_observed(different), first=_together(firsts, np.int32) if firsts else None
    )
    return columns, [int(begins[place]) for place in places]


def _together(parts: Sequence[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    """Rows one part after another; a part that stands alone is not copied: it may lie on disk."""
    if len(parts) == 1:
        return parts[0].astype(dtype, copy=False)
    return np.concatenate(parts, dtype=dtype, casting="same_kind")


def _observed(windows: Sequence[Windows]) -> NDArray[np.float32] | None:
    """1 where a value is no filled gap, for all rows; None where no target of any window is one."""
    if all(own.observed is None for own in windows):
        return None
    parts = [np.ones(w.values.shape) if w.observed is None else w.observed for w in windows]
    return _together(parts, np.float32)


def _side_by_side(values: NDArray[np.float32], beside: Sequence[Columns]) -> Columns:
    """The values, and the other columns of the same rows in one piece."""
    if not beside:
        return Columns(values)

    def joined(name: str) -> Any:
        parts = [getattr(own, name) for own in beside]
        return None if parts[0] is None else _together(parts, np.float32)

    series = None
    if beside[0].static is not None:
        sizes = np.cumsum([0, *(len(own.static) for own in beside)])
        moved = [
            own.series + size if size else own.series
            for own, size in zip(beside, sizes, strict=False)
        ]
        series = _together(moved, np.int32)
    parts = {name: joined(name) for name in ("rolling_means", "past", "known", "static")}
    return Columns(values, **parts, series=series)
