"""Whatever stands in a config, what is said of it is in our words."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forecast.completion import KINDS
from forecast.config.load import load_config
from forecast.config.schema import Config
from forecast.config.wrong import EXPECTED, PLACED
from forecast.errors import ConfigError

DATA = "data: {path: a.csv, time: ds, target: y}\n"
BASES = {
    "": "",
    "transforms": "transforms: [minmax]\n",
    "boxcox": "transforms: [{kind: boxcox}]\n",
    "dlinear": "model: {kind: dlinear}\n",
    "mlp": "model: {kind: mlp}\n",
    "function": "model: {kind: 'mine:build'}\n",
}
VALUES = [
    "null", "true", "5", "-1", "1.5", "-0.5", ".inf", ".nan", "soon", "''", "[]", "[[]]", "[2, 1]",
    "[a]", "{}", "{a: 1}", "{1: [2]}", "{kind: 3}", "{kind: none}", "[{}]", "[{kind: log, a: 1}]",
    "1000000000000000000000000000000", "{size: a}", "[0.1, 0.2]", "{options: {a: [1]}}",
    "[{kind: difference, lag: soon}]", "[{kind: difference, lag: 0}]", "[{kind: boxcox, power: 2}]",
]  # fmt: skip
# What each part of a schema may find wrong, in strict mode.
MAY_FIND: dict[str, set[str]] = {
    "bool": {"bool_type", "bool_parsing"},
    "dict": {"dict_type"},
    "float": {
        "float_type", "float_parsing", "finite_number",
        "greater_than", "greater_than_equal", "less_than", "less_than_equal",
    },
    "function-after": {"value_error"},
    "function-before": {"value_error"},
    "function-plain": {"value_error"},
    "int": {
        "int_type", "int_parsing", "int_parsing_size", "int_from_float",
        "greater_than", "greater_than_equal", "less_than", "less_than_equal",
    },
    "list": {"list_type", "iteration_error", "too_short", "too_long"},
    "literal": {"literal_error"},
    "model": {"model_type", "model_attributes_type"},
    "model-fields": {"missing", "extra_forbidden"},
    "str": {
        "string_type", "string_unicode", "string_pattern_mismatch",
        "string_too_long", "string_too_short",
    },
    "tagged-union": {"union_tag_invalid", "union_tag_not_found"},
    "tuple": {"tuple_type", "list_type", "iteration_error", "too_short", "too_long"},
    **{kind: set() for kind in (
        "any", "default", "definition-ref", "definitions", "model-field", "no-info", "nullable",
        "union", "with-info",
    )},
}  # fmt: skip
PYDANTIC = re.compile(
    r"Input|after validation|[Tt]uple|Value error|dictionary|instance of|a valid "
)


def _parts(schema: Any) -> Iterator[str]:
    """The types of all parts of a schema of pydantic's core."""
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield schema["type"]
        for key, below in schema.items():
            if key not in ("metadata", "serialization"):
                yield from _parts(below)
    elif isinstance(schema, list | tuple):
        for below in schema:
            yield from _parts(below)


def test_every_error_that_the_schema_can_raise_has_words() -> None:
    """A part of a kind that was not there before has to be looked at first."""
    parts = set(_parts(Config.__pydantic_core_schema__))
    assert {"model", "tuple", "tagged-union", "literal"} <= parts <= set(MAY_FIND)
    for part in parts:
        assert MAY_FIND[part] <= EXPECTED.keys() | PLACED


@pytest.mark.parametrize("base", BASES)
def test_no_wrong_value_is_called_wrong_in_words_of_a_library(tmp_path: Path, base: str) -> None:
    """Every key with values of every kind: a key is named, and what it should hold.

    With another base those keys alone that belong to it.
    """
    path = tmp_path / "air.yaml"
    path.write_text(DATA + BASES[base])
    section = BASES[base].split(":")[0]
    sections = [f"{name}=" for name in Config.model_fields]
    keys = {*KINDS["set"]("", {}), *sections} - {"extends="}
    refused = 0
    for key in [key for key in keys if key.startswith(section)]:
        for value in VALUES:
            try:
                load_config(path, [f"{key}{value}"])
            except ConfigError as error:
                refused += 1
                for problem in error.problems:
                    assert not PYDANTIC.search(problem.message), (key, value, problem.message)
                    assert "is not what can stand there" not in problem.message
    assert refused > 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "transforms: [{kind: difference, lag: soon}]\n",
            "`transforms.0.lag` should be a whole number or 'season', and is 'soon'.",
        ),
        (
            "transforms: [{kind: difference, lag: 0}]\n",
            "`transforms.0.lag` should be greater than or equal to 1 or 'season', and is 0.",
        ),
        (
            "intervals: {quantile_levels: []}\n",
            "`intervals.quantile_levels` should have an entry, and is empty.",
        ),
        (
            "model: {kind: 'my module:f'}\n",
            ("`model.kind` should name a function, as module:function, and is 'my module:f'."),
        ),
        ("model: {reset_after: 1}\n", "`model.reset_after` should be true or false, and is 1."),
        ("transforms: [{lag: 1}]\n", "`transforms.0` has no `kind`."),
    ],
)
def test_a_value_of_several_kinds_has_one_problem(tmp_path: Path, text: str, message: str) -> None:
    """At its own place."""
    path = tmp_path / "air.yaml"
    path.write_text(DATA + text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    [problem] = caught.value.problems
    assert problem.message == message
    assert str(problem.place).startswith(f"{path}:2:")


def test_a_list_of_wrong_entries_is_not_called_empty(tmp_path: Path) -> None:
    """Each entry is named, and nothing else."""
    path = tmp_path / "air.yaml"
    path.write_text(DATA + "features: {calendar: [noon, night]}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    messages = [problem.message for problem in caught.value.problems]
    assert [message.rsplit(", ", 1)[1] for message in messages] == [
        "and is 'noon'.",
        "and is 'night'.",
    ]
