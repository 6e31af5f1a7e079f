"""A look inside: recurrent layers that keep what they did at every step, in plain steps.

They give the same numbers as those that train. The loop is written out, so that a library can
differentiate it: a probe, which is zero, is added to every state, and the gradient of anything by
the probe is the one by that state.
"""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from forecast.networks.members import MemberLayers
from forecast.networks.recurrence import Cell, Tensors, first_states, project

Seen = dict[str, dict[str, Any]]
"""What a recurrent layer did, by its name and the name of a gate: `(members, batch, steps, units)`,
in the order of the steps, also of a layer that reads them backwards."""


class LookingLayers(MemberLayers):
    """The layers of members, of which recurrent ones tell what they did."""

    def __init__(
        self,
        weights: dict[str, list[Any]],
        template: keras.Model,
        probes: Mapping[str, Any] | None = None,
    ) -> None:
        """`probes` `(members, batch, steps, units)` are added to the states of layers, by name."""
        super().__init__(weights, None, differentiable=False, template=template)
        self._probes = probes or {}
        self.seen: Seen = {}

    def _states(
        self,
        name: str,
        cell: Cell,
        steps: Any,
        mask: Any,
        initial_state: Any,
        *,
        every: bool,
        backwards: bool,
    ) -> Any:
        """See `MemberLayers._states`; what is seen and probed is in the order of the steps."""
        probe = self._probes.get(name)
        if backwards and probe is not None:
            probe = ops.flip(probe, axis=2)
        seen = _watched(cell, steps, mask, initial_state, probe)
        self.seen[name] = seen
        if backwards:
            self.seen[name] = {key: ops.flip(part, axis=2) for key, part in seen.items()}
        return seen["state"] if every else seen["state"][:, :, -1]


def _watched(cell: Cell, steps: Any, mask: Any, initial_state: Any, probe: Any) -> dict[str, Any]:
    """What a cell does at each step, in the order in which it reads them."""
    projected = project(cell, steps)
    states: Tensors = first_states(cell, projected, initial_state)
    each: list[dict[str, Any]] = []
    for i in range(projected.shape[0]):
        after, kept = cell.step(projected[i], states, cell.weights)
        if mask is not None:
            there = mask[:, :, i, None]
            after = tuple(
                ops.where(there, new, old) for new, old in zip(after, states, strict=True)
            )
        if probe is not None:
            after = (after[0] + probe[:, :, i], *after[1:])
        states = after
        each.append({**cell.shown(kept), **dict(zip(cell.state_names, states, strict=True))})
    return {name: ops.stack([step[name] for step in each], axis=2) for name in each[0]}
