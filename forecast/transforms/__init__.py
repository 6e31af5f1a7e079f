"""In which units does the network see the data?

A transform is fitted on the past, applied to a panel, and inverted on forecasts. What it learned is
plain JSON, so that a forecast needs neither the library that fitted it nor pickle. Each kind is one
module here with a `Fitted` class, and one function of the same name in `fitting`.
"""

from forecast.transforms.pipeline import Pipeline, Transform

__all__ = ["Pipeline", "Transform"]
