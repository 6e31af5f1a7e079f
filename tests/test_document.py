"""YAML 1.2 as plain values, with the place of every key and value."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.config.document import MAX_CHARACTERS, MAX_DEPTH, MAX_VALUES, parse
from forecast.errors import ConfigError


def refusal(text: str) -> str:
    """What is said of a text that is no config."""
    with pytest.raises(ConfigError) as caught:
        parse(text, "air.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("NO", "NO"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("yes", "yes"),
        ("y", "y"),
        ("12:30", "12:30"),
        ("12:30:45", "12:30:45"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("1e-3", 0.001),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ('"5"', "5"),
        ("W-SUN", "W-SUN"),
        ("../data/a b.csv", "../data/a b.csv"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written: str, value: object) -> None:
    """Norway stays Norway, `on` is a word, and 12:30 is no number of seconds."""
    read = parse(f"key: {written}", "air.yaml").values["key"]
    assert read == value
    assert type(read) is type(value)


def test_every_key_and_value_knows_its_place() -> None:
    """Lines and columns from 1, in blocks and in braces."""
    text = "data:\n  path: a.csv\ntransforms:\n  - minmax\n  - {kind: minmax}\n"
    document = parse(text, "air.yaml")
    assert document.values == {
        "data": {"path": "a.csv"},
        "transforms": ["minmax", {"kind": "minmax"}],
    }
    assert {path: mark.place for path, mark in document.key_marks.items()} == {
        ("data",): "air.yaml:1:1",
        ("data", "path"): "air.yaml:2:3",
        ("transforms",): "air.yaml:3:1",
        ("transforms", 1, "kind"): "air.yaml:5:6",
    }
    assert document.value_marks["data", "path"].place == "air.yaml:2:9"
    assert document.value_marks["transforms", 0].place == "air.yaml:4:5"
    assert document.value_marks["transforms", 1, "kind"].place == "air.yaml:5:12"
    assert document.value_marks["data", "path"].excerpt == (
        "    2 |   path: a.csv\n      |         ^^^^^"
    )


@pytest.mark.parametrize("text", ["data:\nsplit: 1\n", "data:\n\n# more\nsplit: 1\n"])
def test_an_empty_value_stands_where_its_key_is(text: str) -> None:
    """Not on the next line, which says something else."""
    mark = parse(text, "air.yaml").value_marks["data",]
    assert mark.line == 1
    assert mark.text == "data:"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "data: [1\n",
            (
                "air.yaml:2:1: not valid YAML: expected ',' or ']', but got '<stream end>'\n"
                "    2 | \n      | ^"
            ),
        ),
        (
            "data:\n\tpath: a.csv\n",
            (
                "air.yaml:2:1: not valid YAML: found character '\\t' that cannot start any token\n"
                "    2 | \tpath: a.csv\n      | ^\n"
                "YAML is indented with spaces, never with tabs."
            ),
        ),
        (
            "a: 1\na: 2\n",
            "air.yaml:2:1: the key `a` is written twice.\n    2 | a: 2\n      | ^",
        ),
        (
            "? [a]\n: 1\n",
            "air.yaml:1:3: a key must be a word.\n    1 | ? [a]\n      |   ^^^",
        ),
        (
            "a: &x 1\nb: *x\n",
            (
                "air.yaml:2:4: aliases (`*name`) are not read: write the value out.\n"
                "    2 | b: *x\n      |    ^^"
            ),
        ),
        (
            "a: 1\n---\nb: 2\n",
            "air.yaml:2:1: not valid YAML: but found another document\n    2 | ---\n      | ^",
        ),
        (
            "a: 1990-13-01\n",
            (
                "air.yaml:1:4: not a value that YAML 1.2 knows: month must be in 1..12\n"
                "    1 | a: 1990-13-01\n      |    ^^^^^^^^^^"
            ),
        ),
    ],
    ids=["syntax", "tab", "twice", "no word", "alias", "two documents", "no date"],
)
def test_what_is_no_config_is_refused_with_its_place(text: str, message: str) -> None:
    """File, line and column, the line itself, and a caret."""
    assert refusal(text) == message


@pytest.mark.parametrize(
    "text",
    ["a: !!python/object/apply:os.system [true]\n", "a: !!python/name:os.system\n", "a: !x 1\n"],
)
def test_a_tag_runs_nothing_and_is_refused(text: str) -> None:
    """Reading a config can not run code, and a tag that means nothing is not passed over."""
    assert refusal(text).startswith("air.yaml:1:4: ")


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "x" * MAX_CHARACTERS,
        "a: " + "[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2),
        "a: " + "[" * 20_000 + "]" * 20_000,
        "a: [" + "1," * (MAX_VALUES + 1) + "]",
    ],
    ids=["long", "deep", "very deep", "wide"],
)
def test_a_document_beyond_any_config_is_refused(text: str) -> None:
    """By size, by nesting, by number of values; in a message that a person can read."""
    message = refusal(text)
    assert message.startswith("air.yaml")
    assert len(message) < 1000


def test_a_small_text_can_not_grow() -> None:
    """Nine lines of aliases would be a thousand million values."""
    lines = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert "aliases" in refusal("\n".join(["a0: &a0 [x]", *lines]))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abc -:#'\"{}[],&*!|>%@`0123é", max_size=8),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(st.text("abcé", min_size=1, max_size=5), values, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text("abcdefg_", min_size=1, max_size=8), plain, max_size=4))
def test_json_is_read_as_it_is(values: dict[str, object]) -> None:
    """JSON is YAML 1.2; `--set` and configs of programs come so."""

    assert parse(json.dumps(values), "air.yaml").values == values


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text at all ends in a traceback."""
    with suppress(ConfigError):
        parse(text, "air.yaml")
