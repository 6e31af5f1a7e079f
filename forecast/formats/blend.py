"""The page beside a blend that leaves: who its members are, and how they are combined."""

from collections.abc import Iterator

from forecast.jobs.opened_blend import OpenedBlend
from forecast.methods import Method
from forecast.methods.statistical import Statistical
from forecast.runs.layout import BLEND

_PAGE = """\
# {name} as a blend

The forecast of `{targets}` is the weighted mean of what {count} members forecast. Made with
forecast {version}.

| member | mean weight | what it is |
| --- | --- | --- |
{members}

## Run it

Let each member forecast, in the order of this table, and combine forecasts of one series,
`(members, horizon)`:

```python
import json

import numpy as np

blend = json.load(open("{blend}"))
weights = np.array(blend["weights"])  # (series, steps, members)


def combine(forecasts, series=0):
    horizon = forecasts.shape[1]
    steps = np.minimum(np.arange(horizon), weights.shape[1] - 1)  # the last step's hold beyond it
    return (weights[series, steps].T * forecasts).sum(axis=0)
```

{series}{methods}
## What is not here

- Intervals: `forecast predict` gives them, if the run has any.
- A member that can not be fitted to a series has its last season there, or its last value.
"""
_METHODS = """\
Methods have no file: they are fitted again to all rows `y` of a series that are known (`pip install
statsforecast`):

```python
{code}
```

"""
_SERIES = """\
Entry 0 of the series is for those that the run does not know; the others follow in the order of
`series` in the examples of networks.

"""


def blend_readme(opened: OpenedBlend) -> str:
    """The page, in Markdown."""
    names, by_series = opened.blend.members, len(opened.blend.weights.numbers) > 1
    code = "\n".join(_code(opened))
    return _PAGE.format(
        name=opened.run.record.name,
        targets=", ".join(opened.config.data.targets),
        count=len(names),
        version=opened.run.record.versions["forecast"],
        members="\n".join(_members(opened)),
        blend=BLEND,
        series=_SERIES if by_series else "",
        methods=_METHODS.format(code=code) if code else "",
    )


def _members(opened: OpenedBlend) -> Iterator[str]:
    for (name, method), weight in zip(
        opened.blend.members.items(), opened.blend.weights.mean, strict=True
    ):
        what = f"a network, in `{name}/`" if name in opened.networks else _what(method)
        yield f"| {name} | {weight:.4g} | {what} |"


def _what(method: Method) -> str:
    first, *_ = (type(method).__doc__ or "").splitlines()
    return first.rstrip(".")


def _code(opened: OpenedBlend) -> Iterator[str]:
    """How statsforecast is called."""
    found = [own for own in opened.blend.members.values() if isinstance(own, Statistical)]
    if found:
        yield f"from statsforecast.models import {', '.join(own.model for own in found)}\n"
    for own in found:
        yield (
            f"{own.name} = {own.model}(season_length={own.season_length}).forecast(y, "
            f'{opened.config.window.horizon})["mean"]'
        )
