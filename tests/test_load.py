"""From files and `--set` to one valid config, or to every problem at once."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.config import Config, LoadedConfig, find_config, load_config
from forecast.config.load import dump_config
from forecast.config.models import GRUOptions, LSTMOptions, MLPOptions
from forecast.errors import ConfigError, UsageError

DATA = "data: {path: a.csv, time: Month, target: Passengers}\n"


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., LoadedConfig]:
    """`load(text, *settings, base=text)`: `air.yaml` of that text, beside `base.yaml`."""
    monkeypatch.chdir(tmp_path)

    def load(text: str, *settings: str, **others: str) -> LoadedConfig:
        for name, content in {"air": text, **others}.items():
            path = Path(f"{name}.yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return load_config(Path("air.yaml"), settings)

    return load


@pytest.fixture
def refusal(load: Callable[..., LoadedConfig]) -> Callable[..., str]:
    """What is said of a config that is not valid."""

    def refusal(text: str, *settings: str, **others: str) -> str:
        with pytest.raises(ConfigError) as caught:
            load(text, *settings, **others)
        return str(caught.value)

    return refusal


def test_a_config_is_its_values_its_file_and_its_text(
    load: Callable[..., LoadedConfig], tmp_path: Path
) -> None:
    """What is left out has its default; paths are absolute from here on."""
    text = DATA + "training: {epochs: 5}\n"
    loaded = load(text)
    assert loaded.text == text
    assert loaded.path == Path("air.yaml")
    assert loaded.config.data.path == str(tmp_path / "a.csv")
    assert loaded.config.training.epochs == 5
    assert loaded.config.training.batch_size == 16


def test_later_layers_win(load: Callable[..., LoadedConfig]) -> None:
    """Default < extends < file < --set, and of two --set the last."""
    config = load(
        "extends: base.yaml\ntraining: {epochs: 2, batch_size: 2}\n",
        "training.epochs=3",
        "training.epochs=4",
        base=DATA + "training: {epochs: 1, batch_size: 1, learning_rate: 0.1}\n",
    ).config
    assert config.training.optimizer == "adam"
    assert config.training.learning_rate == 0.1
    assert config.training.batch_size == 2
    assert config.training.epochs == 4


def test_what_is_no_mapping_is_replaced_whole(load: Callable[..., LoadedConfig]) -> None:
    """A list is not added to a list."""
    base = DATA + "transforms: [minmax, minmax]\n"
    assert load("extends: base.yaml\ntransforms: [minmax]\n", base=base).config.transforms == (
        load(DATA + "transforms: [{kind: minmax, fit_on: train}]\n").config.transforms
    )


def test_a_setting_that_is_empty_takes_away_what_a_file_says(
    load: Callable[..., LoadedConfig],
) -> None:
    """In a file it says nothing."""
    base = DATA.rstrip() + "\ntraining: {epochs: 2, batch_size: 3}\n"
    whole = load("extends: base.yaml\ntraining: {}\n", base=base).config
    assert (whole.training.epochs, whole.training.batch_size) == (2, 3)
    assert load(base, "training={}").config.training == load(DATA).config.training


def test_a_path_is_relative_to_the_file_that_says_it(
    load: Callable[..., LoadedConfig], tmp_path: Path
) -> None:
    """Also through extends; a path on the command line is relative to where one stands."""
    base = DATA.replace("a.csv", "../data/a.csv")
    text = "extends: deep/er/base.yaml\n"
    layers = {"deep/er/base": base}
    assert load(text, **layers).config.data.path == str(tmp_path / "deep" / "data" / "a.csv")
    assert load(text, "data.path=b.csv", **layers).config.data.path == str(tmp_path / "b.csv")


def test_another_kind_of_network_leaves_out_what_only_the_one_below_has(
    load: Callable[..., LoadedConfig],
) -> None:
    """What it has too is kept; what stands beside the new kind has to be its own."""
    base = DATA + "model: {kind: gru, units: 7, dropout: 0.5, reset_after: false}\n"
    model = load(base, "model.kind=lstm").config.model
    assert model == LSTMOptions(kind="lstm", units=7, dropout=0.5)
    assert load(base, "model.kind=mlp").config.model == MLPOptions(kind="mlp", dropout=0.5)
    assert load(base, "model.kind=a:b").config.model.kind == "a:b"
    above = "extends: base.yaml\nmodel: {kind: mlp, units: 3}\n"
    with pytest.raises(ConfigError, match=r"unknown key `model\.units`"):
        load(above, base=base)
    with pytest.raises(ConfigError, match="there is no kind 'lstn'"):
        load(base, "model.kind=lstn")


@pytest.mark.parametrize(
    ("model", "place", "message"),
    [
        (
            "{layers: [64, 32], residual: true}",
            "2:27",
            "`model.residual` adds what entered a layer, and `model.layers` is [64, 32].",
        ),
        ("{kind: transformer, units: 3}", "2:1", "`model.num_heads` is 4, and `model.units` 3."),
        (
            "{kind: nhits, downsampling: [2, 1]}",
            "2:22",
            "`model.downsampling` is of 2 stacks, `model.pool_sizes` of 3.",
        ),
    ],
)
def test_options_of_a_network_that_do_not_suit_each_other_are_refused(
    refusal: Callable[..., str], model: str, place: str, message: str
) -> None:
    """At the key of one of them, or at the section where none was written, with the way out."""
    refused = refusal(f"{DATA}model: {model}\n")
    assert refused.startswith(f"air.yaml:{place}: {message}\n")
    assert refused.splitlines()[-1].startswith(("Give ", "Set model.num_heads to 3 or less."))


def test_extends_reaches_over_several_files(load: Callable[..., LoadedConfig]) -> None:
    """The nearest wins."""
    config = load(
        "extends: middle.yaml\n",
        middle="extends: base.yaml\nmodel: {units: 7}\n",
        base=DATA + "model: {units: 5, dropout: 0.5}\n",
    ).config
    assert config.model == GRUOptions(units=7, dropout=0.5)


@pytest.mark.parametrize(
    ("text", "others", "message"),
    [
        (
            "extends: air.yaml\n",
            {},
            (
                "air.yaml:1:10: air.yaml extends this file in turn.\n"
                "    1 | extends: air.yaml\n      |          ^^^^^^^^"
            ),
        ),
        (
            "extends: base.yaml\n",
            {"base": "extends: air.yaml\n"},
            (
                "base.yaml:1:10: air.yaml extends this file in turn.\n"
                "    1 | extends: air.yaml\n      |          ^^^^^^^^"
            ),
        ),
        (
            "extends: no.yaml\n",
            {},
            (
                "air.yaml:1:10: can not read no.yaml: No such file or directory.\n"
                "    1 | extends: no.yaml\n      |          ^^^^^^^"
            ),
        ),
        (
            "extends: base.yaml\n",
            {"base": DATA + "training: {epoch: 1}\n"},
            (
                "base.yaml:2:12: unknown key `training.epoch`.\n"
                "    2 | training: {epoch: 1}\n      |            ^^^^^\n"
                "Did you mean `epochs`?"
            ),
        ),
    ],
    ids=["itself", "a circle", "missing", "a problem of the base"],
)
def test_a_problem_of_another_layer_is_placed_there(
    refusal: Callable[..., str], text: str, others: dict[str, str], message: str
) -> None:
    """The file in which it is to be mended is named."""
    assert refusal(text, **others) == message


def test_every_problem_is_reported_at_once(refusal: Callable[..., str]) -> None:
    """In the order of the file, each with its place, its line, a caret and the way out."""
    text = (
        "data:\n"
        "  path: a.csv\n"
        "  tme: Month\n"
        "  target: Passengers\n"
        "model: {units: many, dropout: 1}\n"
        "training:\n"
        "  epochs: -1\n"
        "  optimizer: adm\n"
        "windows: {horizon: 1}\n"
        "batch_size: 3\n"
    )
    assert refusal(text) == (
        "air.yaml:1:1: the key `data.time` is missing.\n"
        "    1 | data:\n"
        "      | ^^^^\n"
        "air.yaml:3:3: unknown key `data.tme`.\n"
        "    3 |   tme: Month\n"
        "      |   ^^^\n"
        "Did you mean `time`?\n"
        "air.yaml:5:16: `model.units` should be a whole number, and is 'many'.\n"
        "    5 | model: {units: many, dropout: 1}\n"
        "      |                ^^^^\n"
        "air.yaml:5:31: `model.dropout` should be less than 1, and is 1.\n"
        "    5 | model: {units: many, dropout: 1}\n"
        "      |                               ^\n"
        "air.yaml:7:11: `training.epochs` should be greater than or equal to 1, and is -1.\n"
        "    7 |   epochs: -1\n"
        "      |           ^^\n"
        "air.yaml:8:14: `training.optimizer` should be 'adam', 'adamw', 'nadam', 'rmsprop' or "
        "'sgd', and is 'adm'.\n"
        "    8 |   optimizer: adm\n"
        "      |              ^^^\n"
        "Did you mean `adam`?\n"
        "air.yaml:9:1: unknown key `windows`.\n"
        "    9 | windows: {horizon: 1}\n"
        "      | ^^^^^^^\n"
        "Did you mean `window`?\n"
        "air.yaml:10:1: unknown key `batch_size`.\n"
        "   10 | batch_size: 3\n"
        "      | ^^^^^^^^^^\n"
        "It belongs in `training`."
    )


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "training.epoch=5",
            (
                "--set: unknown key `training.epoch`.\n"
                "      | training.epoch=5\n      | ^^^^^^^^^^^^^^\n"
                "Did you mean `epochs`?"
            ),
        ),
        (
            "training.epochs=five",
            (
                "--set: `training.epochs` should be a whole number, and is 'five'.\n"
                "      | training.epochs=five\n      |                 ^^^^"
            ),
        ),
        (
            "training.epochs=1.5",
            (
                "--set: `training.epochs` should be a whole number, and is 1.5.\n"
                "      | training.epochs=1.5\n      |                 ^^^"
            ),
        ),
        (
            "model.kind=lstn",
            (
                "--set: `model.kind`: there is no kind 'lstn'.\n"
                "      | model.kind=lstn\n      |            ^^^^\nDid you mean `lstm`?"
            ),
        ),
        (
            "training.early_stopping={patience: 2}",
            (
                "--set: early stopping has no validation part, and the test part may "
                "decide nothing.\n"
                "      | training.early_stopping={patience: 2}\n      | ^^^^^^^^^^^^^^^^^^^^^^^\n"
                "Add `validation: 0.1` to `split`, or leave early_stopping out."
            ),
        ),
        (
            "training={epochs: 5, average_epochs: 6}",
            (
                "--set: of 5 epochs there are no last 6.\n"
                "      | training={epochs: 5, average_epochs: 6}\n"
                f"      |          {'^' * 30}\n"
                "Set it to 5 or less."
            ),
        ),
        (
            "training={average_epochs: 6, ema_momentum: 0.9}",
            (
                "--set: `average_epochs` and `ema_momentum` each choose which weights are used.\n"
                "      | training={average_epochs: 6, ema_momentum: 0.9}\n"
                f"      |          {'^' * 38}\n"
                "Leave one of them out."
            ),
        ),
        (
            "training={gradient_accumulation_steps: 8, steps_per_epoch: 4}",
            (
                "--set: 8 batches make one step of the optimizer, and "
                "`training.steps_per_epoch: 4` an epoch.\n"
                "      | training={gradient_accumulation_steps: 8, steps_per_epoch: 4}\n"
                f"      |          {'^' * 52}\n"
                "Set `training.steps_per_epoch` to 8 or a multiple of it."
            ),
        ),
        (
            "model={kind: simple_rnn, bias_initializer: chrono}",
            (
                "--set: `model.bias_initializer: chrono` sets gates, and simple_rnn has none.\n"
                "      | model={kind: simple_rnn, bias_initializer: chrono}\n"
                f"      |       {'^' * 44}\n"
                "Set `model.kind: gru` or `lstm`, or leave it out."
            ),
        ),
        (
            "model.kernel_initializer={uniform: 1, normal: 1}",
            (
                "--set: `model.kernel_initializer` should be a name, or say `uniform` or `normal`, "
                "and is a mapping.\n"
                "      | model.kernel_initializer={uniform: 1, normal: 1}\n"
                "      |                          ^^^^^^^^^^^^^^^^^^^^^^^"
            ),
        ),
        (
            "training={schedule: plateau, early_stopping: {patience: 5}}",
            (
                "--set: early stopping waits 5 epochs, and the schedule `plateau` 5 before the "
                "learning rate falls: it never would.\n"
                "      | training={schedule: plateau, early_stopping: {patience: 5}}\n"
                "      | ^^^^^^^^\n"
                "Let `early_stopping.patience` be larger than `plateau.patience`."
            ),
        ),
    ],
)
def test_a_problem_of_a_setting_is_shown_in_the_setting(
    refusal: Callable[..., str], setting: str, message: str
) -> None:
    """It has no lines; the caret stands below what is meant."""
    assert refusal(DATA, setting) == message


@pytest.mark.parametrize("setting", ["training.epochs", "=5", "", ".=1", "a..b=1", "training.=1"])
def test_what_is_no_key_and_value_is_no_setting(
    load: Callable[..., LoadedConfig], setting: str
) -> None:
    """That is for the command line to mend, not for the config."""
    with pytest.raises(UsageError) as caught:
        load(DATA, setting)
    assert str(caught.value) == f"--set {setting}: write KEY=VALUE, such as training.epochs=5"


@pytest.mark.parametrize(
    ("setting", "section", "value"),
    [
        ("training.clip_norm=null", "training", {"clip_norm": None}),
        ("training.learning_rate=1e-4", "training", {"learning_rate": 0.0001}),
        ("training={epochs: 3, seed: 2}", "training", {"epochs": 3, "seed": 2}),
        ("data.time_format=%d/%m/%Y", "data", {"time_format": "%d/%m/%Y"}),
        ("data.target=#Passengers", "data", {"target": "#Passengers"}),
        ("data.target=0", "data", {"target": "0"}),
        ("data.target=%chg", "data", {"target": "%chg"}),
        ("data.target=a: b", "data", {"target": "a: b"}),
        ("data.target=[a, b]", "data", {"target": ("a", "b")}),
        ("data.time={year: y, month: m}", "data", {"time": {"year": "y", "month": "m"}}),
        ("data.thousands=.", "data", {"thousands": "."}),
        ("data.id=null", "data", {"id": None}),
        ("data.path=-", "data", {"path": "-"}),
        ("data.time=on", "data", {"time": "on"}),
        ("data.time=NO", "data", {"time": "NO"}),
        ("data.target=12:30", "data", {"target": "12:30"}),
        ("split.test=1958-10-01", "split", {"test": "1958-10-01"}),
        ('split.test="1958-10-01"', "split", {"test": "1958-10-01T00:00:00"}),
        ("model.reset_after=false", "model", {"reset_after": False}),
    ],
)
def test_a_setting_is_a_yaml_value(
    load: Callable[..., LoadedConfig], setting: str, section: str, value: dict[str, object]
) -> None:
    """Numbers, null, words that YAML 1.1 took for booleans or times, mappings, dates."""
    dumped = load(DATA, setting).config.model_dump()[section]
    assert {key: dumped[key] for key in value} == value


def test_a_setting_can_extend_too_or_says_that_it_can_not(
    load: Callable[..., LoadedConfig],
) -> None:
    """It is not passed over in silence."""
    try:
        config = load(DATA, "extends=base.yaml", base="model: {units: 7}\n").config
    except (ConfigError, UsageError):
        return
    assert config.model == GRUOptions(units=7)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "air.yaml holds no keys."),
        ("word\n", "air.yaml holds no keys."),
        ("", "the key `data` is missing."),
        ("# a comment alone\n", "the key `data` is missing."),
        (DATA + "training:\n", "air.yaml:2:1: `training` should hold keys and values"),
        (DATA + "split: {test: 1.0}\n", "`split.test` should be a share between 0 and 1"),
        (DATA + "split: {test: 0}\n", "`split.test` should be a share between 0 and 1"),
        (DATA + "split: {test: true}\n", "`split.test` should be a share between 0 and 1"),
        (DATA + "split: {test: soon}\n", "`split.test` should be a share between 0 and 1"),
        (DATA + "split: {test: [1]}\n", "`split.test` should be a share between 0 and 1"),
        (DATA + "training: {learning_rate: .inf}\n", "should be a finite number"),
        (DATA + "training: {learning_rate: .nan}\n", "should be a finite number"),
        (DATA + "training: {learning_rate: 0}\n", "should be greater than 0"),
        (DATA + "training: {seed: 4294967296}\n", "should be less than 4294967296"),
        (DATA + "training: {epochs: '5'}\n", "should be a whole number, and is '5'"),
        (DATA + "training: {epochs: true}\n", "should be a whole number, and is True"),
        (DATA + "transforms: [minmx]\n", "Did you mean `minmax`?"),
        (DATA + "transforms: [3]\n", "air.yaml:2:14: `transforms.0` should hold keys and values"),
        (DATA + "model: {kind: rnn}\n", "air.yaml:2:15: `model.kind`: there is no kind 'rnn'."),
        (
            DATA + "model: {kind: lstm, reset_after: true}\n",
            "air.yaml:2:21: unknown key `model.reset_after`.",
        ),
        (DATA + "model: {kind: lstm, reset_after: true}\n", "Only the kind gru has it."),
        (DATA + "training: {early_stopping: {epochs: 3}}\n", "It belongs in `training`."),
        (DATA + "model: {decoder: {patch_length: 3}}\n", "It belongs in `model`."),
        (DATA + "version: 2\n", "air.yaml:2:10: `version` should be 1"),
        (DATA + "data.freq: MS\n", "unknown key `data.freq`"),
    ],
)
def test_a_wrong_value_is_said_in_words(
    refusal: Callable[..., str], text: str, message: str
) -> None:
    """What is expected and what is there; strictly, so that '5' is no number."""
    assert message in refusal(text)


def test_a_list_is_called_a_list(refusal: Callable[..., str]) -> None:
    """Python's tuples are nothing to a person who writes YAML."""
    message = refusal(DATA + "transforms: minmax\n")
    assert message.startswith("air.yaml:2:13: `transforms` should be a")
    assert "list" in message
    assert "tuple" not in message


def test_a_config_is_looked_up_here_and_in_configs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As given first."""
    monkeypatch.chdir(tmp_path)
    Path("configs").mkdir()
    Path("configs/air.yaml").touch()
    assert find_config(Path("air.yaml")) == Path("configs/air.yaml")
    Path("air.yaml").touch()
    assert find_config(Path("air.yaml")) == Path("air.yaml")
    assert find_config(tmp_path / "air.yaml") == tmp_path / "air.yaml"


def test_a_config_that_is_not_there_is_refused_with_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or with the command that makes one."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        find_config(Path("ari.yaml"))
    assert str(caught.value) == (
        "there is no config file ari.yaml, here or in configs/.\n"
        "`forecast init --example airline` makes one."
    )
    Path("air.yaml").touch()
    with pytest.raises(ConfigError, match=r"Did you mean `air\.yaml`\?$"):
        find_config(Path("ari.yaml"))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"data: \xe9"])
def test_a_config_that_is_not_utf_8_is_refused(tmp_path: Path, content: bytes) -> None:
    """And named."""
    path = tmp_path / "air.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"^can not read .*air\.yaml: 'utf-8' codec"):
        load_config(path)


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@given(
    path=words.map(lambda word: "/" + word.replace("/", "").strip(". ")),
    time=words,
    target=words,
    epochs=st.integers(1, 10**9),
    learning_rate=st.floats(1e-300, 1e300),
    dropout=st.floats(0, 1, exclude_max=True),
    test=st.floats(0.001, 0.999) | st.integers(1, 10**6) | st.dates().map(str),
    fit_on=st.sampled_from(["train", "all"]),
)
def test_a_resolved_config_reads_back_as_the_same_config(
    tmp_path_factory: pytest.TempPathFactory,
    path: str,
    time: str,
    target: str,
    epochs: int,
    learning_rate: float,
    dropout: float,
    test: float | int | str,
    fit_on: str,
) -> None:
    """Whatever a column or a file is called: it is how a run remembers what was asked."""
    config = Config.model_validate(
        {
            "data": {"path": path, "time": time, "target": target},
            "split": {"test": test},
            "transforms": [{"kind": "minmax", "fit_on": fit_on}],
            "model": {"dropout": dropout},
            "training": {"epochs": epochs, "learning_rate": learning_rate},
        }
    )
    file = tmp_path_factory.mktemp("resolved") / "resolved.yaml"
    file.write_text(dump_config(config), encoding="utf-8")
    assert load_config(file).config == config


def test_a_resolved_config_shows_every_default(load: Callable[..., LoadedConfig]) -> None:
    """Nothing is left to be looked up."""
    text = dump_config(load(DATA).config)
    for section, model in Config.model_fields.items():
        if section not in ("version", "extends", "data"):
            assert f"{section}:" in text
        for key in getattr(model.annotation, "model_fields", {}):
            assert f"  {key}:" in text


@pytest.mark.parametrize("base", ["/dev/zero", "pipe", ".", "big.yaml", "nothing.yaml", '"a\\0b"'])
def test_only_a_regular_file_of_some_size_is_extended(tmp_path: Path, base: str) -> None:
    """A pipe is not waited for, a device not read, and the place where it is named is shown."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "big.yaml").write_text("#" * 500_000)
    (tmp_path / "own.yaml").write_text(f"extends: {base}\n")
    with pytest.raises(ConfigError, match=r"own\.yaml:1:10: can not read "):
        load_config(tmp_path / "own.yaml")


@pytest.mark.parametrize("name", ["pipe", "\0", "x" * 5000])
def test_a_config_that_is_no_file_is_an_error_of_the_config(tmp_path: Path, name: str) -> None:
    """Whatever it is instead."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match=r"can not read|no config file"):
        load_config(tmp_path / name)


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="no way to be somebody else")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_an_unreadable_config_ends_with_3() -> None:
    """As every other config that can not be used."""
    with TemporaryDirectory() as folder:  # others may enter it, unlike a folder of pytest's
        Path(folder).chmod(0o755)
        config = Path(folder) / "air.yaml"
        config.write_text(DATA)
        config.chmod(0)
        command = [sys.executable, "-m", "forecast", "check", "--config", "air.yaml"]
        result = subprocess.run(
            ["setpriv", "--reuid", "65534", "--clear-groups", *command],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (result.returncode, result.stdout) == (3, "")
    assert result.stderr == "error: can not read air.yaml: Permission denied.\n"
