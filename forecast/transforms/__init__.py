"""In which units does the network see the data?

A transform is fitted on the past, applied to a panel, and inverted on forecasts. What it learned is
plain JSON, so that a forecast needs neither the library that fitted it nor pickle. A kind of
transform is a fitted class here, a module of its own name in `fitting`, and a line in `FITTED`.
"""

from forecast.transforms.pipeline import FITTED, Pipeline, Pipelines, Transform, Transformed

__all__ = ["FITTED", "Pipeline", "Pipelines", "Transform", "Transformed"]
