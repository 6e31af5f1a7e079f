"""Blends: several forecasters whose weighted mean is the forecast."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.commands.backtest import backtest
from forecast.commands.evaluate import evaluate
from forecast.commands.invocation import Invocation
from forecast.commands.predict import predict
from forecast.commands.show import show_text
from forecast.commands.train import write_run
from forecast.commands.train_blend import NetworkTraining, train_blend
from forecast.config.blend import BlendOptions
from forecast.config.schema import PredictOptions
from forecast.console import Console
from forecast.data.forecasts import Forecasts
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.errors import ConfigError, RunError
from forecast.jobs.blending import fit_blended
from forecast.jobs.fitting import FittedJobs, fit_networks
from forecast.jobs.job import Job, prepare
from forecast.jobs.kept_networks import KeptNetworks
from forecast.jobs.opened_blend import OpenedBlend
from forecast.jobs.opening import open_network, open_run, original_job
from forecast.jobs.resuming import new_checkpoint
from forecast.methods import Blend, BlendWeights
from forecast.methods.weighing import fit_weights
from forecast.runs import find_run, problems, stage
from forecast.runs.documents import read_blend
from forecast.runs.tables import read_forecasts

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

QUIET = Console(quiet=True)
CONFIG = """\
data: {path: shops.csv, time: month, target: sales, id: shop}
split: {test: 4}
transforms: [log, {kind: difference, lag: season}]
window: {context_length: 12, horizon: 4}
model: {kind: mlp, layers: [4]}
training: {epochs: 2}
blend:
  members:
    - {}
    - {model: {layers: [3]}, transforms: [standard]}
    - naive
    - seasonal_naive
    - drift
  by: step
intervals: {n_windows: 8}
backtest: {n_windows: 2}
"""


def _table(last: float = 1.0) -> str:
    """Two shops with a season; what is sold in the last four months is times `last`."""
    random, lines = np.random.default_rng(0), ["shop,month,sales"]
    for shop, level, rows in (("ann", 50, 60), ("bob", 900, 56)):
        for i in range(rows):
            season = 1 + 0.4 * np.sin(i / 12 * 2 * np.pi) + 0.01 * i
            y = level * season * (1 + 0.05 * random.normal()) * (last if i >= rows - 4 else 1)
            lines.append(f"{shop},{2000 + i // 12}-{1 + i % 12:02}-01,{y:.4f}")
    return "\n".join(lines) + "\n"


def _train(folder: Path, table: str, *settings: str) -> OpenedBlend:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shops.csv").write_text(table)
    (folder / "shops.yaml").write_text(CONFIG)
    training = NetworkTraining(fit_networks, write_run)
    with stage(folder / "runs", "shops", "shops") as staging:
        job = prepare(folder / "shops.yaml", settings)
        run = train_blend(job, staging, Invocation(QUIET), training)
    opened = open_run(run)
    assert isinstance(opened, OpenedBlend)
    return opened


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenedBlend:
    """Two networks and three methods, to be read and never changed."""
    return _train(tmp_path_factory.mktemp("blend"), _table())


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> OpenedBlend:
    """The same, of a table whose test part alone is another."""
    return _train(tmp_path_factory.mktemp("other"), _table(last=7.0))


def test_a_run_has_a_run_for_each_network(opened: OpenedBlend) -> None:
    """Whole, each by itself, with what is its own; and the checksums of all are checked."""
    assert list(opened.blend.members) == ["mlp", "mlp-2", "naive", "seasonal_naive", "drift"]
    assert problems(opened.run) == []
    for name, layers in (("mlp", (4,)), ("mlp-2", (3,))):
        member = open_network(
            find_run(opened.run.path.parent, str(opened.run.path / "members" / name))
        )
        assert member.config.model.model_dump()["layers"] == layers
        assert member.config.blend is None
        table = predict(member)
        assert list(table["unique_id"].unique()) == ["ann", "bob"]
    assert [option.kind for option in member.config.transforms] == ["standard"]


def test_a_forecast_is_the_weighted_mean_of_those_of_the_members(opened: OpenedBlend) -> None:
    """Step by step, and with quantiles about it."""
    panel, weights = opened.known, opened.blend.weights
    cutoffs, horizon = panel.ends - 1, 4
    by_hand = np.zeros((2, horizon))
    for i, method in enumerate(opened.blend.members.values()):
        points = method.forecast(panel, cutoffs, horizon).y_hat
        by_hand += weights.numbers[0, :, i] * points
    table = predict(opened)
    np.testing.assert_allclose(table["y_hat"], by_hand.ravel(), rtol=1e-6)
    assert (table["q0.1"] < table["y_hat"]).all()
    assert (table["q0.9"] > table["y_hat"]).all()
    # Beyond the steps that weights are of, the last of them hold.
    assert np.isfinite(predict(opened, horizon=7, quantile_levels=[])["y_hat"]).all()


def test_intervals_are_as_wide_as_networks_have_learned_where_nothing_calibrates_them(
    tmp_path: Path,
) -> None:
    """The mean of what these say, about the forecast of the blend; and no second training."""
    learned = ("model.quantiles=[0.1, 0.5, 0.9]", "training.loss=pinball", "blend.weights=equal")
    opened = _train(tmp_path, _table(), "intervals=null", *learned)
    assert opened.quantile_levels == (0.1, 0.5, 0.9)
    panel, levels = opened.known, opened.quantile_levels
    networks = [
        opened.blend.members[name].forecast(panel, panel.ends - 1, 4, levels)
        for name in ("mlp", "mlp-2")
    ]
    table = predict(opened)
    for level in levels:  # weights are equal
        width = np.mean([own.quantiles[level] - own.y_hat for own in networks], axis=0)
        np.testing.assert_allclose(table[f"q{level}"], table["y_hat"] + width.ravel(), rtol=1e-6)
    assert (table["q0.9"] > table["q0.1"]).all()
    with pytest.raises(RunError, match="does not forecast the quantile"):
        predict(opened, quantile_levels=[0.7])


@pytest.mark.parametrize(
    ("weights", "width"), [((0.5, 0.5, 0), 2.0), ((0.25, 0.5, 0.25), 3.0), ((0, 1, 0), 3.0)]
)
def test_quantiles_count_for_as_much_as_forecasts(
    make_panel: Callable[..., Panel], weights: tuple[float, ...], width: float
) -> None:
    """A network that is left out has no part in the width, unless all that have one are."""
    members = [_Fixed("a", 10.0, width=2.0), _Fixed("b", 20.0), _Fixed("c", 30.0, width=4.0)]
    blend = Blend(
        {own.name: own for own in members},
        BlendWeights(np.array([[weights]])),
        ("a",),
        1,
        PredictOptions(),
        learned=("a", "c"),
    )
    panel = make_panel([[1.0, 2.0, 4.0]])
    forecasts = blend.forecast(panel, panel.ends - 1, 2, [0.9])
    np.testing.assert_allclose(forecasts.quantiles[0.9] - forecasts.y_hat, width)


def test_a_network_without_a_part_in_a_series_need_not_tell_its_width(
    make_panel: Callable[..., Panel],
) -> None:
    """As where it falls back, and has no quantiles: NaN is of the series that it has a part in."""
    members = [_Fixed("a", 10.0, width=np.nan), _Fixed("b", 20.0, width=2.0)]
    weights = BlendWeights(np.array([[[0.5, 0.5]], [[0.0, 1.0]], [[1.0, 0.0]]]))
    named = {own.name: own for own in members}
    blend = Blend(named, weights, ("a", "b"), 1, PredictOptions(), learned=("a", "b"))
    panel = make_panel([[1.0, 2.0], [3.0, 4.0]])
    forecasts = blend.forecast(panel, panel.ends - 1, 1, [0.9])
    np.testing.assert_array_equal(forecasts.y_hat, [[20.0], [10.0]])
    np.testing.assert_array_equal(forecasts.quantiles[0.9], [[22.0], [np.nan]])


def test_quantiles_of_no_network_are_refused(tmp_path: Path) -> None:
    """Where neither a member has them nor errors tell them."""
    (tmp_path / "shops.csv").write_text(_table())
    text = CONFIG.replace("intervals: {n_windows: 8}\n", "").replace("    - {}\n", "")
    other = "{model: {layers: [3], quantiles: []}, training: {loss: mae}, transforms: [standard]}"
    text = text.replace("{model: {layers: [3]}, transforms: [standard]}", other)
    text = text.replace("layers: [4]}", "layers: [4], quantiles: [0.1, 0.5, 0.9]}")
    (tmp_path / "shops.yaml").write_text(text.replace("epochs: 2}", "epochs: 2, loss: pinball}"))
    with pytest.raises(ConfigError, match="no network of the blend") as caught:
        prepare(tmp_path / "shops.yaml")
    assert "add a section `intervals`" in str(caught.value)


def test_neither_weights_nor_intervals_nor_networks_see_the_test_part(
    opened: OpenedBlend, other: OpenedBlend
) -> None:
    """A test part that is seven times as large changes nothing of what is fitted."""
    for name in ("intervals.json", "members/mlp/weights.npy", "members/mlp-2/weights.npy"):
        mine, theirs = (run.run.path / name for run in (opened, other))
        assert mine.read_bytes() == theirs.read_bytes()
    first, second = (read_blend(own.run) for own in (opened, other))
    assert first.weights == second.weights
    assert first.rows == second.rows
    test = [read_forecasts(own.run).query("model == 'blend'") for own in (opened, other)]
    np.testing.assert_array_equal(test[0]["y_hat"], test[1]["y_hat"])


def test_a_training_that_is_gone_on_with_ends_as_one_that_was_never_ended(
    tmp_path: Path, opened: OpenedBlend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after its first network: that one is not fitted again, and all is the same to the bit.

    What was kept goes with the end; a network that is no longer what was kept is refused.
    """
    (tmp_path / "shops.csv").write_text(_table())
    (tmp_path / "shops.yaml").write_text(CONFIG)
    fitted: list[str] = []

    def train(most: int) -> Path:
        def fit(jobs: Sequence[Job], console: Console) -> FittedJobs:
            if len(fitted) == most:
                raise KeyboardInterrupt
            fitted.append(jobs[0].config.model.kind)
            return fit_networks(jobs, console)

        monkeypatch.setattr("forecast.jobs.kept_networks.fit_networks", fit)
        job = prepare(tmp_path / "shops.yaml")
        with stage(tmp_path / "runs", "shops", "shops") as staging:
            checkpoint = new_checkpoint(job, staging)
            training = NetworkTraining(KeptNetworks(checkpoint).fit, write_run)
            return train_blend(job, staging, Invocation(QUIET), training, checkpoint).path

    with pytest.raises(KeyboardInterrupt):
        train(most=1)
    [kept] = (tmp_path / "runs").glob(".checkpoint-shops/*.npz")
    content = kept.read_bytes()
    for damaged in (content[:1000], content.replace(b"0-0", b"7-7")):
        kept.write_bytes(damaged)
        with pytest.raises(RunError, match="holds no member of this training"):
            train(most=2)
    kept.write_bytes(content)
    path = train(most=2)
    assert len(fitted) == 2
    assert {entry.name for entry in path.parent.iterdir()} == {"shops", "latest"}
    networks = [f"members/{name}/history.csv" for name in ("mlp", "mlp-2")]
    for name in ("intervals.json", "forecasts.csv", "members/mlp/model.onnx", *networks):
        assert (path / name).read_bytes() == (opened.run.path / name).read_bytes()


def test_what_each_member_adds_is_told(opened: OpenedBlend) -> None:
    """In the table of a run and in its JSON; the weights are those of the blend."""
    document = json.loads(show_text(opened.run, "json"))["blend"]
    assert [own["name"] for own in document["members"]] == list(opened.blend.members)
    weights = [own["weight"] for own in document["members"]]
    assert sum(weights) == pytest.approx(1)
    assert all(own["error"] > 0 and own["error_without"] > 0 for own in document["members"])
    shown = show_text(opened.run, "table")
    assert "mase without it" in shown
    assert "seasonal_naive" in shown


def test_newer_rows_are_forecast_from_and_scored(opened: OpenedBlend, tmp_path: Path) -> None:
    """Of the run's series, and of one that is new to it."""
    newer = tmp_path / "newer.csv"
    lines = ["shop,month,sales", "ann,2005-01-01,80", "ann,2005-02-01,90"]
    lines += [f"cid,{2000 + i // 12}-{1 + i % 12:02}-01,{5 + i % 12}" for i in range(40)]
    newer.write_text("\n".join(lines) + "\n")
    table = predict(opened, newer)
    assert table.groupby("unique_id")["ds"].min().astype(str).to_dict() == {
        "ann": "2005-03-01",
        "bob": "2004-09-01",
        "cid": "2003-05-01",
    }
    assert np.isfinite(table[["y_hat", "q0.1", "q0.9"]]).all(axis=None)
    newer.write_text("\n".join(lines[:3]) + "\n")
    scores = evaluate(opened, newer)
    assert {"blend", "naive", "seasonal_naive"} == set(scores["model"])


@pytest.mark.parametrize("refit", ["false", "true"])
def test_a_backtest_forecasts_from_the_past_of_each_cutoff(tmp_path: Path, refit: str) -> None:
    """The first cutoff's forecasts do not change with what came after it."""
    first = []
    for name, last in (("one", 1.0), ("other", 7.0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shops.csv").write_text(_table(last))
        (tmp_path / name / "shops.yaml").write_text(CONFIG)
        few = "blend.members=[{}, naive, seasonal_naive]"
        job = prepare(tmp_path / name / "shops.yaml", [f"backtest.refit={refit}", few])
        fit = partial(fit_blended, fit_networks=fit_networks)
        result = backtest(job, ["naive"], QUIET, fit)
        own = result.forecasts.query("model == 'blend'")
        assert set(own["cutoff"].astype(str)) == {"2004-04-01", "2003-12-01", "2004-08-01"}
        first.append(own[own["cutoff"] < "2004-04-02"].query("unique_id == 'ann'"))
        assert result.scores.query("metric == 'coverage_80'")["value"].notna().all()
    np.testing.assert_array_equal(first[0]["y_hat"], first[1]["y_hat"])


def test_a_network_of_a_blend_is_explained_on_the_test_part_that_it_has_not_seen(
    tmp_path: Path,
) -> None:
    """A share of the windows is that of the member that takes most rows, for all of them."""
    (tmp_path / "shops.csv").write_text(_table())
    (tmp_path / "shops.yaml").write_text(CONFIG)
    settings = ("split.test=0.5", "intervals=null", "blend.weights=equal")
    opened = _train(tmp_path, _table(), *settings)
    member = opened.networks["mlp-2"]
    alone = prepare(member.run.path / "resolved.yaml")
    job = original_job(member)
    assert (alone.split.test_begins < job.split.test_begins).all()
    np.testing.assert_array_equal(job.split.test_begins, opened.unseen(job.panel))
    assert job.cutoffs["test"].min() >= job.split.test_begins[0] - 1


def test_a_member_that_was_changed_is_found(
    tmp_path: Path, opened: OpenedBlend, cli: Callable[..., CompletedProcess[str]]
) -> None:
    """By the checksums of its run, of which that of `run.json` stands in that of the blend."""
    copy = tmp_path / "runs" / "shops"
    shutil.copytree(opened.run.path, copy)
    file = copy / "members" / "mlp" / "transforms.json"
    file.write_text(file.read_text().replace("{", "{ ", 1))
    assert cli("runs", "verify", "shops").returncode == 5
    assert "transforms.json is damaged" in cli("predict", "shops").stderr
    record = copy / "members" / "mlp" / "run.json"
    record.write_text(record.read_text() + " ")
    with pytest.raises(RunError, match=r"not the one in blend\.json"):
        open_run(find_run(copy.parent, "shops"))
    assert cli("runs", "delete", "shops").returncode == 0
    assert not copy.exists()


HOSTILE = {
    "a path": lambda blend: blend["members"][0].update(name="../other"),
    "no method": lambda blend: blend["members"][2].update(name="no_such"),
    "a name twice": lambda blend: blend["members"][3].update(name="naive"),
    "too few weights": lambda blend: blend["weights"][0][0].pop(),
    "a negative weight": lambda blend: blend["weights"][0].append([-1, 2, 0, 0, 0]),
    "weights of other series": lambda blend: blend["weights"].append(blend["weights"][0]),
    "a network that is not there": lambda blend: blend["members"][0].update(name="gru"),
}


@pytest.mark.parametrize("spoil", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_blend_that_somebody_made_up_is_refused(
    tmp_path: Path, opened: OpenedBlend, spoil: Callable[[dict[str, Any]], object]
) -> None:
    """Although its checksum is right."""
    copy = tmp_path / "shops"
    shutil.copytree(opened.run.path, copy)
    blend = json.loads((copy / "blend.json").read_text())
    spoil(blend)
    (copy / "blend.json").write_text(json.dumps(blend))
    record = json.loads((copy / "run.json").read_text())
    digest = hashlib.sha256((copy / "blend.json").read_bytes()).hexdigest()
    record["checksums"]["blend.json"] = digest
    (copy / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunError):
        open_run(find_run(tmp_path, "shops"))


def test_commands_take_a_blend_as_one(
    tmp_path: Path,
    opened: OpenedBlend,
    other: OpenedBlend,
    cli: Callable[..., CompletedProcess[str]],
) -> None:
    """`plot`, `compare`, `export` do; those that look into one network name its members."""
    path = opened.run.path
    drawn = cli("plot", path, "--output", tmp_path / "plots")
    assert (drawn.returncode, Path(drawn.stdout.strip()).name) == (0, "forecast.png"), drawn.stderr
    refused = cli("plot", path, "history")
    assert (refused.returncode, "members/mlp" in refused.stderr) == (2, True)
    compared = cli("compare", path, path / "members" / "mlp", "--format", "csv")
    assert compared.returncode == 0, compared.stderr
    assert {"shops", "mlp", "naive"} <= {
        line.split(",")[0] for line in compared.stdout.splitlines()
    }
    exported = cli("export", path, "--format", "onnx", "--output", "out")
    assert exported.returncode == 0, exported.stderr
    names = {str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*.onnx")}
    assert names == {"mlp/model.onnx", "mlp-2/model.onnx"}
    assert "weighted mean of what 5 members" in (tmp_path / "out" / "README.md").read_text()
    for command in ("detect", "explain"):
        refused = cli(command, path)
        assert (refused.returncode, "members/mlp" in refused.stderr) == (5, True)


def test_methods_alone_load_no_keras_and_have_nothing_to_export(
    project: Path, cli: Callable[..., CompletedProcess[str]]
) -> None:
    """All rows are kept, since they are fitted to all of them."""
    blend = "blend={members: [naive, seasonal_naive, drift], weights: equal}"
    trained = cli("train", "--config", "air.yaml", "--set", blend, "--name", "air")
    assert trained.returncode == 0, trained.stderr
    assert "TensorFlow" not in trained.stderr
    assert len((project / "runs" / "air" / "context.csv").read_text().splitlines()) == 145
    assert cli("predict", "air").returncode == 0
    checked = cli("check", "--config", "air.yaml", "--set", blend)
    assert (checked.returncode, "members: 0" in checked.stdout) == (0, True), checked.stderr
    compared = cli("compare", "--config", "air.yaml", "--set", blend, "--models", "gru,mlp")
    assert (compared.returncode, "no member of the blend" in compared.stderr) == (3, True)
    refused = cli("export", "air", "--format", "onnx", "--output", "out")
    assert (refused.returncode, "has no network" in refused.stderr) == (2, True)
    warm = cli("train", "--config", "air.yaml", "--set", blend, "--from", "air")
    assert (warm.returncode, "can not go on from an earlier run" in warm.stderr) == (3, True)


@pytest.mark.parametrize(
    ("members", "said", "advice"),
    [
        ("[naive, auto_thet]", "there is no method 'auto_thet'", "Did you mean `auto_theta`?"),
        ("[naive, naive]", "has naive twice", ""),
        ("[]", "should have an entry", ""),
        ("[naive, {split: {test: 3}}]", "should override transforms", ""),
        ("[naive, {window: {contextlength: 3}}]", "unknown key `window.contextlength`", "Did you"),
        ("[naive, {model: {kind: gro}}]", "there is no kind 'gro'", "`gru`"),
        ("[naive, 3]", "should be the name of a method", ""),
    ],
)
def test_a_wrong_member_is_shown_where_it_stands(
    project: Path, members: str, said: str, advice: str
) -> None:
    """With the line, a caret and the way out."""
    config = project / "air.yaml"
    config.write_text(config.read_text() + f"blend:\n  members: {members}\n")
    with pytest.raises(ConfigError) as caught:
        prepare(config)
    assert said in str(caught.value)
    assert advice in str(caught.value)
    assert all((problem.place or "").startswith(str(config)) for problem in caught.value.problems)
    assert "members:" in (caught.value.problems[0].excerpt or "")


class _Fixed:
    """A method that forecasts one number, and is asked so many times."""

    def __init__(self, name: str, number: float, width: float = 0) -> None:
        self.name, self.number, self.width, self.asked = name, number, width, 0

    def forecast(
        self, panel: Panel, cutoffs: IntArray, horizon: int, quantile_levels: Sequence[float] = ()
    ) -> Forecasts:
        self.asked += 1
        y_hat = np.full((len(cutoffs), horizon), self.number)
        return Forecasts(y_hat, dict.fromkeys(quantile_levels, y_hat + self.width))


def test_a_member_without_a_part_is_not_asked_and_one_that_fails_falls_back(
    make_panel: Callable[..., Panel],
) -> None:
    """NaN becomes seasonal naive, or naive."""
    members = [_Fixed("a", 10.0), _Fixed("b", np.nan), _Fixed("c", 1e9)]
    weights = BlendWeights(np.array([[[0.5, 0.5, 0.0]]]))
    blend = Blend({own.name: own for own in members}, weights, ("a", "b"), 3, PredictOptions())
    panel = make_panel([[1.0, 2.0, 4.0], [6.0]])
    forecasts = blend.forecast(panel, panel.ends - 1, 2)
    np.testing.assert_allclose(forecasts.y_hat, [[5.5, 6.0], [8.0, 8.0]])
    assert [own.asked for own in members] == [1, 1, 0]
    with pytest.raises(RunError, match="no intervals"):
        blend.forecast(panel, panel.ends - 1, 2, [0.1])


def _errors(*sizes: float, forecasts: int = 60, steps: int = 3) -> FloatArray:
    """Errors of members, each with its own noise of such a size about one they have in common."""
    random = np.random.default_rng(1)
    common = random.normal(size=(forecasts, steps, 1))
    own: FloatArray = random.normal(size=(forecasts, steps, len(sizes))) * np.array(sizes)
    return common + own


def _options(weights: str, by: str = "all") -> BlendOptions:
    return BlendOptions.model_validate({"members": ["a", "b"], "weights": weights, "by": by})


@pytest.mark.parametrize("weights", ["validated", "stacked"])
@pytest.mark.parametrize("by", ["all", "step", "series"])
def test_plain_noise_has_no_part(weights: str, by: str) -> None:
    """A member that is noise takes less than one part in a hundred off what the others reach."""
    errors = _errors(1.0, 1.0, 1.0, 20.0)
    series = np.arange(60) % 5
    options = _options(weights, by)
    fitted = fit_weights(errors, series, 5, options)
    without = fit_weights(errors[..., :3], series, 5, options)
    new = _errors(1.0, 1.0, 1.0, 20.0, forecasts=200)[60:]
    places = np.arange(140) % 5
    sizes = [
        np.abs((new[..., :members] * own.of(places, 3)).sum(axis=-1)).mean()
        for own, members in ((fitted, 4), (without, 3))
    ]
    assert sizes[0] <= 1.01 * sizes[1]


@pytest.mark.parametrize("weights", ["validated", "stacked"])
def test_members_that_are_alike_have_about_equal_weights(weights: str) -> None:
    """Few errors do not tell them apart."""
    fitted = fit_weights(
        _errors(1.0, 1.0, 1.0, forecasts=6), np.zeros(6, int), 1, _options(weights)
    )
    assert np.abs(fitted.mean - 1 / 3).max() < 0.15


def test_stacked_weights_follow_the_errors() -> None:
    """The better member has more."""
    errors = _errors(0.7, 1.0, forecasts=300)
    weights = fit_weights(errors, np.zeros(300, int), 1, _options("stacked")).mean
    assert weights[0] > weights[1] > 0


def test_weights_by_step_follow_the_step() -> None:
    """A member that is good at the first step alone has its part there."""
    errors = _errors(1.0, 1.0, forecasts=400)
    errors[:, 1:, 0] *= 30
    numbers = fit_weights(errors, np.zeros(400, int), 1, _options("validated", "step")).numbers
    assert numbers.shape == (1, 3, 2)
    assert numbers[0, 0, 0] > 0.4
    assert (numbers[0, 1:, 0] < 0.05).all()


@given(
    sizes=st.lists(st.floats(0, 100), min_size=2, max_size=5),
    weights=st.sampled_from(["equal", "validated", "stacked"]),
    by=st.sampled_from(["all", "step", "series"]),
    forecasts=st.integers(1, 8),
)
def test_weights_are_a_mean(sizes: list[float], weights: str, by: str, forecasts: int) -> None:
    """None negative, of sum 1, for every series and step, known or not, whatever is missing."""
    errors = _errors(*sizes, forecasts=forecasts)
    errors[0, 1:] = np.nan
    series = np.arange(forecasts) % 3
    fitted = fit_weights(errors, series, 4, _options(weights, by))
    own = fitted.of(np.array([-1, 0, 3]), 5)
    assert own.shape == (3, 5, len(sizes))
    assert (own >= 0).all()
    np.testing.assert_allclose(own.sum(axis=-1), 1)
    without = fitted.without(0).of(np.array([0]), 2)
    assert (without[..., 0] == 0).all()
    np.testing.assert_allclose(without.sum(axis=-1), 1)


def test_errors_that_nobody_observed_leave_equal_weights() -> None:
    """There is nothing to tell members apart."""
    errors = np.full((4, 2, 2), np.nan)
    fitted = fit_weights(errors, np.zeros(4, int), 1, _options("validated", "series"))
    np.testing.assert_allclose(fitted.numbers, 0.5)
