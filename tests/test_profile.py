"""What a look at a table finds: its dates, series and numbers, and what to say of them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.data.panel import Panel
from forecast.data.profile import Hints, Profile, profile_table
from forecast.data.seasons import find_season
from forecast.errors import DataError, ForecastError, UsageError

DAYS = pd.date_range("2023-01-01", periods=60)
ISO = list(DAYS.strftime("%Y-%m-%d"))
HOURS = pd.date_range("2023-01-20", periods=100, freq="h")
Y = np.round(100 + 9 * np.sin(np.arange(200)) + np.arange(200) % 7, 2)


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., Profile]:
    """`look(columns, separator=";", time=...)`: the profile of a table of those columns."""

    def look(
        columns: dict[str, Sequence[object]], separator: str = ",", end: str = "", **hints: object
    ) -> Profile:
        lines = [separator.join(columns)]
        lines += [separator.join(map(str, row)) for row in zip(*columns.values(), strict=True)]
        path = tmp_path / "t.csv"
        path.write_text("\n".join(lines) + "\n" + end)
        return profile_table(path, Hints(**hints))  # type: ignore[arg-type]

    return look


@pytest.mark.parametrize(
    ("columns", "time", "freq"),
    [
        (
            {"Date": HOURS.strftime("%Y-%m-%d"), "Time": HOURS.strftime("%H:%M")},
            ("Date", "Time"),
            "h",
        ),
        (
            {"day": HOURS.strftime("%d.%m.%Y"), "hour": HOURS.hour},
            {"date": "day", "hour": "hour"},
            "h",
        ),
        (
            {"year": DAYS.year, "month": DAYS.month, "day": DAYS.day},
            {"year": "year", "month": "month", "day": "day"},
            "D",
        ),
        ({"step": range(7, 67)}, "step", "1"),
        ({"year": range(1950, 2010)}, "year", "YS"),
        ({"date": range(44927, 44987)}, "date", "D"),
    ],
    ids=["date and time", "date and hour", "year, month, day", "steps", "years", "serial days"],
)
def test_dates_are_found_in_one_column_or_several(
    look: Callable[..., Profile],
    columns: dict[str, Sequence[object]],
    time: object,
    freq: str,
) -> None:
    """By their names and their cells."""
    count = len(next(iter(columns.values())))
    profile = look({**columns, "y": Y[:count]})
    assert profile.options.time == time
    assert profile.panel.freq == freq
    assert profile.panel.values.tolist() == Y[:count].tolist()


def _long(**ids: Sequence[object]) -> dict[str, Sequence[object]]:
    """A long table of three series."""
    names = {name: [each for each in values for _ in ISO] for name, values in ids.items()}
    return {"date": ISO * 3, **names, "y": list(Y[:180])}


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        ({"shop": ["007", "NA", "1e5"]}, "shop"),
        ({"store_nbr": [1, 2, 3]}, "store_nbr"),
        ({"region": ["a", "a", "b"], "item": ["x", "y", "x"]}, ("region", "item")),
        ({"shop": ["a", "b", "c"], "name": ["A", "B", "C"], "price": [9.5, 9.5, 9.5]}, "shop"),
    ],
)
def test_the_fewest_columns_that_tell_series_apart_are_found(
    look: Callable[..., Profile], ids: dict[str, Sequence[object]], found: object
) -> None:
    """Names stay as they are written; a price tells no series apart."""
    profile = look(_long(**ids))
    assert profile.options.id == found
    assert len(profile.panel.unique_ids) == 3
    if found == "shop" and "name" not in ids:
        assert profile.panel.unique_ids == ("007", "NA", "1e5")


@pytest.mark.parametrize(
    "others",
    [
        {"holiday": [0, 1] * 30},
        {"id": range(1, 61)},
        {"price": [5] * 60},
        {"year": DAYS.year, "month": DAYS.month, "day_of_week": DAYS.day_of_week},
        {"promo": ["True", "False"] * 30},
        {"note": ["a"] * 60},
        {"": range(60)},
    ],
    ids=["flag", "counter", "constant", "calendar", "truth", "text", "index"],
)
def test_what_nobody_forecasts_is_no_candidate(
    look: Callable[..., Profile], others: dict[str, Sequence[object]]
) -> None:
    """Wherever it stands."""
    assert look({"date": ISO, "sales": Y[:60], **others}).options.target == "sales"
    assert look({**others, "date": ISO, "sales": Y[:60]}).options.target == "sales"


def test_of_several_candidates_none_is_guessed(look: Callable[..., Profile]) -> None:
    """They are listed, with the command to type; several become series where they are named."""
    columns = {"date": ISO, "a b": Y[:60], "c": Y[60:120]}
    with pytest.raises(UsageError) as caught:
        look(columns)
    text = str(caught.value)
    assert "  a b: numbers, " in text
    assert "--target 'a b'" in text
    assert look(columns, target="a b,c").panel.unique_ids == ("a b", "c")
    with pytest.raises(DataError, match="has no column `d`"):
        look(columns, target="d")


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        ([f"{y}".replace(".", ",") for y in Y[:60]], (",", None)),
        ([f"{1000 * y:,.2f}".translate(str.maketrans(",.", ".,")) for y in Y[:60]], (",", ".")),
        ([f"{1000 * y:,.2f}".replace(",", "'") for y in Y[:60]], (".", "'")),
        ([f"{y} %".replace(".", ",") for y in Y[:60]], (",", None)),
        ([f"{y:.2f} \u20ac".replace(".", ",") for y in Y[:60]], (",", None)),
        ([f"({y})" for y in Y[:60]], (".", None)),
        ([f"{y:.6e}" for y in Y[:60]], (".", None)),
    ],
)
def test_the_form_of_numbers_is_found(
    look: Callable[..., Profile], cells: Sequence[str], form: tuple[str, str | None]
) -> None:
    """Commas, marks of thousands, per cent, money, brackets for minus."""
    profile = look({"Datum": DAYS.strftime("%d.%m.%Y"), "Wert": cells}, separator=";")
    assert (profile.options.decimal, profile.options.thousands) == form
    scale = 1000 if form[1] else -1 if cells[0].startswith("(") else 1
    np.testing.assert_allclose(profile.panel.values, scale * Y[:60])


def test_of_two_readings_of_a_number_one_is_taken_with_a_word(
    look: Callable[..., Profile],
) -> None:
    """`101.730` beside dates with points is a hundred thousand."""
    cells = [f"{1000 * y:,.0f}".replace(",", ".") for y in Y[:60]]
    profile = look({"Datum": DAYS.strftime("%d.%m.%Y"), "Wert": cells}, separator=";")
    np.testing.assert_allclose(profile.panel.values, np.round(1000 * Y[:60]))
    assert "and could be" in " ".join(profile.warnings)
    plain = look({"date": ISO, "y": [f"{y:.3f}" for y in Y[:60]]})
    np.testing.assert_allclose(plain.panel.values, Y[:60])


@pytest.mark.parametrize("word", ["NULL", "NA", "", "-", "..", ":", "n.a.", "-999", "9999", "#N/A"])
def test_what_stands_for_a_missing_value_is_found(look: Callable[..., Profile], word: str) -> None:
    """Words in use for it, and numbers far from all others; the second with a warning."""
    cells: list[object] = list(Y[:60])
    cells[20] = cells[21] = cells[40] = word
    profile = look({"date": ISO, "y": cells})
    assert np.flatnonzero(~profile.panel.observed).tolist() == [20, 21, 40]
    assert profile.options.missing == "interpolate"
    assert bool(profile.warnings) == (word not in ("NULL", "NA", "", "#N/A"))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"date": ISO, "y": [*Y[:20], "closed", *Y[21:60]]}, ["'closed'", "line 22", "na_values"]),
        ({"date": ISO, "y": [*Y[:20], "inf", *Y[21:60]]}, ["infinite", "line 22"]),
        ({"date": [*ISO[:30], "2023-02-30", *ISO[31:]], "y": Y[:60]}, ["'2023-02-30'", "line 32"]),
        ({"date": [*ISO[:30], "", *ISO[31:]], "y": Y[:60]}, ["`date` has no value in line 32"]),
        ({"date": [*ISO[:30], ISO[3], *ISO[31:]], "y": Y[:60]}, ["lines 5, 32", "data.duplicates"]),
        ({"date": DAYS[:9].strftime("%d/%m/%Y"), "y": Y[:9]}, ["two ways", "--time-format"]),
        ({"country": ["A", "B"], **{str(y): [1.5, 2] for y in range(2000, 2010)}}, ["header"]),
        ({"ordered": ISO, "shipped": ISO[::-1], "y": Y[:60]}, ["several columns hold dates"]),
        ({"date": ISO, "y": Y[:60], "y.1": Y[:60], "z": Y[:60]}, ["several columns of numbers"]),
        ({"a": ["x"] * 9, "y": Y[:9]}, ["no column holds dates", "--time"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_can_not_be_meant_is_refused(
    look: Callable[..., Profile], columns: dict[str, Sequence[object]], words: Sequence[str]
) -> None:
    """With the place and the way out."""
    with pytest.raises(ForecastError) as caught:
        look(columns)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "end",
    ["Total,6000\n", "\nSource: the office\n", "Source: a, b, and c, of 2023\nNote: x\n", ",\n,\n"],
)
def test_what_follows_the_table_is_left_out_with_a_word(
    look: Callable[..., Profile], end: str
) -> None:
    """A total, a source, lines of commas."""
    profile = look({"date": ISO, "y": Y[:60]}, end=end)
    assert profile.panel.values.tolist() == Y[:60].tolist()
    assert bool(profile.warnings) == (end != ",\n,\n")


def test_an_ambiguous_order_can_be_told(look: Callable[..., Profile]) -> None:
    """By the form of dates; in months it is settled by the even steps, with a word."""
    columns = {"date": DAYS[:9].strftime("%d/%m/%Y"), "y": Y[:9]}
    assert look(columns, time_format="%m/%d/%Y").panel.freq == "MS"
    assert look(columns, time_format="%d/%m/%Y").panel.freq == "D"
    months = pd.date_range("2014-01-01", periods=48, freq="MS").strftime("%d/%m/%Y")
    profile = look({"date": months, "y": Y[:48]})
    assert (profile.panel.freq, profile.options.time_format) == ("MS", "%d/%m/%Y")
    assert "%d/%m/%Y" in profile.warnings[0]


@pytest.mark.parametrize(
    ("hints", "words"),
    [
        ({"freq": "M"}, "ME"),
        ({"timezone": "Mars/Olympus"}, "time zone"),
        ({"time_format": "day first"}, "no form of dates"),
    ],
)
def test_what_was_said_wrong_is_told(
    look: Callable[..., Profile], hints: dict[str, str], words: str
) -> None:
    """An old alias has a new name."""
    with pytest.raises(UsageError, match=words):
        look({"date": ISO, "y": Y[:60]}, **hints)


@pytest.mark.parametrize(
    ("freq", "count", "length", "season"),
    [("15min", 96 * 6, 96, 96), ("W-SUN", 52 * 5, 52, 52), ("MS", 60, 12, 12), ("D", 90, 7, 7)],
)
def test_a_smooth_season_is_found(
    look: Callable[..., Profile], freq: str, count: int, length: int, season: int
) -> None:
    """Whose differences say little; a random walk has none."""
    ds = pd.date_range("2021-01-03", periods=count, freq=freq).strftime("%Y-%m-%d %H:%M")
    rng = np.random.default_rng(0)
    smooth = 50 * np.sin(2 * np.pi * np.arange(count) / length) + rng.normal(200, 3, count)
    profile = look({"ds": ds, "y": smooth})
    assert (profile.season_length, profile.has_season) == (season, True)
    walk = look({"ds": ds, "y": rng.normal(0, 1, count).cumsum()})
    assert not walk.has_season


def _season(rng: np.random.Generator, length: int, count: int) -> np.ndarray:
    """A season of random steps, of mean 0 and deviation 1, over and over."""
    steps = rng.normal(size=length)
    steps = (steps - steps.mean()) / steps.std()
    return np.resize(steps, count)


@pytest.mark.parametrize(
    ("freq", "count", "length"),
    [("15min", 960, 96), ("h", 720, 24), ("W-SUN", 260, 52), ("MS", 36, 12), ("QS", 24, 4)],
)
def test_a_season_is_seldom_missed_and_seldom_made_up(
    make_panel: Callable[..., Panel], freq: str, count: int, length: int
) -> None:
    """Of 100 series each: with a season and a trend, and white noise, or a random walk, alone."""
    rng = np.random.default_rng(0)
    hits, alarms = 0, {"noise": 0, "walk": 0}
    for _ in range(100):
        noise = rng.normal(size=count)
        seasonal = _season(rng, length, count) + 0.5 * noise + 5 * np.arange(count) / count
        hits += find_season(make_panel([seasonal], freq)) == (length, True)
        alarms["noise"] += find_season(make_panel([noise], freq))[1]
        alarms["walk"] += find_season(make_panel([noise.cumsum()], freq))[1]
    assert hits >= 95
    assert max(alarms.values()) <= 10


@pytest.mark.parametrize(("week", "length"), [(1.0, 168), (0.1, 24)])
def test_the_week_counts_where_repeating_it_errs_clearly_less(
    make_panel: Callable[..., Panel], week: float, length: int
) -> None:
    """Hours of the day, and days of the week that differ much or little."""
    rng = np.random.default_rng(0)
    days = np.repeat(_season(rng, 7, 56), 24)
    y = _season(rng, 24, 56 * 24) + week * days + 0.2 * rng.normal(size=56 * 24)
    assert find_season(make_panel([y], "h")) == (length, True)


def test_many_zeros_are_intermittent(look: Callable[..., Profile]) -> None:
    """Demand that comes now and then."""
    rng = np.random.default_rng(0)
    demand = rng.integers(1, 5, 60) * (rng.random(60) < 0.4)
    assert look({"date": ISO, "qty": demand}).is_intermittent
    assert not look({"date": ISO, "qty": demand + 1}).is_intermittent


@pytest.mark.parametrize(("column", "is_said"), [("shop", True), ("note", False)])
def test_names_that_follow_each_other_in_time_are_pointed_out(
    look: Callable[..., Profile], column: str, *, is_said: bool
) -> None:
    """No date repeats, and yet it may be two series: nothing else would tell."""
    table = {"date": ISO, column: ["north"] * 30 + ["south"] * 30, "units": Y[:60]}
    profile = look(table)
    assert profile.panel.unique_ids == ("units",)
    said = (
        "north, south of `shop` follow each other in time, and are read as one series; if each is "
        "one of its own: --id shop."
    )
    assert (said in profile.warnings) is is_said
    assert look(table, id=column).panel.unique_ids == ("north", "south")
