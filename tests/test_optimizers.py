"""Optimizers: each rule beside Keras's own, step by step."""

from typing import Any

import keras
import numpy as np
import pytest

from forecast.training.optimizers import OPTIMIZERS

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

STEPS, RATE = 20, 0.05


def _gradients() -> np.ndarray:
    """`(steps, members, parameters)`, of very unlike sizes and now and then zero."""
    random = np.random.default_rng(0)
    gradients = random.normal(size=(STEPS, 2, 6)) * np.logspace(-3, 2, 6)
    gradients[::4, :, 1] = 0
    return gradients.astype(np.float32)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_a_rule_is_that_of_keras(name: str) -> None:
    """Twenty steps of the same gradients from the same weights, with Keras's defaults."""
    optimizer, first = OPTIMIZERS[name], np.linspace(-2, 2, 6, dtype=np.float32)
    theirs = keras.optimizers.get({"class_name": name, "config": {"learning_rate": RATE}})
    by_keras = keras.Variable(first)
    weights = np.stack([first, first])
    slots: tuple[Any, ...] = (np.zeros_like(weights),) * optimizer.slots
    for step, gradient in enumerate(_gradients(), start=1):
        # The second member has learned from one batch less, and so begins one step later.
        steps = np.array([[step], [max(1, step - 1)]], np.float32)
        direction, after = optimizer.rule(gradient, slots, steps)
        moves = np.array([[True], [step > 1]])
        change = RATE * (np.asarray(direction) + optimizer.weight_decay * weights)
        weights = np.where(moves, weights - change, weights)
        slots = tuple(np.where(moves, new, old) for new, old in zip(after, slots, strict=True))
        theirs.apply([keras.ops.convert_to_tensor(gradient[0])], [by_keras])
        np.testing.assert_allclose(weights[0], np.asarray(by_keras), rtol=1e-5, atol=1e-6)
    theirs = keras.optimizers.get({"class_name": name, "config": {"learning_rate": RATE}})
    late = keras.Variable(first)
    for gradient in _gradients()[1:]:
        theirs.apply([keras.ops.convert_to_tensor(gradient[1])], [late])
    np.testing.assert_allclose(weights[1], np.asarray(late), rtol=1e-5, atol=1e-6)
