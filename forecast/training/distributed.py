"""The same programs on all devices of all processes that train together.

Everybody draws the same batches, which follow from seeds and from the lengths of series alone. Of
each batch a device has its own windows, as many as every other, whatever series they are of; before
a call of the program its process cuts out the rows of these windows, and looks at no other. So
columns may be larger than memory and lie on disk, a process reads the share of them that its
windows are, and what each adds up to is one sum over all devices a step: losses and weights are
those of one device, up to rounding, however many there are.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
from keras import tree
from numpy.typing import NDArray

from forecast.backends import backend
from forecast.training.plan import Batches, Block, Members, Plan
from forecast.training.program import (
    Program,
    Totals,
    as_totals,
    cut_into,
    examples_of,
    no_windows,
    piece_count,
)
from forecast.training.state import OptimizerState
from forecast.windows import cut_out


class Share(NamedTuple):
    """What devices are given of batches; all arrays have the devices in front."""

    columns: dict[str, Any]
    """The rows of their windows alone."""
    cutoffs: NDArray[np.int32]
    """Rows of these, `(devices, batches, pieces, members, windows)`; -1 where there is none."""
    first: NDArray[np.int32]
    """The place in a piece of the first window of each device, `(devices,)`."""


class DistributedProgram(Program):
    """See `Program`: each call is one of all processes, which have to make the same in order."""

    def _prepare(self, plan: Plan) -> None:
        self._plan = plan
        self._pieces = piece_count(plan)
        self._before = plan.context_length + max(plan.lags, default=0)
        self._train = self._compile_training(plan)
        self._measure = backend().compile_everywhere(self._measured_together)

    def train(
        self, members: Members, state: OptimizerState, active: Any, batches: Batches
    ) -> tuple[OptimizerState, Totals]:
        """See `Program.train`."""
        count = len(batches)
        batches = np.pad(
            batches, ((0, self._call_batches - count), (0, 0), (0, 0)), constant_values=-1
        )
        state, totals = self._train(members, state, active, *self._shared(batches, count))
        return state, as_totals(totals)

    def measure(self, weights: Any, batches: Batches) -> Any:
        """See `Program.measure`."""
        return self._measure(weights, backend().shared_out(self._share(batches, 1)))

    def _compile_training(self, plan: Plan) -> Callable[..., Any]:
        program = backend().compile_everywhere(self._train_together)
        found = program(*examples_of(plan), *self._shared(no_windows(plan), 1))
        # It is waited for, since others could take its sums for those of the first batch.
        tree.map_structure(np.asarray, found)
        return program  # type: ignore[no-any-return]

    def _shared(self, batches: Batches, count: int) -> tuple[Any, ...]:
        """How many windows each member has in each batch, how many batches there are, and the rest.

        The numbers are the same everywhere, and the rest is of each device.
        """
        sizes = (batches >= 0).sum(axis=2).astype(np.float32)
        shares = backend().shared_out(self._share(batches, self._pieces))
        return sizes, np.int32(count), shares

    def _share(self, batches: Batches, pieces: int) -> Share:
        """What the devices of this process are given of batches that are cut into pieces."""
        devices = len(backend().devices())
        whole = cut_into(np, batches, pieces, devices)
        windows = whole.shape[-1] // devices
        own = [
            cut_out(
                self._plan.columns,
                whole[..., place * windows : (place + 1) * windows],
                self._before,
                self._horizon,
            )
            for place in backend().own_devices()
        ]
        columns = [columns.named for columns, _ in own]
        first = np.array(backend().own_devices(), np.int32) * windows
        return Share(
            {name: np.stack([each[name] for each in columns]) for name in columns[0]},
            np.stack([cutoffs for _, cutoffs in own]),
            first,
        )

    def _train_together(
        self,
        members: Members,
        state: OptimizerState,
        active: Any,
        sizes: Any,
        count: Any,
        share: Share,
    ) -> Any:
        each, windows = share.cutoffs.shape[1], share.cutoffs.shape[-1]
        first_of_piece = windows * len(backend().devices())

        def gradient(state: OptimizerState, batch: Any, piece: Any) -> Any:
            first = piece * first_of_piece + share.first
            own = share.cutoffs[batch][piece]
            found = self._gradient_from(first, members, share.columns, state, own, sizes[batch])
            return sizes[batch], *backend().added_up(found)

        return self._through(gradient, members, state, active, count, each)

    def _measured_together(self, weights: Any, share: Share) -> Any:
        own = self._sums(share.columns, weights, share.cutoffs[:, 0])
        losses, windows = backend().added_up(own)
        return losses / windows


def digest_of(plan: Plan, blocks: Sequence[Block], table: str) -> bytes:
    """Of all that makes a network what it is: the options, what members are trained on, the table.

    Its values themselves are not looked at: `table` has to tell what they follow from.
    """
    sha = sha256(repr((plan.options, plan.architecture.options, plan.lags, table)).encode())
    for member in (member for block in blocks for member in block.members):
        own = member.key, member.learning_rate, member.dropout, member.epochs
        sha.update(repr(own).encode())
        sha.update(np.ascontiguousarray(member.train.cutoffs).data)
        if member.initial is not None:
            sha.update(np.ascontiguousarray(member.initial).data)
    return sha.digest()
