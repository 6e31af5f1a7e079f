"""Predict the next twelve months with a saved Keras model, as a tutorial does it.

The peer of `forecast predict` in benchmarks/speed.py: the whole of Keras is loaded to run a
network of 8,001 parameters twelve times. `keras_airline.py` uses the functions below too.
"""

import argparse
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from sklearn.preprocessing import MinMaxScaler

CONTEXT_LENGTH = 12
HORIZON = 12


def read_passengers(path: Path) -> pd.Series:
    """The passengers of each month, with the month's first day as the index."""
    return pd.read_csv(path, parse_dates=["Month"], index_col="Month")["Passengers"]


def scale(passengers: pd.Series) -> tuple[MinMaxScaler, np.ndarray]:
    """The scaler and the scaled values `(months, 1)`.

    It is fitted on every row, as tutorials do. That lets the test months leak into training,
    which `forecast` never does; it makes no difference to the time that is measured here.
    """
    scaler = MinMaxScaler()
    return scaler, scaler.fit_transform(passengers.to_numpy(dtype="float32").reshape(-1, 1))


def predict_ahead(
    model: keras.Model, scaler: MinMaxScaler, passengers: pd.Series, scaled: np.ndarray
) -> pd.DataFrame:
    """The months after the last one; each prediction becomes input of the next."""
    values = list(scaled[-CONTEXT_LENGTH:, 0])
    for _ in range(HORIZON):
        window = np.array(values[-CONTEXT_LENGTH:]).reshape(1, CONTEXT_LENGTH, 1)
        values.append(model.predict(window, verbose=0)[0, 0])
    ahead = scaler.inverse_transform(np.array(values[CONTEXT_LENGTH:]).reshape(-1, 1))
    months = pd.date_range(passengers.index[-1], periods=HORIZON + 1, freq="MS")[1:]
    return pd.DataFrame({"ds": months, "y_hat": ahead[:, 0]})


def main() -> None:
    """Print the table that `forecast predict` prints, in two columns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="the .keras file")
    parser.add_argument("--data", type=Path, required=True, help="the CSV of the passengers")
    arguments = parser.parse_args()

    passengers = read_passengers(arguments.data)
    scaler, scaled = scale(passengers)
    model = keras.models.load_model(arguments.model)
    predict_ahead(model, scaler, passengers, scaled).to_csv(sys.stdout, index=False)


if __name__ == "__main__":
    main()
