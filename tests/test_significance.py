"""Is a difference more than chance? Tests whose false alarms are as rare as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, ttest_1samp, ttest_ind

from forecast.scoring.significance import diebold_mariano, holm, paired_bootstrap, welch


def test_without_overlap_it_is_a_t_test() -> None:
    """Of one step ahead the correction turns the variance into that of a sample."""
    differences = np.random.default_rng(0).normal(0.3, 1, 30)
    assert diebold_mariano(differences) == pytest.approx(ttest_1samp(differences, 0).pvalue)


def test_forecasts_that_overlap_tell_less() -> None:
    """Errors of one direction that last are no independent evidence, and false alarms stay rare."""
    random, alarms, naive = np.random.default_rng(1), [], []
    for _ in range(400):
        differences = np.convolve(random.normal(size=123), np.ones(12), "valid")
        alarms.append(diebold_mariano(differences, overlap=12) < 0.05)
        naive.append(diebold_mariano(differences) < 0.05)
    assert np.mean(alarms) < 0.16 < 0.4 < np.mean(naive)


def test_equal_forecasts_do_not_differ() -> None:
    """And what differs by the same at each cutoff does; of one cutoff nothing is known."""
    assert diebold_mariano(np.zeros(9), 3) == 1
    assert diebold_mariano(np.ones(9)) == 0
    assert np.isnan(diebold_mariano(np.ones(1)))
    assert paired_bootstrap(np.zeros(20)) == 1


def test_the_bootstrap_agrees_with_the_normal_of_many_series() -> None:
    """Where the central limit says what there is to say."""
    differences = np.random.default_rng(2).normal(0.1, 1, 400)
    error = differences.std() / 20
    by_normal = 2 * norm.sf(abs(differences.mean()) / error)
    assert paired_bootstrap(differences) == pytest.approx(by_normal, abs=0.01)
    assert paired_bootstrap(differences) == paired_bootstrap(differences)


def test_seeds_are_welch_s_test() -> None:
    """A model of one seed is a constant; where no seed differs, chance has no part in it."""
    random = np.random.default_rng(3)
    one, other = random.normal(0, 1, 5), random.normal(1, 3, 7)
    assert welch(one, other) == pytest.approx(ttest_ind(one, other, equal_var=False).pvalue)
    assert welch(one, np.array([2.0])) == pytest.approx(ttest_1samp(one, 2).pvalue)
    assert welch(np.ones(3), np.zeros(1)) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_s_correction_keeps_the_order(p_values: list[float]) -> None:
    """By hand: each is as large as its rank makes it, and as those before it."""
    adjusted = holm(np.array([*p_values, np.nan]))
    assert np.isnan(adjusted[-1])
    ranked = sorted(p_values)
    expected = [
        min(1.0, max((len(ranked) - i) * p for i, p in enumerate(ranked[: rank + 1])))
        for rank in range(len(ranked))
    ]
    assert sorted(adjusted[:-1]) == pytest.approx(expected)
    assert all(adjusted[:-1] >= np.array(p_values))
