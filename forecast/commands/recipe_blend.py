"""Which blend suits a table of slow series, written as sections of its config.

On business series of years, quarters and months a network and statistical methods err differently
and about as much, so that their mean is ahead of each more often than not. On faster ones the
network alone is ahead, and fitting the methods takes long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from forecast.config.blend import BlendOptions
from forecast.data.calendar import is_counted, offset_of
from forecast.data.panel import IntArray
from forecast.data.profile import Profile

MEMBERS = ("{}", "auto_theta", "auto_ets", "auto_ces")
"""The network of the config and three statistical methods, as they are written in YAML."""

# Of few rows with a trend it can be far off (73 where a line comes to 19): not without a trial.
_UNTRIED = "auto_ces"
_LONGEST_SEASON = 12
_LONGEST_COUNTED = 150  # rows: more than these, counted and not dated, are seldom years or months
# Rows that methods are fitted to, summed over all series and origins: a thousand take about a
# second for the three together, so these take five minutes.
_MOST_ROWS = 300_000
_ERRORS = 20  # that tell intervals: of a single series at so many origins
_FEWEST_ERRORS = 10  # below which they tell nothing

_SECTIONS = """
# Networks and statistical methods err differently: their mean errs less than either. Without this
# section the network above forecasts alone, and trains sooner (`forecast init --no-blend`).
blend:
  members: [{members}]   # {{}} is the network above
{weights}"""
_EQUAL = """\
  weights: equal          # there are too few rows to tell what each is worth
"""
_CHOSEN = """\
  weights: equal          # trials chose whom to take
"""
_ORIGINS = """\
  n_windows: {n_windows}           # origins that tell what each is worth
  stride: {stride}
"""
_INTERVALS = """
intervals:                # of 80 %, from errors of the blend within the training part
  n_windows: {n_windows}
"""


@dataclass(frozen=True)
class Needs:
    """What a recipe does with a table, as far as its blend has to know."""

    test: int
    """Rows of each series that are held back."""
    horizon: int
    """Steps that forecasts from within the training part are made for."""
    least_rows: int
    """What a series has to have for a network to be trained on it."""
    tests: int
    """Origins in the test part of each series."""
    has_quantiles: bool
    """Whether its networks have quantiles, of which intervals are made then."""


def is_slow(look: Profile) -> bool:
    """Whether rows are months, quarters, years, or counted and as few as these are."""
    if look.season_length > _LONGEST_SEASON:
        return False
    lengths = np.diff(look.panel.offsets)
    if is_counted(look.panel.freq):
        return bool(np.median(lengths) <= _LONGEST_COUNTED)
    return unit_of(look.panel.freq).removeprefix("B")[:1] in ("M", "Q", "Y")


def unit_of(freq: str) -> str:
    """The unit of a frequency: `h`, `D`, `MS`, ...; nothing where rows are counted."""
    return "" if is_counted(freq) else offset_of(freq)[0].rule_code.split("-")[0]


def can_blend() -> bool:
    """Whether statistical methods are installed."""
    return find_spec("statsforecast") is not None


def suits_blend(look: Profile, needs: Needs) -> bool:
    """Whether a blend is likely to be better than its network, and fitted within minutes."""
    if not is_slow(look):
        return False
    n_windows, _, _ = _origins(np.diff(look.panel.offsets), needs)
    return len(look.panel.values) * (n_windows + needs.tests) <= _MOST_ROWS


def blend_sections(look: Profile, needs: Needs, members: Sequence[str] | None = None) -> str:
    """The sections `blend` and `intervals`; weights are equal where no origin can tell them.

    Members that are named were tried; else they are those that suit such tables.
    """
    lengths = np.diff(look.panel.offsets)
    n_windows, stride, calibrating = _origins(lengths, needs)
    usual_members = MEMBERS if n_windows else [own for own in MEMBERS if own != _UNTRIED]
    listed = ", ".join(members or usual_members)
    if not n_windows:
        return _SECTIONS.format(members=listed, weights=_EQUAL)
    intervals = "" if needs.has_quantiles else _INTERVALS.format(n_windows=calibrating)
    if not suits_blend(look, needs):  # it takes long there, and trials have fitted all already
        return _SECTIONS.format(members=listed, weights=_CHOSEN) + intervals
    usual = BlendOptions(members=("naive",))
    is_usual = (n_windows, stride) == (usual.n_windows, usual.stride_of(needs.horizon))
    weights = "" if is_usual else _ORIGINS.format(n_windows=n_windows, stride=stride)
    return _SECTIONS.format(members=listed, weights=weights) + intervals


def _origins(lengths: IntArray, needs: Needs) -> tuple[int, int, int]:
    """How many origins tell weights, how many steps apart, and how many of them intervals.

    Few series need many origins, one step apart; of a panel four tell enough, or fewer where else
    most series would be too short. All are 0 where there are too few errors in any case.
    """
    room = lengths - needs.test - needs.horizon - needs.least_rows  # before the last origin
    each = -(-_ERRORS // len(lengths))
    usual = BlendOptions(members=("naive",))
    if each > usual.n_windows:
        n_windows, stride = min(each, 1 + int(room.max())), 1
        calibrating = n_windows
    else:
        stride, n_windows = usual.stride_of(needs.horizon), usual.n_windows
        while n_windows > each and np.mean(room >= (n_windows - 1) * stride) < 0.5:
            n_windows -= 1
        calibrating = each
    able = int((room >= (n_windows - 1) * stride).sum())
    return (n_windows, stride, calibrating) if able * calibrating >= _FEWEST_ERRORS else (0, 0, 0)
