"""The schema of a config: what an editor may rely on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML

from forecast.config.models import GRUOptions
from forecast.config.schema import Config, json_schema

ROOT = Path(__file__).parents[1]
DATA = {"path": "a.csv", "time": "Month", "target": "Passengers"}


@pytest.fixture(scope="module")
def editor() -> jsonschema.Draft202012Validator:
    """An editor that has read the schema."""
    return jsonschema.Draft202012Validator(json_schema())


def _read(path: Path) -> object:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def _objects(schema: object) -> Iterator[dict[str, Any]]:
    """Every schema of a section inside a schema."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for inner in schema.values():
            yield from _objects(inner)
    if isinstance(schema, list):
        for inner in schema:
            yield from _objects(inner)


def test_the_schema_is_valid_json_schema(editor: jsonschema.Draft202012Validator) -> None:
    """Of the draft that it names."""
    schema = json_schema()
    assert schema["$schema"] == editor.META_SCHEMA["$id"]
    editor.check_schema(schema)
    json.dumps(schema, allow_nan=False)


def test_the_example_is_valid_for_an_editor(editor: jsonschema.Draft202012Validator) -> None:
    """What the program writes, an editor does not underline."""
    editor.validate(_read(ROOT / "configs" / "air.yaml"))


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda p: p.name)
def test_every_recipe_has_known_keys_alone(
    editor: jsonschema.Draft202012Validator, path: Path
) -> None:
    """One that extends another, or is extended, may leave its data to that, or some keys of it."""
    problems = [error.message for error in editor.iter_errors(_read(path))]
    lacking = ["'time' is a required property", "'target' is a required property"]
    is_extending = "extends:" in path.read_text()
    assert problems in ([], ["'data' is a required property"], lacking * is_extending)


def test_the_schema_says_every_key_with_its_meaning() -> None:
    """Each section is closed and described, and so is each key whose name does not say all."""
    plain = {"kind", "optimizer", "learning_rate", "batch_size", "epochs"}
    for schema in _objects(json_schema()):
        if "properties" not in schema:  # names that a person chooses, such as those of columns
            continue
        assert schema["additionalProperties"] is False
        assert schema["description"]
        for name, key in schema["properties"].items():
            is_section = "$ref" in json.dumps(key)
            assert key.get("description") or is_section or name in plain, name


@pytest.mark.parametrize(
    ("section", "value", "is_valid"),
    [
        ("split", {"test": 0.2}, True),
        ("split", {"test": 27}, True),
        ("split", {"test": "1958-10-01"}, True),
        ("split", {"test": 0}, False),
        ("split", {"test": 1.5}, False),
        ("split", {"test": None}, False),
        ("split", {"validation": None}, True),
        ("transforms", ["minmax"], True),
        ("transforms", [{"kind": "minmax", "fit_on": "all"}], True),
        ("transforms", ["minmx"], False),
        ("transforms", [{"kind": "minmax", "fit": "all"}], False),
        ("training", {"epochs": 0}, False),
        ("training", {"epoch": 1}, False),
        ("training", {"learning_rate": 0}, False),
        ("training", {"early_stopping": None}, True),
        ("model", {"kind": "gru"}, True),
        ("model", {"kind": "lstm"}, True),
        ("model", {"kind": "lstm", "reset_after": True}, False),
        ("model", {"kind": "rnn"}, False),
        ("model", {"units": 5, "reset_after": False}, True),
        ("model", {"dropout": 1}, False),
        ("version", 2, False),
    ],
)
def test_editor_and_program_agree(
    editor: jsonschema.Draft202012Validator, section: str, value: object, is_valid: bool
) -> None:
    """What one underlines, the other refuses."""
    values = {"data": DATA, section: value}
    assert editor.is_valid(values) is is_valid
    try:
        Config.model_validate(values)
    except ValidationError:
        assert not is_valid
    else:
        assert is_valid


def test_defaults_are_those_of_the_recipe() -> None:
    """GRU(50), dropout 0.2, Adam 0.001, MSE, batches of 16, 50 epochs, a year of context."""
    config = Config.model_validate({"data": DATA})
    assert config.model == GRUOptions(
        kind="gru",
        units=50,
        dropout=0.2,
        activation="tanh",
        reset_after=True,
        patch_length=1,
        linear=False,
    )
    training = config.training
    assert (training.optimizer, training.learning_rate, training.loss) == ("adam", 0.001, "mse")
    assert (training.batch_size, training.epochs) == (16, 50)
    assert (config.window.context_length, config.window.horizon) == (12, 1)
    assert (config.split.test, config.split.validation) == (0.2, None)


def test_a_config_does_not_change() -> None:
    """It is a value: every section is frozen, also a new one."""
    models: list[type[BaseModel]] = [Config]
    for model in models:
        assert model.model_config["frozen"]
        assert model.model_config["extra"] == "forbid"
        models += [
            field.annotation
            for field in model.model_fields.values()
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        ]
    assert len(models) > 5


def test_early_stopping_needs_a_validation_part() -> None:
    """The test part decides nothing."""
    values: dict[str, Any] = {"data": DATA, "training": {"early_stopping": {}}}
    assert [path for path, _, _ in Config.model_validate(values).cross_checks()] == [
        ("training", "early_stopping")
    ]
    values["split"] = {"validation": 0.1}
    assert Config.model_validate(values).cross_checks() == []


@pytest.mark.parametrize(("fit_on", "leaks"), [("train", False), ("all", True)])
def test_a_transform_that_sees_the_test_part_leaks(fit_on: str, leaks: bool) -> None:
    """One such transform among others is enough."""
    transforms = ["minmax", {"kind": "minmax", "fit_on": fit_on}]
    assert Config.model_validate({"data": DATA, "transforms": transforms}).leaks is leaks
