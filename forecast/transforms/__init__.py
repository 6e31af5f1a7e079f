"""On which scale does the network see the data?

A transform is fitted on the past, applied to a panel, and inverted on forecasts. What was fitted is
plain JSON, so that a forecast needs neither the library that fitted it nor pickle. A kind of
transform is a module of its name here, with a `KIND`, and its options in the schema.
"""

from forecast.transforms.pipeline import (
    EarlierFit,
    Pipeline,
    Pipelines,
    Transformed,
    fit_pipeline,
    fit_pipelines,
    refuse_unfit,
)
from forecast.transforms.transform import Code, Kind, Terms, Transform, kind_of

__all__ = [
    "Code",
    "EarlierFit",
    "Kind",
    "Pipeline",
    "Pipelines",
    "Terms",
    "Transform",
    "Transformed",
    "fit_pipeline",
    "fit_pipelines",
    "kind_of",
    "refuse_unfit",
]
