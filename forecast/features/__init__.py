"""What else is known? Columns and dates as numbers that a network takes.

An encoder is fitted on the past, and applied to a panel; what was fitted is plain JSON. A feature
that is made from dates is a module of its option's name here, with a `KIND`. Lags and rolling means
are of the target itself, and nothing is fitted to have them.
"""

from forecast.features.encoder import Encoded, Encoder, fit_encoder, vocabulary
from forecast.features.feature import unfit
from forecast.features.layout import Place, part_of, places_of, sizes_of
from forecast.features.rolling_means import rolling_means, rolling_means_of

__all__ = [
    "Encoded",
    "Encoder",
    "Place",
    "fit_encoder",
    "part_of",
    "places_of",
    "rolling_means",
    "rolling_means_of",
    "sizes_of",
    "unfit",
    "vocabulary",
]
