"""How dates are written, and what they say."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from forecast.data.calendar import dates, iso
from forecast.data.clocks import localize, zones_that_repeat, zones_that_skip
from forecast.data.date_forms import date_forms
from forecast.data.date_parts import compose
from forecast.data.dates import parse_dates


def _iso(moments: np.ndarray) -> list[str]:
    return [str(moment)[:16] for moment in moments]


def test_two_years_are_no_year_and_month() -> None:
    """Three that follow each other are years, though each may be a month too; else none is."""
    years = ["2000/01", "2001/02", "2002/03"]
    assert date_forms(years) == ["%Y/%y"]
    assert [day[:10] for day in _iso(parse_dates(years, "%Y/%y").moments)] == [
        "2000-01-01",
        "2001-01-01",
        "2002-01-01",
    ]
    assert "%Y/%y" not in date_forms([*years, "2002/04"])
    assert parse_dates(["2000/02"], "%Y/%y").wrong.tolist() == [0]


def test_the_name_of_several_zones_is_no_offset() -> None:
    """Of China or of Chicago, CST is not guessed."""
    assert date_forms(["2020-01-01 00:00 CST"]) == []
    assert len(parse_dates(["2020-01-01 00:00 CST"], None).wrong) == 1


@pytest.mark.parametrize(
    ("texts", "form", "first"),
    [
        (["2014-01-31", "2014-02-01"], None, "2014-01-31"),
        (["20140131", "20140201"], None, "2014-01-31"),
        (["2019-W02", "2019-W03"], None, "2019-01-07"),
        (["2019W02", "2019W03"], None, "2019-01-07"),
        (["2019-032", "2019-033"], None, "2019-02-01"),
        (["2014-01-31T06:00:00Z", "2014-01-31T07:00:00Z"], None, "2014-01-31T06:00"),
        (["31.01.2014", "01.02.2014"], "%d.%m.%Y", "2014-01-31"),
        (["01/31/2014", "02/01/2014"], "%m/%d/%Y", "2014-01-31"),
        (["31 Jan 2014", "1 Feb 2014"], "%d %b %Y", "2014-01-31"),
        (["January 31, 2014", "May 1, 2014"], "%B %d, %Y", "2014-01-31"),
        (["Fri, 31 Jan 2014"], "%a, %d %b %Y", "2014-01-31"),
        (["Jan-14", "Feb-14"], "%b-%y", "2014-01-01"),
        (["31. Januar 2014", "1. März 2014"], "%d. %B %Y", "2014-01-31"),
        (["Mai 2014", "Dez 2014"], "%b %Y", "2014-05-01"),
        (["31 janv. 2014", "1 août 2014"], "%d %b %Y", "2014-01-31"),
        (["janv. 2014", "mai 2014", "juin 2014", "févr. 2014"], "%b %Y", "2014-01-01"),
        (["Jan. 2014", "June 2014", "Sept. 2014"], "%b %Y", "2014-01-01"),
        (["31 de enero de 2014", "1 de mayo de 2014"], "%d %B %Y", "2014-01-31"),
        (["lun 2 gen 2023", "mar 3 gen 2023"], "%d %b %Y", "2023-01-02"),
        (["Mo, 02.01.2023", "Di, 31.01.2023"], "%d.%m.%Y", "2023-01-02"),
        (["mar 2023", "abr 2023"], "%b %Y", "2023-03-01"),
        (["1er mai 2014", "2 juin 2014"], "%d %B %Y", "2014-05-01"),
        (["201401", "201402", "201413"], "%G%V", "2013-12-30"),
        (["201401", "201412"], "%Y%m", "2014-01-01"),
        (["2014M01", "2014M12"], "%YM%m", "2014-01-01"),
        (["1-2015", "12-2015"], "%m-%Y", "2015-01-01"),
        (["2001Q1", "2001Q4"], "%YQ%q", "2001-01-01"),
        (["Q3 2001", "Q4 2001"], "Q%q %Y", "2001-07-01"),
        (["2000-S2", "2001-S1"], "%Y-S%h", "2000-07-01"),
        (["H1 2000", "H2 2000"], "H%h %Y", "2000-01-01"),
        (["1998/99", "1999/00"], "%Y/%y", "1998-01-01"),
        (["1998/1999", "1999/2000"], "%Y/%Y", "1998-01-01"),
        (["2000-01", "2000-02", "2000-03"], None, "2000-01-01"),
        (["2020-03-29 01:30 CET", "2020-03-29 03:00 CEST"], None, "2020-03-29T00:30"),
        (["29.03.2020 01:30 EDT"], "%d.%m.%Y %H:%M%z", "2020-03-29T05:30"),
        (["2020-01-01T06:00/2020-01-01T07:00"], None, "2020-01-01T06:00"),
        (["2020-01-01T06:00Z/PT1H"], None, "2020-01-01T06:00"),
        (["13.01.2020 06:00 - 13.01.2020 06:15"], "%d.%m.%Y %H:%M", "2020-01-13T06:00"),
        (["1900", "1901"], "%Y", "1900-01-01"),
        (["1950.0", "1951.0"], "%Y", "1950-01-01"),
        (["1577836800"], "epoch_s", "2020-01-01"),
        (["1577836800.5"], "epoch_s", "2020-01-01"),
        (["1577836800000"], "epoch_ms", "2020-01-01"),
        (["1577836800000000000"], "epoch_ns", "2020-01-01"),
        (["10/03/2004 18.00.00", "31/03/2004 19.00.00"], "%d/%m/%Y %H.%M.%S", "2004-03-10T18:00"),
        (["01/31/2014 01:30 PM"], "%m/%d/%Y %I:%M %p", "2014-01-31T13:30"),
        (["2014-01-31 24:00", "2014-01-31 23:00"], None, "2014-02-01T00:00"),
    ],
)
def test_the_form_of_dates_is_found_and_read(
    texts: Sequence[str], form: str | None, first: str
) -> None:
    """ISO 8601 in all of its forms, months by name, quarters, weeks, seconds since 1970."""
    forms = date_forms(texts)
    assert form in forms or (form is None and None not in forms)
    moments = parse_dates(texts, form).moments
    expected = first if "T" in first else f"{first}T00:00"
    assert _iso(moments)[0] == expected


def test_a_form_with_a_dot_reads_what_it_read() -> None:
    """Also where one of the texts is no date, so that each is looked at alone."""
    moments = parse_dates(["31 Jan. 2014", "total"], "%d %b. %Y").moments
    assert _iso(moments) == ["2014-01-31T00:00", "NaT"]


def test_a_day_over_12_settles_the_order() -> None:
    """Without one both readings are given."""
    assert date_forms(["01/02/2023", "13/02/2023"]) == ["%d/%m/%Y"]
    assert date_forms(["01/02/2023", "02/02/2023"]) == ["%d/%m/%Y", "%m/%d/%Y"]


@pytest.mark.parametrize("text", ["abc", "2023-02-30", "12", "1.5", "99/99/2020", "Mayday", ""])
def test_what_is_no_date_has_no_form(text: str) -> None:
    """Nothing is guessed."""
    assert date_forms([text]) == []


def test_offsets_are_told() -> None:
    """Several of them, and times that have none beside others that have one."""
    read = parse_dates(["2020-03-28T00:00+01:00", "2020-03-30T00:00+02:00"], None)
    assert _iso(read.moments) == ["2020-03-27T23:00", "2020-03-29T22:00"]
    assert (read.offsets, read.is_mixed) == (("+01:00", "+02:00"), False)
    assert parse_dates(["2020-03-28T00:00+01:00", "2020-03-30T00:00"], None).is_mixed


def test_parts_make_a_date() -> None:
    """Numbers or names; an hour 24 is the midnight after; a day that is none is none."""

    def of(**parts: str) -> str:
        return _iso(compose({name: [text] for name, text in parts.items()}, None).moments)[0]

    assert of(year="1959", quarter="3") == "1959-07-01T00:00"
    assert of(year="2020", month="Feb", day="29") == "2020-02-29T00:00"
    assert of(year="2020", month="2", day="30") == "NaT"
    assert of(year="2019", week="2") == "2019-01-07T00:00"
    assert of(date="2020-01-31", hour="24") == "2020-02-01T00:00"
    assert of(date="2020-01-31", time="18.30.00") == "2020-01-31T18:30"
    assert of(date="2020-01-31", time="130") == "2020-01-31T01:30"
    assert of(year="2020", month="13") == "NaT"


def test_an_hour_that_comes_twice_is_two() -> None:
    """In the order of the table; one that the clocks skip is told."""
    texts = ["2023-10-29 02:00", "2023-10-29 02:30", "2023-10-29 02:00", "2023-10-29 02:30"]
    read = localize(pd.DatetimeIndex(texts), "Europe/Berlin")
    assert list(read.instants.tz_convert("UTC").strftime("%H:%M")) == [
        "00:00", "00:30", "01:00", "01:30",
    ]  # fmt: skip
    falling = localize(pd.DatetimeIndex(texts[::-1]), "Europe/Berlin")
    assert list(falling.instants) == list(read.instants[::-1])
    skipped = localize(pd.DatetimeIndex(["2023-03-26 01:00", "2023-03-26 02:00"]), "Europe/Berlin")
    assert skipped.skipped.tolist() == [1]


def test_the_zones_of_a_change_are_named() -> None:
    """Those whose clocks changed at that hour."""
    assert zones_that_skip(pd.Timestamp("2023-03-26 02:00"))[0] == "Europe/Berlin"
    assert "America/New_York" in zones_that_skip(pd.Timestamp("2023-03-12 02:00"))
    assert zones_that_repeat(pd.Timestamp("2023-10-29 02:00"))[0] == "Europe/Berlin"
    assert zones_that_skip(pd.Timestamp("2023-06-01 02:00")) == []
    assert zones_that_repeat(pd.Timestamp("2023-06-01 02:00")) == []


def test_steps_that_end_centuries_later_have_their_dates() -> None:
    """A count of nanoseconds would end 292 years after the first of them."""
    begins = pd.DatetimeIndex(["2024-01-01"] * 2).as_unit("us")
    later = dates(begins, np.array([1, 730_485]), "12h")
    assert iso(later) == ["2024-01-01T12:00:00", "3024-01-01T12:00:00"]


@pytest.mark.parametrize(
    ("form", "times"), [("epoch_s", 10**3), ("epoch_s", 10**9), ("epoch_ms", 10**6)]
)
def test_no_epoch_reaches_beyond_the_year_9999(form: str, times: int) -> None:
    """It is of another unit, whatever an overflow would make of it."""
    numbers = [str((1_704_067_200 + day * 86_400) * times) for day in range(50)]
    assert len(parse_dates(numbers, form).wrong) == 50
    assert parse_dates([numbers[0] + ".5"], form).wrong.tolist() == [0]
