"""Which small network suits a single series? What `init` writes for one, beside its variations.

    python benchmarks/single.py --data DIR                        both panels, 30 series of each
    python benchmarks/single.py --data DIR --only m1-quarterly    one of them

DIR holds the panels as `NAME-train.csv.gz` (columns unique_id, ds, y). Of each some series are
drawn, and every one is taken for a table of its own: the recipe is made for what lies before its
last horizon, which is forecast once from there. Series whose recipes are equal are trained
together, each by a network that sees no other (`model.scope: local`). The published test rows are
not read.

With the extra `keras-forecast[stats]`, the mean of Theta, AutoETS and AutoCES stands beside them,
and the mean of these and each network.
"""

import argparse
import csv
import gzip
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from forecast.commands.recipe import recipe
from forecast.commands.recipe_network import Variation, is_small
from forecast.console import Console
from forecast.data.panel import FloatArray
from forecast.data.profile import Profile, profile_table
from forecast.jobs.fitting import Fitting
from forecast.jobs.job import prepare
from forecast.methods import Fallback, Method, named_methods
from forecast.scoring.metrics import error_scales

HORIZONS = {"m1-monthly": 12, "m1-quarterly": 8}
SEASONS = 3  # and a horizon: the least that a series has before the last one
VARIATIONS = (
    Variation("changes since the season before", change="season"),
    Variation("changes by step", change="step"),
    Variation("level", change="level"),
    Variation("level of the logarithm", change="level", scale="log"),
)
METHODS = ("auto_theta", "auto_ets", "auto_ces")
QUIET = Console(quiet=True)
Rows = list[list[str]]
Forecasts = dict[str, dict[str, "Forecast"]]
"""Of each series, by who made it."""


def series_of(table: Path) -> dict[str, Rows]:
    """The rows of each series."""
    found: dict[str, Rows] = {}
    with gzip.open(table, "rt", newline="") as file:
        for row in list(csv.reader(file))[1:]:
            found.setdefault(row[0], []).append(row)
    return found


def write(path: Path, rows: Rows) -> Path:
    """A table of some rows."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["unique_id", "ds", "y"], *rows])
    return path


def looks(panel: str, data: Path, count: int, folder: Path) -> Iterator[tuple[Profile, Rows]]:
    """So many series, each as it looks before its last horizon, and all of its rows."""
    horizon, drawn = HORIZONS[panel], 0
    every = series_of(data / f"{panel}-train.csv.gz")
    for name in np.random.default_rng(1).permutation(sorted(every)):
        rows = every[name]
        if drawn == count:
            return
        if len(rows) <= 2 * horizon + SEASONS:
            continue
        look = profile_table(write(folder / "one.csv", rows[:-horizon]))
        if is_small(look) and len(rows) > 2 * horizon + SEASONS * look.season_length:
            drawn += 1
            yield look, rows


@dataclass(frozen=True)
class Forecast:
    """What was forecast of a series, and what it was."""

    y_hat: FloatArray
    truth: FloatArray
    scale: float

    @property
    def mase(self) -> float:
        """The mean absolute scaled error."""
        return float(np.nanmean(np.abs(self.y_hat - self.truth))) / self.scale


def forecasts(config: Path, table: Path, horizon: int, *, with_methods: bool) -> Forecasts:
    """Of each series, by the network that it has for itself, and by methods."""
    settings = ("data.id=unique_id", "model.scope=local", f"split.test={horizon}")
    job = prepare(config, [f"data.path={table}", *settings])
    [network] = Fitting([job]).run_each(QUIET)
    if network is None:
        raise SystemExit("a training diverged")
    methods: dict[str, Method] = {"network": network.method()}
    names = ("seasonal_naive", *(METHODS if with_methods else ()))
    methods |= {own.name: own for own in named_methods(names, job.season_length)}
    panel, cutoffs = job.panel, job.split.test_begins - 1
    fallback = Fallback(job.season_length)
    scales = error_scales(panel.before(job.split.train_ends), job.season_length)
    truth = panel.truth_after(cutoffs, horizon)
    found: Forecasts = {}
    for name, method in methods.items():
        y_hat = fallback.filling(method.forecast(panel, cutoffs, horizon).y_hat, panel, cutoffs)
        for i, series in enumerate(panel.unique_ids):
            own = Forecast(y_hat[i], truth[i], scales[series].mae)
            found.setdefault(series, {})[name] = own
    return found


def mase(panel: str, data: Path, count: int) -> dict[str, FloatArray]:
    """Of each series, by what forecast it."""
    horizon = HORIZONS[panel]
    with_methods = find_spec("statsforecast") is not None
    found: Forecasts = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        drawn = list(looks(panel, data, count, folder))
        for variation in VARIATIONS:
            alike: dict[str, Rows] = {}
            for look, rows in drawn:
                text = recipe(look, horizon, folder, blend=False, variation=variation).text
                alike.setdefault(text, []).extend(rows)
            for text, rows in alike.items():
                (folder / "alike.yaml").write_text(text, encoding="utf-8")
                table = write(folder / "alike.csv", rows)
                made = forecasts(folder / "alike.yaml", table, horizon, with_methods=with_methods)
                for series, own in made.items():
                    network = own.pop("network")
                    found.setdefault(series, {}).update({**own, variation.name: network})
    every = [with_means(own) for own in found.values() if next(iter(own.values())).scale > 0]
    return {name: np.array([own[name].mase for own in every]) for name in every[0]}


def with_means(own: dict[str, Forecast]) -> dict[str, Forecast]:
    """With the mean of the methods, and of these and each network."""
    if METHODS[0] not in own:
        return own
    three = [own[name].y_hat for name in METHODS]
    means = {"mean of three methods": three}
    means |= {f"{one.name}, and the three": [*three, own[one.name].y_hat] for one in VARIATIONS}
    first = next(iter(own.values()))
    return own | {
        name: replace(first, y_hat=np.mean(y_hats, axis=0)) for name, y_hats in means.items()
    }


def main() -> None:
    """Measure each panel, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the panels")
    parser.add_argument("--only", choices=HORIZONS, action="append", help="one panel; repeatable")
    parser.add_argument("--series", type=int, default=30, help="of each panel; 30 unless given")
    arguments = parser.parse_args()
    for panel in arguments.only or HORIZONS:
        found = mase(panel, arguments.data, arguments.series)
        usual = found[VARIATIONS[0].name]
        print(f"\n{panel}, {len(usual)} series\n\n| | MASE | beside {VARIATIONS[0].name}, % |")
        print("| --- | ---: | ---: |")
        for name, own in found.items():
            change = 100 * (own - usual) / usual.mean()
            error = change.std() / len(change) ** 0.5
            print(f"| {name} | {own.mean():.3f} | {change.mean():+.1f} ± {error:.1f} |", flush=True)


if __name__ == "__main__":
    main()
