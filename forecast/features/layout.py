"""Which numbers of a network's inputs are which feature's."""

from itertools import accumulate, pairwise

from forecast.config.schema import FeaturesOptions
from forecast.features.encoder import Encoder
from forecast.windows import Sizes

Place = tuple[str, slice]
"""A part of `Inputs`, and which of its features."""


def sizes_of(encoder: Encoder | None, options: FeaturesOptions, targets: int = 1) -> Sizes:
    """How many features there are beside the target: covariates, and what it was itself.

    `targets` are forecast together.
    """
    sizes = encoder.sizes if encoder else Sizes()
    return sizes._replace(
        rolling_means=len(options.rolling_means), lags=len(options.lags), targets=targets
    )


def places_of(
    encoder: Encoder | None, options: FeaturesOptions, targets: int = 1
) -> dict[str, list[Place]]:
    """Where the numbers of each feature stand, in the order of `Sizes`.

    Columns are called by their name, and what `features` asks for `features.NAME`, of lags and
    rolling means with the steps; of several `targets` these have a number of each.
    """
    numbers = encoder.numbers if encoder else {}
    past, known, static = (numbers.get(name, []) for name in ("past", "known", "static"))
    means = [(f"features.rolling_means {length}", targets) for length in options.rolling_means]
    lags = [(f"features.lags {lag}", targets) for lag in options.lags]
    found: dict[str, list[Place]] = {}
    for part, first, features in (
        ("past", targets, [*means, *lags, *past, *known]),
        ("future", 0, [*lags, *known]),
        ("static", 0, static),
    ):
        bounds = accumulate((size for _, size in features), initial=first)
        for (name, _), (begin, end) in zip(features, pairwise(bounds), strict=True):
            found.setdefault(name, []).append((part, slice(begin, end)))
    return found


def part_of(places: list[Place]) -> str:
    """Which of past, known and static features one is that stands in these places."""
    return {"past": "past", "future": "known", "static": "static"}[places[-1][0]]
