"""The section `search`: which recipes `forecast tune` tries, and how it judges them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator

from forecast.config.section import Count, Section

Number = int | float
RECIPE = ("transforms", "features", "window", "model", "training", "blend")
"""Sections whose keys may be varied: the others say which data there are, and how to judge."""


class Range(Section):
    """Numbers from `low` to `high`, both among them; whole ones where both are whole."""

    low: Number
    """The lowest."""
    high: Number
    """The highest."""
    log: bool = False
    """Whether a tenth and ten times a number are equally far from it."""
    step: Number | None = None
    """From `low` on; of any size where it is left out."""

    @property
    def is_whole(self) -> bool:
        """Whether all of its numbers are whole."""
        return all(isinstance(end, int) for end in (self.low, self.high, self.step or 1))


Choices = tuple[Any, ...]


def _dimension(value: object) -> Choices | Range:
    """The values that a key may have, from what stands in the config."""
    if isinstance(value, Range):
        return value
    if isinstance(value, list | tuple) and value:
        return tuple(value)
    if not isinstance(value, dict) or not {"low", "high"} <= set(value) <= set(Range.model_fields):
        raise ValueError(
            "should be a list of values, or a range such as {low: 0.001, high: 0.1, log: true}"
        )
    return _range(value)


def _range(value: Mapping[str, Any]) -> Range:
    numbers = [value["low"], value["high"], value.get("step") or 1]
    if not all(isinstance(own, Number) and not isinstance(own, bool) for own in numbers):
        raise ValueError("should have numbers as low, high and step")
    if not isinstance(value.get("log", False), bool):
        raise ValueError("should have true or false as log")
    found = Range.model_validate(value)
    if not found.low < found.high < float("inf"):
        raise ValueError("should have a high above its low")
    if found.log and found.low <= 0:
        raise ValueError("should have a low above 0 where log is true")
    if found.step is not None and (found.log or not 0 < found.step <= found.high - found.low):
        raise ValueError("should have a step between 0 and high - low, and no log beside it")
    return found


Dimension = Annotated[
    Any,
    PlainValidator(
        _dimension, json_schema_input_type=Annotated[list[Any], Field(min_length=1)] | Range
    ),
]
Space = Mapping[str, Choices | Range]
"""What is tried of each key, by its dotted name."""


class SearchOptions(Section):
    """What `forecast tune` tries, and how it judges: by forecasts within the training rows alone.

    Trials are halved: all are judged with one seed by the forecasts after the latest origins, the
    best third by those after all origins, and the best ninth with other seeds, several of them.
    """

    space: dict[str, Dimension] = {}  # noqa: RUF012 - pydantic copies it
    """Values for keys of `transforms`, `features`, `window`, `model`, `training` and `blend`, by
    their dotted name: a list, `model.units: [20, 50]`, or a range, `training.learning_rate: {low:
    0.0003, high: 0.01, log: true}`, of whole numbers where its ends are whole; with `step`, every
    so many. Where nothing is said, a space that suits the table."""
    sampler: Literal["grid", "random", "tpe"] = "random"
    """How trials are drawn from it: `grid` takes all combinations in turn, `random` any, and `tpe`
    those that are like the best so far (Bergstra et al. 2011; the extra `tune`)."""
    trials: Count = 100
    """How many."""
    metric: Literal["mase", "rmsse", "mae", "rmse"] = "mase"
    """What is to be small."""
    n_windows: Count = 3
    """Origins: a network is fitted before each, and forecasts from the rows up to the next."""
    stride: Count | None = None
    """Rows from one origin to the next; a season where it is left out, or the horizon if that is
    longer."""
    seeds: Count = 5
    """Networks of each of the best trials, whose scores are averaged."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """From which the trials are drawn."""
