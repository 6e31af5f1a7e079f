"""Searches and comparisons of blends: each is a method, judged as a network is."""

import csv
from pathlib import Path

import numpy as np
import pytest

from forecast.commands.compare_kinds import compare_kinds
from forecast.commands.tune import tune
from forecast.config.load import load_config
from forecast.console import Console
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.engines import Threads
from forecast.errors import ConfigError, RunError
from forecast.jobs.course import Course
from forecast.jobs.job import prepare, prepare_each
from forecast.jobs.kept_methods import kept_forecasts
from forecast.jobs.resuming import record_of
from forecast.jobs.search_plan import SearchPlan
from forecast.jobs.trials import Place, Trial, grouped, remembered, trial_of
from forecast.methods import EMPTY, Method, remember, remembering
from forecast.methods.statistical import Statistical
from forecast.runs.checkpoint import Checkpoint, open_checkpoint
from forecast.runs.study import BEST, LEADERBOARD
from forecast.runs.unfinished import checkpoint_path

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

QUIET = Console(quiet=True)
MEMBERS = "members: [{}, {model: {kind: dlinear}, training: {seed: 5}}, naive, drift]"
SMALL = ("model={kind: mlp, layers: [4]}", "training.epochs=2")
EQUAL = (*SMALL, f"blend={{{MEMBERS}, weights: equal}}")
WEIGHED = (*SMALL, f"blend={{{MEMBERS}, weights: stacked}}", "intervals={n_windows: 20}")


def _course(project: Path, settings: tuple[str, ...]) -> Course:
    plan = SearchPlan.of(prepare(project / "air.yaml", settings), settings)
    return plan.course


def _forecast(course: Course, settings: tuple[str, ...], place: Place) -> FloatArray:
    """What the config itself forecasts as a trial."""
    trial = trial_of(0, {}, course.past.source, settings, course)
    [group] = grouped([trial], [place])
    found = group.forecasts(course, QUIET)[0, place]
    assert found is not None
    return found


def test_a_trial_of_a_blend_is_the_mean_of_its_members(project: Path) -> None:
    """Of networks that are fitted as they would be alone, each with its own seeds, and methods."""
    place = Place(1, 2)
    course = _course(project, EQUAL)
    origin = course.origins[place.origin]
    alone = [SMALL, ("model={kind: dlinear}", "training={epochs: 2, seed: 5}")]
    each = [_forecast(_course(project, own), own, place) for own in alone]
    panel = course.past.panel
    rows, steps = origin.cutoffs, origin.cutoffs - panel.starts[0]
    each.append(panel.values[rows, None])
    each.append((panel.values[rows] + (panel.values[rows] - panel.values[0]) / steps)[:, None])
    np.testing.assert_allclose(_forecast(course, EQUAL, place), np.mean(each, axis=0), rtol=1e-6)


def test_weights_are_found_before_each_origin(
    project: Path, airline_lines: tuple[str, ...]
) -> None:
    """Whatever comes after it, they are the same; intervals are not calibrated."""
    place, course = Place(0, 0), _course(project, WEIGHED)
    before = _forecast(course, WEIGHED, place)
    assert (before != _forecast(_course(project, EQUAL), EQUAL, place)).all()
    [first] = course.origins[1].fitted_at + 1
    head, *rows = airline_lines
    changed = [f"{row}0" if i >= first else row for i, row in enumerate(rows)]
    (project / "airline-passengers.csv").write_text("\n".join([head, *changed]) + "\n")
    after = _course(project, WEIGHED)
    assert after.past.panel.values[-1] == 10 * course.past.panel.values[-1]
    np.testing.assert_array_equal(_forecast(after, WEIGHED, place), before)


def test_the_best_config_is_of_the_best_blend(project: Path) -> None:
    """Keys of its networks are searched, and how it weighs; a key that no member has is refused."""
    space = "{training.learning_rate: [0.01], blend.weights: [equal, validated]}"
    search = f"search={{sampler: grid, n_windows: 1, seeds: 1, space: {space}}}"
    settings = (*EQUAL, search)
    plan = SearchPlan.of(prepare(project / "air.yaml", settings), settings)
    with plan.new_study(project / "runs") as study:
        folder = tune(plan, study, QUIET).parent
    best, *others = csv.DictReader((folder / LEADERBOARD).read_text().splitlines())
    assert [row["rank"] for row in others] == ["2", "", ""]
    config = load_config(folder / BEST).config
    assert config.blend is not None
    assert config.blend.weights == best["blend.weights"]
    assert config.blend.members == plan.job.config.blend.members  # type: ignore[union-attr]
    assert config.training.learning_rate == float(best["training.learning_rate"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("blend={members: [naive]}", "search.space={model.units: [3]}"), "the blend has no netw"),
        (
            ("blend={members: [{model: {units: 3}}]}", "search.space={model.units: [3]}"),
            r"`model\.units` can not be varied: each network of the blend says its own",
        ),
        (
            ("blend={members: [{model: {kind: mlp}}]}", "search.space={model.units: [3]}"),
            "each network of the blend says its own, or has none",
        ),
        (("search.space={blend.by: [all]}",), "the config is of no blend"),
        (("blend={members: [naive, drift]}",), "no network of the blend has its recipe from the"),
    ],
)
def test_a_search_that_would_change_nothing_is_refused(
    project: Path, settings: tuple[str, ...], message: str
) -> None:
    """All its trials would be the same."""
    with pytest.raises(ConfigError, match=message):
        SearchPlan.of(prepare(project / "air.yaml", settings), settings)


def test_of_several_blends_any_key_may_be_searched(project: Path) -> None:
    """Which members there are may be searched too, or whether there is a blend at all."""
    space = "{blend: [null, {members: [{}, naive]}], model.units: [3, 4]}"
    settings = (f"search.space={space}",)
    course = _course(project, settings)
    values: list[dict[str, object]] = [{"blend": None}, {"blend": {"members": [{}, "naive"]}}]
    trials = [
        trial_of(i, own, course.past.source, settings, course) for i, own in enumerate(values)
    ]
    assert [own.job is not None and bool(own.job.config.blend) for own in trials] == [False, True]
    assert len(grouped(trials, [Place(0, 0)])) == 2


class Counting(Statistical):
    """Naive, which notes after which row it was asked, and how far."""

    asked: list[tuple[int, int]] = []  # noqa: RUF012 - all of them note in one list

    def __post_init__(self) -> None:
        pass

    @property
    def name(self) -> str:
        return "counting"

    def points(self, panel: Panel, cutoffs: IntArray, horizon: int) -> FloatArray:
        self.asked.extend((row, horizon) for row in cutoffs.tolist())
        return np.repeat(panel.values[cutoffs, None], horizon, axis=1)


def test_a_method_that_takes_long_is_asked_once_for_each_past(project: Path) -> None:
    """Whichever panel it stands in; one that does not take long is asked as ever."""
    panel = prepare(project / "air.yaml").panel
    shorter = panel.before(panel.ends - 5).panel
    methods: list[Method] = [Counting(12)]
    memory = remember(EMPTY, methods, [(panel, np.array([50, 60]), 3)], QUIET)
    memory = remember(memory, methods, [(shorter, np.array([60, 70]), 3)], QUIET)
    assert Counting.asked == [(50, 3), (60, 3), (70, 3)]
    [found] = remembering(methods, memory)
    cutoffs = np.array([70, 80, 50])
    y_hat = found.forecast(shorter, cutoffs, 3).y_hat
    np.testing.assert_array_equal(y_hat, Counting(12).points(panel, cutoffs, 3))
    assert Counting.asked[3:4] == [(80, 3)]
    found.forecast(panel, np.array([50]), 2)
    assert Counting.asked[-1] == (50, 2)


def test_trials_of_blends_have_their_methods_in_common(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What these forecast does not depend on the keys that are searched."""
    course = _course(project, WEIGHED)
    trials: list[Trial] = []
    for number, rate in enumerate((0.01, 0.02)):
        values = {"training.learning_rate": rate}
        trials.append(trial_of(number, values, course.past.source, WEIGHED, course))
    groups = grouped(trials, [Place(0, 0), Place(1, 0)])
    Counting.asked.clear()
    monkeypatch.setattr("forecast.jobs.trials.named_methods", lambda *_: [Counting(12)])
    remembered(groups, course, EMPTY, QUIET, Threads())
    assert len(set(Counting.asked)) == len(Counting.asked) > 0
    assert {(row, 1) for i in (0, 1) for row in course.origins[i].cutoffs} <= set(Counting.asked)


def test_what_a_method_forecast_is_kept_for_a_training_that_goes_on(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked once; what is no longer what was kept is refused."""
    monkeypatch.setattr("forecast.jobs.kept_methods.named_methods", lambda *_: [Counting(12)])
    job = prepare(project / "air.yaml", WEIGHED)
    checkpoint = Checkpoint(project / "kept", record_of(job))
    Counting.asked.clear()
    first = kept_forecasts(job, checkpoint, QUIET)
    asked = list(Counting.asked)
    again = kept_forecasts(job, checkpoint, QUIET)
    assert len(asked) == len(first) == len(again) > 0
    assert Counting.asked == asked
    assert all((again[key] == own).all() for key, own in first.items())
    assert checkpoint.count == 1
    moved = checkpoint_path(project, "air")
    checkpoint.path.rename(moved)
    checkpoint = open_checkpoint(project, "air", lambda record: None)
    with pytest.raises(RunError, match=r"called other was ended on the way\.\nThere are: air\."):
        open_checkpoint(project, "other", lambda record: None)
    checkpoint.keep("counting", {"keys": np.zeros((2, 64), np.uint8)})
    with pytest.raises(RunError, match="holds no member of this training"):
        kept_forecasts(job, checkpoint, QUIET)


def test_kinds_are_compared_as_the_config_blends_them(project: Path) -> None:
    """With what their networks take; a seed is one of all networks."""
    kinds = [{"model.kind": kind} for kind in ("mlp", "dlinear")]
    settings = ("training.epochs=2", "blend={members: [{}, naive], weights: equal}")
    jobs = prepare_each(project / "air.yaml", settings, kinds)
    models = compare_kinds(jobs, 2, QUIET).models.set_index("model")
    assert set(models.index) == {"blend of mlp", "blend of dlinear", "naive", "seasonal_naive"}
    for kind in ("mlp", "dlinear"):
        row = models.loc[f"blend of {kind}"].to_dict()
        assert row["parameters"] > 0
        assert row["onnx_bytes"] > 0
        assert row["rmse_sd"] > 0
        assert np.isnan(row["forecast_microseconds"])
