"""What every part of a config is, and what numbers in it may be."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A part of the config: frozen, strict about types, closed to unknown keys."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


# Beyond this a number is a slip of the finger, and arithmetic with it no longer exact.
Count = Annotated[int, Field(ge=1, le=10**9)]

QuantileLevel = Annotated[float, Field(gt=0, lt=1)]


def ascending(levels: tuple[float, ...]) -> tuple[float, ...]:
    """Levels as they are. Raises `ValueError` where one is not above the one before it."""
    if list(levels) != sorted(set(levels)):
        raise ValueError("should ascend")
    return levels
