"""Rows of any distance, with what stands beside the target, brought to even steps."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.config.data import DataOptions
from forecast.data.calendar import iso
from forecast.data.panel import Panel
from forecast.data.table import read_table
from forecast.errors import DataError
from forecast.jobs.job import prepare

HOURS = 24 * 10
AHEAD = 24 * 2


@pytest.fixture
def table() -> pd.DataFrame:
    """Two shops hour by hour, one of them shut for a day; two days are to come."""
    random = np.random.default_rng(0)
    parts = []
    for shop in ("a", "b"):
        hours = pd.date_range("2024-01-01 07:00", periods=HOURS + AHEAD, freq="h")
        own = pd.DataFrame({"at": hours, "shop": shop, "sold": random.integers(0, 9, len(hours))})
        own["sold"] = own["sold"].where(np.arange(len(hours)) < HOURS)
        own["price"] = random.normal(size=len(hours))
        own["promo"] = random.integers(0, 2, len(hours))
        own["weather"] = random.choice(["sun", "rain", ""], len(hours), p=[0.3, 0.2, 0.5])
        own["size"] = 0.1 if shop == "a" else 0.3
        parts.append(own)
    rows = pd.concat(parts, ignore_index=True)
    is_shut = (rows["shop"] == "b") & (rows["at"].dt.day == 4)
    shuffled: pd.DataFrame = rows[~is_shut].sample(frac=1.0, random_state=0)
    return shuffled


def _options(path: Path, **resample: Any) -> DataOptions:
    covariates = {"past": ["weather"], "known": ["price", "promo"], "static": ["size"]}
    return DataOptions.model_validate(
        {
            "path": str(path),
            "time": "at",
            "target": "sold",
            "id": "shop",
            "missing": "interpolate",
            "covariates": covariates,
            "resample": {"freq": "D", "how": "sum", "covariates": {"promo": "max"}} | resample,
        }
    )


def _expected(table: pd.DataFrame, shop: str) -> pd.DataFrame:
    own = table[table["shop"] == shop].sort_values("at")
    days = own.groupby(own["at"].dt.normalize())
    usual = [
        max(("sun", "rain"), key=list(words).count) if set(words) - {""} else ""
        for _, words in days["weather"]
    ]
    sold = days["sold"].sum(min_count=1).where(days["sold"].count() == 24)  # of whole days
    return pd.DataFrame(
        {
            "sold": sold,
            "price": days["price"].mean(),
            "promo": days["promo"].max(),
            "weather": usual,
        }
    ).asfreq("D")


def _columns(panel: Panel, series: int) -> pd.DataFrame:
    covariates = panel.covariates
    assert covariates is not None
    rows = slice(covariates.offsets[series], covariates.offsets[series + 1])
    found = {name: column[rows] for name, column in covariates.columns.items()}
    words = np.array([*covariates.levels["weather"], None], dtype=object)
    places = np.where(np.isnan(found["weather"]), -1, found["weather"]).astype(int)
    return pd.DataFrame(found | {"weather": words[places]})


@pytest.mark.parametrize("is_apart", [False, True])
def test_covariates_are_resampled_with_the_target(
    tmp_path: Path, table: pd.DataFrame, is_apart: bool
) -> None:
    """Numbers by their mean or as told, words by the usual one; those of the future as well.

    Be it in rows of the table, or in a table of their own.
    """
    path, options = tmp_path / "y.csv", _options(tmp_path / "y.csv")
    written = table
    if is_apart:
        is_future = table["sold"].isna()
        table[is_future].drop(columns="sold").to_csv(tmp_path / "next.csv", index=False)
        options = options.model_copy(update={"future": str(tmp_path / "next.csv")})
        written = table[~is_future]
    written.to_csv(path, index=False)
    panel = read_table(options).panel
    order = sorted(range(2), key=panel.unique_ids.__getitem__)
    for series, shop in zip(order, ("a", "b"), strict=True):
        whole, past = _expected(table, shop), _expected(written, shop)
        values = panel.values[panel.starts[series] : panel.ends[series]]
        days = past["sold"].dropna().index
        assert iso(panel.begins[[series]]) == [days[0].strftime("%Y-%m-%d")]
        shown = past["sold"][days[0] : days[-1]]
        assert values[~shown.isna()].tolist() == shown.dropna().tolist()
        found = _columns(panel, series)
        if is_apart:  # a day that has begun is one of the future, as far as its table tells
            whole.loc[past.index[-1]] = _expected(table[table["sold"].isna()], shop).iloc[0]
        whole = whole[days[0] :]
        whole.index = found.index
        assert found["price"].tolist() == pytest.approx(whole["price"].tolist(), nan_ok=True)
        assert found["promo"].tolist() == pytest.approx(whole["promo"].tolist(), nan_ok=True)
        if not is_apart:
            there = ~whole["weather"].isna()
            assert (found["weather"] == whole["weather"])[there].all()
    covariates = panel.covariates
    assert covariates is not None
    assert sorted(covariates.static["size"]) == [0.1, 0.3]


HOURLY = pd.date_range("2024-01-01 05:00", "2024-01-20 06:00", freq="h")


@pytest.mark.parametrize(
    ("dates", "freq", "how", "expected"),
    [
        (HOURLY, "D", "sum", ("2024-01-02", [24] * 18, 2)),
        (HOURLY, "D", "count", ("2024-01-02", [24] * 18, 2)),
        (HOURLY, "D", "mean", ("2024-01-01", [1] * 20, 0)),
        (HOURLY[19:-7], "D", "sum", ("2024-01-02", [24] * 18, 0)),  # whole days
        (HOURLY[19:-8], "D", "sum", ("2024-01-02", [24] * 17, 1)),  # 23 hours of the last
        (HOURLY, "W", "sum", ("2024-01-14", [7 * 24], 2)),
        (pd.date_range("2020-02-01", periods=24, freq="MS"), "YS", "sum", ("2021-01-01", [12], 2)),
        (pd.date_range("2020-02-01", periods=24, freq="MS"), "QS", "sum",
         ("2020-04-01", [3] * 7, 2)),
        (HOURLY[:7], "D", "sum", ("2024-01-01", [7], 0)),  # all there is
        (HOURLY[[0, 3, 30, 31, 70, 75, 120]], "D", "sum", ("2024-01-01", None, 0)),
    ],
)  # fmt: skip
def test_sums_are_of_whole_steps(
    tmp_path: Path, dates: pd.DatetimeIndex, freq: str, how: str, expected: tuple[Any, ...]
) -> None:
    """One that has only begun, or began before the table, has none, where dates are regular."""
    pd.DataFrame({"at": dates, "y": 1.0}).to_csv(tmp_path / "y.csv", index=False)
    options = {"path": str(tmp_path / "y.csv"), "time": "at", "target": "y", "missing": "zero"}
    table = read_table(
        DataOptions.model_validate(options | {"resample": {"freq": freq, "how": how}})
    )
    begin, values, cut = expected
    assert iso(table.panel.begins) == [begin]
    assert table.reading.cut == cut
    assert values is None or table.panel.values.tolist() == values


def test_sums_of_some_of_their_rows_are_counted(tmp_path: Path) -> None:
    """An hour without a row and one with a blank; a day without any row is a gap, as ever."""
    table = pd.DataFrame({"at": HOURLY[19:-7], "y": 1.0})
    table.loc[30, "y"] = np.nan  # on the second day
    missing = [60, *range(96, 120)]  # of the third day, and the whole fifth
    table.drop(index=missing).to_csv(tmp_path / "y.csv", index=False)
    options = {"path": str(tmp_path / "y.csv"), "time": "at", "target": "y", "missing": "zero"}
    read = read_table(
        DataOptions.model_validate(options | {"resample": {"freq": "D", "how": "sum"}})
    )
    assert read.panel.values.tolist() == [24, 23, 23, 24, 0, *[24] * 13]
    assert (read.reading.partial, read.reading.cut) == (2, 0)
    (tmp_path / "y.yaml").write_text(
        "data: {path: y.csv, time: at, target: y, missing: zero, resample: {freq: D, how: sum}}\n"
        "split: {test: 2}\nwindow: {context_length: 3}\n"
    )
    [warning] = prepare(tmp_path / "y.yaml").warnings
    assert warning.startswith("2 steps lack some of their rows, and are the sum of the others: add")


def test_words_have_no_mean(tmp_path: Path, table: pd.DataFrame) -> None:
    """Nor any other number."""
    table.to_csv(tmp_path / "y.csv", index=False)
    with pytest.raises(DataError, match="`weather` is a column of words, of which there is no max"):
        read_table(_options(tmp_path / "y.csv", covariates={"weather": "max"}))


def test_what_is_counted_ends_where_blank_rows_begin(tmp_path: Path, table: pd.DataFrame) -> None:
    """A step without rows counts none; one of rows without a value is the future."""
    table.to_csv(tmp_path / "y.csv", index=False)
    panel = read_table(_options(tmp_path / "y.csv", how="count")).panel
    counts = dict(zip(panel.unique_ids, np.split(panel.values, panel.offsets[1:-1]), strict=True))
    assert counts["a"].tolist() == [24] * 9
    assert counts["b"].tolist() == [24, 24, 0, *[24] * 6]
