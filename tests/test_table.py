"""A CSV file becomes a panel, or an error that names its rows."""

import gzip
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.config.data import DataOptions
from forecast.data.calendar import iso
from forecast.data.continuation import continue_panel
from forecast.data.export import csv_text, panel_table
from forecast.data.panel import Panel
from forecast.data.table import read_table
from forecast.errors import DataError


def _options(path: Path, **options: object) -> DataOptions:
    return DataOptions.model_validate(
        {"path": str(path), "time": "Month", "target": "Passengers", **options}
    )


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Panel]:
    """`read(text, id=..., freq=...)`: the panel of a CSV of that text, `table.csv`."""

    def read(text: str | bytes, **options: object) -> Panel:
        path = tmp_path / "table.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_table(_options(path, **options)).panel

    return read


@pytest.fixture
def refusal(read: Callable[..., Panel], tmp_path: Path) -> Callable[..., str]:
    """What is said of a table that can not be read, with `table.csv` for its path."""

    def refusal(text: str | bytes, **options: object) -> str:
        with pytest.raises(DataError) as caught:
            read(text, **options)
        return str(caught.value).replace(str(tmp_path / "table.csv"), "table.csv")

    return refusal


_ADD = (
    "Add a row for each missing step of the frequency MS, or say what a missing one means: "
    "`data.missing: interpolate`, ffill or zero."
)


def _csv(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"


def _with(lines: Sequence[str], line: int, text: str) -> str:
    """The table with another text in one line, which counts from 1."""
    return _csv([*lines[: line - 1], text, *lines[line:]])


def test_the_airline_table_is_read_as_it_is(airline_csv: Path, airline_values: np.ndarray) -> None:
    """CRLF, quotes and months without a day; the checksum is that of the bytes."""
    table = read_table(_options(airline_csv))
    assert table.panel.unique_ids == ("Passengers",)
    assert table.panel.offsets.tolist() == [0, 144]
    assert table.panel.freq == "MS"
    assert iso(table.panel.ds[[0, -1]]) == ["1949-01-01", "1960-12-01"]
    assert table.panel.values.tolist() == airline_values.tolist()
    assert table.sha256 == hashlib.sha256(airline_csv.read_bytes()).hexdigest()


def test_the_same_table_in_another_dress_is_the_same_panel(
    read: Callable[..., Panel], airline_csv: Path, airline_lines: Sequence[str]
) -> None:
    """A byte order mark, LF, blank lines, no quotes, another order of rows and columns."""
    header, *rows = airline_lines
    turned = [",".join(reversed(row.replace('"', "").split(","))) for row in rows]
    dresses = [
        b"\xef\xbb\xbf" + airline_csv.read_bytes(),
        _csv(airline_lines),
        "\n\n".join(airline_lines),
        _csv([header, *reversed(rows)]),
        _csv(["Passengers,Month", *turned]),
        _csv([header + ",note", *(row + ",x" for row in rows)]),
        _csv([header + ",", *(row + "," for row in rows)]),
    ]
    first = read(airline_csv.read_bytes())
    for dress in dresses:
        panel = read(dress)
        assert panel.values.tolist() == first.values.tolist()
        assert list(panel.ds) == list(first.ds)
        assert panel.freq == "MS"


def test_a_long_table_is_a_panel(read: Callable[..., Panel]) -> None:
    """Series keep the order in which the table names them; ids stay text, rows go by time."""
    panel = read(
        "Month,shop,Passengers\n"
        "2020-02,010,4\n"
        "2020-01,010,3\n"
        "2020-01,NA,1\n"
        "2020-02,NA,2\n"
        "2020-03,010,5\n",
        id="shop",
    )
    assert panel.unique_ids == ("010", "NA")
    assert panel.offsets.tolist() == [0, 3, 5]
    assert panel.values.tolist() == [3, 4, 5, 1, 2]
    assert iso(panel.ds) == ["2020-01-01", "2020-02-01", "2020-03-01", "2020-01-01", "2020-02-01"]
    assert panel.freq == "MS"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "table.csv is empty."),
        ("\n\n\n", "table.csv is empty."),
        ("Month,Passengers\n", "table.csv has a header and no rows."),
        ("Month,Passengers\n\n,\n", "table.csv has a header and no rows."),
        (
            "Month,Pasengers\n2020-01,1\n",
            "table.csv has no column `Passengers` (data.target).\nDid you mean `Pasengers`?",
        ),
        (
            "a,b\n2020-01,1\n",
            (
                "table.csv has no column `Month` (data.time).\nKnown here: a, b.\n"
                "table.csv has no column `Passengers` (data.target).\nKnown here: a, b."
            ),
        ),
    ],
)
def test_a_table_without_what_is_needed_is_refused(
    refusal: Callable[..., str], text: str, message: str
) -> None:
    """Nothing in it, a header alone, or other columns; the nearest name is suggested."""
    assert refusal(text) == message


@pytest.mark.parametrize(
    ("value", "shown"),
    [("abc", "'abc'"), ('"1,200"', "'1,200'"), ("0x10", "'0x10'"), ("True", "'True'")],
)
def test_text_in_the_target_is_named_with_its_line(
    refusal: Callable[..., str], airline_lines: Sequence[str], value: str, shown: str
) -> None:
    """As an editor counts lines, the header being line 1."""
    message = refusal(_with(airline_lines, 11, f'"1949-10",{value}'))
    assert message.splitlines()[0] == (
        f"table.csv: `Passengers` is {shown}, not a number, in line 11."
    )


@pytest.mark.parametrize(("again", "said"), [(1, "line 146 repeats"), (2, "lines 146, 148 repeat")])
def test_a_header_that_is_repeated_is_called_so(
    refusal: Callable[..., str], airline_lines: Sequence[str], again: int, said: str
) -> None:
    """As where tables were put together with all of their lines; it is no missing value."""
    text = _csv([*airline_lines, *([airline_lines[0], "1961-01,450"] * again)])
    them = "it" if again == 1 else "them"
    assert refusal(text) == f"table.csv: {said} the header.\nTake {them} out."
    assert f"{said} the header" in refusal(text, where={"Month": "1949-01"})


@pytest.mark.parametrize("value", ["inf", "-inf", "1e400"])
def test_an_infinite_value_is_no_number(
    refusal: Callable[..., str], airline_lines: Sequence[str], value: str
) -> None:
    """Said in the words of the table, not of Python."""
    message = refusal(_with(airline_lines, 11, f'"1949-10",{value}'))
    assert "not a number, in line 11." in message
    assert "np." not in message


def test_blank_lines_do_not_shift_the_line_that_is_named(
    refusal: Callable[..., str], airline_lines: Sequence[str]
) -> None:
    """Line 12 of the file is line 12 of the message."""
    lines = [*airline_lines[:5], "", *airline_lines[5:]]
    assert "in line 12." in refusal(_with(lines, 12, '"1949-10",abc'))


@pytest.mark.parametrize("value", ["", "NA", "nan"])
def test_a_missing_value_is_named_with_its_line(
    refusal: Callable[..., str], airline_lines: Sequence[str], value: str
) -> None:
    """Nothing is filled in silently."""
    assert refusal(_with(airline_lines, 11, f'"1949-10",{value}')) == (
        "table.csv: `Passengers` has no value in line 11.\n"
        "Fill the value in, or say what to do about it: `data.missing: interpolate`, ffill or zero."
    )


def test_all_that_is_wrong_with_a_table_is_said_at_once(
    refusal: Callable[..., str], airline_lines: Sequence[str]
) -> None:
    """Values and dates; of many lines the first five are named."""
    header, *rows = airline_lines
    wrong = _csv([header, *(f"{row}x".replace("1949-0", "1949-9") for row in rows)])
    assert refusal(wrong).splitlines() == [
        "table.csv: `Passengers` is '112x', not a number, in lines 2, 3, 4, 5, 6 and 139 more.",
        "table.csv: `Month` is '1949-91', not an ISO 8601 date, in lines 2, 3, 4, 5, 6 and 4 more.",
        'Say how dates are written, such as `data.time_format: "%d/%m/%Y"`.',
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (11, "1949-10-01 is missing: 1949-09-01 is followed by 1949-11-01."),
        (143, "1960-10-01 is missing: 1960-09-01 is followed by 1960-11-01."),
    ],
)
def test_a_gap_is_named_by_the_missing_month(
    refusal: Callable[..., str], airline_lines: Sequence[str], line: int, message: str
) -> None:
    """And by the two months beside it."""
    text = _csv([*airline_lines[: line - 1], *airline_lines[line:]])
    assert refusal(text) == (f"table.csv: {message}\n{_ADD}")


def test_a_gap_of_a_panel_is_named_with_its_series(refusal: Callable[..., str]) -> None:
    """The step from one series to the next is no gap."""
    rows = [f"a,2020-0{month},1" for month in range(1, 7)]
    rows += [f"b,2019-0{month},1" for month in (1, 2, 4, 7)]
    assert refusal(_csv(["id,Month,Passengers", *rows]), id="id") == (
        "table.csv: 2019-03-01 of b is missing: 2019-02-01 is followed by 2019-04-01 "
        f"(2 such places).\n{_ADD}"
    )


def test_rows_off_the_frequency_are_named(refusal: Callable[..., str]) -> None:
    """Where the config names a frequency that the rows do not have."""
    rows = [f"2020-01-0{day},1" for day in range(1, 6)]
    assert refusal(_csv(["Month,Passengers", *rows]), freq="MS") == (
        "table.csv: 2020-01-02 is not a step of MS after 2020-01-01 (4 such places).\n"
        "Name the frequency if this one is wrong (`data.freq`), or bring the rows to even steps: "
        "`data.resample: {freq: MS, how: mean}`."
    )


def test_a_duplicate_is_named_with_both_lines(
    refusal: Callable[..., str], airline_lines: Sequence[str]
) -> None:
    """A table of several series without `data.id` looks like this, so the way out says so."""
    assert refusal(_csv([*airline_lines, airline_lines[9]])) == (
        "table.csv: 1949-09-01 stands more than once, in lines 10, 146.\n"
        "Keep one row a date (`data.duplicates: first`, last, sum or mean), or name the column "
        "that tells the series apart: `data.id`."
    )
    assert refusal(_csv([*airline_lines, *airline_lines[1:]])) == (
        "table.csv: 1949-01-01 stands more than once, in lines 2, 146; "
        "144 rows are repeated in all.\n"
        "Keep one row a date (`data.duplicates: first`, last, sum or mean), or name the column "
        "that tells the series apart: `data.id`."
    )


def test_a_duplicate_within_a_series_keeps_the_way_out_short(refusal: Callable[..., str]) -> None:
    """The column that tells the series apart is named already."""
    text = "id,Month,Passengers\na,2020-01,1\nb,2020-01,1\nb,2020-01,2\n"
    message = refusal(text, id="id")
    assert "2020-01-01" in message
    assert "in lines 3, 4." in message
    assert message.endswith("\nKeep one row a date (`data.duplicates: first`, last, sum or mean).")


@pytest.mark.parametrize("column", ["Month", "Passengers"])
def test_a_column_that_stands_twice_is_refused(refusal: Callable[..., str], column: str) -> None:
    """Which of the two is meant is not for us to guess."""
    text = f"Month,Passengers,{column}\n2020-01,1,2\n2020-02,2,3\n"
    assert column in refusal(text, freq="MS")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"Month,Passengers\n\xff,1\n", "not UTF-8"),
        (b"Month,Passengers\n2020-01,1\n2020-02,2,3\n", "line 3"),
        (b"Month,Passengers\n2020-01,1\n2020-02,2\nTotal for the year 2020,\n", "line 4"),
        (b"Month,Passengers\n2020-01,1\n,2\n", "`Month` has no value in line 3"),
        (b"Month,Passengers\n2020-01,1,\n2020-02,2,\n2020-03,x,\n", "'x', not a number, in line 4"),
        (b"Month,Passengers\n1,2020-01,1\n2,2020-02,1\n3,2020-03,x\n", "line"),
    ],
)
def test_odd_files_are_refused_with_a_reason(
    refusal: Callable[..., str], text: bytes, message: str
) -> None:
    """Another encoding, ragged rows, a footer, a comma at the end of each line."""
    assert message in refusal(text)


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """With the reason that the system gives."""
    with pytest.raises(DataError) as caught:
        read_table(_options(tmp_path / "no.csv"))
    assert str(caught.value) == (
        f"can not read the table {tmp_path / 'no.csv'}: No such file or directory."
    )


@pytest.mark.parametrize(
    ("written", "first", "second"),
    [
        ("2020-01-{:02}", "2020-01-01", "2020-01-02"),
        ("202001{:02}", "2020-01-01", "2020-01-02"),
        (" 2020-01-{:02} ", "2020-01-01", "2020-01-02"),
        ("2020-01-{:02}T06:00", "2020-01-01T06:00:00", "2020-01-02T06:00:00"),
        ("2020-01-{:02} 06:00:00.5", "2020-01-01T06:00:00.500000", "2020-01-02T06:00:00.500000"),
        ("2020-01-{:02}T06:00:00Z", "2020-01-01T06:00:00+00:00", "2020-01-02T06:00:00+00:00"),
        ("2020-01-{:02}T06:00-05:00", "2020-01-01T06:00:00-05:00", "2020-01-02T06:00:00-05:00"),
        ("2020-01-{:02}T06:00:00+0530", "2020-01-01T06:00:00+05:30", "2020-01-02T06:00:00+05:30"),
        ("1677-01-{:02}", "1677-01-01", "1677-01-02"),
    ],
)
def test_iso_dates_keep_their_time_and_zone(
    read: Callable[..., Panel], written: str, first: str, second: str
) -> None:
    """A date, a time of day, an offset; before the year 1678 too."""
    text = _csv(["Month,Passengers", *(f"{written.format(d)},{d}" for d in range(1, 9))])
    panel = read(text)
    assert iso(panel.ds[:2]) == [first, second]
    assert panel.freq == "D"


def test_the_config_says_how_other_dates_are_written(read: Callable[..., Panel]) -> None:
    """The day first, as much of the world writes it."""
    text = _csv(["Month,Passengers", *(f"{day:02}/01/2020,1" for day in range(1, 15))])
    panel = read(text, time_format="%d/%m/%Y")
    assert iso(panel.ds[[0, -1]]) == ["2020-01-01", "2020-01-14"]


def test_a_missing_value_is_interpolated_where_the_config_says_so(
    read: Callable[..., Panel],
) -> None:
    """A straight line across, within each series, and it is no truth; the ends are cut off."""
    rows = ["a,2020-01,", "a,2020-02,2", "a,2020-03,", "a,2020-04,NA", "a,2020-05,8", "a,2020-06,"]
    rows += ["b,2020-01,5", "b,2020-02,6"]
    panel = read(_csv(["id,Month,Passengers", *rows]), id="id", missing="interpolate")
    assert iso(panel.begins) == ["2020-02-01", "2020-01-01"]
    assert panel.values.tolist() == [2, 4, 6, 8, 5, 6]
    assert panel.observed.tolist() == [True, False, False, True, True, True]
    np.testing.assert_array_equal(panel.truth, [2, np.nan, np.nan, 8, 5, 6])


@pytest.mark.parametrize(
    ("missing", "value", "is_observed"),
    [("interpolate", 120, False), ("mask", 120, False), ("ffill", 136, False), ("zero", 0, True)],
)
def test_a_missing_row_is_a_missing_value(
    read: Callable[..., Panel],
    airline_lines: Sequence[str],
    missing: str,
    value: float,
    is_observed: bool,
) -> None:
    """Like a blank one; that nothing is a value can be said too."""
    absent = _csv([*airline_lines[:10], *airline_lines[11:]])
    blank = _with(airline_lines, 11, '"1949-10",')
    for text in (absent, blank):
        panel = read(text, missing=missing)
        assert len(panel.values) == 144
        assert panel.values[9] == value
        assert panel.observed[9] == is_observed


@pytest.mark.parametrize("value", ["abc", "-", "inf"])
def test_text_is_no_missing_value(
    refusal: Callable[..., str], airline_lines: Sequence[str], value: str
) -> None:
    """It is not interpolated away."""
    text = _with(airline_lines, 11, f'"1949-10",{value}')
    assert "not a number, in line 11." in refusal(text, missing="interpolate")


def test_a_series_without_any_value_does_not_stop_the_others(tmp_path: Path) -> None:
    """It is left out, and named."""
    path = tmp_path / "table.csv"
    path.write_text("id,Month,Passengers\nb,2020-01,\na,2020-01,1\na,2020-02,2\na,2020-03,3\n")
    table = read_table(_options(path, id="id"))
    assert table.panel.unique_ids == ("a",)
    assert table.panel.values.tolist() == [1, 2, 3]
    assert table.reading.empty == ("b",)


def test_a_table_without_any_value_is_refused(refusal: Callable[..., str]) -> None:
    """There is nothing to forecast from."""
    text = "Month,Passengers\n2020-01,\n2020-02,\n2020-03,\n"
    assert refusal(text) == "table.csv: Passengers has no value at all."


def test_a_compressed_table_is_read(tmp_path: Path, airline_csv: Path) -> None:
    """By its ending, `.gz`; the checksum is that of the file."""
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(airline_csv.read_bytes()))
    table = read_table(_options(path))
    assert len(table.panel.values) == 144
    assert table.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "content",
    [b"", b"Month,Passengers\n2020-01,1\n", gzip.compress(b"x" * 99, mtime=0)[:20]],
    ids=["empty", "not compressed", "cut short"],
)
def test_a_damaged_compressed_table_is_refused(tmp_path: Path, content: bytes) -> None:
    """Cut short, or not compressed at all."""
    path = tmp_path / "table.csv.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"table\.csv\.gz"):
        read_table(_options(path))


def test_offsets_that_change_are_instants(read: Callable[..., Panel]) -> None:
    """As where the clocks change: in UTC, or in the zone that the config names."""
    rows = [f"2020-03-28T{hour:02}:00:00+01:00,1" for hour in range(22, 24)]
    rows += ["2020-03-29T00:00:00+01:00,1", "2020-03-29T01:00:00+01:00,1"]
    rows += ["2020-03-29T03:00:00+02:00,1", "2020-03-29T04:00:00+02:00,1"]
    panel = read(_csv(["Month,Passengers", *rows]))
    assert panel.freq == "h"
    assert iso(panel.ds[[0, -1]]) == ["2020-03-28T21:00:00+00:00", "2020-03-29T02:00:00+00:00"]
    panel = read(_csv(["Month,Passengers", *rows]), timezone="Europe/Berlin")
    assert iso(panel.ds[[0, -1]]) == ["2020-03-28T22:00:00+01:00", "2020-03-29T04:00:00+02:00"]


def test_times_with_and_without_an_offset_are_refused(refusal: Callable[..., str]) -> None:
    """They can not be put in order."""
    text = "Month,Passengers\n2020-03-28T00:00:00+01:00,1\n2020-03-30T00:00:00,1\n"
    assert refusal(text) == (
        "table.csv: `Month` mixes times with an offset (+01:00) and without.\n"
        "Write all of the times with their offsets, or none."
    )


@given(
    series=st.lists(
        st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=6),
        min_size=1,
        max_size=3,
    ),
    freq=st.sampled_from(["MS", "D", "h", "QS"]),
)
def test_what_is_written_reads_back_as_the_same_panel(
    make_panel: Callable[..., Panel],
    tmp_path_factory: pytest.TempPathFactory,
    series: list[list[float]],
    freq: str,
) -> None:
    """Every float and every date: it is how a run keeps the rows that a forecast begins with."""
    panel = make_panel(series, freq=freq)
    path = tmp_path_factory.mktemp("kept") / "context.csv"
    path.write_text(csv_text(panel_table(panel)))
    options = DataOptions(path=str(path), time="ds", target="y", id="unique_id", freq=freq)
    again = read_table(options).panel
    assert again.unique_ids == panel.unique_ids
    assert again.offsets.tolist() == panel.offsets.tolist()
    assert again.values.tolist() == panel.values.tolist()
    assert list(again.ds) == list(panel.ds)


@pytest.mark.parametrize("name", ["NA", "null", "nan", "None", "1", "01", " a", 'q"', "a,b"])
def test_the_name_of_a_series_reads_back_as_it_was(
    make_panel: Callable[..., Panel], tmp_path: Path, name: str
) -> None:
    """Namibia is NA, and a column may be called `null`."""
    plain = make_panel([[1.0, 2.0]])
    panel = replace(plain, unique_ids=(name,))
    (tmp_path / "context.csv").write_text(csv_text(panel_table(panel)))
    options = _options(tmp_path / "context.csv", time="ds", target="y", id="unique_id", freq="MS")
    assert read_table(options).panel.unique_ids == (name,)


def test_floats_are_written_with_all_of_their_digits() -> None:
    """And dates in ISO 8601, the same in every row."""
    ds = pd.DatetimeIndex(["2020-01-01T00:00", "2020-01-01T12:00"])
    text = csv_text(pd.DataFrame({"ds": ds, "y": [0.1 + 0.2, 1 / 3]}))
    assert text == (
        "ds,y\n2020-01-01T00:00:00,0.30000000000000004\n2020-01-01T12:00:00,0.3333333333333333\n"
    )


class TestContinuing:
    """The rows that a run knows, continued by newer ones."""

    def test_newer_rows_follow_the_known_ones(self, make_panel: Callable[..., Panel]) -> None:
        """A series without newer rows stays as it is known."""
        known, newer = make_panel([[1, 2, 3], [4, 5, 6]]), _later(make_panel, [[30]], months=3)
        joined = continue_panel(known, newer, Path("new.csv"), 3)
        assert joined.unique_ids == ("a", "b")
        assert joined.offsets.tolist() == [0, 4, 7]
        assert joined.values.tolist() == [1, 2, 3, 30, 4, 5, 6]
        assert iso(joined.ds[:4]) == ["2000-01-01", "2000-02-01", "2000-03-01", "2000-04-01"]

    def test_where_both_have_a_date_the_newer_row_wins(
        self, make_panel: Callable[..., Panel]
    ) -> None:
        """A figure that was revised."""
        known, newer = make_panel([[1, 2, 3]]), _later(make_panel, [[20, 30, 40]], months=1)
        joined = continue_panel(known, newer, Path("new.csv"), 3)
        assert joined.values.tolist() == [1, 20, 30, 40]

    def test_known_rows_before_a_gap_are_left_out(self, make_panel: Callable[..., Panel]) -> None:
        """The newer rows are enough for the network by themselves."""
        known, newer = make_panel([[1, 2, 3]]), _later(make_panel, [[7, 8, 9]], months=5)
        joined = continue_panel(known, newer, Path("new.csv"), 3)
        assert joined.values.tolist() == [7, 8, 9]

    def test_too_few_rows_after_a_gap_are_refused(self, make_panel: Callable[..., Panel]) -> None:
        """How many there are, and how many are needed."""
        known, newer = make_panel([[1, 2, 3]]), _later(make_panel, [[7, 8]], months=5)
        with pytest.raises(DataError) as caught:
            continue_panel(known, newer, Path("new.csv"), 3)
        assert str(caught.value) == (
            "new.csv: a has 2 rows without a gap.\n"
            "The network needs the last 3: add the rows that are missing before them."
        )

    def test_a_series_that_the_run_does_not_know_is_refused(
        self, make_panel: Callable[..., Panel]
    ) -> None:
        """The network was never fitted to its units."""
        with pytest.raises(DataError, match=r"^new\.csv: the run has no series b\."):
            continue_panel(make_panel([[1, 2]]), make_panel([[1, 2], [3, 4]]), Path("new.csv"), 2)

    def test_another_time_zone_is_refused(self, make_panel: Callable[..., Panel]) -> None:
        """Rows can not be put in order across zones without saying so."""
        known = make_panel([[1, 2]])
        zoned = replace(known, begins=pd.DatetimeIndex(known.begins).tz_localize("UTC"))
        with pytest.raises(DataError, match="zone UTC"):
            continue_panel(known, zoned, Path("new.csv"), 2)


def _later(
    make_panel: Callable[..., Panel], series: Sequence[Sequence[float]], months: int
) -> Panel:
    """A panel that begins some months after January 2000."""
    panel = make_panel(series)
    begins = pd.DatetimeIndex(panel.begins) + pd.DateOffset(months=months)
    return replace(panel, begins=begins)


def test_a_row_is_never_left_out_as_a_footer(
    refusal: Callable[..., str], airline_lines: Sequence[str]
) -> None:
    """A newer table may have no total, where the config of the first leaves one out."""
    text = _csv([*airline_lines, "Total,40363"])
    assert "'Total'" in refusal(text)
    assert "line 145 is to be left out, and is a row of 1960-12" in refusal(
        _csv(airline_lines), skip_footer=1
    )


def test_a_footer_is_left_out_where_the_config_says_so(
    read: Callable[..., Panel], airline_lines: Sequence[str]
) -> None:
    """By the number of its lines."""
    assert len(read(_csv([*airline_lines, "", "Total,40363"]), skip_footer=2).values) == 144


@pytest.mark.parametrize(
    ("duplicates", "value"), [("first", 1), ("last", 3), ("sum", 6), ("mean", 2)]
)
def test_rows_of_one_date_become_one_where_the_config_says_so(
    read: Callable[..., Panel], duplicates: str, value: float
) -> None:
    """The first or the last in the table, their sum, or their mean."""
    rows = ["2020-01,1", "2020-01,2", "2020-02,5", "2020-03,7", "2020-01,3"]
    panel = read(_csv(["Month,Passengers", *rows]), duplicates=duplicates)
    assert panel.values.tolist() == [value, 5, 7]


def test_uneven_rows_are_brought_to_even_steps(read: Callable[..., Panel]) -> None:
    """A step without a row is a missing value, not a 0."""
    rows = ["2020-01-01,1", "2020-01-20,2", "2020-02-03,5", "2020-04-09,7"]
    text = _csv(["Month,Passengers", *rows])
    panel = read(text, resample={"freq": "MS", "how": "sum"}, missing="interpolate")
    assert iso(panel.ds) == ["2020-01-01", "2020-02-01", "2020-03-01", "2020-04-01"]
    assert panel.values.tolist() == [3, 5, 6, 7]
    assert panel.observed.tolist() == [True, True, False, True]


def test_rows_can_be_counted(read: Callable[..., Panel], refusal: Callable[..., str]) -> None:
    """With the frequency 1, by whole numbers; a number that is not there is a missing value."""
    panel = read("Month,Passengers\n3,1\n4,2\n6,4\n", freq=1, missing="interpolate")
    assert (iso(panel.begins), panel.values.tolist()) == (["3"], [1, 2, 3, 4])
    assert "'x', not a whole number, in line 3" in refusal("Month,Passengers\n3,1\nx,2\n", freq=1)


def test_rows_can_be_counted_in_tens(
    read: Callable[..., Panel], refusal: Callable[..., str]
) -> None:
    """A step that is not there is a missing value; a number between two steps is refused."""
    panel = read("Month,Passengers\n0,1\n10,2\n30,4\n", freq=10, missing="interpolate")
    assert (iso(panel.ds), panel.values.tolist()) == (["0", "10", "20", "30"], [1, 2, 3, 4])
    wrong = "Month,Passengers\n0,1\n10,2\n25,4\n"
    assert "25 is not a step of 10 after 10" in refusal(wrong, freq=10)
    assert "20 is missing: 10 is followed by 30" in refusal(wrong.replace("25", "30"), freq=10)
    assert "needs dates" in refusal(wrong, freq=10, resample={"freq": 10, "how": "mean"})


def test_blank_ends_are_no_history(tmp_path: Path) -> None:
    """Of each series by itself: those at the end are the future, those at the start nothing."""
    path = tmp_path / "table.csv"
    rows = ["a,2020-01,", "a,2020-02,2", "a,2020-03,3", "a,2020-04,", "b,2020-03,5", "b,2020-04,6"]
    path.write_text(_csv(["id,Month,Passengers", *rows]))
    table = read_table(_options(path, id="id", freq="MS"))
    assert iso(table.panel.begins) == ["2020-02-01", "2020-03-01"]
    assert table.panel.values.tolist() == [2, 3, 5, 6]
    assert (table.reading.before, table.reading.future) == (1, 1)


_SECONDS = _csv(["ds,y", *(f"2024-01-01 00:00:{i:02},{i % 7}" for i in range(60))])


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (
            _SECONDS + "9024-01-01 00:00:00,5\n",
            {},
            "than 20,000,000 steps of the frequency s. See lines 61, 62.\nCorrect that date",
        ),
        (
            _SECONDS + "9024-01-01 00:00:00,5\n",
            {"resample": {"freq": "s", "how": "mean"}},
            "2024-01-01T00:00:59 is followed by 9024-01-01T00:00:00",
        ),
        (
            "ds,y\n0,1\n1,2\n9000000000000,3\n",
            {"freq": "1"},
            "1 is followed by 9000000000000, and the table would have more than 20,000,000 steps",
        ),
        (
            "ds,y\n0,1\n1,2\n9223372036854775807,3\n",
            {"freq": "1"},
            "`ds` is '9223372036854775807', too large to be counted, in line 4.",
        ),
    ],
)
def test_a_date_that_was_mistyped_takes_no_memory(
    tmp_path: Path, text: str, options: dict[str, object], message: str
) -> None:
    """However far away it is: the row is named."""
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_table(_options(path, time="ds", target="y", **options))
    assert message in str(caught.value)


def test_the_unit_of_an_epoch_is_proposed(tmp_path: Path) -> None:
    """Milliseconds that are read as seconds lie in the year 55969, and are refused."""
    path = tmp_path / "t.csv"
    rows = [f"{(1_704_067_200 + 3_600 * i) * 1_000},{i}" for i in range(60)]
    path.write_text(_csv(["ds,y", *rows]))
    with pytest.raises(DataError, match=r"Say how dates are written: .*epoch_ms"):
        read_table(_options(path, time="ds", target="y", time_format="epoch_s"))
