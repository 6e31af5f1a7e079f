"""How numbers are written, and what is none."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.numbers import FORMS, NumberForm, is_ambiguous, number_forms, parse_numbers

POINT, COMMA = NumberForm(), NumberForm(",")
ENGLISH, GERMAN, SWISS = NumberForm(".", ","), NumberForm(",", "."), NumberForm(".", "'")


@pytest.mark.parametrize(
    ("form", "text", "number"),
    [
        (POINT, "1.5", 1.5),
        (POINT, " -1.5 ", -1.5),
        (POINT, "+2", 2),
        (POINT, "1e-3", 0.001),
        (POINT, ".5", 0.5),
        (POINT, "5-", -5),
        (POINT, "(12)", -12),
        (POINT, "\u22123", -3),
        (POINT, "$5", 5),
        (POINT, "-$5", -5),
        (POINT, "$-5", -5),
        (POINT, "5 \u20ac", 5),
        (POINT, "12.5%", 12.5),
        (ENGLISH, "1,336,050", 1_336_050),
        (ENGLISH, "$(1,234.50)", -1234.5),
        (GERMAN, "1.336,05", 1336.05),
        (GERMAN, "1.336,05 \u20ac", 1336.05),
        (SWISS, "1\u2019336.05", 1336.05),
        (NumberForm(",", " "), "1\u00a0336,05", 1336.05),
    ],
)
def test_a_number_is_read_in_its_form(form: NumberForm, text: str, number: float) -> None:
    """With the signs of money and per cent, and every way to write a minus."""
    assert form.parse(text)[0] == number


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (POINT, "1,336"),
        (POINT, "1336,05"),
        (POINT, "1.336.050"),
        (POINT, "0x10"),
        (POINT, "1_000"),
        (POINT, "True"),
        (POINT, "--5"),
        (POINT, "(5"),
        (POINT, "5k"),
        (POINT, "1.2M"),
        (POINT, ""),
        (COMMA, "1.5"),
        (ENGLISH, "1,33"),
        (ENGLISH, "1,3360"),
        (ENGLISH, "1,336,05"),
        (GERMAN, "1.33"),
    ],
)
def test_what_is_no_number_of_the_form_is_none(form: NumberForm, text: str) -> None:
    """A mark of thousands that does not stand before three digits is no mark."""
    assert np.isnan(form.parse(text)[0])


@given(
    value=st.floats(-1e12, 1e12).map(lambda number: round(number, 2)),
    form=st.sampled_from(FORMS),
)
def test_every_number_reads_back_in_every_form(value: float, form: NumberForm) -> None:
    """As it was written."""
    text = f"{value:,.2f}" if form.thousands else f"{value:.2f}"
    text = text.replace(",", "_").replace(".", form.decimal).replace("_", form.thousands or "")
    assert form.parse(text)[0] == value


def test_a_column_has_one_unit() -> None:
    """A number without the sign of per cent among others with it is none of them."""
    read = parse_numbers(pd.Series(["1%", "2%", "3", None, "NA", "-"]), POINT, ["-"])
    np.testing.assert_array_equal(read.values, [1, 2, np.nan, np.nan, np.nan, np.nan])
    assert read.wrong.tolist() == [2]
    assert parse_numbers(pd.Series(["$1", "2"]), POINT).wrong.tolist() == []
    assert parse_numbers(pd.Series(["$1", "$3", "\u20ac2"]), POINT).wrong.tolist() == [2]


def test_the_forms_that_read_all_are_found() -> None:
    """The usual one first; where all have one mark before three digits there are two readings."""
    assert number_forms(["1.336,05", "2,5"])[0] == GERMAN
    assert number_forms(["1.5", "2"])[0] == POINT
    assert number_forms(["1,336,050"])[0] == ENGLISH
    assert number_forms(["a"]) == []
    assert is_ambiguous(["1.336", "12.500", "7"])
    assert not is_ambiguous(["1.336", "0.500"])
    assert not is_ambiguous(["1.336", "1.5"])
    assert not is_ambiguous(["1", "2"])
