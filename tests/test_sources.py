"""Where tables come from: the same rows from every kind of source, and where errors point."""

import gzip
import io
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.config.data import DataOptions
from forecast.data.calendar import iso
from forecast.data.profile import Hints, profile_table
from forecast.data.table import Table, read_table
from forecast.errors import DataError, MissingExtraError

FRAME = pd.DataFrame(
    {
        "day": list(pd.date_range("2023-01-01", periods=40).strftime("%Y-%m-%d")) * 2,
        "shop": np.repeat(["007", "NA"], 40),
        "sold": np.round(100 + 10 * np.sin(np.arange(80)), 2),
    }
)


def _read(path: Path | str, **more: object) -> Table:
    options = {"path": str(path), "time": "day", "target": "sold", "id": "shop", **more}
    return read_table(DataOptions.model_validate(options))


def _lines() -> str:
    return "".join(json.dumps(row) + "\n" for row in FRAME.to_dict("records"))


def _write_csv(folder: Path) -> Path:
    FRAME.to_csv(folder / "t.csv", index=False)
    return folder / "t.csv"


def _write_tsv(folder: Path) -> Path:
    FRAME.to_csv(folder / "t.tsv", index=False, sep="\t")
    return folder / "t.tsv"


def _write_gzip(folder: Path) -> Path:
    (folder / "t.csv.gz").write_bytes(gzip.compress(FRAME.to_csv(index=False).encode()))
    return folder / "t.csv.gz"


def _write_lines(folder: Path) -> Path:
    (folder / "t.jsonl").write_text(_lines())
    return folder / "t.jsonl"


def _write_packed_lines(folder: Path) -> Path:
    (folder / "t.jsonl.gz").write_bytes(gzip.compress(_lines().encode()))
    return folder / "t.jsonl.gz"


def _write_json(folder: Path) -> Path:
    (folder / "t.json").write_text(json.dumps(FRAME.to_dict("records")))
    return folder / "t.json"


def _write_parquet(folder: Path) -> Path:
    pytest.importorskip("pyarrow")
    FRAME.assign(day=pd.to_datetime(FRAME["day"])).to_parquet(folder / "t.parquet")
    return folder / "t.parquet"


def _write_parts(folder: Path) -> Path:
    pytest.importorskip("pyarrow")
    FRAME.to_parquet(folder / "parts", partition_cols=["shop"])
    return folder / "parts"


def _write_excel(folder: Path) -> Path:
    pytest.importorskip("openpyxl")
    FRAME.assign(day=pd.to_datetime(FRAME["day"])).to_excel(folder / "t.xlsx", index=False)
    return folder / "t.xlsx"


def _write_several(folder: Path) -> Path:
    FRAME.iloc[:50].to_csv(folder / "t-1.csv", index=False)
    FRAME.iloc[50:].to_csv(folder / "t-2.csv", index=False)
    return folder / "t-*.csv"


def _write_nested(folder: Path) -> Path:
    rows = [
        {"day": row.pop("day"), "meta": {"note": None, **row}} for row in FRAME.to_dict("records")
    ]
    (folder / "t.json").write_text(json.dumps(rows))
    return folder / "t.json"


WRITERS = [
    _write_csv,
    _write_tsv,
    _write_gzip,
    _write_lines,
    _write_packed_lines,
    _write_json,
    _write_parquet,
    _write_excel,
    _write_several,
]


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_the_same_rows_are_read_from_every_kind_of_source(
    tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    """And nothing else of the tool knows which it was."""
    panel = _read(write(tmp_path)).panel
    assert panel.unique_ids == ("007", "NA")
    assert panel.values.tolist() == FRAME["sold"].tolist()
    assert iso(panel.begins) == ["2023-01-01", "2023-01-01"]
    assert panel.freq == "D"


def test_members_of_objects_within_a_row_are_columns(tmp_path: Path) -> None:
    """Named after the object; what a row lacks is missing there."""
    path = _write_nested(tmp_path)
    profile = profile_table(path)
    assert profile.options.targets == ("meta.sold",)
    assert profile.options.ids == ("meta.shop",)
    panel = profile.panel
    assert panel.unique_ids == ("007", "NA")
    np.testing.assert_array_equal(panel.values, FRAME["sold"])


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_every_kind_of_source_can_be_looked_at(
    tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    """Its columns are found as those of a CSV are."""
    profile = profile_table(write(tmp_path))
    options = profile.options
    assert (options.time, options.target, options.id) == ("day", "sold", "shop")
    assert profile.panel.unique_ids == ("007", "NA")


def test_a_partitioned_folder_is_one_table(tmp_path: Path) -> None:
    """The column that the folders are called by is one of the table."""
    panel = _read(_write_parts(tmp_path)).panel
    assert max(panel.unique_ids) == "NA"
    assert len(panel.values) == 80


@pytest.mark.parametrize(
    ("write", "place"),
    [
        (_write_csv, "lines 12, 52"),
        (_write_lines, "lines 11, 51"),
        (_write_several, r"lines 12 of .*t-1\.csv, 2 of .*t-2\.csv"),
    ],
    ids=["csv", "lines", "several"],
)
def test_what_is_wrong_is_named_by_its_place(
    tmp_path: Path, write: Callable[[Path], Path], place: str
) -> None:
    """By lines where a source has lines, and with the file where there are several."""
    path = write(tmp_path)
    for file in tmp_path.iterdir():
        text = file.read_text().replace("2023-01-11", "2023-01-xx")
        file.write_text(text)
    with pytest.raises(DataError, match=place):
        _read(path)


def test_standard_input_is_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read once, whatever is asked of it."""
    pipe = io.TextIOWrapper(io.BytesIO(FRAME.to_csv(index=False).encode()))
    monkeypatch.setattr("sys.stdin", pipe)
    assert len(_read("-").panel.values) == 80


def test_a_part_of_the_rows_can_be_taken(tmp_path: Path) -> None:
    """By the values of columns, as they are written."""
    path = _write_csv(tmp_path)
    assert _read(path, where={"shop": "007"}).panel.unique_ids == ("007",)
    assert len(_read(path, where={"shop": ["007", "NA"]}).panel.values) == 80
    with pytest.raises(DataError, match=r'no row has 7 in `shop`.*\n.*"007": write it so'):
        _read(path, where={"shop": 7})


def test_numbers_are_taken_by_their_size_and_texts_as_they_are_written(tmp_path: Path) -> None:
    """Each value that no row has is named; newer rows may lack some."""
    path = tmp_path / "table.csv"
    rows = [f"{shop},{is_open},{2000 + i},{i}" for shop in ("2.0", "3", "x") for is_open, i in
            (("True", 1), ("True", 2), ("False", 3), ("False", 4))]  # fmt: skip
    path.write_text("shop,open,when,y\n" + "\n".join(rows) + "\n")
    options = {"time": "when", "target": "y", "id": "shop", "time_format": "%Y", "freq": "YS"}

    def read(where: dict[str, object], newer: bool = False) -> tuple[str, ...]:
        asked = DataOptions.model_validate({"path": str(path), "where": where, **options})
        return read_table(asked, path if newer else None).panel.unique_ids

    assert read({"shop": [2, 3.0]}) == ("2.0", "3")
    assert read({"shop": ["3", "x"]}) == ("3", "x")
    assert len(read({"shop": "x", "open": True})) == 1
    with pytest.raises(DataError) as caught:
        read({"shop": ["2", 4, 3]})
    assert [problem.message.split(" no row has ")[1] for problem in caught.value.problems] == [
        "'2' in `shop` (data.where).",
        "4 in `shop` (data.where).",
    ]
    assert read({"shop": [4, 3]}, newer=True) == ("3",)
    with pytest.raises(DataError, match="no row has 4"):
        read({"shop": 4}, newer=True)
    with pytest.raises(DataError, match=r"has no column `shopp`.*\nDid you mean `shop`"):
        read({"shopp": 3})
    with pytest.raises(ValueError, match="a value, or a list of values, for `shop`"):
        read({"shop": []})


def test_a_query_makes_a_table_of_a_file(tmp_path: Path) -> None:
    """With DuckDB; `data` is the file."""
    pytest.importorskip("duckdb")
    path = _write_csv(tmp_path)
    query = "SELECT day, shop, 2 * sold AS sold FROM data WHERE shop = '007' ORDER BY day"
    panel = _read(path, query=query).panel
    assert panel.unique_ids == ("007",)
    assert panel.values.tolist() == (2 * FRAME["sold"][:40]).tolist()
    with pytest.raises(DataError, match="the query failed"):
        _read(path, query="SELECT nothing FROM nowhere")


def test_a_query_makes_a_table_of_a_database(tmp_path: Path) -> None:
    """SQLite needs no extra; nothing can be changed in it."""
    path = tmp_path / "shop.sqlite"
    connection = sqlite3.connect(path)
    FRAME.to_sql("sales", connection, index=False)
    connection.close()
    assert len(_read(path, query="SELECT * FROM sales").panel.values) == 80
    with pytest.raises(DataError, match="readonly"):
        _read(path, query="DELETE FROM sales")
    with pytest.raises(DataError, match="which table is meant"):
        _read(path)


def test_an_excel_sheet_may_have_a_title(tmp_path: Path) -> None:
    """The header stands below it; rows are numbered as the sheet shows them."""
    pytest.importorskip("openpyxl")
    path = tmp_path / "t.xlsx"
    frame = FRAME[FRAME["shop"] == "007"].drop(columns="shop").astype(object)
    title = pd.DataFrame([["Sales of the shop", None], [None, None], ["day", "sold"]])
    body = frame.set_axis([0, 1], axis="columns")
    pd.concat([title, body]).to_excel(path, index=False, header=False)
    profile = profile_table(path)
    assert len(profile.panel.values) == 40
    frame.iloc[3, 1] = "closed"
    pd.concat([title, frame.set_axis([0, 1], axis="columns")]).to_excel(
        path, index=False, header=False
    )
    with pytest.raises(DataError, match="'closed', not a number, in row 7"):
        profile_table(path, Hints(target="sold"))


def test_what_is_no_table_is_said(tmp_path: Path) -> None:
    """A page, a damaged file, a gzip that grows without bound."""
    cases = {
        "a.csv": b"<!DOCTYPE html><html></html>",
        "b.parquet": b"PAR1",
        "c.jsonl": b'{"a": 1}\n[',
    }
    words = {
        "a.csv": "an HTML page",
        "b.parquet": r"not a Parquet table, or a damaged one\.\nWrite",
        "c.jsonl": "line 2",
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises((DataError, MissingExtraError), match=words[name]):
            _read(tmp_path / name)


def test_a_folder_of_anything_is_no_table(tmp_path: Path) -> None:
    """As the working folder is, which an empty path means: in our words, with the way out."""
    pytest.importorskip("pyarrow")
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(DataError, match=r"is a folder, and not one of Parquet files alone\.\nName"):
        _read(tmp_path)


def test_a_gzip_that_grows_without_bound_is_refused(tmp_path: Path) -> None:
    """A thousand times its size is no table, and is not unpacked to the end."""
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"day,shop,sold\n" + b"0" * 300_000_000, compresslevel=9))
    with pytest.raises(DataError, match="unpacks to more than 200 times its size"):
        _read(path)


@pytest.mark.parametrize("write", [*WRITERS, _write_parts], ids=lambda write: write.__name__[7:])
def test_a_table_that_memory_has_no_room_for_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], Path]
) -> None:
    """Before it is read, with what it would take and what is free; a query may take a part."""
    path = write(tmp_path)
    for module in ("content", "parquet"):
        monkeypatch.setattr(f"forecast.data.sources.{module}.free_memory", lambda: 3_000)
    with pytest.raises(DataError, match="is too large to read") as raised:
        _read(path)
    assert "data.query" in str(raised.value)


def test_a_pipe_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once memory has no room for more."""

    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            buffer[:] = b"1" * len(buffer)
            return len(buffer)

    monkeypatch.setattr("forecast.data.sources.content.free_memory", lambda: 200_000_000)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(Endless())))  # type: ignore[type-var]
    with pytest.raises(DataError, match="standard input is too large to read"):
        _read("-")
