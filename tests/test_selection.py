"""Whose mean forecast errs least: members are changed where that clearly helps."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.data.panel import FloatArray
from forecast.jobs.selection import Candidates, Members, Rows, select

PANEL = Rows(is_panel=True)
BOTH = Candidates(("usual", "other"), ("theta",))
SEEN = np.ones((2, 40), bool)


def _errors(**members: FloatArray) -> dict[str, FloatArray]:
    """Errors `(origins, units)` with a sign, of which a mean of members has the mean."""
    return members


def _select(
    errors: dict[str, FloatArray], candidates: Candidates = BOTH, **options: object
) -> Members:
    def losses(members: Members) -> FloatArray:
        mean: FloatArray = np.mean([errors[name] for name in sorted(members)], axis=0)
        return np.abs(mean)

    seen = options.get("seen", SEEN)
    assert isinstance(seen, np.ndarray)
    return select(losses, frozenset({"usual"}), candidates, PANEL, seen)


def _noise(seed: int, size: float = 1.0) -> FloatArray:
    noise: FloatArray = size * np.random.default_rng(seed).normal(size=SEEN.shape)
    return noise


def test_of_equals_the_first_stays() -> None:
    """The rule of thumb wins ties, and what is hardly better."""
    usual = _noise(0)
    assert _select(_errors(usual=usual, other=usual, theta=usual)) == {"usual"}
    assert _select(_errors(usual=usual, other=0.996 * usual, theta=usual)) == {"usual"}


def test_the_better_takes_its_place() -> None:
    """A network that errs half as much, in the same direction."""
    usual = _noise(0)
    assert _select(_errors(usual=usual, other=0.5 * usual, theta=usual)) == {"other"}


def test_errors_of_other_signs_are_blended() -> None:
    """Two that err as much, each in its own way, err less together."""
    assert _select(_errors(usual=_noise(0), other=_noise(0), theta=_noise(1))) == {"usual", "theta"}


def test_what_helps_after_one_origin_alone_is_chance() -> None:
    """However much it helps there: the next origin may be like the other."""
    usual, other = _noise(0), _noise(0)
    other[0] *= 0.1
    other[1] *= 1.2
    assert _select(_errors(usual=usual, other=other, theta=usual)) == {"usual"}


def test_a_network_is_always_among_the_members() -> None:
    """Though a method is better than any, and no more networks than are wanted."""
    methods = Candidates(("usual",), ("theta",))
    assert _select(_errors(usual=_noise(0), theta=_noise(1, 0.01)), methods) == {"usual", "theta"}
    one = Candidates(("usual", "other"), (), most_networks=1)
    assert len(_select(_errors(usual=_noise(0), other=_noise(1)), one)) == 1


def test_a_method_that_takes_long_has_to_help_more() -> None:
    """By 3 %, where half a percent is enough otherwise."""
    errors = _errors(usual=_noise(0), other=_noise(0), theta=0.96 * _noise(0))
    assert _select(errors) == {"usual", "theta"}
    assert _select(errors, replace(BOTH, are_costly=True)) == {"usual"}


def test_only_what_is_seen_decides() -> None:
    """Of the other units nothing is known, whatever is there."""
    usual, other = _noise(0), _noise(0)
    seen = SEEN.copy()
    seen[:, 20:] = False
    other[:, 20:] *= 0.01
    assert _select(_errors(usual=usual, other=other, theta=usual), seen=seen) == {"usual"}


def test_nothing_is_changed_where_nothing_is_known() -> None:
    """No loss, no gain."""
    nothing = np.full(SEEN.shape, np.nan)
    assert _select(_errors(usual=nothing, other=nothing, theta=nothing)) == {"usual"}


@pytest.mark.parametrize(("is_panel", "rows"), [(True, 3), (False, 6)])
def test_a_row_is_a_series_or_a_time_after_an_origin(is_panel: bool, rows: int) -> None:
    """Of a panel the mean over origins, as far as it is known."""
    losses = np.array([[1.0, np.nan, 3.0], [2.0, np.nan, np.nan]])
    found = Rows(is_panel).of(losses)
    assert len(found) == rows
    if is_panel:
        np.testing.assert_array_equal(found, [1.5, np.nan, 3.0])
