"""Fitting of transforms: one module a kind, with a `fit` function.

Fitting stands apart from the transforms themselves because a forecast needs only what was learned,
and the libraries that fit cost more to import than the forecast takes. A module is imported only
where the config asks for its kind.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module

from forecast.config.schema import FitOn, TransformOptions
from forecast.data.panel import Past
from forecast.transforms.pipeline import Pipeline, Pipelines, Transform, shared_count


def fit_pipeline(
    options: Sequence[TransformOptions], pasts: Mapping[FitOn, Past], season_length: int
) -> Pipeline:
    """Fit each transform on what the earlier ones made of the rows that it may see."""
    transforms: list[Transform] = []
    for option in options:
        module = import_module(f"forecast.transforms.fitting.{option.kind}")
        transform: Transform = module.fit(option, pasts[option.fit_on], season_length)
        pasts = {name: Past(transform.apply(past.panel)) for name, past in pasts.items()}
        transforms.append(transform)
    return Pipeline(tuple(transforms))


def fit_pipelines(
    options: Sequence[Sequence[TransformOptions]], pasts: Mapping[FitOn, Past], season_length: int
) -> Pipelines:
    """Fit several pipelines, and what they share once."""
    count = shared_count(options)
    shared = fit_pipeline(options[0][:count], pasts, season_length)
    pasts = {name: Past(shared.apply(past.panel).panel) for name, past in pasts.items()}
    branches = [fit_pipeline(pipeline[count:], pasts, season_length) for pipeline in options]
    return Pipelines(shared, tuple(branches))
