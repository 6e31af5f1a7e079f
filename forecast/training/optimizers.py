"""Optimizers for many members at once: Keras's rules and defaults, with steps counted by member.

Keras's own optimizers count the steps of all that they train together, while a member with fewer
windows, or one that has stopped, has taken fewer. All arrays have the shape
`(members, parameters)`, counts and rates `(members, 1)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from keras import ops

Slots = tuple[Any, ...]
Rule = Callable[[Any, Slots, Any], tuple[Any, Slots]]

_BETA_1, _BETA_2, _RHO, _EPSILON = 0.9, 0.999, 0.9, 1e-7


@dataclass(frozen=True)
class Optimizer:
    """A rule from gradient, slots and step (1, 2, ...) to a direction, and the slots after it.

    The weights then change by the learning rate times the direction, downwards.
    """

    slots: int
    """Arrays, of the shape of the weights, that the rule remembers; all begin at zero."""
    rule: Rule
    weight_decay: float = 0.0
    """Share of the weights that is added to the direction."""


def _adam(gradient: Any, slots: Slots, step: Any) -> tuple[Any, Slots]:
    """Kingma, Ba 2015, https://arxiv.org/abs/1412.6980."""
    m, v = _moments(gradient, slots)
    rate = ops.sqrt(1 - _BETA_2**step) / (1 - _BETA_1**step)
    return rate * m / (ops.sqrt(v) + _EPSILON), (m, v)


def _nadam(gradient: Any, slots: Slots, step: Any) -> tuple[Any, Slots]:
    """Dozat 2016, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ."""
    m, v = _moments(gradient, slots[:2])
    now, then = (_BETA_1 * (1 - 0.5 * 0.96 ** (step + ahead)) for ahead in (0.0, 1.0))
    # The slot keeps one less the product of all so far, so that it begins at zero.
    product = (1 - slots[2]) * now
    m_hat = then * m / (1 - product * then) + (1 - now) * gradient / (1 - product)
    return m_hat / (ops.sqrt(v / (1 - _BETA_2**step)) + _EPSILON), (m, v, 1 - product)


def _rmsprop(gradient: Any, slots: Slots, step: Any) -> tuple[Any, Slots]:
    """Tieleman, Hinton 2012."""
    v = _RHO * slots[0] + (1 - _RHO) * gradient * gradient
    return gradient / ops.sqrt(v + _EPSILON), (v,)


def _sgd(gradient: Any, slots: Slots, step: Any) -> tuple[Any, Slots]:
    """The gradient itself."""
    return gradient, ()


def _moments(gradient: Any, slots: Slots) -> Slots:
    """CompiledForward means of the gradient and of its square."""
    m, v = slots
    m = m + (gradient - m) * (1 - _BETA_1)
    return m, v + (gradient * gradient - v) * (1 - _BETA_2)


OPTIMIZERS: Mapping[str, Optimizer] = {
    "adam": Optimizer(2, _adam),
    "adamw": Optimizer(2, _adam, weight_decay=0.004),
    "nadam": Optimizer(3, _nadam),
    "rmsprop": Optimizer(1, _rmsprop),
    "sgd": Optimizer(0, _sgd),
}
