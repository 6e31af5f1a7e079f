"""Features made from dates: their values by hand, and a network that forecasts by them."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.config.schema import Config, FeaturesOptions
from forecast.data.panel import Panel
from forecast.errors import MissingExtraError
from forecast.features import Encoder, fit_encoder, unfit

Cli = Callable[..., CompletedProcess[str]]


def _panel(begin: str, rows: int, freq: str, zone: str | None = None) -> Panel:
    begins = pd.DatetimeIndex([pd.Timestamp(begin, tz=zone)]).as_unit("us")
    values = np.arange(float(rows))
    return Panel(("a",), np.array([0, rows]), begins, values, np.isfinite(values), freq)


def _fit(panel: Panel, **features: object) -> Encoder:
    data = {"path": "-", "time": "t", "target": "y"}
    config = Config.model_validate({"data": data, "features": features})
    encoder = fit_encoder(config, panel.before(panel.ends), {})
    assert encoder is not None
    assert Encoder.from_state(encoder.state()) == encoder
    return encoder


def _known(panel: Panel, ahead: int = 0, **features: object) -> Any:
    encoder = _fit(panel, **features)
    known = encoder.encode(panel, ahead).known
    assert known.dtype == np.float32
    assert known.shape[1] == encoder.sizes.known
    return known


def _places(panel: Panel, part: str) -> list[int]:
    """The place of the category that is 1, of each row."""
    known = _known(panel, calendar={"parts": [part], "encoding": "categories"})
    assert (known.sum(axis=1) == 1).all()
    places: list[int] = known.argmax(axis=1).tolist()
    return places


def _angles(panel: Panel, part: str) -> list[float]:
    """Shares of the period that have gone by, from the first sine and cosine."""
    known = _known(panel, calendar={"parts": [part], "encoding": "cyclic", "harmonics": 2})
    np.testing.assert_allclose(known[:, 1], 2 * known[:, 0] * known[:, 2], atol=1e-6)  # sin 2x
    shares: list[float] = (np.arctan2(known[:, 0], known[:, 2]) / (2 * np.pi) % 1).tolist()
    return shares


def test_parts_of_dates_over_the_end_of_a_year() -> None:
    """2020 was a leap year whose last ISO week, the 53rd, ended on 3 January 2021, a Sunday."""
    days = _panel("2020-12-30", 6, "D")
    assert _places(days, "day_of_week") == [2, 3, 4, 5, 6, 0]
    assert _places(days, "day_of_month") == [29, 30, 0, 1, 2, 3]
    assert _places(days, "week") == [52, 52, 52, 52, 52, 0]
    assert _places(days, "day_of_year") == [364, 365, 0, 1, 2, 3]
    assert _places(_panel("2020-11-01", 4, "MS"), "month") == [10, 11, 0, 1]
    assert _places(_panel("2020-08-31", 4, "QE-NOV"), "quarter") == [2, 3, 0, 1]


def test_cycles_are_as_long_as_their_months_and_years() -> None:
    """February of a leap year has 29 days, the year 366; ISO's 2020 has 53 weeks, 2021 52."""
    leap = _panel("2020-02-29", 2, "D")
    np.testing.assert_allclose(_angles(leap, "day_of_month"), [28 / 29, 0], atol=1e-6)
    np.testing.assert_allclose(_angles(leap, "day_of_year"), [59 / 366, 60 / 366], atol=1e-6)
    other = _panel("2021-02-28", 2, "D")
    np.testing.assert_allclose(_angles(other, "day_of_month"), [27 / 28, 0], atol=1e-6)
    np.testing.assert_allclose(_angles(other, "day_of_year"), [58 / 365, 59 / 365], atol=1e-6)
    weeks = _panel("2020-12-28", 2, "W-MON")
    np.testing.assert_allclose(_angles(weeks, "week"), [52 / 53, 0], atol=1e-6)
    np.testing.assert_allclose(_angles(_panel("2021-12-27", 1, "W-MON"), "week"), [51 / 52])


def test_hours_are_those_of_the_clock_on_the_wall() -> None:
    """In Berlin there was no 2 o'clock on 28 March 2021, and two of them on 31 October."""
    spring = _panel("2021-03-28 00:00", 4, "h", "Europe/Berlin")
    assert _places(spring, "hour") == [0, 1, 3, 4]
    autumn = _panel("2021-10-31 00:00", 5, "h", "Europe/Berlin")
    assert _places(autumn, "hour") == [0, 1, 2, 2, 3]
    # Sunday begins in Berlin an hour or two before it does in UTC.
    evening = _panel("2021-03-27 23:00", 2, "h", "Europe/Berlin")
    assert _places(evening, "day_of_week") == [5, 6]


def test_parts_of_the_day_have_the_categories_of_the_frequency() -> None:
    """Quarters of an hour are 96 of the 1440 minutes; hours that go by threes are 8."""
    quarters = _panel("2021-01-01 23:30", 3, "15min")
    assert _known(
        quarters, calendar={"parts": ["minute_of_day"], "encoding": "categories"}
    ).shape == (3, 96)
    assert _places(quarters, "minute_of_day") == [94, 95, 0]
    assert _places(quarters, "minute") == [2, 3, 0]
    assert _places(_panel("2021-01-01 19:00", 3, "3h"), "hour") == [6, 7, 0]


def test_a_category_that_the_past_does_not_have_is_all_zeros() -> None:
    """Nobody learned what an April does; but the network has a number for it."""
    known = _known(_panel("2021-01-01", 3, "MS"), ahead=1, calendar="month")
    assert known.shape == (4, 12)
    assert known.sum(axis=1).tolist() == [1, 1, 1, 0]


def test_many_values_are_cyclic_unless_somebody_says_so() -> None:
    """And a period of 7 has no more than 3 harmonics that differ."""
    days = _panel("2021-01-01", 3, "D")
    assert _fit(days, calendar=["day_of_year", "day_of_week"]).sizes.known == 2 * 3 + 7
    calendar = {"parts": ["day_of_week"], "encoding": "cyclic", "harmonics": 9}
    assert _fit(days, calendar=calendar).sizes.known == 2 * 3


def test_rows_ahead_follow_those_of_their_own_series(make_panel: Callable[..., Panel]) -> None:
    """Which end in different months."""
    panel = make_panel([[1, 2, 3], [1]])
    known = _known(panel, ahead=2, calendar="month")
    assert known.argmax(axis=1).tolist() == [0, 1, 2, 0, 0, 0, 1, 2]  # April, May were never seen
    assert known.sum(axis=1).tolist() == [1, 1, 1, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("begin", "rows", "freq", "places", "expected"),
    [
        ("2020-12-31", 3, "D", "DE", [[0, 1, 0], [1, 0, 0], [0, 0, 1]]),
        ("2021-12-24", 4, "D", ["DE"], [[0, 1, 0], [1, 1, 0], [1, 0, 1], [0, 0, 1]]),
        ("2021-01-05", 2, "D", ["DE", "DE-BY"], [[0, 0, 0, 0, 1, 0], [0, 0, 0, 1, 0, 0]]),
        ("2021-01-04", 2, "B", "DE-BY", [[0, 0, 0], [0, 1, 0]]),
        ("2020-12-31 12:00", 3, "12h", "DE", [[0, 1, 0], [1, 0, 0], [1, 0, 0]]),
        ("2021-12-20", 2, "W-MON", "DE", [[2], [1]]),  # 1 January is a Saturday
        ("2021-12-26", 2, "W-SUN", "DE", [[2], [1]]),
        ("2021-12-01", 2, "MS", "DE", [[2], [1]]),
        ("2021-12-31", 2, "ME", "DE", [[2], [1]]),
        ("2021-12-15", 2, "MS+14D", "DE", [[3], [0]]),
        ("2021-10-01", 2, "QS", "DE", [[3], [1]]),  # in 2022 Easter was in April
        ("2021-12-24", 2, "2D", "DE", [[1], [1]]),
    ],
)  # fmt: skip
def test_holidays_by_hand(
    begin: str, rows: int, freq: str, places: object, expected: list[list[int]]
) -> None:
    """The day, the day before one, the day after one; of longer steps how many they have."""
    assert _known(_panel(begin, rows, freq), holidays=places).tolist() == expected


def test_holidays_begin_at_midnight_where_the_table_is() -> None:
    """An hour before, it is still the day before one."""
    panel = _panel("2020-12-31 23:00", 2, "h", "Asia/Tokyo")
    assert _known(panel, holidays="DE").tolist() == [[0, 1, 0], [1, 0, 0]]


def test_age_counts_from_the_first_date_that_the_fit_knew(
    make_panel: Callable[..., Panel],
) -> None:
    """However few rows there are today; a series that is new begins at its first."""
    panel = make_panel([[1, 2, 3], [5, 6]])
    encoder = _fit(panel, age=True)
    ages = np.log10(2 + np.array([0, 1, 2, 3, 0, 1, 2]))
    np.testing.assert_allclose(encoder.encode(panel, 1).known[:, 0], ages, rtol=1e-6)
    tail = encoder.encode(panel.tail(1), 1).known[:, 0]
    np.testing.assert_allclose(tail, ages[[2, 3, 5, 6]], rtol=1e-6)
    new = replace(panel.tail(1), unique_ids=("a", "new"))
    np.testing.assert_allclose(encoder.encode(new).known[:, 0], ages[[2, 0]], rtol=1e-6)


def test_age_of_series_in_a_zone_and_of_rows_that_are_counted() -> None:
    """Days of the calendar, of which one has 23 hours; and steps of ten."""
    days = _panel("2021-03-26", 5, "D", "Europe/Berlin")
    encoder = _fit(days, age=True)
    np.testing.assert_allclose(encoder.encode(days.tail(1)).known, [[np.log10(6)]], rtol=1e-6)
    counted = replace(_panel("2021", 3, "D"), begins=pd.Index([40]), freq="10")
    encoder = _fit(counted, age=True)
    np.testing.assert_allclose(encoder.encode(counted.tail(1)).known, [[np.log10(4)]], rtol=1e-6)


def _wrong(panel: Panel, **features: object) -> list[tuple[str, str]]:
    options = FeaturesOptions.model_validate(features)
    return [(".".join(key), f"{message} {way}") for key, message, way in unfit(options, panel)]


@pytest.mark.parametrize(
    ("freq", "parts", "still"),
    [
        ("D", ["hour", "day_of_week", "minute"], "hour and minute never change"),
        ("24h", ["hour"], "hour never changes"),
        ("h", ["minute"], "minute never changes"),
        ("MS", ["day_of_month"], "day_of_month never changes"),
        ("MS+14D", ["day_of_month"], "day_of_month never changes"),
        ("W-SUN", ["day_of_week"], "day_of_week never changes"),
        ("YS", ["quarter", "month", "week"], "quarter and month never change"),
        ("7D", ["day_of_week"], "day_of_week never changes"),
    ],
)
def test_parts_that_never_change_are_refused(freq: str, parts: list[str], still: str) -> None:
    """With those that do change, also in a zone whose clocks change."""
    for zone in (None, "Europe/Berlin"):
        [(key, told)] = _wrong(_panel("2023-01-01", 9, freq, zone), calendar=parts)
        assert key == "features.calendar"
        assert still in told
        assert "Those that change are" in told


@pytest.mark.parametrize(
    ("freq", "parts"),
    [
        ("s", ["minute", "hour", "day_of_week", "month", "quarter", "week"]),
        ("5min", ["minute", "minute_of_day", "hour", "month"]),
        ("3h", ["hour", "day_of_year", "quarter"]),
        ("B", ["day_of_week", "week", "quarter"]),
        ("W-SUN", ["week", "day_of_month", "month", "quarter"]),
        ("MS", ["month", "quarter", "day_of_year"]),
        ("QS", ["quarter"]),
    ],
)
def test_parts_that_change_are_taken_however_slowly(freq: str, parts: Sequence[str]) -> None:
    """A month takes 2.6 million seconds."""
    assert not _wrong(_panel("2023-01-01", 9, freq), calendar=parts)


def test_tables_that_count_and_categories_that_are_too_many_are_refused() -> None:
    """With the way out."""
    counted = replace(_panel("2021", 3, "D"), begins=pd.Index([40]), freq="10")
    wrong = _wrong(counted, calendar=["hour"], holidays="DE", age=True)
    assert [key for key, _ in wrong] == ["features.calendar", "features.holidays"]
    assert all("counted" in told and "`data.time`" in told for _, told in wrong)
    minutes = {"parts": ["minute_of_day"], "encoding": "categories"}
    [(_, told)] = _wrong(_panel("2021-01-01", 3, "min"), calendar=minutes)
    assert "1440 values of minute_of_day are too many categories. Say `encoding: cyclic`" in told
    assert not _wrong(_panel("2021-01-01", 3, "5min"), calendar=minutes)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("Germany", "knows no country 'Germany'. Did you mean `DE`?"),
        ("de", "Did you mean `DE`?"),
        ("Frence", "Did you mean `FR`?"),
        ("DE-BYE", "knows no 'DE-BYE'. Did you mean `DE-BY`?"),
        ("DE-by", "Did you mean `DE-BY`?"),
        ("CH-XX", "knows no 'CH-XX'. The parts of CH are AG, AI, AR, BE, BL, BS, FR, GE, GL, GR, "),
        ("DE-", "knows no 'DE-'. The parts of DE are "),
    ],
)
def test_places_that_nobody_knows_have_a_nearest_one(place: str, told: str) -> None:
    """By their codes or their names."""
    [(key, found)] = _wrong(_panel("2021-01-01", 3, "D"), holidays=["US", place])
    assert key == "features.holidays"
    assert told in found


def test_holidays_are_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which the message says how to install."""
    monkeypatch.setattr("forecast.errors.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"keras-forecast\[holidays\]"):
        _wrong(_panel("2021-01-01", 3, "D"), holidays="DE")


# --- on the command line --------------------------------------------------------------------------

CONFIG = """\
data: {path: sales.csv, time: day, target: sales, id: shop}
split: {test: 28}
transforms: [standard]
window: {context_length: 3, horizon: 7}
model: {kind: mlp, layers: [16], dropout: 0}
training: {epochs: 25, batch_size: 32, learning_rate: 0.01, loss: mae}
predict: {horizon: 14}
"""


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    """Two shops of unlike age that sell 10 more on Saturdays, of which three days tell little."""
    random, parts = np.random.default_rng(0), []
    for i, begin in enumerate(("2022-01-01", "2022-03-01")):
        days = pd.date_range(begin, "2022-07-20")
        y = 20 + 5 * i + 10 * (days.day_of_week == 5) + random.normal(size=len(days))
        parts.append(pd.DataFrame({"shop": f"s{i}", "day": days, "sales": y.round(3)}))
    pd.concat(parts).to_csv(tmp_path / "sales.csv", index=False)
    (tmp_path / "sales.yaml").write_text(CONFIG)
    return tmp_path


def _said(result: CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stderr
    return result.stdout


def _table(text: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(text))


def _test_mae(run: str) -> float:
    rows = [line.split(",") for line in Path(run, "scores.csv").read_text().splitlines()]
    return next(float(row[4]) for row in rows if row[:4] == ["", "test", "mlp", "mae"])


def test_a_network_that_knows_the_weekday_finds_the_saturdays(sales: Path, cli: Cli) -> None:
    """In training, predictions from the last rows or from all, an evaluation and backtests."""
    week = ("--set", "features.calendar=[day_of_week]", "--set", "features.age=true")
    run = _said(cli("train", "--config", "sales.yaml", *week)).strip()
    assert _test_mae(run) < 1  # of noise alone 0.8 is left; without the weekday it is 1.5
    assert not (Path(run) / "covariates.csv").exists()
    predicted = _said(cli("predict"))
    table = _table(predicted)
    saturday = pd.to_datetime(table["ds"]).dt.day_of_week == 5
    for _, own in table.groupby("unique_id"):
        assert own.loc[saturday, "y_hat"].min() > own.loc[~saturday, "y_hat"].max() + 5
    # The run's last rows have the age that the whole table gives them.
    again = _table(_said(cli("predict", "--input", "sales.csv")))
    np.testing.assert_allclose(again["y_hat"], table["y_hat"], rtol=1e-6)
    scores = _said(cli("evaluate", "--input", "sales.csv", "--format", "csv"))
    assert ",mlp,mae," in scores
    _said(cli("plot"))
    explained = _table(_said(cli("explain", "--format", "csv"))).set_index("feature")
    assert explained.index[0] == "features.calendar"
    assert explained.loc["features.age", "part"] == "known"
    for refit in ("--refit", "--no-refit"):
        words = ("backtest", "--config", "sales.yaml", *week, "--windows", "2", refit)
        forecasts = _table(_said(cli(*words, "--format", "csv")))
        errors = (forecasts["y"] - forecasts["y_hat"]).abs().groupby(forecasts["model"]).mean()
        assert errors["mlp"] < 0.5 * errors["naive"]


def test_dates_go_with_everything_else(sales: Path, cli: Cli) -> None:
    """Training compares the exported network with Keras's, and predict takes it from there."""
    settings = (
        "features={calendar: [day_of_week, day_of_year], holidays: US, lags: [7, 60]}",
        "features.rolling_means=[30]",
        "model={kind: mlp, layers: [4], scope: local}",
        "window.padding=mask",
        "training={epochs: 1, ensemble: 2}",
        "intervals.n_windows=8",
    )
    words = [word for setting in settings for word in ("--set", setting)]
    _said(cli("train", "--config", "sales.yaml", *words))
    assert len(_said(cli("predict")).splitlines()) == 1 + 2 * 14


def test_a_config_that_asks_for_what_dates_do_not_tell_ends_before_training(
    sales: Path, cli: Cli
) -> None:
    """With the line, and with all that is wrong at once."""
    text = CONFIG + "features:\n  calendar: [hour, month]\n  holidays: Germny\n"
    (sales / "sales.yaml").write_text(text)
    result = cli("train", "--config", "sales.yaml")
    assert result.returncode == 3
    assert "sales.yaml:9:3: `features.calendar`: hour never changes" in result.stderr
    assert "sales.yaml:10:3: `features.holidays`" in result.stderr
    assert "`DE`" in result.stderr
    assert not (sales / "runs").exists()


def test_a_strange_features_file_is_a_damaged_run(sales: Path, cli: Cli) -> None:
    """Whatever it holds, and no module is imported that is not a feature."""
    setting = "features.calendar=[day_of_week]"
    words = ("train", "--config", "sales.yaml", "--set", setting, "--set", "training.epochs=1")
    run = Path(_said(cli(*words)).strip())
    whole = json.loads((run / "features.json").read_text())
    monday = {"part": "day_of_week", "grain": 1, "seen": [0]}
    strange = [
        {},
        {"encoder": {}},
        {"calendar": []},
        {"calendar": {"parts": [{"part": "century", "harmonics": 1}]}},
        {"calendar": {"parts": [monday | {"grain": 0}]}},
        {"calendar": {"parts": [monday | {"seen": [7]}]}},
        {"calendar": {"parts": [monday, monday]}},
        {"calendar": whole["dated"]["calendar"], "age": {"begins": {}}},
        {"calendar": whole["dated"]["calendar"], "lags": {}},
    ]
    for dated in strange:
        text = json.dumps(whole | {"dated": dated})
        (run / "features.json").write_text(text)
        record = json.loads((run / "run.json").read_text())
        record["checksums"]["features.json"] = hashlib.sha256(text.encode()).hexdigest()
        (run / "run.json").write_text(json.dumps(record))
        result = cli("predict")
        assert result.returncode == 5, (dated, result.stderr)
