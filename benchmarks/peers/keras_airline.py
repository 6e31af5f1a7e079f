"""Forecast the airline passengers in plain Keras, as a tutorial does it.

The peer of `forecast train` in benchmarks/speed.py: the same windows, network, optimiser and
number of epochs, written the usual way. It prints one line of JSON: the seconds of its stages,
the imports among them because a user waits for those too, and the error on the test months.
"""

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START = time.perf_counter()
SECONDS: dict[str, float] = {}


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Note the seconds that a stage takes."""
    start = time.perf_counter()
    yield
    SECONDS[stage] = time.perf_counter() - start


with timed("import"):
    import keras
    import matplotlib
    import matplotlib.pyplot as plt
    import numpy as np
    import pandas as pd
    from keras_predict import CONTEXT_LENGTH, predict_ahead, read_passengers, scale
    from sklearn.metrics import root_mean_squared_error

TRAIN_SHARE = 0.8
UNITS = 50
DROPOUT = 0.2
LEARNING_RATE = 0.001
BATCH_SIZE = 16
EPOCHS = 50
SEED = 0


def make_windows(scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every window `(windows, context, 1)` and the month that follows it `(windows, 1)`."""
    contexts, targets = [], []
    for start in range(len(scaled) - CONTEXT_LENGTH):
        contexts.append(scaled[start : start + CONTEXT_LENGTH])
        targets.append(scaled[start + CONTEXT_LENGTH])
    return np.array(contexts), np.array(targets)


def build_model() -> keras.Model:
    """One recurrent layer, and one number out: 8,001 parameters."""
    model = keras.Sequential(
        [
            keras.layers.Input((CONTEXT_LENGTH, 1)),
            keras.layers.GRU(UNITS),
            keras.layers.Dropout(DROPOUT),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss="mse")
    return model


def plot_history(history: dict[str, list[float]], path: Path) -> None:
    """The loss of every epoch, on the training and the test windows."""
    figure, axes = plt.subplots(figsize=(10, 5))
    axes.plot(history["loss"], label="train")
    axes.plot(history["val_loss"], label="test")
    axes.set(title="Training history", xlabel="Epoch", ylabel="Loss (MSE)")
    axes.legend()
    figure.savefig(path)
    plt.close(figure)


def plot_forecast(
    passengers: pd.Series, train: np.ndarray, test: np.ndarray, ahead: pd.DataFrame, path: Path
) -> None:
    """The actual months, those predicted one step ahead, and the year that follows."""
    months = passengers.index[CONTEXT_LENGTH:]
    figure, axes = plt.subplots(figsize=(10, 5))
    axes.plot(passengers.index, passengers.to_numpy(), label="actual")
    axes.plot(months[: len(train)], train[:, 0], label="predicted, train")
    axes.plot(months[len(train) :], test[:, 0], label="predicted, test")
    axes.plot(ahead["ds"], ahead["y_hat"], label="forecast")
    axes.set(title="Airline passengers", xlabel="Month", ylabel="Passengers (thousands)")
    axes.legend()
    figure.savefig(path)
    plt.close(figure)


def main() -> None:
    """Read, train, save, predict and draw, in that order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the CSV of the passengers")
    parser.add_argument("--output", type=Path, required=True, help="the folder to write to")
    arguments = parser.parse_args()
    output: Path = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    matplotlib.use("Agg")
    keras.utils.set_random_seed(SEED)

    passengers = read_passengers(arguments.data)
    scaler, scaled = scale(passengers)
    x, y = make_windows(scaled)
    split = int(len(x) * TRAIN_SHARE)
    x_train, x_test, y_train, y_test = x[:split], x[split:], y[:split], y[split:]

    model = build_model()
    with timed("fit"):
        history = model.fit(
            x_train,
            y_train,
            validation_data=(x_test, y_test),
            batch_size=BATCH_SIZE,
            epochs=EPOCHS,
            verbose=0,
        )
    model.save(output / "model.keras")

    with timed("predict"):
        train = scaler.inverse_transform(model.predict(x_train, verbose=0))
        test = scaler.inverse_transform(model.predict(x_test, verbose=0))
    rmse = root_mean_squared_error(scaler.inverse_transform(y_test), test)

    with timed("predict_ahead"):
        ahead = predict_ahead(model, scaler, passengers, scaled)
    ahead.to_csv(output / "forecast.csv", index=False)

    with timed("plot"):
        plot_history(history.history, output / "history.png")
        plot_forecast(passengers, train, test, ahead, output / "forecast.png")

    SECONDS["total"] = time.perf_counter() - START
    print(json.dumps({"seconds": SECONDS, "test_rmse": float(rmse)}))


if __name__ == "__main__":
    main()
