"""Which colour means what: one meaning each, the same in every figure.

The colours are those of Okabe and Ito, which the colour-blind can tell apart
(https://jfly.uni-koeln.de/color/), and a grey for what only guides the eye.
"""

ACTUAL = "#000000"
MODEL = "#0072B2"
"""What the model forecast of rows that it was not fitted on, its loss there; its interval is a
paler shade of the same."""
FITTED = "#56B4E9"
"""The same of the rows that it was fitted on."""
ANOMALY = "#D55E00"
GUIDE = "#7F7F7F"
INTERVAL_ALPHA = 0.2

# Backgrounds: what came before has none.
VALIDATION, VALIDATION_ALPHA = "#F0E442", 0.18
TEST, TEST_ALPHA = "#7F7F7F", 0.13

SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Of several that are alike; marks tell more of them apart."""
MARKERS = "osD^vP*X<>"

_BASELINES = {"seasonal_naive": "#E69F00", "naive": "#CC79A7"}
_OTHERS = ("#009E73", "#D55E00")
DASHES = (0, (4, 1.5))
"""How the lines of baselines are broken, so that colour is not all that tells them apart."""


def color_of(name: str, model: str) -> str:
    """The colour of a model or a baseline by its name; other methods share two more."""
    if name == model:
        return MODEL
    return _BASELINES.get(name) or _OTHERS[sum(name.encode()) % len(_OTHERS)]
