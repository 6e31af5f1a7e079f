"""Samplers: what a trial is given follows from the seed and its number."""

from pkgutil import iter_modules
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast import samplers
from forecast.config.search import Range, SearchOptions
from forecast.errors import ConfigError, MissingExtraError
from forecast.samplers import Told, named_sampler

SPACE: dict[str, Any] = {
    "transforms": (["minmax"], ["log", "standard"]),
    "model.units": Range(low=4, high=64, log=True),
    "training.learning_rate": Range(low=0.0003, high=0.01, log=True),
    "window.context_length": Range(low=12, high=48, step=12),
    "model.dropout": (0.0, 0.1, 0.2),
}
FEW: dict[str, Any] = {"a": ("x", "y", "z"), "b": Range(low=1, high=2), "c": (None, 1)}


@given(st.integers(0, 2**32 - 1), st.integers(0, 10**6))
def test_a_random_trial_follows_from_the_seed_and_its_number(seed: int, number: int) -> None:
    """Whoever else is drawn beside it, and every value is one of its key."""
    random = named_sampler("random")
    [alone] = random.draw(SPACE, seed, range(number, number + 1), 10**7, [])
    beside = random.draw(SPACE, seed, range(number, number + 3), 10, [])
    assert beside[0] == alone
    units, rate, context = list(alone.values())[1:4]
    assert isinstance(units, int)
    assert 4 <= units <= 64
    assert 0.0003 <= rate <= 0.01  # type: ignore[operator]
    assert context in (12, 24, 36, 48)
    assert alone["transforms"] in SPACE["transforms"]


def test_random_trials_fill_the_space() -> None:
    """Every choice and every whole number is drawn."""
    drawn = named_sampler("random").draw(SPACE, 0, range(500), 500, [])
    assert {trial["model.dropout"] for trial in drawn} == {0.0, 0.1, 0.2}
    assert {trial["window.context_length"] for trial in drawn} == {12, 24, 36, 48}
    assert {4, 5, 63, 64} <= {trial["model.units"] for trial in drawn}
    assert sum(trial["training.learning_rate"] < 0.00173 for trial in drawn) == pytest.approx(  # type: ignore[operator]
        250, abs=40
    )


def test_a_grid_gives_every_combination_once() -> None:
    """In turn; where there are more than trials, some that are evenly spread."""
    grid = named_sampler("grid")
    assert grid.size(FEW) == 12
    every = grid.draw(FEW, 0, range(12), 100, [])
    assert len({repr(trial) for trial in every}) == 12
    assert every[0] == {"a": "x", "b": 1, "c": None}
    assert every[-1] == {"a": "z", "b": 2, "c": 1}
    some = grid.draw(FEW, 0, range(4), 4, [])
    assert [every.index(trial) for trial in some] == [0, 3, 6, 9]


def test_a_grid_needs_an_end() -> None:
    """A range of which all numbers count has none."""
    with pytest.raises(ConfigError, match=r"no end of numbers for model\.units"):
        named_sampler("grid").size(SPACE)


def test_a_space_of_few_has_a_size() -> None:
    """So that nobody asks for more trials than there are."""
    random = named_sampler("random")
    assert random.size({"a": (1, 2), "b": Range(low=0.1, high=0.5, step=0.1)}) == 10
    assert random.size(SPACE) is None


def test_every_sampler_has_a_module() -> None:
    """Of its name, beside what they share."""
    names = get_args(SearchOptions.model_fields["sampler"].annotation)
    modules = {module.name for module in iter_modules(samplers.__path__)}
    assert modules == {*names, "sampler"}


def test_tpe_draws_near_the_best() -> None:
    """Told of fifty trials; the same again where it is told the same."""
    pytest.importorskip("optuna")
    tpe = named_sampler("tpe")
    told = [
        Told(values, abs(values["model.units"] - 50) + (values["transforms"] == ["minmax"]))  # type: ignore[operator]
        for values in named_sampler("random").draw(SPACE, 1, range(60), 60, [])
    ]
    told[0] = told[0]._replace(score=None)
    drawn = tpe.draw(SPACE, 0, range(60, 85), 100, told)
    assert tpe.draw(SPACE, 0, range(60, 85), 100, told) == drawn
    near = [trial for trial in drawn if abs(trial["model.units"] - 50) <= 10]  # type: ignore[operator]
    assert len(near) > 15
    for trial in drawn:
        assert trial["transforms"] in SPACE["transforms"]
        assert 0.0003 <= trial["training.learning_rate"] <= 0.01  # type: ignore[operator]


def test_tpe_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Optuna is not installed."""
    monkeypatch.setattr("forecast.errors.find_spec", lambda module: None)
    with pytest.raises(MissingExtraError, match=r"\[tune\]"):
        named_sampler("tpe")
