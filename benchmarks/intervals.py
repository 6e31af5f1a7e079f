"""Which intervals suit a panel? Three kinds, from several origins within its training rows.

    python benchmarks/intervals.py --data DIR                          all panels
    python benchmarks/intervals.py --data DIR --only tourism-monthly   one of them

DIR holds the panels as `NAME-train.csv.gz` (columns unique_id, ds, y). The recipe of each is fitted
before several origins, once for absolute errors and once for quantiles. From every origin there are
then intervals from errors of the past ("calibrated"), quantiles as the network has learned them
("learned"), and these stretched by errors of the past ("stretched"); what calibrates them was
known at the origin and fitted before. Printed are the coverage of 80 % intervals, origin by origin,
and the mean pinball loss of their two ends in units of MASE's scale, both on transformed values.
"""

import argparse
import gzip
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forecast.console import Console
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.jobs.fitting import Fitting
from forecast.jobs.job import Job, prepare
from forecast.scoring.conformal import Conformal, ConformalizedQuantiles, error_scales

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
LEVELS = (0.1, 0.9)
LEARNED = ("model.quantiles=[0.1, 0.5, 0.9]", "training.loss=pinball", "intervals=null")
PLAIN = ("model.quantiles=[]", "training.loss=mae", "intervals=null")
KINDS = ("calibrated", "learned", "stretched")


@dataclass(frozen=True)
class Origins:
    """From where a panel is forecast: `fits` origins, `stride` steps apart."""

    stride: int
    fits: int
    windows: int
    """Origins before each of these that calibrate its intervals."""


PANELS = {
    "tourism-monthly": Origins(stride=12, fits=6, windows=1),
    "nn5-daily": Origins(stride=28, fits=9, windows=1),
    "m4-hourly": Origins(stride=48, fits=4, windows=1),
}


class Tried:
    """Forecasts of one recipe, fitted before each origin, from that origin and all later ones."""

    def __init__(self, job: Job, cutoffs: list[IntArray]) -> None:
        """The latest of the cutoffs comes first."""
        self.truth: list[FloatArray] = []
        self.said: dict[tuple[int, int], dict[float, FloatArray]] = {}
        self.units: list[Panel] = []
        horizon = job.config.window.horizon
        for i, before in enumerate(cutoffs):
            [trained] = Fitting([job.as_of(before)]).run(Console(quiet=True)).trained
            method = trained.network()
            units = method.shared.apply(job.panel).panel
            self.units.append(units)
            self.truth.append(units.truth_after(before, horizon))
            for j, rows in enumerate(cutoffs[: i + 1]):
                self.said[i, j] = method.predictions(units, rows, horizon)


def intervals(
    plain: Tried, learned: Tried, origin: int, past: list[int], scale: FloatArray
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Low and high ends of each kind at an origin, calibrated at others before it."""
    earliest = max(past)
    errors = [plain.truth[j] - plain.said[earliest, j][0.5] for j in past]
    conformal = Conformal.calibrate(np.concatenate(errors), np.tile(scale, len(past)), scale)
    point, series = plain.said[origin, origin][0.5], np.arange(len(scale))
    low, high = (point + conformal.quantile(level, series) for level in LEVELS)
    yield low, high
    quantiles = learned.said[origin, origin]
    yield quantiles[0.1], quantiles[0.9]
    before = [learned.said[earliest, j] for j in past]
    joined = {level: np.concatenate([own[level] for own in before]) for level in quantiles}
    truth = np.concatenate([learned.truth[j] for j in past])
    moved = ConformalizedQuantiles.calibrate(truth, joined, LEVELS).quantiles(quantiles)
    yield moved[0.1], moved[0.9]


def compare(table: Path, name: str, origins: Origins) -> None:
    """Print one panel's table."""
    tried = []
    for settings in (PLAIN, LEARNED):
        job = prepare(CONFIGS / f"{name}.yaml", [f"data.path={table}", *settings])
        panel, horizon = job.panel, job.config.window.horizon
        least = panel.starts + job.season_length + job.needs.reach
        ends = [panel.ends - 1 - horizon - origins.stride * i for i in range(origins.fits)]
        tried.append(Tried(job, [np.maximum(rows, least) for rows in ends]))
    plain, learned = tried
    apart = -(-horizon // origins.stride)  # origins whose targets do not overlap
    coverage: dict[str, list[float]] = {kind: [] for kind in KINDS}
    losses: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for i in range(origins.fits - apart - origins.windows + 1):
        scale = error_scales(plain.units[i].before(ends[i] + 1).panel, job.season_length)
        past = [i + apart + j for j in range(origins.windows)]
        truth, reaches = plain.truth[i], ends[i] >= least
        for kind, (low, high) in zip(KINDS, intervals(plain, learned, i, past, scale), strict=True):
            inside = np.where(np.isnan(truth), np.nan, (low <= truth) & (truth <= high))
            coverage[kind].append(float(100 * np.nanmean(inside[reaches])))
            loss = pinball(truth - low, LEVELS[0]) + pinball(truth - high, LEVELS[1])
            losses[kind].append(float(np.nanmean((loss / scale[:, None])[reaches])))
    print(f"\n| {name} | coverage, latest origin first | mean pinball loss |\n| --- | --- | ---: |")
    for kind in KINDS:
        shown = ", ".join(f"{share:.1f}" for share in coverage[kind])
        print(f"| {kind} | {shown} | {np.mean(losses[kind]):.3f} |")


def pinball(error: FloatArray, level: float) -> FloatArray:
    """The loss of a quantile that the truth exceeds by `error`."""
    return np.maximum(level * error, (level - 1) * error)


def main() -> None:
    """Run what was asked for, print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the panels")
    parser.add_argument("--only", choices=PANELS, action="append", help="one panel; repeatable")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.only or PANELS:
            table = Path(folder) / f"{name}.csv"
            packed = arguments.data / f"{name}-train.csv.gz"
            with gzip.open(packed) as source, table.open("wb") as target:
                shutil.copyfileobj(source, target)
            compare(table, name, PANELS[name])


if __name__ == "__main__":
    main()
