"""`train --from RUN`: the weights and scales of an earlier run, on newer rows."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from pydantic import TypeAdapter

from forecast.commands.invocation import Invocation
from forecast.commands.train import train
from forecast.config.schema import TransformOptions
from forecast.console import Console
from forecast.data.panel import Panel
from forecast.errors import ConfigError, DataError, RunError
from forecast.jobs.fitting import Fitting
from forecast.jobs.job import prepare
from forecast.jobs.trained import TrainedJob
from forecast.jobs.warm_start import warm_start
from forecast.runs import Run, find_run, stage
from forecast.runs.documents import read_transforms
from forecast.runs.weights import read_weights
from forecast.transforms import EarlierFit, Pipelines, fit_pipelines

Cli = Callable[..., CompletedProcess[str]]

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CONFIG = """\
data: {path: sales.csv, time: month, target: sales, id: shop}
split: {test: 6}
transforms: [minmax]
window: {context_length: 6, horizon: 2}
model: {kind: mlp, layers: [3], scope: local}
training: {epochs: 2, learning_rate: 0.02, ensemble: {size: 2}}
"""
# Steps so small that no weight of 32 bits moves.
STILL = "training.learning_rate=1e-30"


def _write(folder: Path, lengths: dict[str, int], config: str = CONFIG) -> Path:
    """A config and its table; the sales of a shop follow from its name."""
    lines = ["shop,month,sales"]
    for shop, length in lengths.items():
        random = np.random.default_rng(list(shop.encode()))
        sales = 100 + 2 * np.arange(60) + random.normal(size=60).cumsum()
        lines += [
            f"{shop},{2000 + i // 12}-{1 + i % 12:02}-01,{y:.4f}"
            for i, y in enumerate(sales[:length])
        ]
    (folder / "sales.csv").write_text("\n".join(lines) + "\n")
    (folder / "sales.yaml").write_text(config)
    return folder / "sales.yaml"


def _train(config: Path, name: str, *settings: str, start: str | None = None) -> Run:
    job, runs = prepare(config, settings), config.parent / "runs"
    given = None if start is None else warm_start(job, find_run(runs, start))
    with stage(runs, "sales", name) as staging:
        return train(job, staging, Invocation(Console(quiet=True), start=given))


def _fit(config: Path, *settings: str, start: Run | None = None) -> TrainedJob:
    """What `train` fits, without a run of it."""
    job = prepare(config, settings)
    fitting = Fitting([job], None if start is None else warm_start(job, start))
    [trained] = fitting.run(Console(quiet=True)).trained
    return trained


def _same(one: TrainedJob, other: TrainedJob) -> None:
    np.testing.assert_array_equal(one.weights[0], other.weights[0])
    assert one.transforms.states() == other.transforms.states()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run `local` of two networks for each of three shops, a run `all` of two for all."""
    folder = tmp_path_factory.mktemp("start")
    config = _write(folder, {"ann": 40, "bob": 36, "cat": 30})
    _train(config, "local")
    _train(config, "all", "model.scope=global", "split.validation=4")
    return folder


def _newer(folder: Path, **lengths: int) -> Path:
    return _write(folder, lengths or {"cat": 36, "dan": 40, "ann": 48})


def _weights(run: Run) -> np.ndarray:
    [weights] = read_weights(run, 1)
    return weights


def test_each_series_and_member_goes_on_from_its_own_weights(folder: Path) -> None:
    """Whatever the order of the series; one that is new begins as it would without the run."""
    config = _newer(folder)
    run = find_run(folder / "runs", "local")
    before, [after] = _weights(run), _fit(config, STILL, start=run).weights
    np.testing.assert_array_equal(after[0], before[2])  # cat
    np.testing.assert_array_equal(after[2], before[0])  # ann
    [anew] = _fit(config, STILL).weights
    np.testing.assert_array_equal(after[1], anew[1])  # dan
    assert not (after == anew)[[0, 2]].all(axis=-1).any()


def test_scales_are_kept_and_those_of_new_series_fitted(folder: Path) -> None:
    """Kept scales are those of the run, also where newer rows lie outside of them."""
    config, run = _newer(folder), find_run(folder / "runs", "local")
    [before], fresh = read_transforms(run), _fit(config, STILL)
    kept = _fit(config, STILL, start=run)
    [after], [fitted] = kept.transforms.states(), fresh.transforms.states()
    for key in ("scale", "shift"):
        assert after[key] == [before[key][2], fitted[key][1], before[key][0]]
        assert after[key][0] != fitted[key][0]
    again = _fit(config, STILL, "training.refit_transforms=true", start=run)
    assert again.transforms.states() == [fitted]
    np.testing.assert_array_equal(again.weights[0], kept.weights[0])


def test_the_run_tells_what_it_came_from(folder: Path) -> None:
    """Also what no longer is among the data."""
    record = _train(_newer(folder), "told", STILL, start="local").record
    assert record.warm_start is not None
    told = record.warm_start.model_dump(exclude={"created", "path"})
    assert told == {
        "name": "local",
        "transforms": "kept",
        "new_series": ["dan"],
        "lost_series": {"bob": "2002-07-01"},
    }
    # A run that goes on from this one still knows until when bob was seen.
    config = _newer(folder, cat=40, dan=44, bob=34)
    with pytest.raises(
        DataError, match=r"begins at 2002-05-01, and the run told has seen .*2002-07"
    ):
        warm_start(prepare(config), find_run(folder / "runs", "told"))


def test_one_network_for_all_goes_on_for_other_series(folder: Path) -> None:
    """As pretrained networks do: the weights are kept, the scales of new series are fitted."""
    config = _newer(folder, dan=40, eve=40)
    settings = [STILL, "model.scope=global", "split.validation=4"]
    run = find_run(folder / "runs", "all")
    np.testing.assert_array_equal(_fit(config, *settings, start=run).weights[0], _weights(run))
    with pytest.raises(DataError, match="has networks of ann, bob, cat, and the table none"):
        warm_start(prepare(config), find_run(folder / "runs", "local"))


def test_all_options_that_make_other_networks_are_named(folder: Path) -> None:
    """Each with what the run has; options of training alone may be others."""
    run = find_run(folder / "runs", "local")
    config = _newer(folder)
    free = ["model.dropout=0.5", "training.loss=mae", "training.ensemble.combine=median"]
    warm_start(prepare(config, free), run)
    unlike = [
        "model.layers=[4]", "window.context_length=5", "training.ensemble=3",
        "transforms=[standard]", "data.season_length=4",
    ]  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        warm_start(prepare(config, unlike), run)
    advice = [problem.advice or "" for problem in caught.value.problems]
    assert [line.split("`")[1] for line in advice] == [
        "data.season_length: 12",
        'transforms: [{"fit_on": "train", "per": "series", "kind": "minmax"}]',
        "window.context_length: 6",
        "training.ensemble.size: 2",
        "model.layers: [3]",
    ]
    with pytest.raises(ConfigError, match=r'`model.kind` is "lstm", and in the run local "mlp"'):
        warm_start(prepare(config, ["model.kind=lstm"]), run)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        (["split.test=9", "split.validation=4"], "the test part begins at 2002-09-01"),
        (["split.test=4", "split.validation=12"], "the validation part begins at 2002-02-01"),
    ],
)
def test_rows_that_the_run_has_seen_are_not_held_out(
    folder: Path, settings: list[str], part: str
) -> None:
    """Scores on them would tell what the networks remember."""
    config = _newer(folder, ann=41, bob=36, cat=33)
    run = find_run(folder / "runs", "all")
    with pytest.raises(DataError, match=part):
        warm_start(prepare(config, ["model.scope=global", *settings]), run)
    warm_start(prepare(config, ["model.scope=global", "split.test=6", "split.validation=4"]), run)


def test_nothing_of_the_run_is_read_but_weights_and_scales(folder: Path, tmp_path: Path) -> None:
    """Its test part in particular: the files that hold its rows and scores may be gone."""
    run = find_run(folder / "runs", "local")
    copy = Run(shutil.copytree(run.path, tmp_path / "copy"), run.record)
    for name in ("context.csv", "forecasts.csv", "scores.csv", "history.csv", "model.onnx"):
        (copy.path / name).unlink()
    config = _newer(folder)
    _same(_fit(config, start=run), _fit(config, start=copy))


def test_intervals_are_calibrated_anew_on_rows_that_the_run_has_seen(folder: Path) -> None:
    """Forecasts of what its networks were trained on would make them too narrow."""
    run = find_run(folder / "runs", "all")
    settings = ["model.scope=global", "split.test=4", "intervals.n_windows=9"]
    for lengths, is_warned in (((41, 37, 31), True), ((58, 58, 58), False)):
        job = prepare(
            _newer(folder, **dict(zip(("ann", "bob", "cat"), lengths, strict=True))), settings
        )
        warnings = warm_start(job, run).warnings(job)
        assert any("intervals are calibrated" in line for line in warnings) == is_warned


def test_weights_that_fit_nothing_are_damaged(folder: Path, tmp_path: Path) -> None:
    """Though the checksum is theirs."""
    config = _newer(folder)
    for i, wrong in enumerate((np.full((3, 2, 5), np.nan), np.zeros((2, 2, 5)))):
        with stage(tmp_path, "bad", f"bad-{i}") as staging:
            good = find_run(folder / "runs", "local")
            for name in good.record.checksums:
                if not name.startswith("weights"):
                    staging.write(name, (good.path / name).read_bytes())
            np.save(staging.path / "weights.npy", wrong.astype(np.float32))
            staging.write("weights.npy", (staging.path / "weights.npy").read_bytes())
            bad = staging.commit(good.record)
        with pytest.raises(RunError, match=r"weights\.npy"):
            warm_start(prepare(config), bad)


def test_a_function_that_builds_another_network_is_refused(tmp_path: Path) -> None:
    """Its options are as before, and its weights are not."""
    source = (
        "import keras\ndef connect(inputs, shape):\n    return keras.layers.Dense(shape.outputs)("
    )
    flat = "keras.layers.Flatten()(inputs.past)"
    (tmp_path / "mine.py").write_text(f"{source}{flat})\n")
    model = "model: {kind: mlp, layers: [3], scope: local}"
    config = _write(tmp_path, {"ann": 40}, CONFIG.replace(model, "model: {kind: 'mine:connect'}"))
    _train(config, "first")
    (tmp_path / "mine.py").write_text(f"{source}keras.layers.Dense(3)({flat}))\n")
    with pytest.raises(ConfigError, match=r"the network has 29 weights, and in the run first 14"):
        _fit(config, start=find_run(tmp_path / "runs", "first"))


@pytest.mark.parametrize(
    "options",
    [
        "minmax", "robust", "log", {"kind": "standard", "per": "global"}, "boxcox",
        {"kind": "boxcox", "power": 0.5}, "deseasonalize", {"kind": "difference", "lag": 2},
    ],
)  # fmt: skip
def test_every_transform_keeps_what_it_knew(
    options: object, make_panel: Callable[..., Panel]
) -> None:
    """On newer rows a known series becomes what it became, and the way back is the same."""
    random = np.random.default_rng(0)
    a, b, c = (50 * i + 10 * random.random(40) for i in (1, 2, 3))
    option = TypeAdapter[TransformOptions](TransformOptions).validate_python(options)

    def fit(panel: Panel, earlier: EarlierFit | None = None) -> Pipelines:
        past = panel.before(panel.ends - 8)
        return fit_pipelines([(option,)], {"train": past, "all": past}, 4, earlier)

    known = make_panel([a[:30], b[:30]])
    newer = make_panel([b, c, a])
    before = fit(known)
    after = fit(newer, EarlierFit(before, np.array([1, -1, 0])))
    anew = fit(newer)

    def applied(pipelines: Pipelines, panel: Panel) -> list[np.ndarray]:
        shared = pipelines.shared.apply(panel).panel
        values = pipelines.branches[0].apply(shared).panel.values
        return np.split(values, panel.offsets[1:-1])

    (old_a, old_b), (new_b, new_c, new_a) = applied(before, known), applied(after, newer)
    np.testing.assert_array_equal(new_a[:30], old_a)
    np.testing.assert_array_equal(new_b[:30], old_b)
    is_global = isinstance(options, dict) and options.get("per") == "global"
    if not is_global:
        np.testing.assert_array_equal(new_c, applied(anew, newer)[1])


def test_a_person_goes_on_from_a_run(cli: Cli, project: Path, run: Path) -> None:
    """By its name, a path or `latest`; what it came from is said, kept and shown."""
    settings = ["--set", "training.epochs=1", "--name", "next"]
    result = cli("train", "--config", "air.yaml", "--from", "latest", *settings)
    assert result.returncode == 0, result.stderr
    assert f"goes on from the run {run.name}: its weights, and its transforms\n" in result.stderr
    assert f"\nfrom: {run.name} (transforms kept)\n" in cli("runs", "show", "next").stdout
    document = json.loads(cli("runs", "show", "next", "--format", "json").stdout)
    assert document["warm_start"]["path"] == str(run)
    lost = (project / "runs" / "next" / "history.csv").read_text().splitlines()[1]
    first = (run / "history.csv").read_text().splitlines()
    assert float(lost.split(",")[1]) < float(first[1].split(",")[1])


def test_a_run_that_does_not_fit_ends_before_anything_is_written(
    cli: Cli, project: Path, run: Path
) -> None:
    """With the code of what has to be mended, and the option at its place."""
    words = ["train", "--config", "air.yaml", "--name", "next", "--from"]
    for arguments, code, said in (
        ([run.name, "--set", "model.units=4"], 3, "`model.units` is 4, and in the run"),
        ([str(run), "--set", "split.test=40"], 4, "the test part begins at 1957-09-01"),
        (["nobody"], 5, "there is no run nobody."),
    ):
        result = cli(*words, *arguments)
        assert (result.returncode, result.stdout) == (code, "")
        assert said in result.stderr
    assert sorted(path.name for path in (project / "runs").iterdir()) == [run.name, "latest"]
