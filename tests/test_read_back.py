"""Whatever way a table is written in, looking at it gives back what went in."""

import csv
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.data.panel import Panel
from forecast.data.profile import Hints, profile_table
from forecast.data.table import read_table

# An example is a table that is written and read, which takes a tenth of a second.
EXAMPLES = settings().max_examples // 4
FORMS = {  # how dates of each frequency may be written
    "YS": ["%Y", "%Y-01-01", "31/01/%Y"],
    "MS": ["%Y-%m", "%Y%m", "%YM%m", "%b %Y", "%b-%y", "%B %Y", "%m-%Y", "%d.%m.%Y", "%Y-%m-%d"],
    "ME": ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y"],
    "W-SUN": ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%y", "%d %b %Y"],
    "W-MON": ["%G-W%V", "%GW%V", "%Y-%m-%d"],
    "D": ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d.%m.%y", "%Y%m%d", "%d-%b-%Y", "%b %d, %Y",
          "%Y-%j"],
    "B": ["%Y-%m-%d", "%d/%m/%Y", "%a, %d %b %Y"],
    "h": ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p",
          "%Y%m%d%H"],
    "15min": ["%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M", "%Y%m%d%H%M"],
    "s": ["%Y-%m-%d %H:%M:%S"],
}  # fmt: skip
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Sydney"]


@dataclass(frozen=True)
class Dress:
    """How a table is written."""

    separator: str
    decimal: str
    thousands: str
    encoding: str
    newline: str
    preamble: int
    quoting: int
    blank: str

    def number(self, value: float) -> str:
        """A number with two decimals."""
        if np.isnan(value):
            return self.blank
        text = f"{value:,.2f}" if self.thousands else f"{value:.2f}"
        return text.replace(",", "_").replace(".", self.decimal).replace("_", self.thousands)

    def written(self, columns: dict[str, list[str]]) -> bytes:
        """A table as bytes."""
        text = io.StringIO()
        text.write("".join(f"A report, part {i}{self.newline}" for i in range(self.preamble)))
        writer = csv.writer(
            text,
            delimiter=self.separator,
            lineterminator=self.newline,
            quoting=csv.QUOTE_ALL if self.quoting else csv.QUOTE_MINIMAL,
        )
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        return text.getvalue().encode(self.encoding)


@st.composite
def dresses(draw: st.DrawFn) -> Dress:
    """Any way of writing: a decimal comma has no comma for thousands."""
    decimal = draw(st.sampled_from([".", ","]))
    marks = {".": ["", ",", "'", " "], ",": ["", ".", "'", "\u00a0"]}
    return Dress(
        draw(st.sampled_from([",", ";", "\t", "|"])),
        decimal,
        draw(st.sampled_from(marks[decimal])),
        draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])),
        draw(st.sampled_from(["\n", "\r\n"])),
        draw(st.integers(0, 3)),
        draw(st.integers(0, 1)),
        draw(st.sampled_from(["", "NA", "-", "NULL", "n/a"])),
    )


@st.composite
def dated(draw: st.DrawFn) -> tuple[pd.DatetimeIndex, str, list[str]]:
    """Dates of some frequency, and their texts; enough of them to tell the day from the month."""
    freq = draw(st.sampled_from(sorted(FORMS)))
    count = draw(st.integers(60, 90))
    start = draw(st.datetimes(pd.Timestamp("1975-01-01"), pd.Timestamp("2024-01-01")))
    if freq in ("h", "15min"):  # a few days, of which a day over 12 has to settle the order
        start = start.replace(day=20)
    ds = pd.date_range(pd.Timestamp(start).normalize(), periods=count, freq=freq)
    return ds, freq, list(ds.strftime(draw(st.sampled_from(FORMS[freq]))))


def _missing(count: int, seed: int) -> np.ndarray:
    """A few rows between the first and the last."""
    chosen = np.random.default_rng(seed).choice(
        np.arange(2, count - 2), size=seed % 5, replace=False
    )
    return np.sort(chosen)


def _same(panel: Panel, ds: pd.DatetimeIndex, y: np.ndarray) -> None:
    known = ~np.isnan(y)
    read = panel.ds
    assert isinstance(read, pd.DatetimeIndex)
    assert list(read[panel.observed]) == list(ds[known])
    np.testing.assert_allclose(panel.truth[panel.observed], y[known])


@settings(max_examples=EXAMPLES)
@given(dress=dresses(), when=dated(), absent=st.integers(0, 99), blank=st.integers(0, 99))
def test_a_table_reads_back_as_what_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    dress: Dress,
    when: tuple[pd.DatetimeIndex, str, list[str]],
    absent: int,
    blank: int,
) -> None:
    """In any separator, encoding, form of numbers and of dates, with rows and values missing."""
    ds, freq, texts = when
    y = np.round(np.random.default_rng(absent).normal(5_000, 900, len(ds)), 2)
    y[_missing(len(ds), blank)] = np.nan
    gone = _missing(len(ds), absent)
    keep = np.delete(np.arange(len(ds)), gone)
    y[gone] = np.nan
    columns = {"date": [texts[i] for i in keep], "value": [dress.number(y[i]) for i in keep]}
    path = tmp_path_factory.mktemp("written") / "t.csv"
    path.write_bytes(dress.written(columns))
    profile = profile_table(path)
    if freq == "YS" and texts[0].startswith("31/01"):
        ds = ds + pd.Timedelta(days=30)
        freq = "YE-JAN"
    assert (profile.options.time, profile.options.target) == ("date", "value")
    assert profile.panel.freq == freq
    _same(profile.panel, ds, y)
    assert profile.table.reading.filled == int(np.isnan(y).sum())
    again = read_table(profile.options).panel
    _same(again, ds, y)


@settings(max_examples=EXAMPLES)
@given(
    zone=st.sampled_from(ZONES),
    day=st.integers(1, 360),
    freq=st.sampled_from(["h", "30min", "15min"]),
    form=st.sampled_from(["%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S%z", "epoch_s"]),
    goes_back=st.booleans(),
)
def test_local_times_read_back_over_a_change_of_the_clocks(
    tmp_path_factory: pytest.TempPathFactory,
    zone: str,
    day: int,
    freq: str,
    form: str,
    goes_back: bool,
) -> None:
    """An hour that is skipped is no gap, one that comes twice is two, also in falling order."""
    start = pd.Timestamp("2023-01-01", tz=zone) + pd.Timedelta(days=day)
    ds = pd.date_range(start.normalize(), periods=700, freq=freq)
    if form == "epoch_s":
        texts = [str(int(moment.timestamp())) for moment in ds]
    else:
        texts = list(ds.strftime(form))
    y = np.arange(len(ds)) % 97 + 0.5
    rows = [f"{text},{value}\n" for text, value in zip(texts, y, strict=True)]
    path = tmp_path_factory.mktemp("local") / "t.csv"
    path.write_text("time,load\n" + "".join(reversed(rows) if goes_back else rows))
    profile = profile_table(path, Hints(timezone=zone))
    assert profile.panel.freq == freq
    assert profile.table.reading.filled == 0
    _same(profile.panel, ds, y)
    assert str(profile.panel.begins[0]) == str(ds[0])
