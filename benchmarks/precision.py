"""Would training in 16 bits be quicker here than in 32?

    KERAS_BACKEND=tensorflow python benchmarks/precision.py

The forward and backward pass of a recurrent layer over 12 steps, weights and sums of the loss in
float32 and everything between in each of three types, as Keras's mixed precision has it, compiled
as `forecast` compiles a training.
"""

import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from forecast.backends import backend

TYPES = ("float32", "bfloat16", "float16")
SIZES = ((50, 16), (50, 256), (256, 256))  # units, windows
STEPS, ROUNDS, CALLS = 12, 20, 5


def program(dtype: str, weights: np.ndarray, steps: np.ndarray) -> Callable[[], Any]:
    """The gradient by the weights of a layer with one gate."""
    units = weights.shape[1]

    def gradient(weights: Any, steps: Any) -> Any:
        inputs = ops.cast(steps, dtype)

        def loss(weights: Any) -> tuple[Any, Any]:
            recurrent, state = (
                ops.cast(weights, dtype),
                ops.zeros((1, steps.shape[2], units), dtype),
            )
            for i in range(STEPS):
                product = ops.matmul(state, recurrent)
                gate = ops.sigmoid(product[..., :units] + inputs[i])
                candidate = ops.tanh(product[..., units:] + inputs[i])
                state = candidate + gate * (state - candidate)
            return ops.sum(ops.square(ops.cast(state, "float32"))), 0.0

        return backend().gradient(loss, weights)[1]

    compiled = backend().compile(gradient, weights, steps)
    return lambda: np.asarray(compiled(weights, steps))


def main() -> None:
    """Print the processor time of each, float32 = 1: the least of several rounds, in turns."""
    print(f"{keras.backend.backend()}, {', '.join(backend().devices())}\n")
    print("| units, windows | " + " | ".join(TYPES) + " |\n| --- |" + " ---: |" * len(TYPES))
    random = np.random.default_rng(0)
    for units, windows in SIZES:
        weights = random.normal(0, 0.1, (1, units, 2 * units)).astype(np.float32)
        steps = random.normal(size=(STEPS, 1, windows, 1)).astype(np.float32)
        programs = [program(dtype, weights, steps) for dtype in TYPES]
        for run in programs:
            run()  # compiles
        taken: list[list[float]] = [[] for _ in TYPES]
        for _ in range(ROUNDS):
            for run, seconds in zip(programs, taken, strict=True):
                begin = time.process_time()
                for _ in range(CALLS):
                    run()
                seconds.append(time.process_time() - begin)
        best = [min(seconds) for seconds in taken]
        ratios = " | ".join(f"{own / best[0]:.2f}" for own in best)
        print(f"| {units}, {windows} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
