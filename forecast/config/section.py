"""What every part of a config is, and what numbers in it may be."""

import ast
import inspect
from itertools import pairwise
from textwrap import dedent
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


def _describe_options(schema: dict[str, Any], section: type[BaseModel]) -> None:
    """Put what the source says below each option into the JSON schema of its section.

    pydantic's `use_attribute_docstrings` does so as well, and reads the sources of all sections
    whenever they are imported, which took a twentieth of the time of `predict`.
    """
    said: dict[str, str] = {}
    for part in reversed(section.__mro__):
        if part is not Section and issubclass(part, Section):
            said |= _option_docstrings(part)
    for name in section.model_fields:
        if name in said:
            schema["properties"][name]["description"] = said[name]


def _option_docstrings(section: type[BaseModel]) -> dict[str, str]:
    """The strings that stand below the options of a class, in its source."""
    (definition,) = ast.parse(dedent(inspect.getsource(section))).body
    said = {}
    for option, below in pairwise(ast.iter_child_nodes(definition)):
        match option, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                said[name] = inspect.cleandoc(text)
    return said


class Section(BaseModel):
    """A part of the config: frozen, strict about types, closed to unknown keys."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        json_schema_extra=_describe_options,
        defer_build=True,
    )


# Beyond this a number is a slip of the finger, and arithmetic with it no longer exact.
Count = Annotated[int, Field(ge=1, le=10**9)]

QuantileLevel = Annotated[float, Field(gt=0, lt=1)]


def ascending(levels: tuple[float, ...]) -> tuple[float, ...]:
    """Levels as they are. Raises `ValueError` where one is not above the one before it."""
    if list(levels) != sorted(set(levels)):
        raise ValueError("should ascend")
    return levels
