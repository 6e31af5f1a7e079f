"""`forecast export`: networks that run elsewhere as they run here, and what stands beside them."""

import json
import re
import runpy
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from forecast.commands.export import export
from forecast.commands.predict import predict
from forecast.errors import RunError, UsageError
from forecast.formats import litert
from forecast.jobs.opened_network import OpenedNetwork
from forecast.jobs.opening import open_network
from forecast.methods.agreement import refuse_disparity
from forecast.methods.network import OnnxPredictor
from forecast.runs import find_run
from forecast.windows import Inputs

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning", "ignore:.*np.object:FutureWarning"
)

Cli = Callable[..., CompletedProcess[str]]
FORMATS = {
    "onnx": "model.onnx",
    "keras": "model.keras",
    "litert": "model.tflite",
    "saved-model": "model",
}

RICH = """\
data:
  {path: sales.csv, time: month, target: sales, id: shop,
   covariates: {past: [stock], known: [price], static: [kind]}}
features: {calendar: [month]}
split: {test: 6}
transforms: [log1p, minmax]
window: {context_length: 12, horizon: 3, normalize: mean, residual_of: last, padding: mask}
model: {kind: lstm, units: 3, quantiles: [0.1, 0.5, 0.9]}
training:
  {epochs: 2, loss: pinball,
   ensemble: {size: 2, combine: median, transforms: [[log1p, deseasonalize, standard]]}}
predict: {minimum: 0, round: true}
"""
LOCAL = """\
data: {path: sales.csv, time: month, target: sales, id: shop}
split: {test: 6}
transforms: [{kind: boxcox, offset: 1}, {kind: difference, lag: 1}]
window: {context_length: 6, horizon: 2}
model: {units: 3, scope: local}
training: {epochs: 2}
"""


def _table() -> str:
    """Three shops of unlike length and level, one of which began a few months ago."""
    random, lines = np.random.default_rng(0), ["shop,kind,month,sales,price,stock"]
    for level, (shop, length) in enumerate({"ann": 40, "bob": 50, "cat": 26}.items(), start=1):
        sales = 10.0**level * (2 + np.sin(np.arange(length) * np.pi / 6) + random.random(length))
        lines += [
            f"{shop},{'new' if level == 3 else 'old'},{2000 + i // 12}-{1 + i % 12:02}-01,"
            f"{y:.4f},{5 + i % 3},{i % 7}"
            for i, y in enumerate(sales)
        ]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def runs(
    once: Callable[..., list[CompletedProcess[str]]],
    cli_in: Cli,
    trained: Path,
    trained_panel: Path,
) -> Callable[[str], OpenedNetwork]:
    """Runs by name, opened."""

    def train(folder: Path) -> list[CompletedProcess[str]]:
        (folder / "sales.csv").write_text(_table())
        results = []
        for name, config in {"rich": RICH, "local": LOCAL}.items():
            (folder / f"{name}.yaml").write_text(config)
            words = ["train", "--config", f"{name}.yaml", "--name", name]
            results.append(cli_in(*words, cwd=folder))
        return results

    rich, local = once("exported", train)
    assert (rich.returncode, local.returncode) == (0, 0), rich.stderr + local.stderr
    folder = Path(str(rich.args)) / "runs"
    paths = {"air": trained, "panel": trained_panel, "rich": folder / "rich"}
    paths["local"] = folder / "local"
    return lambda name: open_network(find_run(paths[name].parent, str(paths[name])))


def _run_readme(folder: Path, monkeypatch: pytest.MonkeyPatch, printed: Any) -> list[list[str]]:
    """What the code of the README prints in its folder, in words."""
    [code] = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    (folder / "read.py").write_text(code)
    monkeypatch.chdir(folder)
    # The runtime of LiteRT is TensorFlow's own interpreter, in a package for itself.
    interpreter = SimpleNamespace(Interpreter=tf.lite.Interpreter)
    monkeypatch.setitem(sys.modules, "ai_edge_litert", SimpleNamespace(interpreter=interpreter))
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", interpreter)
    printed.readouterr()
    runpy.run_path("read.py")
    return [line.rsplit(" ", line.count(" ")) for line in printed.readouterr().out.splitlines()]


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize(
    ("name", "format"),
    [
        *(("air", name) for name in FORMATS),
        *(("rich", name) for name in FORMATS),
        ("panel", "onnx"),
        ("local", "onnx"),
    ],
)
def test_the_readme_forecasts_what_the_run_does(
    name: str,
    format: str,
    runs: Callable[[str], OpenedNetwork],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its code, run beside the files alone, prints what the example and `predict` say."""
    opened, folder = runs(name), tmp_path / "out"
    export(opened, format, folder)
    names = {path.name for path in folder.iterdir()}
    networks = {FORMATS[format]}
    if name == "rich":
        networks |= {FORMATS[format].replace("model", "model-2")}
        networks |= {"features.json"}
    assert names == {"README.md", "example.json", "transforms.json", *networks}
    example = json.loads((folder / "example.json").read_text())
    printed = _run_readme(folder, monkeypatch, capsys)
    assert [words[0] for words in printed] == example["forecast_ds"]
    numbers = np.array([[float(word) for word in words[1:]] for words in printed])
    np.testing.assert_allclose(numbers, example["forecast"], rtol=1e-4)
    if name == "rich":  # its price is not known of the future
        return
    horizon = opened.config.window.horizon
    table = predict(opened, horizon=horizon, quantile_levels=())
    own = table[table["unique_id"] == example["unique_id"]]
    np.testing.assert_allclose(numbers[:, 0], own["y_hat"], rtol=1e-4)


def test_the_page_tells_inputs_scales_and_dates(
    runs: Callable[[str], OpenedNetwork], tmp_path: Path
) -> None:
    """Of a run that has all of them."""
    export(runs("rich"), "onnx", tmp_path / "out")
    page = (tmp_path / "out" / "README.md").read_text()
    for line in (
        "# rich as ONNX",
        "2 networks of the run rich (`lstm`, each an ensemble of 2), made with forecast 0.1.0, to ",
        " the next 3 steps of `sales` of 3 series from the 12 before. The forecast is the median",
        "| `model-2.onnx` | network 2 |",
        "pip install numpy onnxruntime",
        "this prints the forecast of `ann` from 2003-05-01 to 2003-07-01",
        "| `past` | `(windows, 12, 15)` |",
        "| `present` | `(windows, 12, 1)` |",
        "- `price`: `past[..., 2:3]`, `future[..., 0:1]`",
        "- `kind`: `static[..., 0:2]`",
        "The output is `(windows, 3, 3)`: of each step the quantiles 0.1, 0.5, 0.9",
        "Network 2 sees the values after these transforms: `log1p`, then `deseasonalize`, then",
        "(`normalize: mean`)",
        "Rows follow one another by the frequency `MS`, without gaps; a season has 12 steps.",
        "the example ends on 2003-04-01, and its forecast begins on 2003-05-01",
    ):
        assert line in page


def test_local_networks_are_all_in_one_file(
    runs: Callable[[str], OpenedNetwork], tmp_path: Path
) -> None:
    """Which has the series in front; Keras has no model for them."""
    export(runs("local"), "onnx", tmp_path / "out")
    page = (tmp_path / "out" / "README.md").read_text()
    assert "| `past` | `(3, windows, 6, 1)` |" in page
    for other in ("keras", "litert", "saved-model"):
        with pytest.raises(UsageError) as caught:
            export(runs("local"), other, tmp_path / other)
        assert str(caught.value) == (
            "the run local has a network for each series, which are no Keras model.\n"
            "They can be exported as --format onnx."
        )
        assert not (tmp_path / other).exists()


def test_nothing_is_left_where_the_network_differs(
    runs: Callable[[str], OpenedNetwork], tmp_path: Path
) -> None:
    """A network of another seed is no export of this one."""
    opened = runs("air")
    [branch] = opened.network.branches

    class Shifted:
        def predict(self, inputs: Inputs) -> np.ndarray:
            return branch.network.predict(inputs) + np.float32(1e-3)

    shifted = replace(opened.network, branches=[replace(branch, network=Shifted())])
    with pytest.raises(ArithmeticError, match=r"the model\.onnx network differs by 0\.001"):
        export(replace(opened, network=shifted), "onnx", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_difference_of_nan_is_refused() -> None:
    """It is smaller than nothing."""
    with pytest.raises(ArithmeticError):
        refuse_disparity(np.array([np.nan], np.float32), np.ones(1, np.float32), "exported")
    refuse_disparity(np.array([1e6 + 1], np.float32), np.full(1, 1e6, np.float32), "exported")


def test_litert_runs_on_built_in_operators_alone(
    runs: Callable[[str], OpenedNetwork], tmp_path: Path
) -> None:
    """Any number of windows at once, without what only TensorFlow has."""
    opened = runs("air")
    litert.write(opened.run, "model", tmp_path / "model.tflite")
    network = litert.LiteRT(tmp_path / "model.tflite")
    operators = {own["op_name"] for own in network._interpreter._get_ops_details()}
    assert not {name for name in operators if name.startswith(("Flex", "CUSTOM", "WHILE"))}
    for windows in (1, 5, 2):
        contexts = np.random.default_rng(0).uniform(size=(windows, 12, 1)).astype(np.float32)
        by_onnx = opened.network.branches[0].network.predict(Inputs(contexts))
        np.testing.assert_allclose(network.predict(Inputs(contexts)), by_onnx, atol=1e-5)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--format", "onnx", "-o", "there"], 2, "there is there already"),
        (["--format", "keras", "-o", "no/out"], 2, "can not write no/out: there is no folder no."),
        (["--format", "onnx", "-o", "x" * 300], 2, "File name too long"),
        (["--format", "onnx", "-o", "-"], 2, "a folder, which can not be printed"),
        (["--format", "pickle", "-o", "out"], 2, "'pickle' is not one of 'onnx', 'keras'"),
        (["--format", "onnx"], 2, "Missing option '--output'"),
        (["missing", "--format", "onnx", "-o", "out"], 5, "no run missing"),
    ],
)
def test_what_can_not_be_exported_is_said(
    words: list[str], code: int, said: str, cli: Cli, run: Path, tmp_path: Path
) -> None:
    """With the exit codes of the reference page, and nothing written."""
    (tmp_path / "there").mkdir()
    result = cli("export", *words)
    assert (result.returncode, result.stdout) == (code, "")
    assert said in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "there"}


def test_a_damaged_network_is_not_exported(cli: Cli, run: Path, tmp_path: Path) -> None:
    """Nor is one that is missing."""
    (run / "model.keras").write_bytes(b"")
    result = cli("export", "--format", "keras", "-o", "out")
    assert (result.returncode, result.stdout) == (5, "")
    assert "model.keras is damaged" in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"runs"}


def test_an_export_prints_its_folder(cli: Cli, run: Path, tmp_path: Path) -> None:
    """And says what to read; ONNX is had without a word of TensorFlow."""
    result = cli("export", "--format", "onnx", "--output", "out")
    assert (result.returncode, result.stdout) == (0, "out\n"), result.stderr
    assert result.stderr == "next: read out/README.md\n"
    assert (tmp_path / "out" / "model.onnx").read_bytes() == (run / "model.onnx").read_bytes()
    OnnxPredictor(tmp_path / "out" / "model.onnx")


def test_a_class_that_keras_does_not_know_is_named(tmp_path: Path) -> None:
    """As where a network of one's own has layers that are registered nowhere."""
    from forecast.formats.keras import load

    (tmp_path / "model.keras").write_bytes(b"no archive")
    with pytest.raises(RunError, match="Keras can not load"):
        load(tmp_path / "model.keras")
