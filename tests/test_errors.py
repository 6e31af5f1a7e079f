"""What a user can get wrong, and how it is said."""

import pytest

from forecast import errors
from forecast.errors import ConfigError, ForecastError, Problem, did_you_mean


def test_a_problem_is_what_where_and_the_way_out() -> None:
    """In this order, each on its own line; what is not known is left out."""
    whole = Problem("it is wrong.", "Mend it.", "a.yaml:1:2", "    1 | a\n      | ^")
    assert str(whole) == "a.yaml:1:2: it is wrong.\n    1 | a\n      | ^\nMend it."
    assert str(Problem("it is wrong.")) == "it is wrong."


def test_an_error_says_all_of_its_problems() -> None:
    """A person mends a file in one go."""
    error = ConfigError(Problem("one.", "Mend it."), Problem("two."))
    assert str(error) == "one.\nMend it.\ntwo."
    assert len(error.problems) == 2


def test_exit_codes_are_those_of_the_contract() -> None:
    """Each error has its own, between 2 and 8."""
    assert {error.__name__: error.exit_code for error in ForecastError.__subclasses__()} == {
        "UsageError": 2,
        "ConfigError": 3,
        "DataError": 4,
        "RunError": 5,
        "GateError": 6,
        "DivergedError": 7,
        "MissingExtraError": 8,
    }
    assert all(getattr(errors, kind.__name__) is kind for kind in ForecastError.__subclasses__())


@pytest.mark.parametrize(
    ("word", "known", "advice"),
    [
        ("epoch", ["epochs", "seed"], "Did you mean `epochs`?"),
        ("SEED", ["epochs", "seed"], "Did you mean `seed`?"),
        ("xyz", ["epochs", "seed"], "Known here: epochs, seed."),
        ("xyz", [], "Nothing is known here."),
        ("xyz", list("abcdefghijkl"), "Known here: a, b, c, d, e, f, g, h, i, j, ...."),
    ],
)
def test_the_nearest_word_is_suggested(word: str, known: list[str], advice: str) -> None:
    """Or all that are known; of many the first ten."""
    assert did_you_mean(word, known) == advice
