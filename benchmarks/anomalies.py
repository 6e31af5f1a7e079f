"""How many planted anomalies does `forecast detect` find, and how many of its alarms are false?

    python benchmarks/anomalies.py

An hourly series with a daily and a weekly season and noise is trained on once. Newer rows of it are
judged as they are, and with anomalies planted in them: spikes (one value moved by some standard
deviations of the noise), shifts of the level for two days, and a sensor that is stuck for twelve
hours. An event is found where any of its values is called an anomaly; an alarm is right where it
lies in an event or within three hours after it.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ROWS, NEWER, NOISE = 4000, 4000, 1.0
CONFIG = """\
data: {path: load.csv, time: hour, target: load, season_length: 24}
split: {test: 1000}
transforms: [standard]
window: {context_length: 168, horizon: 1, residual_of: seasonal_naive}
model: {kind: gru, units: 32, patch_length: season, linear: true, dropout: 0}
training: {epochs: 20, batch_size: 128, learning_rate: 0.003, schedule: cosine, loss: mae}
"""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Planted:
    """A kind of anomaly: how long one lasts, and what it does to the values."""

    name: str
    length: int
    plant: Callable[[Values, int, np.random.Generator], None]


def _spike(size: float) -> Callable[[Values, int, np.random.Generator], None]:
    def plant(values: Values, at: int, random: np.random.Generator) -> None:
        values[at] += size * NOISE * random.choice([-1, 1])

    return plant


def _shift(values: Values, at: int, random: np.random.Generator) -> None:
    values[at : at + 48] += 5 * NOISE * random.choice([-1, 1])


def _stuck(values: Values, at: int, random: np.random.Generator) -> None:
    values[at : at + 12] = values[at - 1]


KINDS = (
    Planted("spikes of 4 sd", 1, _spike(4)),
    Planted("spikes of 6 sd", 1, _spike(6)),
    Planted("level shifts of 5 sd", 48, _shift),
    Planted("stuck for 12 hours", 12, _stuck),
)


def series(rows: int, random: np.random.Generator) -> Values:
    """A day's and a week's season, and noise with some memory."""
    hours = np.arange(rows)
    noise = np.zeros(rows)
    for i, shock in enumerate(random.normal(0, 0.9 * NOISE, rows)):
        noise[i] = 0.45 * noise[i - 1] + shock
    day, week = np.sin(2 * np.pi * hours / 24), np.sin(2 * np.pi * hours / 168)
    whole: Values = 50 + 10 * day + 4 * week + noise
    return whole


def _forecast(*words: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "forecast", "-q", *words],
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


def _table(values: Values, first: int = 0) -> str:
    hours = pd.date_range("2024-01-01", periods=first + len(values), freq="h")[first:]
    return pd.DataFrame({"hour": hours, "load": values}).to_csv(index=False)


def _alarms(values: Values, level: float, folder: Path) -> list[int]:
    (folder / "newer.csv").write_text(_table(values, ROWS))
    found = json.loads(
        _forecast(
            "detect", "--input", "newer.csv", "--level", str(level), "--format", "json",
            folder=folder,
        )
    )  # fmt: skip
    hours = pd.to_datetime([point["ds"] for point in found["points"]])
    return [int(hour) for hour in (hours - pd.Timestamp("2024-01-01")) / pd.Timedelta("1h") - ROWS]


def rows(level: float, folder: Path) -> Iterator[tuple[str, ...]]:
    """A row a kind: how many events, found, and of the alarms how many are right."""
    newer = series(ROWS + NEWER, np.random.default_rng(0))[ROWS:]
    clean = _alarms(newer, level, folder)
    yield "nothing", "-", "-", f"{len(clean)} of {NEWER} values ({len(clean) / NEWER:.2%})"
    random = np.random.default_rng(1)
    for kind in KINDS:
        values, begins = newer.copy(), list(range(200, NEWER - 200, 200))
        for at in begins:
            kind.plant(values, at, random)
        alarms = np.array(_alarms(values, level, folder))
        since = alarms[:, None] - np.array(begins)
        inside = (since >= 0) & (since < kind.length + 3)
        found, right = inside.any(axis=0).sum(), inside.any(axis=1)
        wrong = len(alarms) - right.sum()
        yield kind.name, f"{found} of {len(begins)}", f"{right.mean():.0%}", f"{wrong}"


def main() -> None:
    """Train once, plant, detect, print."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "load.csv").write_text(_table(series(ROWS, np.random.default_rng(0))))
        (folder / "load.yaml").write_text(CONFIG)
        _forecast("train", "--config", "load.yaml", folder=folder)
        for level in (0.99, 0.999):
            print(f"\n| level {level:g}: planted | found | alarms that are right | false alarms |")
            print("| --- | --- | --- | --- |")
            for row in rows(level, folder):
                print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
