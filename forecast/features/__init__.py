"""What else is known? Columns and dates as numbers that a network takes.

An encoder is fitted on the past, and applied to a panel; what was fitted is plain JSON.
"""

from forecast.features.encoder import Encoded, Encoder, Sizes, fit_encoder, vocabulary

__all__ = ["Encoded", "Encoder", "Sizes", "fit_encoder", "vocabulary"]
