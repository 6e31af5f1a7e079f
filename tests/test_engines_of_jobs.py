"""Backtests, searches, comparisons and predictions on processes: the same comes of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

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
from forecast.engines import Asked, Engine, Threads, engine_of
from forecast.jobs.fitting import fit_methods
from forecast.jobs.job import prepare, prepare_each
from forecast.jobs.opening import open_run
from forecast.jobs.search_plan import SearchPlan
from forecast.methods import Spread, named_methods, spread
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
    tiny = replace(PURSES["low"], windows=200)
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
