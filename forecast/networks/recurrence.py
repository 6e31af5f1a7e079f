"""Recurrence over steps for many members at once, with a gradient that is derived by hand.

What a library differentiates step by step is here two loops and one product: the forward loop keeps
what the derivative needs, the backward loop turns it into the gradient of what entered each gate,
and the gradient of the weights is then a single matrix product over all steps and windows, where
automatic differentiation makes one for every step. The loops are compiled as loops, so that the
program is as small for 300 steps as for 12.
"""

from typing import Any, Protocol

import keras
import numpy as np
from keras import ops

from forecast.config.models import BiasInitializerOptions, InitializerOptions, RecurrentOptions

Tensors = tuple[Any, ...]


class Cell(Protocol):
    """One step of a recurrent layer, and its derivative, for `members` sets of weights.

    Tensors of one step have the shape `(members, batch, width)`.
    """

    kernel: Any
    """`(members, features, gates)`"""
    bias: Any
    """`(members, gates)`, added to what enters the gates."""
    weights: Tensors
    """What acts on the states."""
    states: int
    """How many states there are; the first is the output."""
    keeps: tuple[str, ...]
    """What each step keeps for the gradient, by name."""
    state_names: tuple[str, ...]
    """What the states are called, the output first."""
    units: int

    def step(self, projected: Any, states: Tensors, weights: Tensors) -> tuple[Tensors, Tensors]:
        """The next states, and what `backward` needs of this step: see `keeps`.

        `projected` is `inputs @ kernel + bias`. The weights are handed in, though the cell has
        them, since a custom gradient has to see them as arguments.
        """

    def backward(
        self, gradients: Tensors, states: Tensors, kept: Tensors, weights: Tensors
    ) -> tuple[Tensors, Any, Tensors]:
        """From the gradients of the next states to those of the states, and of `projected`.

        And the signals from which `weight_gradients` follow. `states` are those before the step.
        """

    def shown(self, kept: Tensors) -> dict[str, Any]:
        """The gates and the candidate of a step by name, of what it kept."""

    def weight_gradients(self, states: Any, kept: Tensors, signals: Tensors) -> Tensors:
        """The gradients of `weights`, from all steps at once: `(steps, members, batch, width)`.

        `states` is the first of the states before each step.
        """


class Recurrence(Protocol):
    """A kind of recurrent layer with its options."""

    def layer(self, name: str, **options: bool) -> keras.layers.Layer:
        """As plain Keras, with options that all recurrent layers have, such as `go_backwards`."""

    @property
    def options(self) -> RecurrentOptions:
        """Those of the layer."""

    def cell(self, weights: Tensors, dropped: Any = None) -> Cell:
        """For members: the layer's weights in Keras's order, each with a leading axis.

        `dropped` `(members, batch, units)` is what the recurrent products see the state times, at
        every step.
        """


def run(
    cell: Cell,
    steps: Any,
    mask: Any,
    *,
    differentiable: bool,
    return_sequences: bool = False,
    initial_state: Any = None,
) -> Any:
    """The output after the last step `(members, batch, units)`, or that of every step.

    All of them have the shape `(members, batch, steps, units)`, and `steps` the shape
    `(members, batch, steps, features)`; one set of them may serve all members. Only a
    `differentiable` run keeps what the gradient needs.

    `mask` `(members, batch, steps)` says which steps are there, if not all are: at others the
    states stay as they are. `initial_state` `(members, batch, units)` is the first of the states
    before the first step; those that are not given are zero.
    """
    projected = project(cell, steps)
    there = None if mask is None else ops.moveaxis(mask, -1, 0)[..., None]
    begin = first_states(cell, projected, initial_state)
    if not differentiable:
        if return_sequences:
            return ops.moveaxis(_outputs(cell, projected, begin, there), 0, 2)
        return _forward(cell, projected, begin, there)[0]

    @ops.custom_gradient  # type: ignore[untyped-decorator, unused-ignore]
    def recur(projected: Any, *others: Any) -> tuple[Any, Any]:
        begin, weights = others[: cell.states], others[cell.states :]
        states, before, kept = _forward_keeping(cell, projected, begin, there, weights)

        def gradient(*upstream: Any) -> Tensors:
            last, each = upstream[0], None
            if return_sequences:
                last, each = ops.zeros_like(states[0]), upstream[0]
            projections, begins, signals = _backward(
                cell, last, there, before, kept, weights, each=each
            )
            return projections, *begins, *cell.weight_gradients(before[0], kept, signals)

        if return_sequences:
            return ops.concatenate([before[0][1:], states[0][None]], axis=0), gradient
        return states[0], gradient

    outputs = recur(projected, *begin, *cell.weights)
    return ops.moveaxis(outputs, 0, 2) if return_sequences else outputs


def _at(i: Any, there: Any) -> Any:
    """Which windows have step i, if not all have all steps."""
    return None if there is None else there[i]


def _where(there: Any, values: Tensors, others: Tensors | None = None) -> Tensors:
    """Values where a step is there, and elsewhere the others, or zeros."""
    if there is None:
        return values
    pairs = zip(values, others or map(ops.zeros_like, values), strict=True)
    return tuple(ops.where(there, value, other) for value, other in pairs)


def project(cell: Cell, steps: Any) -> Any:
    """What enters the gates at every step, in one product: `(steps, members, batch, gates)`."""
    members, _, length, features = steps.shape
    in_time = ops.reshape(ops.swapaxes(steps, 1, 2), (members, -1, features))
    projected = ops.matmul(in_time, cell.kernel) + cell.bias[:, None]
    members, gates = cell.kernel.shape[0], cell.kernel.shape[-1]
    return ops.swapaxes(ops.reshape(projected, (members, length, -1, gates)), 0, 1)


def first_states(cell: Cell, projected: Any, initial_state: Any) -> Tensors:
    """The states before the first step."""
    nothing = ops.zeros_like(projected[0][..., : cell.units])
    first = nothing if initial_state is None else nothing + initial_state
    return (first, *(nothing,) * (cell.states - 1))


def _forward(cell: Cell, projected: Any, begin: Tensors, there: Any) -> Tensors:
    """The last states."""

    def body(i: Any, *states: Any) -> Tensors:
        after, _ = cell.step(projected[i], states, cell.weights)
        return i + 1, *_where(_at(i, there), after, states)

    loop = ops.while_loop(lambda i, *_: i < projected.shape[0], body, (0, *begin))
    states: Tensors = loop[1:]
    return states


def _outputs(cell: Cell, projected: Any, begin: Tensors, there: Any) -> Any:
    """The output after every step, `(steps, members, batch, units)`, of any number of windows.

    Each is written by a choice over all steps, since no converter to ONNX knows how to write into
    a part of an array.
    """
    steps = np.arange(projected.shape[0]).reshape(-1, 1, 1, 1)

    def body(i: Any, states: Any, outputs: Any) -> Tensors:
        after, _ = cell.step(projected[i], states, cell.weights)
        after = _where(_at(i, there), after, states)
        return i + 1, after, ops.where(steps == i, after[0][None], outputs)

    room = ops.zeros_like(projected[..., : cell.units])
    loop = ops.while_loop(lambda i, *_: i < projected.shape[0], body, (0, begin, room))
    return loop[2]


def _forward_keeping(
    cell: Cell, projected: Any, begin: Tensors, there: Any, weights: Tensors
) -> tuple[Tensors, Tensors, Tensors]:
    """The last states; the states before every step; and what each step kept."""
    buffers = _buffers(projected, (*begin, *cell.step(projected[0], begin, weights)[1]))

    def body(i: Any, states: Any, buffers: Any) -> Tensors:
        after, kept = cell.step(projected[i], states, weights)
        return i + 1, _where(_at(i, there), after, states), _write(buffers, i, (*states, *kept))

    _, states, buffers = ops.while_loop(
        lambda i, *_: i < projected.shape[0], body, (0, begin, buffers)
    )
    return states, buffers[: cell.states], buffers[cell.states :]


def _backward(
    cell: Cell,
    gradient: Any,
    there: Any,
    before: Tensors,
    kept: Tensors,
    weights: Tensors,
    each: Any,
) -> tuple[Any, Tensors, Tensors]:
    """The gradients of `projected` and of the first states, and the signals of all steps.

    `gradient` is that of the last output; `each` `(steps, ...)` what that of every output adds.
    """
    gradients = (gradient, *(ops.zeros_like(gradient) for _ in range(cell.states - 1)))

    def back(i: Any, gradients: Tensors) -> tuple[Tensors, Tensors]:
        if each is not None:
            gradients = (gradients[0] + each[i], *gradients[1:])
        earlier, projections, signals = cell.backward(
            _where(_at(i, there), gradients),
            tuple(s[i] for s in before),
            tuple(k[i] for k in kept),
            weights,
        )
        return _where(_at(i, there), earlier, gradients), (projections, *signals)

    length = before[0].shape[0]
    buffers = _buffers(before[0], back(0, gradients)[1])

    def body(i: Any, gradients: Any, buffers: Any) -> Tensors:
        gradients, outputs = back(i, gradients)
        return i - 1, gradients, _write(buffers, i, outputs)

    loop = ops.while_loop(lambda i, *_: i >= 0, body, (length - 1, gradients, buffers))
    _, gradients, buffers = loop
    return buffers[0], gradients, buffers[1:]


def _buffers(steps: Any, examples: Tensors) -> Tensors:
    """Room for one of each example at every step. The examples' own values are never computed."""
    return tuple(ops.zeros((steps.shape[0], *example.shape), "float32") for example in examples)


def _write(buffers: Tensors, i: Any, values: Tensors) -> Tensors:
    return tuple(
        ops.slice_update(buffer, (i, 0, 0, 0), value[None])
        for buffer, value in zip(buffers, values, strict=True)
    )


# The slope of an activation, from its output.
SLOPES = {
    "tanh": lambda y: 1 - y * y,
    "sigmoid": lambda y: y * (1 - y),
    "relu": lambda y: ops.cast(y > 0, y.dtype),
    "linear": ops.ones_like,
}


def over_steps(states: Any, signals: Any) -> Any:
    """The product of states and signals, summed over steps and batch: `(members, width, width)`."""
    return ops.einsum("tkbh,tkbg->khg", states, signals)


def transposed(weights: Any) -> Any:
    """Matrices `(members, rows, columns)` with rows for columns."""
    return ops.swapaxes(weights, 1, 2)


def keras_options(options: RecurrentOptions) -> dict[str, Any]:
    """What any recurrent layer of Keras is told."""
    return {
        "units": options.units,
        "activation": options.activation,
        "recurrent_dropout": options.recurrent_dropout,
        "kernel_initializer": _initializer(options.kernel_initializer),
        "recurrent_initializer": _initializer(options.recurrent_initializer),
        "bias_initializer": _initializer(options.bias_initializer),
    }


def _initializer(
    options: InitializerOptions | BiasInitializerOptions,
) -> str | keras.initializers.Initializer:
    if options.uniform:
        return keras.initializers.RandomUniform(-options.uniform, options.uniform)
    if options.normal:
        return keras.initializers.RandomNormal(stddev=options.normal)
    # Keras would not know it: see `forecast.networks.initial`.
    return "zeros" if options.name == "chrono" else str(options.name)


class KerasCell:
    """What cells share: the weights of a layer of Keras's, and its activation.

    One product with the state enters all gates, unless a cell says otherwise.
    """

    state_names: tuple[str, ...] = ("state",)

    def __init__(self, weights: Tensors, options: Any, dropped: Any = None) -> None:
        """`weights` of the layer in Keras's order: kernel, recurrent kernel, bias.

        `dropped` is that of `Recurrence.cell`.
        """
        self._dropped = dropped
        self.kernel, recurrent, self.bias = weights
        self.weights: Tensors = (recurrent,)
        self.units: int = options.units
        self.activation = keras.activations.get(options.activation)
        self.slope = SLOPES[options.activation]

    def seen(self, states: Any) -> Any:
        """States as the recurrent products see them; of a gradient, what comes back through that.

        Gal, Ghahramani 2016, https://arxiv.org/abs/1512.05287: the same units at all steps. What of
        the old state is kept beside the products stays whole, as in Keras.
        """
        return states if self._dropped is None else states * self._dropped

    def shown(self, kept: Tensors) -> dict[str, Any]:
        """See `Cell.shown`: there are none."""
        return {}

    def weight_gradients(self, states: Any, kept: Tensors, signals: Tensors) -> Tensors:
        """See `Cell.weight_gradients`."""
        return (over_steps(self.seen(states), signals[0]),)
