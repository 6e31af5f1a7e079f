"""What else is known? Columns and dates as numbers that a network takes.

An encoder is fitted on the past, and applied to a panel; what was fitted is plain JSON. A feature
that is made from dates is a module of its option's name here, with a `KIND`.
"""

from forecast.features.encoder import Encoded, Encoder, Sizes, fit_encoder, vocabulary
from forecast.features.feature import unfit

__all__ = ["Encoded", "Encoder", "Sizes", "fit_encoder", "unfit", "vocabulary"]
