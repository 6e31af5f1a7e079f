"""`forecast tune`: recipes that are tried within the training rows, and what is made of them."""

import csv
import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.commands.tune import tune
from forecast.config.load import dump_config, load_config, parse_config
from forecast.config.search import SearchOptions
from forecast.console import Console
from forecast.errors import ConfigError, RunError, UsageError
from forecast.figures.key_importance import importance
from forecast.jobs.course import Course
from forecast.jobs.job import Job, prepare
from forecast.jobs.search import rungs_of
from forecast.jobs.search_plan import SearchPlan
from forecast.jobs.space import default_space, varied
from forecast.jobs.trials import Place
from forecast.methods import named_methods
from forecast.runs.study import BEST, LEADERBOARD, TRIALS, Cell, find_study, open_study

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Cli = Callable[..., CompletedProcess[str]]
QUIET = Console(quiet=True)
SMALL = ("model={kind: mlp, layers: [4]}", "training.epochs=2")
SEARCH = """\
search={
  space: {
    transforms: [[minmax], [log, {kind: difference, lag: season}, standard]],
    window.context_length: [6, 12],
    training.learning_rate: {low: 0.001, high: 0.05, log: true}
  },
  trials: 7, n_windows: 2, stride: 6, seeds: 2, metric: mae
}"""
SETTINGS = (*SMALL, SEARCH)


@dataclass(frozen=True)
class Ended:
    """A search that has come to its end."""

    folder: Path
    study: Path

    def text(self, name: str) -> str:
        """A file of the study."""
        return (self.study / name).read_text(encoding="utf-8")

    @property
    def cells(self) -> list[Cell]:
        """What was fitted."""
        lines = map(json.loads, self.text(TRIALS).splitlines())
        return [Cell.model_validate(cell) for line in lines for cell in line["cells"]]

    @property
    def rows(self) -> list[dict[str, str]]:
        """The leaderboard."""
        return list(csv.DictReader(StringIO(self.text(LEADERBOARD))))


def _plan(folder: Path) -> SearchPlan:
    return SearchPlan.of(prepare(folder / "air.yaml", SETTINGS), SETTINGS)


def _search(folder: Path) -> Ended:
    plan = _plan(folder)
    with plan.new_study(folder / "runs") as study:
        return Ended(folder, tune(plan, study, QUIET).parent)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A small search, to be looked at and copied."""
    from forecast.commands.init import init_example

    folder = tmp_path_factory.mktemp("tuned")
    init_example(folder)
    return _search(folder)


# --- what comes of it ----------------------------------------------------------------------------


def test_the_best_config_is_whole_and_says_why(ended: Ended) -> None:
    """It is the recipe of the first of the leaderboard, with a reason at each choice."""
    text, best = ended.text(BEST), ended.rows[0]
    config = load_config(ended.study / BEST).config
    assert (config.extends, config.search) == (None, None)
    assert config.window.context_length == int(best["window.context_length"])
    assert config.training.learning_rate == float(best["training.learning_rate"])
    kinds = [own if isinstance(own, str) else own["kind"] for own in json.loads(best["transforms"])]
    assert [options.kind for options in config.transforms] == kinds
    assert f"number {best['trial']}: MAE {float(best['mae']):.4g}" in text
    assert "seasonal naive" in text
    lines = text.splitlines()
    chosen = lines.index(f"  learning_rate: {config.training.learning_rate:g}")
    assert lines[chosen - 1].startswith("  # ")


def test_its_test_part_is_the_one_that_was_never_read(ended: Ended) -> None:
    """A share of the windows would be other rows, where contexts and transforms are longer."""
    own, best = prepare(ended.folder / "air.yaml", SETTINGS), prepare(ended.study / BEST)
    assert best.split.test_begins.tolist() == own.split.test_begins.tolist()


def test_the_leaderboard_tells_every_trial_and_the_baselines(ended: Ended) -> None:
    """Those on a higher rung stand first, and on each rung the lowest error."""
    trials = [row for row in ended.rows if row["rank"]]
    assert [int(row["rank"]) for row in trials] == [1, 2, 3, 4, 5, 6, 7]
    assert [int(row["rung"]) for row in trials] == [3, 3, 2, 1, 1, 1, 1]
    order = [(-int(row["rung"]), float(row["mae"])) for row in trials]
    assert order == sorted(order)
    assert trials[0]["beside_best"] == "best"
    assert [row["trial"] for row in ended.rows[7:]] == ["naive", "seasonal_naive"]
    for figure in ("coordinates", "importance"):
        assert (ended.study / "plots" / f"{figure}.png").read_bytes().startswith(b"\x89PNG")


def test_every_trial_is_fitted_once_wherever_it_is_judged(ended: Ended) -> None:
    """The finalists by seeds that chose none of them, and by the mean of their forecasts."""
    places = [(cell.trial, cell.origin, cell.seed) for cell in ended.cells]
    assert len(set(places)) == len(places)
    by_trial = {
        int(row["trial"]): {place[1:] for place in places if place[0] == int(row["trial"])}
        for row in ended.rows[:7]
    }
    first, second = {(1, 0)}, {(0, 0), (1, 0)}
    last = second | {(origin, seed) for origin in (0, 1) for seed in (1, 2, None)}
    assert list(by_trial.values()) == [last, last, second, first, first, first, first]
    assert {len(cell.losses or ()) for cell in ended.cells} == {6}


def test_a_score_is_that_of_the_forecasts(ended: Ended) -> None:
    """The mean absolute error, over both origins and the seeds of the last rung."""
    best = int(ended.rows[0]["trial"])
    own = [cell.losses for cell in ended.cells if cell.trial == best and cell.seed in (1, 2)]
    assert float(ended.rows[0]["mae"]) == pytest.approx(np.mean(np.array(own, float)))


# --- killed, and gone on with --------------------------------------------------------------------


def test_a_search_that_is_killed_and_resumed_ends_as_one_that_is_not(
    ended: Ended, tmp_path: Path
) -> None:
    """Killed while it wrote of the third group: that one is fitted again, and all after it."""
    shutil.copytree(ended.folder, tmp_path / "again")
    study = tmp_path / "again" / "runs" / ended.study.name
    lines = (ended.study / TRIALS).read_bytes().splitlines(keepends=True)
    (study / TRIALS).write_bytes(b"".join(lines[:2]) + lines[2][:40])
    for name in (BEST, LEADERBOARD):
        (study / name).unlink()
    plan = _plan(tmp_path / "again")
    with plan.study(tmp_path, str(study)) as opened:
        tune(plan, opened, QUIET)
    assert (study / TRIALS).read_bytes() == b"".join(lines)
    assert (study / LEADERBOARD).read_text() == ended.text(LEADERBOARD)
    again = (study / BEST).read_text().replace(str(tmp_path / "again"), str(ended.folder))
    assert again == ended.text(BEST)


def test_wherever_a_line_breaks_off_those_before_it_count(ended: Ended, tmp_path: Path) -> None:
    """And what comes next begins on a line of its own."""
    study = tmp_path / "study"
    shutil.copytree(ended.study, study)
    content = (ended.study / TRIALS).read_bytes()
    for size in range(0, len(content), 997):
        (study / TRIALS).write_bytes(content[:size])
        with open_study(tmp_path, "study", lambda path, record: None) as opened:
            assert len(opened.groups) == content[:size].count(b"\n")
        assert (study / TRIALS).read_bytes() == content[: content.rfind(b"\n", 0, size) + 1]


def test_when_the_time_is_up_there_is_what_was_found(ended: Ended, tmp_path: Path) -> None:
    """Nothing is begun any more; the study is as it was."""
    shutil.copytree(ended.folder, tmp_path / "part")
    study = tmp_path / "part" / "runs" / ended.study.name
    lines = (ended.study / TRIALS).read_bytes().splitlines(keepends=True)
    (study / TRIALS).write_bytes(lines[0])
    plan = _plan(tmp_path / "part")
    with plan.study(tmp_path, str(study)) as opened:
        best = tune(plan, opened, QUIET, timeout=0)
    assert (study / TRIALS).read_bytes() == lines[0]
    assert load_config(best).config.training.ensemble.size == 1
    (study / TRIALS).write_bytes(b"")
    with plan.study(tmp_path, str(study)) as opened, pytest.raises(UsageError, match="time"):
        tune(plan, opened, QUIET, timeout=0)


def test_a_study_of_something_else_is_refused(ended: Ended, tmp_path: Path) -> None:
    """Another config, another table, no study; and one that another process is at."""
    shutil.copytree(ended.folder, tmp_path / "other")
    folder, name = tmp_path / "other", ended.study.name
    runs = folder / "runs"
    settings = (*SETTINGS, "training.batch_size=8")
    other = SearchPlan.of(prepare(folder / "air.yaml", settings), settings)
    with pytest.raises(UsageError, match=r"training\.batch_size differ"), other.study(runs, name):
        pass
    same = _plan(folder)
    with pytest.raises(RunError, match="no study nothing") as caught, same.study(runs, "nothing"):
        pass
    assert name in str(caught.value)
    with ExitStack() as stack:
        stack.enter_context(same.study(runs, name))
        with pytest.raises(UsageError, match="at work"), same.study(runs, name):
            pass
    table = folder / "airline-passengers.csv"
    table.write_text(table.read_text().replace("432", "433"))
    with pytest.raises(UsageError, match="another table"), _plan(folder).study(runs, name):
        pass
    assert find_study(runs, name)[1].trials == 7


def test_a_study_that_is_damaged_is_said_to_be(ended: Ended, tmp_path: Path) -> None:
    """Lines that are whole and make no sense were not written by a search."""
    shutil.copytree(ended.study, tmp_path / "study")
    lines = (ended.study / TRIALS).read_bytes().splitlines(keepends=True)
    for content in (b"{}\n", b"no\n", lines[0] + lines[0]):
        (tmp_path / "study" / TRIALS).write_bytes(content)
        opening = open_study(tmp_path, "study", lambda path, record: None)
        with pytest.raises(RunError, match="damaged"), opening:
            pass


# --- nothing leaks -------------------------------------------------------------------------------


def _planted(project: Path, lines: list[str], first: int) -> Ended:
    """A search on a table whose rows from one on are ten times what they were."""
    head, rows = lines[0], [line.split(",") for line in lines[1:]]
    changed = [
        f"{ds},{y}" if i < first else f"{ds},{10 * int(y)}" for i, (ds, y) in enumerate(rows)
    ]
    (project / "airline-passengers.csv").write_text("\n".join([head, *changed]) + "\n")
    return _search(project)


def test_the_test_part_is_never_read(
    ended: Ended, project: Path, airline_lines: tuple[str, ...]
) -> None:
    """Whatever stands there, the search finds the same, to the last digit."""
    [train_end] = prepare(project / "air.yaml", SETTINGS).split.train_ends
    planted = _planted(project, list(airline_lines), int(train_end))
    assert planted.text(TRIALS) == ended.text(TRIALS)
    assert planted.text(LEADERBOARD) == ended.text(LEADERBOARD)


def test_a_network_knows_nothing_after_its_origin(
    ended: Ended, project: Path, airline_lines: tuple[str, ...]
) -> None:
    """What is forecast after the first origin does not depend on rows after the second."""
    course = _plan(project).course
    [first] = course.origins[1].fitted_at + 1
    planted = _planted(project, list(airline_lines), int(first))
    before, after = (
        {(cell.trial, cell.seed): cell.losses for cell in own.cells if cell.origin == 0}
        for own in (ended, planted)
    )
    both = before.keys() & after.keys()
    assert both
    assert all(before[key] == after[key] for key in both)


# --- how it judges -------------------------------------------------------------------------------


@pytest.fixture
def course(project: Path) -> Course:
    """Three origins, a season apart, one step ahead."""
    return Course.of(prepare(project / "air.yaml", SMALL), SearchOptions(metric="rmse"))


def test_origins_are_followed_by_every_cutoff_up_to_the_next(course: Course) -> None:
    """The last of them has its target in the last training row."""
    rows = np.concatenate([origin.cutoffs for origin in course.origins])
    assert rows.tolist() == list(range(80, 116))
    assert len(course.past.panel.values) == 117
    assert [int(origin.fitted_at[0]) for origin in course.origins] == [80, 92, 104]


def test_a_simple_method_scores_what_it_does_by_hand(
    course: Course, airline_values: np.ndarray
) -> None:
    """RMSE of naive on the last three seasons of the training rows."""
    [naive] = named_methods(["naive"], 12)
    cells = [
        Cell(trial=0, origin=i, seed=0, losses=course.losses(course.forecast(naive, i), i))
        for i in range(3)
    ]
    by_hand = np.sqrt(np.mean((airline_values[81:117] - airline_values[80:116]) ** 2))
    assert course.score(cells) == pytest.approx(by_hand)


@pytest.mark.parametrize("metric", ["mase", "rmsse", "mae", "rmse"])
def test_series_of_a_panel_count_alike(tmp_path: Path, metric: str) -> None:
    """Where the metric is scaled; each has a loss an origin, the short ones too."""
    random = np.random.default_rng(0)
    tables = [
        pd.DataFrame(
            {
                "id": f"s{i}",
                "ds": pd.date_range("2015-01-01", periods=60 + i, freq="MS"),
                "y": 10.0 ** (i % 3) * (10 + np.abs(random.normal(size=60 + i))),
            }
        )
        for i in range(12)
    ]
    pd.concat(tables).to_csv(tmp_path / "p.csv", index=False)
    text = "data: {path: p.csv, time: ds, target: y, id: id}\nsplit: {test: 6}\n"
    text += "window: {context_length: 6, horizon: 2}\nmodel: {kind: mlp, layers: [4]}\n"
    (tmp_path / "p.yaml").write_text(text)
    job = prepare(tmp_path / "p.yaml")
    course = Course.of(
        job, SearchOptions.model_validate({"metric": metric, "n_windows": 2, "stride": 3})
    )
    [naive] = named_methods(["naive"], 12)
    cells = [
        Cell(trial=0, origin=i, seed=0, losses=course.losses(course.forecast(naive, i), i))
        for i in range(2)
    ]
    assert {len(cell.losses or ()) for cell in cells} == {12}
    panel, errors = course.past.panel, []
    for i, name in enumerate(panel.unique_ids):
        y = panel.values[panel.starts[i] : panel.ends[i]]
        last = len(y) - 3
        own = [y[t + h] - y[t] for t in range(last - 5, last + 1) for h in (1, 2)]
        scale = course.scales[name]
        unit = {"mase": scale.mae, "rmsse": scale.rmse}.get(metric, 1.0)
        errors.append(np.array(own) / unit)
    table = np.array(errors)
    by_hand = {
        "mase": np.abs(table).mean(),
        "mae": np.abs(table).mean(),
        "rmse": np.sqrt((table**2).mean()),
        "rmsse": np.sqrt((table**2).mean(axis=1)).mean(),
    }
    assert course.score(cells) == pytest.approx(by_hand[metric])
    assert course.p_value(cells, cells) == 1.0


def test_rungs_judge_fewer_trials_by_more() -> None:
    """The seeds of the last are none of those that chose who is on it."""
    first, second, last = rungs_of(SearchOptions(n_windows=4, seeds=2))
    assert first.places == first.new == (Place(2, 0), Place(3, 0))
    assert second.places == tuple(Place(i, 0) for i in range(4))
    assert second.new == (Place(0, 0), Place(1, 0))
    assert last.places == last.new == tuple(Place(i, s) for i in range(4) for s in (1, 2))
    assert [rung.count(100) for rung in (first, second, last)] == [100, 34, 12]
    assert [rung.count(1) for rung in (first, second, last)] == [1, 1, 1]
    assert [rung.count(5) for rung in (first, second, last)] == [5, 2, 2]
    assert len(rungs_of(SearchOptions(n_windows=1))) == 2


def test_origins_that_do_not_fit_are_refused(project: Path) -> None:
    """With where it is said, and the way out."""
    settings = (*SMALL, "search.stride=40")
    with pytest.raises(ConfigError, match="before 3 origins with a stride of 40 are 0") as caught:
        SearchPlan.of(prepare(project / "air.yaml", settings), settings)
    assert "search.n_windows or search.stride lower" in str(caught.value)


# --- what is tried -------------------------------------------------------------------------------


def test_a_space_of_its_own_suits_the_table(project: Path) -> None:
    """Swings that grow with the level: a logarithm; a season of twelve: its difference."""
    space = default_space(_past(prepare(project / "air.yaml")))
    season = {"kind": "difference", "lag": "season"}
    assert ["log", season, "standard"] in list(space["transforms"])
    assert ["minmax"] in list(space["transforms"])
    assert space["window.context_length"] == (12, 24)
    assert space["training.epochs"] == (50, 100, 200)
    assert "model.units" not in default_space(_past(prepare(project / "air.yaml", SMALL)))


def _past(job: Job) -> Job:
    return Course.of(job, SearchOptions()).past


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("model.unitz: [1]", "unknown key `model.unitz`."),
        ("data.freq: [MS]", "`data.freq` can not be varied: a search is for transforms, "),
        ("epochs: [5]", "Did you mean `training.epochs`?"),
        ("training.seed: [5]", "`training.seed` can not be varied: it is no part of a recipe"),
        ("training.epochs: [5, few]", "`training.epochs` should be a whole number, and is 'few'."),
        ("transforms: [[minmaks]]", "Did you mean `minmax`?"),
        ("model.dropout: {low: 0, high: 2}", "`model.dropout` should be less than 1, and is 2."),
    ],
)
def test_what_can_not_be_tried_is_said_at_its_place(
    project: Path, space: str, message: str
) -> None:
    """Before anything is fitted, as `--set` would say it."""
    text = (project / "air.yaml").read_text() + f"\nsearch:\n  space:\n    {space}\n"
    (project / "air.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        SearchPlan.of(prepare(project / "air.yaml"))
    assert message in str(caught.value)
    assert f"air.yaml:{text.count(chr(10))}:5" in str(caught.value)


def test_nothing_is_a_value_too(project: Path) -> None:
    """It takes away what the config has, where that may be left out."""
    settings = ["training.clip_norm=1"]
    base = load_config(project / "air.yaml", settings)
    assert varied(base, settings, {"training.clip_norm": None}).config.training.clip_norm is None
    assert varied(base, settings, {"training.epochs": 7}).config.training.clip_norm == 1
    with pytest.raises(ConfigError, match=r"training\.epochs"):
        varied(base, settings, {"training.epochs": None})


def test_a_kind_has_the_options_that_are_its_own(project: Path) -> None:
    """In a search of several kinds the others are left out of it."""
    base = load_config(project / "air.yaml")
    units, layers = {"model.units": 7}, {"model.layers": [3, 2]}
    gru = varied(base, (), {**units, "model.kind": "gru"}).config.model
    mlp = varied(base, (), {**units, **layers, "model.kind": "mlp"}).config.model
    assert (gru.kind, getattr(gru, "units", None)) == ("gru", 7)
    assert (mlp.kind, getattr(mlp, "layers", None)) == ("mlp", (3, 2))
    space = "{model.kind: [gru, mlp], model.units: [7, few]}"
    with pytest.raises(ConfigError, match=r"`model\.units` should be a whole number"):
        SearchPlan.of(prepare(project / "air.yaml", [f"search={{space: {space}}}"]))


def test_the_best_of_several_kinds_has_its_own_options_alone(project: Path) -> None:
    """Written, too: others would not be known."""
    space = "{model.kind: [mlp, dlinear], model.units: [4]}"
    search = f"search={{trials: 2, n_windows: 1, seeds: 1, space: {space}}}"
    settings = ("training.epochs=1", search)
    plan = SearchPlan.of(prepare(project / "air.yaml", settings), settings)
    with plan.new_study(project / "runs") as study:
        best = tune(plan, study, QUIET)
    assert load_config(best).config.model.kind in ("mlp", "dlinear")
    assert "units" not in best.read_text(encoding="utf-8")


def test_a_config_with_a_search_reads_back(project: Path) -> None:
    """As every other section does: runs keep it."""
    config = load_config(project / "air.yaml", SETTINGS).config
    assert parse_config(dump_config(config), project / "again.yaml").config == config


def test_check_finds_what_tune_would(project: Path, cli: Cli) -> None:
    """Before anything heavy is loaded."""
    words = ["check", "--config", "air.yaml", "--set"]
    assert cli(*words, SEARCH).returncode == 0
    result = cli(*words, "search={space: {model.unitz: [1]}}")
    assert result.returncode == 3
    assert "unknown key `model.unitz`" in result.stderr
    result = cli(*words, "search={sampler: grid, space: {model.dropout: {low: 0, high: 0.5}}}")
    assert result.returncode == 3
    assert "Give its range a step" in result.stderr


@pytest.mark.parametrize(
    ("dimension", "message"),
    [
        ("5", "should be a list of values, or a range"),
        ("[]", "should be a list of values, or a range"),
        ("{low: 1}", "should be a list of values, or a range"),
        ("{low: 1, high: a}", "should have numbers as low, high and step"),
        ("{low: 2, high: 1}", "should have a high above its low"),
        ("{low: 0, high: 1, log: true}", "should have a low above 0 where log is true"),
        ("{low: 1, high: 3, log: 1}", "should have true or false as log"),
        ("{low: 1, high: 3, step: 4}", "should have a step between 0 and high - low"),
    ],
)
def test_a_dimension_is_a_list_or_a_range(project: Path, dimension: str, message: str) -> None:
    """Anything else is refused with the config."""
    with pytest.raises(ConfigError, match=r"air\.yaml|--set") as caught:
        prepare(project / "air.yaml", [f"search={{space: {{model.units: {dimension}}}}}"])
    assert message in str(caught.value)


def test_importance_is_what_goes_with_a_key_beyond_chance() -> None:
    """One key decides all, one nothing; a key of a range is looked at in quarters."""
    random = np.random.default_rng(0)
    decides, idle = random.integers(0, 2, 200), random.integers(0, 4, 200)
    rate = random.random(200)
    table = pd.DataFrame({"decides": decides, "idle": idle, "rate": rate})
    shares = importance(table.assign(score=np.exp(decides)))
    assert shares["decides"] == pytest.approx(1)
    assert shares["idle"] < 0.05
    shares = importance(table.assign(score=np.exp(rate)))
    assert shares.index[0] == "rate"
    assert shares["rate"] > 0.9


# --- as it is typed ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def typed(once: Callable[..., list[CompletedProcess[str]]], cli_in: Cli) -> Any:
    """A search in which some recipes can not be: too long a context, too fast a training."""

    def search(folder: Path) -> list[CompletedProcess[str]]:
        cli_in("init", "--example", "airline", cwd=folder)
        space = "{window.context_length: [12, 500], training.learning_rate: [0.01, 1.0e+30]}"
        options = f"search={{sampler: grid, n_windows: 1, seeds: 1, space: {space}}}"
        words = ("tune", "--config", "air.yaml", "--trials", "4")
        settings = [word for setting in (*SMALL, options) for word in ("--set", setting)]
        return [cli_in(*words, *settings, cwd=folder)]

    [result] = once("tuned_by_hand", search)
    return result


def test_what_can_not_be_is_said_and_left_out(typed: CompletedProcess[str]) -> None:
    """The others go on; the path of the best config is all of stdout."""
    assert typed.returncode == 0, typed.stderr
    best = Path(typed.stdout.strip())
    assert best.name == BEST
    assert "is left out: no series has a window to train on" in typed.stderr
    assert "is left out: its training diverged" in typed.stderr
    assert f"next: forecast train --config {best}" in typed.stderr
    rows = list(csv.DictReader(StringIO((best.parent / LEADERBOARD).read_text())))
    assert [bool(row["why_not"]) for row in rows[:4]] == [False, True, True, True]
