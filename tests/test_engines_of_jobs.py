"""Backtests, searches, comparisons and predictions on processes: the same comes of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.commands import effort
from forecast.commands.backtest import backtest
from forecast.commands.compare_kinds import compare_kinds
from forecast.commands.effort import PURSES
from forecast.commands.init import init_example
from forecast.commands.predict import predict
from forecast.commands.tune import tune
from forecast.console import Console
from forecast.data.panel import Panel
from forecast.data.profile import profile_table
from forecast.engines import Asked, Engine, Threads, Work, Workplace, engine_of
from forecast.engines.engine import Piece, Result
from forecast.jobs.fitting import fit_methods, fit_networks
from forecast.jobs.job import prepare, prepare_each
from forecast.jobs.opening import open_run
from forecast.jobs.search_plan import SearchPlan
from forecast.methods import Spread, named_methods, spread
from forecast.methods.parts import SpreadNetwork
from forecast.runs import find_run
from forecast.runs.study import LEADERBOARD, TRIALS

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

QUIET = Console(quiet=True)
SMALL = ("model={kind: mlp, layers: [4]}", "training.epochs=2")
SEARCH = """\
search={
  space: {window.context_length: [6, 12], training.learning_rate: [0.001, 0.01]},
  trials: 4, n_windows: 2, stride: 6, seeds: 1, metric: mae
}"""


@pytest.fixture(scope="module")
def processes() -> Iterator[Engine]:
    """With workers that stay, since each has to load TensorFlow."""
    with engine_of("processes", Asked(QUIET, backend="tensorflow")) as engine:
        yield engine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the airline example."""
    path = tmp_path_factory.mktemp("engines")
    init_example(path)
    return path


def test_a_backtest_that_refits_is_the_same(processes: Engine, folder: Path) -> None:
    """Its members are cut into blocks that workers fit, and come back by their keys."""
    settings = (*SMALL, "backtest={n_windows: 3, horizon: 6, refit: true}", "training.ensemble=2")
    job = prepare(folder / "air.yaml", settings)
    here, there = (
        backtest(job, ["naive"], QUIET, partial(fit_methods, engine=engine), engine)
        for engine in (Threads(), processes)
    )
    pd.testing.assert_frame_equal(there.forecasts, here.forecasts)
    pd.testing.assert_frame_equal(there.scores, here.scores)


def test_a_search_is_the_same(processes: Engine, folder: Path) -> None:
    """Trials that can not be one program are pieces; each is kept as soon as it is done."""
    settings = (*SMALL, SEARCH)
    plan = SearchPlan.of(prepare(folder / "air.yaml", settings), settings)
    found = []
    for engine in (Threads(), processes):
        with plan.new_study(folder / "runs") as study:
            path = tune(plan, study, QUIET, engine=engine).parent
        lines = (path / TRIALS).read_text().splitlines()
        found.append(((path / LEADERBOARD).read_text(), sorted(lines)))
    assert found[0] == found[1]


def test_a_recipe_by_trial_is_the_same(
    processes: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the byte, with what was tried."""
    tiny = replace(PURSES["low"], origins=1, windows=100)
    monkeypatch.setattr(effort, "PURSES", {"low": tiny})
    look = profile_table(folder / "airline-passengers.csv")
    here, there = (
        effort.tried_recipe(
            look, 3, folder / "new.yaml", blend=False, effort="low", console=QUIET, engine=engine
        )
        for engine in (Threads(), processes)
    )
    assert "changes of two kinds" in here.text
    assert there.text == here.text


def test_a_comparison_is_the_same(processes: Engine, folder: Path) -> None:
    """But for seconds."""
    asked = [{"model.kind": kind} for kind in ("mlp", "dlinear")]
    jobs = prepare_each(folder / "air.yaml", ("training.epochs=2",), asked)
    here, there = (compare_kinds(jobs, 2, QUIET, engine) for engine in (Threads(), processes))
    pd.testing.assert_frame_equal(there.forecasts, here.forecasts)
    assert list(there.models["model"]) == list(here.models["model"])
    assert (there.models["fit_seconds"].dropna() > 0).all()


def test_a_method_that_is_spread_forecasts_as_it_does_alone(
    processes: Engine, make_panel: Callable[..., Panel]
) -> None:
    """From cutoffs in any order, in several pieces that hold their own series alone."""
    panel = make_panel([np.arange(20.0) * (i + 1) for i in range(3)])
    cutoffs = np.random.default_rng(0).permutation(np.arange(15, 60, 2))
    [alone] = named_methods(["drift"], 12)
    found = Spread(alone, processes, QUIET).forecast(panel, cutoffs, 3)
    np.testing.assert_array_equal(found.y_hat, alone.forecast(panel, cutoffs, 3).y_hat)


def test_methods_that_take_long_are_spread_alone(processes: Engine) -> None:
    """And nothing is where it would be done by the same process."""
    methods = named_methods(["naive", "auto_ets"], 12)
    assert [type(own) is Spread for own in spread(methods, processes, QUIET)] == [False, True]
    for engine in (None, Threads()):
        assert spread(methods, engine, QUIET) == methods


def test_a_prediction_is_the_same(
    processes: Engine, trained_panel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a panel with an ensemble and intervals; each worker has the graph, and not the run."""
    monkeypatch.setattr("forecast.methods.parts._FEWEST", 1)
    opened = open_run(find_run(trained_panel.parent, trained_panel.name, QUIET.warn))
    here, there = (predict(opened, engine=engine) for engine in (None, processes))
    assert here["unique_id"].nunique() == 2
    pd.testing.assert_frame_equal(there, here)


JOINT = """\
data: {path: sales.csv, time: day, target: [sold, back], id: shop, missing: mask,
  covariates: {static: [size]}}
split: {test: 3}
transforms: [{kind: log1p}, difference, standard]
features: {age: true}
window: {context_length: 5, horizon: 2}
model: {kind: mlp, layers: [4], joint: %s}
training: {epochs: 1}
intervals: {n_windows: 3, quantile_levels: [0.1, 0.9]}
predict: {horizon: 2}
"""


@pytest.mark.parametrize("joint", ["true", "false"])
def test_parts_of_a_prediction_have_all_that_their_series_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, joint: str
) -> None:
    """Scales, widths of intervals and all targets of a shop; or none, where one is too short."""
    random, lines = np.random.default_rng(0), ["day,shop,sold,back,size"]
    for shop, length in enumerate((40, 33, 4, 51, 28)):
        days = np.datetime64("2024-01-01") + np.arange(length)
        numbers = random.gamma(2, 10.0**shop, (length, 2)).round(2)
        lines += [
            f"{day},S{shop},{sold},{back},{shop % 2}"
            for day, (sold, back) in zip(days, numbers, strict=True)
        ]
    (tmp_path / "sales.csv").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "sales.yaml").write_text(JOINT % joint, encoding="utf-8")
    [trained] = fit_networks([prepare(tmp_path / "sales.yaml")], QUIET).trained
    method, panel = trained.method(), trained.job.panel
    monkeypatch.setattr("forecast.methods.parts._FEWEST", 1)
    asked = panel, panel.ends - 1, 2, [0.1, 0.9]
    there = SpreadNetwork(method, _Alone(), QUIET).forecast(*asked)
    here = method.forecast(*asked)
    np.testing.assert_array_equal(there.y_hat, here.y_hat)
    for level, quantile in here.quantiles.items():
        np.testing.assert_array_equal(there.quantiles[level], quantile)


class _Alone(Threads):
    """Gives each piece to a worker that has seen no other, and only what can be sent."""

    def map(
        self,
        work: Work[Piece, Result],
        pieces: Sequence[Piece],
        console: Console,
        *told: Callable[..., Any],
    ) -> list[Result]:
        assert len(pieces) > 1
        place = Workplace(console, self)
        found = []
        for piece in pieces:
            assert len(piece.panel.unique_ids) in (1, 2)  # type: ignore[attr-defined]
            found.append(work.begin(place)(piece))
        return found
