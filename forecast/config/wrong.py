"""What is wrong with a config, in our words: where, what should stand there, and the way out."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from forecast.config.document import Document, KeyPath, Mark
from forecast.config.models import BUILT_IN, FUNCTION, FunctionOptions
from forecast.config.schema import Config
from forecast.errors import did_you_mean, shortened


def place_of(path: KeyPath, document: Document, source: str, *, key: bool) -> Mark:
    """Where the key or the value at this path was written, or the nearest thing above it."""
    marks = document.key_marks if key else document.value_marks
    for end in range(len(path), 0, -1):
        for known in (marks, document.value_marks, document.key_marks):
            if path[:end] in known:
                return known[path[:end]]
    return Mark(source, 1, 1, "")


# A place, what is wrong in our words, and the way out.
Explained = tuple[Mark, str, str | None]


def explain(errors: Sequence[ErrorDetails], document: Document, source: str) -> list[Explained]:
    """Pydantic's errors; of a value that may be of several kinds it has one for each of them."""
    found: list[Explained] = []
    places = [details["loc"] for details in errors]
    # A list of which no entry is valid is not too short: each of its entries is named.
    errors = [
        details
        for details in errors
        if details["type"] != "too_short"
        or not any(
            place[: len(details["loc"])] == details["loc"] and place != details["loc"]
            for place in places
        )
    ]
    wrong: dict[KeyPath, list[ErrorDetails]] = {}
    for details in errors:
        if details["type"] in PLACED:
            found.append(_explain_place(details, document, source))
        else:
            path = _path_of(details, document.values)
            wrong.setdefault(path, []).append(details)
    return found + [
        _explain_value(path, own, place_of(path, document, source, key=False))
        for path, own in wrong.items()
    ]


def _explain_place(details: ErrorDetails, document: Document, source: str) -> Explained:
    """An error of keys, of sections, or of the kind of a section."""
    path = _path_of(details, document.values)
    dotted = _dotted(path)
    if details["type"] == "extra_forbidden":
        mark = place_of(path, document, source, key=True)
        return mark, f"unknown key `{dotted}`.", _advice_for_key(details["loc"])
    if details["type"] == "missing":
        mark = place_of(path[:-1], document, source, key=True)
        return mark, f"the key `{dotted}` is missing.", None
    mark = place_of(path, document, source, key=False)
    if details["type"] == "union_tag_invalid":
        kind, kinds = details["ctx"]["tag"], details["ctx"]["expected_tags"]
        if (*path, "kind") in document.value_marks:  # `- minmax` has none of its own
            mark, dotted = document.value_marks[*path, "kind"], f"{dotted}.kind"
        advice = did_you_mean(kind, [word.strip("'") for word in kinds.split(", ")])
        return mark, f"`{dotted}`: there is no kind {kind!r}.", advice
    if details["type"] == "union_tag_not_found" and isinstance(details["input"], dict):
        return mark, f"`{dotted}` has no `kind`.", None
    shown = _shown(details["input"])
    return mark, f"`{dotted}` should hold keys and values, and is {shown}.", None


def _explain_value(path: KeyPath, errors: Sequence[ErrorDetails], mark: Mark) -> Explained:
    """The errors of one value, which suits none of the kinds that it may have."""
    first, *others = dict.fromkeys(_expected(details) for details in errors)
    expected = " or ".join([first, *(form.removeprefix("should be ") for form in others)])
    value, nearest = errors[0]["input"], None
    for details in errors:
        if details["type"] == "literal_error" and isinstance(value, str):
            nearest = did_you_mean(value, re.findall(r"'(.*?)'", details["ctx"]["expected"]))
    return mark, f"`{_dotted(path)}` {expected}, and is {_shown(value)}.", nearest


def _dotted(path: KeyPath) -> str:
    return ".".join(str(part) for part in path)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if value is None or value == []:
        return "empty"
    return shortened(repr(value))


# What pydantic finds wrong with a value, by its type of error, in our words.
EXPECTED = {
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "dict_type": "should hold names and values",
    "finite_number": "should be a finite number",
    "float_parsing": "should be a number",
    "float_type": "should be a number",
    "greater_than": "should be greater than {gt}",
    "greater_than_equal": "should be greater than or equal to {ge}",
    "int_from_float": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_parsing_size": "should be a smaller number",
    "int_type": "should be a whole number",
    "iteration_error": "should be a list",
    "less_than": "should be less than {lt}",
    "less_than_equal": "should be less than or equal to {le}",
    "list_type": "should be a list",
    "literal_error": "should be {expected}",
    "string_pattern_mismatch": "should name a function, as module:function",
    "string_too_long": "should have {max_length} character at most",
    "string_too_short": "should not be empty",
    "string_type": "should be text",
    "string_unicode": "should be text in UTF-8",
    "too_long": "should have {max_length} entries at most",
    "too_short": "should have an entry",
    "tuple_type": "should be a list",
    "value_error": "{error}",
}
# Those whose place is not a value's; `_explain` words them.
PLACED = {
    "extra_forbidden",
    "missing",
    "model_attributes_type",
    "model_type",
    "union_tag_invalid",
    "union_tag_not_found",
}


def _expected(details: ErrorDetails) -> str:
    """What a value should be."""
    form = EXPECTED.get(details["type"], "is not what can stand there")
    context = {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in details.get("ctx", {}).items()
    }
    return form.format(**context)


def _path_of(details: ErrorDetails, values: Any) -> KeyPath:
    """A path of pydantic's without the kinds that it adds where a value may be of several."""
    kept: list[str | int] = []
    for i, part in enumerate(details["loc"]):
        if part in values if isinstance(values, dict) else _is_entry(part, values):
            values = values[part]
        elif details["type"] != "missing" or i < len(details["loc"]) - 1:
            continue
        kept.append(part)
    return tuple(kept)


def _is_entry(part: str | int, values: Any) -> bool:
    return isinstance(values, list) and isinstance(part, int) and part < len(values)


def _advice_for_key(path: KeyPath) -> str:
    """The nearest key of the same section, or the section in which the key belongs."""
    name, here = str(path[-1]), models_at(path[:-1])
    siblings = [key for model in here for key in model.model_fields]
    advice = did_you_mean(name, siblings)
    if advice.startswith("Did"):
        return advice
    homes = [key for key in Config.model_fields if name in keys_of(models_at((key,)))]
    having = [model for model in models_at(tuple(homes[:1])) if name in model.model_fields]
    if homes[:1] == [path[0]] and all("kind" in model.model_fields for model in (*here, *having)):
        kinds = [
            kind for model in having for kind in _nested(model.model_fields["kind"].annotation, str)
        ]
        return f"Only the kind {' or '.join(kinds)} has it."
    return f"It belongs in `{homes[0]}`." if homes else advice


def keys_of(models: Sequence[type[BaseModel]]) -> set[str]:
    """The keys of any of these sections."""
    return {key for model in models for key in model.model_fields}


def models_at(path: KeyPath) -> list[type[BaseModel]]:
    """The schema's sections that may stand at a path."""
    models: list[type[BaseModel]] = [Config]
    for part in path:
        fields = [m.model_fields[part] for m in models if part in m.model_fields]
        if fields:
            models = [model for field in fields for model in _nested(field.annotation, type)]
        elif part == FUNCTION:
            models = [FunctionOptions]
        elif isinstance(part, str) and part != BUILT_IN:  # one of several kinds of a section
            models = [m for m in models if part in _nested(m.model_fields["kind"].annotation, str)]
    return [model for model in models if issubclass(model, BaseModel)]


def _nested(annotation: object, wanted: type) -> Iterator[Any]:
    """Everything of a type inside an annotation such as `tuple[A | B, ...] | None`."""
    if isinstance(annotation, wanted):
        yield annotation
    for inner in get_args(annotation):
        yield from _nested(inner, wanted)
