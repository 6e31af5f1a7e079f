"""The best of the Theta methods (Fiorucci et al. 2016)."""

from forecast.methods.statistical import Statistical


class AutoTheta(Statistical):
    """The best of the Theta methods (Fiorucci et al. 2016)."""

    model = "AutoTheta"


METHOD = AutoTheta
