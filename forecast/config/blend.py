"""Options of a blend: several forecasters that are used as one."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from forecast.config.section import Count, Section

OVERRIDES = ("transforms", "features", "window", "model", "training")
"""The sections that a network of a blend may have otherwise; all else is common to its members."""


def _member(value: object) -> object:
    """The name of a method, or what a network has otherwise than the config."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise ValueError("should be the name of a method, or keys of the config for a network")
    for key in value:
        if key not in OVERRIDES:
            raise ValueError(f"should override {', '.join(OVERRIDES)} alone, not {str(key)[:40]}")
    return value


MemberOptions = Annotated[
    str | dict[str, Any],
    BeforeValidator(_member),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "description": "a method, as in `backtest --against`"},
                {
                    "type": "object",
                    "description": "a network: what it has otherwise than the config",
                    "propertyNames": {"enum": list(OVERRIDES)},
                },
            ]
        }
    ),
]


class BlendOptions(Section):
    """Several forecasters whose weighted mean is the forecast.

    What each of them is worth is found from several origins within the training part: networks are
    fitted before the first of these, statistical methods at each.
    """

    members: Annotated[tuple[MemberOptions, ...], Field(strict=False, min_length=1, max_length=50)]
    """Each a method by its name (`auto_theta`, `auto_ets`, `auto_ces`, `seasonal_naive`, ...), or
    a network: a mapping of what it has otherwise than the config (`transforms`, `features`,
    `window`, `model`, `training`), `{}` for the config's own network."""
    weights: Literal["equal", "validated", "stacked"] = "validated"
    """`validated` is the mean of the members that do no harm: again and again the one is left out
    without which the mean errs least, as long as that helps; `stacked` weighs these so that they
    err least (Breiman 1996), with no negative weight and near to equal ones; `equal` is the mean of
    all."""
    by: Literal["all", "step", "series"] = "all"
    """Whether weights are the same everywhere, or differ by step of the horizon or by series. The
    fewer forecasts there are to tell, the nearer they stay to common ones."""
    n_windows: Count = 4
    """Origins from which the weights are found."""
    stride: Count | None = None
    """Steps between two of them; a third of the horizon where it is left out."""

    @property
    def has_networks(self) -> bool:
        """Whether any member is one."""
        return not all(isinstance(own, str) for own in self.members)

    def stride_of(self, horizon: int) -> int:
        """Steps between two origins of forecasts so far."""
        return self.stride or max(1, horizon // 3)
