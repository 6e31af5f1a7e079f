"""Train one GRU in plain Keras on random windows: a peer of benchmarks/training.py.

It prints one line of JSON: the seconds of every epoch, compiling among the first.
"""

import argparse
import json
import time

import keras
import numpy as np


def main() -> None:
    """Windows are made beforehand, as `fit` needs them."""
    parser = argparse.ArgumentParser()
    for name in ("windows", "batch", "epochs", "context", "units", "covariates"):
        parser.add_argument(f"--{name}", type=int, required=True)
    options = parser.parse_args()
    series = np.random.default_rng(0).normal(size=options.windows + options.context)
    rows = np.arange(options.windows)[:, None] + np.arange(options.context)
    beside = np.random.default_rng(1).normal(size=(len(series), options.covariates))
    contexts = np.concatenate([series[:, None], beside], axis=1)[rows].astype(np.float32)
    targets = series[rows[:, -1:] + 1].astype(np.float32)
    begin = time.perf_counter()
    model = keras.Sequential(
        [
            keras.layers.Input(contexts.shape[1:]),
            keras.layers.GRU(options.units),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    ends = [begin]
    clock = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())
    )
    model.fit(
        contexts, targets, batch_size=options.batch, epochs=options.epochs, verbose=0,
        callbacks=[clock],
    )  # fmt: skip
    print(json.dumps({"epochs": np.diff(ends).tolist()}))


if __name__ == "__main__":
    main()
