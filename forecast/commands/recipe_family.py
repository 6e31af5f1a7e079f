"""Which recipes are tried beside the rule of thumb: few, for each is a training."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from forecast.commands.recipe import calendar_parts
from forecast.commands.recipe_network import RULE, Variation, is_short, is_small, longer_cycle
from forecast.data.profile import Profile


def family(look: Profile, rule: Variation = RULE, *, is_large: bool = False) -> list[Variation]:
    """The rule of thumb, and variations of it that suit a table; more where `is_large`."""
    if is_small(look):
        return [rule, *_small(look, rule, is_large=is_large)]
    return [rule, *_panel(look, is_large=is_large)]


def _small(look: Profile, rule: Variation, *, is_large: bool) -> Iterator[Variation]:
    """Of networks that read the level, or changes."""
    if look.has_season:
        yield Variation("changes of two kinds", change="both")
    if rule.change:
        yield Variation("level", change="level")
    elif look.has_season:
        yield Variation("changes since the season before", change="season")
    if is_large or not look.has_season:
        yield Variation("changes by step", change="step")
    if is_large:
        yield Variation("longer context", change=rule.change, context=2)
        for own in _scales(look):
            yield replace(own, change=rule.change)


def _panel(look: Profile, *, is_large: bool) -> Iterator[Variation]:
    """Of one network for all series."""
    is_growth = is_short(look) and look.is_positive
    if is_short(look) or is_large:  # of longer series the usual context is long enough
        yield Variation("longer context", context=2)
    yield from _seasons(look)
    cycles = _cycles(look)
    if cycles:
        yield Variation("longer cycles", cycles=cycles)
    if is_growth:
        yield Variation("standardised", normalize="standard")
    else:
        yield from _scales(look)
    if not is_short(look) and calendar_parts(look):
        yield Variation("calendar", calendar=True)
    if is_large:
        yield Variation("mean taken", normalize="mean")
        yield Variation("shorter context", context=0.5)
        if not is_growth:
            yield Variation("last value taken", normalize="last")


def _seasons(look: Profile) -> Iterator[Variation]:
    """What the network corrects: the mean of a clear season, or the last of one that is not."""
    if look.has_season:
        yield Variation("mean of seasons", residual_of="seasonal_mean")
    elif look.season_length > 1:
        yield Variation("season before", residual_of="seasonal_naive")


def _cycles(look: Profile) -> int:
    """How many of the cycle above the season a context may have: as the weeks of hourly data.

    Two at most, and no more than leave half of a typical series to train on.
    """
    longer = longer_cycle(look)
    if is_short(look) or longer == look.season_length:
        return 0
    room = float(np.median(np.diff(look.panel.offsets))) / 2
    return min(2, int(room // longer))


def _scales(look: Profile) -> Iterator[Variation]:
    """Functions of the values, where these have any."""
    if look.is_ever_negative:
        return
    yield Variation("square root", scale="sqrt")
    if look.is_multiplicative:
        yield Variation("no logarithm", scale="none")
    else:
        yield Variation("logarithm", scale="log")
