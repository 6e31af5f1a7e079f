"""Tables that are kept on disk: the panel that memory would have, whatever befalls its making."""

import errno
import json
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, redirect_stderr
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.config.data import DataOptions
from forecast.console import Console
from forecast.data import cached
from forecast.data.blocks import Block, Blocks
from forecast.data.cache import cache_root, clear, kept
from forecast.data.cached import open_table
from forecast.data.panel import Panel
from forecast.data.sorting import Sorted, sort_rows
from forecast.data.table import Table, read_table
from forecast.errors import DataError, MissingExtraError, UsageError

pytest.importorskip("pyarrow")
QUIET = Console(quiet=True)
DAYS = pd.date_range("2024-01-01", periods=30)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of the test's own, and buckets so small that a table has several."""
    monkeypatch.setenv("FORECAST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cached, "_CELLS", 120)


def _frame() -> pd.DataFrame:
    """Seven series of unlike lengths, with gaps, rows of one date and a series without a value."""
    random = np.random.default_rng(0)
    parts = []
    for i in range(7):
        days = DAYS[i : 30 - i]
        frame = pd.DataFrame(
            {
                "day": days,
                "shop": f"shop {6 - i}",
                "sold": random.integers(1, 99, len(days)).astype(float),
                "price": random.random(len(days)).round(3),
                "weather": random.choice(["sun", "rain", "snow"], len(days)),
                "size": ["small", "large"][i % 2],
            }
        )
        frame.loc[3, "sold"] = np.nan
        parts.append(frame.drop(index=5))
    parts[4]["sold"] = np.nan
    whole = pd.concat([*parts, parts[0].iloc[[2]]])
    return whole.sample(frac=1, random_state=1).reset_index(drop=True)


def _parquet_parts(folder: Path, frame: pd.DataFrame) -> str:
    """Files by month and part, so that each series is spread over all of them."""
    for i, part in enumerate(np.array_split(np.arange(len(frame)), 5)):
        path = folder / f"month={i}"
        path.mkdir(parents=True)
        frame.iloc[part].to_parquet(path / "part.parquet", index=False)
    return str(folder)


def _texts(folder: Path, frame: pd.DataFrame) -> str:
    folder.mkdir()
    for i, part in enumerate(np.array_split(np.arange(len(frame)), 3)):
        frame.iloc[part].to_csv(folder / f"{i}.csv", index=False)
    return str(folder / "*.csv")


def _one_text(folder: Path, frame: pd.DataFrame) -> str:
    folder.mkdir()
    frame.to_csv(folder / "t.csv.gz", index=False)
    return str(folder / "t.csv.gz")


def _options(path: str, **others: object) -> DataOptions:
    usual = {"time": "day", "target": "sold", "id": "shop", "missing": "interpolate"}
    usual |= {"duplicates": "sum", "cache": "always"}
    return DataOptions.model_validate({"path": path} | usual | others)


OPTIONS: list[dict[str, object]] = [
    {},
    {"where": {"shop": ["shop 1", "shop 3", "shop 6"]}},
    {"target": ["sold", "price"], "missing": "mask"},
    {"covariates": {"past": ["price"], "known": ["weather"], "static": ["size"]}},
    {"resample": {"freq": "W-SUN", "how": "sum"}, "covariates": {"known": ["weather", "price"]}},
]


@pytest.mark.parametrize("write", [_parquet_parts, _texts, _one_text])
@pytest.mark.parametrize("others", OPTIONS, ids=lambda options: "-".join(options) or "plain")
def test_a_kept_table_is_the_one_that_memory_would_have(
    tmp_path: Path, write: Callable[[Path, pd.DataFrame], str], others: dict[str, object]
) -> None:
    """Values, order, dates, checksum and counts, the first time and the second."""
    options = _options(write(tmp_path / "data", _frame()), **others)
    memory = read_table(options)
    for _ in range(2):
        table = open_table(options, QUIET)
        assert table.sha256 == memory.sha256
        assert table.reading == memory.reading
        _assert_equal(table.panel, memory.panel)
    assert kept().tables == 1
    assert [path.name for path in (cache_root() / "tables").glob("*.part")] == []


def _assert_equal(one: Panel, other: Panel) -> None:
    assert one.unique_ids == other.unique_ids
    assert one.freq == other.freq
    pd.testing.assert_index_equal(one.begins, other.begins, check_names=False)
    for name in ("offsets", "values", "observed"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.covariates is None) == (other.covariates is None)
    if one.covariates is not None and other.covariates is not None:
        assert one.covariates.levels == other.covariates.levels
        np.testing.assert_array_equal(one.covariates.offsets, other.covariates.offsets)
        for kind in ("columns", "static"):
            own, its = getattr(one.covariates, kind), getattr(other.covariates, kind)
            assert list(own) == list(its)
            for name, column in own.items():
                np.testing.assert_array_equal(column, its[name])


def _flip(path: Path, place: int) -> None:
    """Turn a bit of a byte."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("values.npy", lambda path: os.truncate(path, path.stat().st_size - 8)),
        ("begins.npy", lambda path: os.truncate(path, 0)),
        ("values.npy", lambda path: _flip(path, -3)),
        ("observed.npy", lambda path: _flip(path, -1)),
        ("panel.json", lambda path: path.unlink()),
        ("panel.json", lambda path: path.write_text("{")),
        ("panel.json", lambda path: path.write_text("{}")),
    ],
)
def test_what_is_damaged_is_made_again(
    tmp_path: Path, name: str, damage: Callable[[Path], object]
) -> None:
    """And that is said."""
    options = _options(_texts(tmp_path / "data", _frame()))
    whole = read_table(options)
    open_table(options, QUIET)
    [entry] = [path for path in (cache_root() / "tables").iterdir() if path.is_dir()]
    damage(entry / name)
    with redirect_stderr(StringIO()) as said:
        _assert_equal(open_table(options, Console(progress=False)).panel, whole.panel)
    assert "is damaged: it is made again" in said.getvalue()
    with redirect_stderr(StringIO()) as said:
        _assert_equal(open_table(options, Console(progress=False)).panel, whole.panel)
    assert said.getvalue() == ""


def test_what_others_put_into_the_folder_stays(tmp_path: Path) -> None:
    """Only what was written here is removed."""
    open_table(_options(_texts(tmp_path / "data", _frame())), QUIET)
    own = cache_root() / "tables" / "mine"
    own.mkdir()
    assert clear().tables == 1
    assert list((cache_root() / "tables").iterdir()) == [own]


@pytest.mark.parametrize("write", [_parquet_parts, _texts])
def test_what_is_wrong_names_the_file_and_the_row(
    tmp_path: Path, write: Callable[[Path, pd.DataFrame], str]
) -> None:
    """In the words that a table in memory has for it, and nothing is kept."""
    frame = _frame()
    options = _options(write(tmp_path / "data", frame), duplicates="error", missing="error")
    said = []
    for read in (read_table, lambda options: open_table(options, QUIET)):
        with pytest.raises(DataError) as raised:
            read(options)
        said.append(str(raised.value))
    assert said[0].partition("; ")[0] == said[1].partition("; ")[0]
    assert "stands more than once" in said[0]
    assert kept().tables == 0
    assert kept().bytes == 0


def test_values_that_no_file_has_are_said(tmp_path: Path) -> None:
    """Those of `data.where`, by what the whole table has."""
    path = _parquet_parts(tmp_path / "data", _frame())
    with pytest.raises(DataError, match=r"no row has 'shop 9' in `shop`.*\nDid you mean"):
        open_table(_options(path, where={"shop": ["shop 1", "shop 9"]}), QUIET)
    with pytest.raises(DataError, match="Each is there, but never beside the others"):
        open_table(_options(path, where={"shop": "shop 6", "size": "large"}), QUIET)


def test_a_damaged_file_among_many_is_named(tmp_path: Path) -> None:
    """Whether its end is lost or its middle, in memory and from batches; nothing is kept."""
    path = tmp_path / "data"
    _parquet_parts(path, _frame())
    victim = path / "month=3" / "part.parquet"
    whole = victim.read_bytes()
    for content in (whole[: len(whole) // 2], b"PAR1" + b"\0" * (len(whole) // 3) + whole[-900:]):
        victim.write_bytes(content)
        for cache in ("always", "never"):
            with pytest.raises(DataError, match=r"month=3/part\.parquet is not a Parquet table"):
                open_table(_options(str(path), cache=cache), QUIET)
    assert kept().bytes == 0


@pytest.mark.parametrize("cache", ["always", "never"])
@pytest.mark.parametrize(
    ("change", "column"),
    [
        (lambda frame: frame.drop(columns="sold"), "sold"),
        (lambda frame: frame.assign(sold=frame["sold"].astype(str)), "sold"),
        (lambda frame: frame.assign(day="yesterday"), "day"),
    ],
    ids=["lacks a column", "texts among numbers", "texts among dates"],
)
def test_files_of_unlike_columns_are_both_named(
    tmp_path: Path, cache: str, change: Callable[[pd.DataFrame], pd.DataFrame], column: str
) -> None:
    """A table of such files would have blanks, or numbers that are none."""
    path = tmp_path / "data"
    _parquet_parts(path, _frame())
    victim = path / "month=3" / "part.parquet"
    change(pd.read_parquet(victim)).to_parquet(victim)
    match = rf"month=3/part\.parquet and .*month=0/part\.parquet have unlike columns: `{column}`"
    with pytest.raises(DataError, match=match):
        open_table(_options(str(path), cache=cache), QUIET)


def test_whole_numbers_in_some_files_are_no_other_kind(tmp_path: Path) -> None:
    """A month in which all was whole is written as integers by many a program."""
    path = tmp_path / "data"
    frame = _frame().assign(sold=lambda frame: frame["sold"].fillna(1))
    _parquet_parts(path, frame)
    first = path / "month=0" / "part.parquet"
    pd.read_parquet(first).astype({"sold": "int32"}).to_parquet(first)
    memory = read_table(_options(str(path)))
    _assert_equal(open_table(_options(str(path)), QUIET).panel, memory.panel)


@pytest.mark.parametrize("what", ["changed", "came"])
def test_a_folder_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The file is named, and what was read of it is not kept."""
    path = tmp_path / "data"
    _parquet_parts(path, _frame())
    victim = path / "month=2" / "part.parquet"

    def meddled(*arguments: object) -> Sorted:
        found = sort_rows(*arguments)  # type: ignore[arg-type]
        if what == "changed":
            victim.touch()
        else:
            (path / "month=2" / "new.parquet").write_bytes(victim.read_bytes())
        return found

    monkeypatch.setattr(cached, "sort_rows", meddled)
    name = "part" if what == "changed" else "new"
    with pytest.raises(
        DataError, match=rf"month=2/{name}\.parquet {what} while the table was read"
    ):
        open_table(_options(str(path)), QUIET)
    assert kept().bytes == 0


def test_a_making_that_was_killed_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done is not done again, and the panel is the same."""
    options = _options(_parquet_parts(tmp_path / "data", _frame()))
    written: list[int] = []
    write = Blocks.write

    def killed_at_third(blocks: Blocks, number: int, block: Block) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(number)
        write(blocks, number, block)

    monkeypatch.setattr(Blocks, "write", killed_at_third)
    with pytest.raises(KeyboardInterrupt):
        open_table(options, QUIET)
    assert kept().tables == 0
    assert kept().bytes > 0

    def noted(blocks: Blocks, number: int, block: Block) -> None:
        written.append(number)
        write(blocks, number, block)

    monkeypatch.setattr(Blocks, "write", noted)
    table = open_table(options, QUIET)
    assert len(set(written)) == len(written) > 3
    _assert_equal(table.panel, read_table(options).panel)


def test_a_full_disk_leaves_nothing_and_says_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is full while rows are put in order, or when the arrays are reserved."""
    options = _options(_parquet_parts(tmp_path / "data", _frame()))

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for place in ("forecast.data.sources.spill.Spill.write", "os.posix_fallocate"):
        with monkeypatch.context() as patch:
            patch.setattr(place, full)
            with pytest.raises(
                UsageError, match=r"can not write the cache .*No space left"
            ) as said:
                open_table(options, QUIET)
            assert "FORECAST_CACHE" in str(said.value)
        assert kept().bytes == 0
    assert open_table(options, QUIET).panel.unique_ids


def test_makings_at_once_do_not_disturb_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One makes the panel, the others wait for it; no lock is left behind."""
    made: list[object] = []

    def counted(*arguments: object) -> Sorted:
        made.append(arguments)
        return sort_rows(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(cached, "sort_rows", counted)
    options = _options(_parquet_parts(tmp_path / "data", _frame()))
    tables: list[Table] = []
    threads = [
        threading.Thread(target=lambda: tables.append(open_table(options, QUIET))) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(tables), kept().tables) == (1, 5, 1)
    for table in tables[1:]:
        _assert_equal(tables[0].panel, table.panel)
    assert len(list((cache_root() / "tables").iterdir())) == 1


def test_another_content_or_another_reading_is_another_table(tmp_path: Path) -> None:
    """And one that was moved is the same."""
    path = _one_text(tmp_path / "data", _frame())
    open_table(_options(path), QUIET)
    moved = str(Path(path).rename(tmp_path / "moved.csv.gz"))
    open_table(_options(moved), QUIET)
    assert kept().tables == 1
    open_table(_options(moved, missing="zero"), QUIET)
    assert kept().tables == 2
    _frame().assign(sold=1.0).to_csv(moved, index=False)
    assert set(open_table(_options(moved), QUIET).panel.values) <= {1.0, 2.0}
    assert kept().tables == 3
    assert clear().tables == 3
    assert kept().bytes == 0


def test_a_small_table_is_read_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself only a large one is kept, and never one that comes as a whole."""
    path = _parquet_parts(tmp_path / "data", _frame())
    open_table(_options(path, cache="auto"), QUIET)
    assert kept().tables == 0
    monkeypatch.setattr(cached, "_SMALL", 1)
    monkeypatch.setattr(cached, "_LARGE", 100)
    open_table(_options(path, cache="auto"), QUIET)
    assert kept().tables == 1
    lines = tmp_path / "t.jsonl"
    lines.write_text(json.dumps({"day": "2024-01-01", "shop": "a", "sold": 1}) + "\n")
    with pytest.raises(DataError, match="is read as a whole"):
        open_table(_options(str(lines), freq="D"), QUIET)


def test_without_pyarrow_a_table_is_read_as_ever_or_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text needs none of it, unless it is to be kept."""
    path = _texts(tmp_path / "data", _frame())
    monkeypatch.setattr("forecast.errors.find_spec", lambda module: None)
    monkeypatch.setattr(cached, "_SMALL", 1)
    monkeypatch.setattr(cached, "_LARGE", 100)
    open_table(_options(path, cache="auto"), QUIET)
    assert kept().tables == 0
    with pytest.raises(MissingExtraError, match="pyarrow"):
        open_table(_options(path), QUIET)


def _sqlite(folder: Path, frame: pd.DataFrame) -> tuple[str, str]:
    path = folder / "shops.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        frame.assign(day=frame["day"].astype(str)).to_sql("sales", connection, index=False)
    return str(path), "SELECT shop, day, sold FROM sales"


def _duckdb(folder: Path, frame: pd.DataFrame) -> tuple[str, str]:
    pytest.importorskip("duckdb")
    frame.to_csv(folder / "t.csv", index=False)
    return str(folder / "t.csv"), "SELECT shop, day, sold FROM data"


@pytest.mark.parametrize("write", [_sqlite, _duckdb])
def test_what_a_query_gives_is_kept(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[Path, pd.DataFrame], tuple[str, str]],
) -> None:
    """In parts, as memory would have it; the rows that waited are gone."""
    monkeypatch.setattr("forecast.data.sources.batches._BATCH", 50)
    path, query = write(tmp_path, _frame())
    options = _options(path, query=query)
    memory = read_table(options)
    for _ in range(2):
        table = open_table(options, QUIET)
        assert table.reading == memory.reading
        _assert_equal(table.panel, memory.panel)
    assert kept().tables == 1
    assert list((cache_root() / "tables").glob("*.rows")) == []
    with pytest.raises(DataError, match="the query failed"):
        open_table(_options(path, query="SELECT nothing FROM nowhere"), QUIET)
    assert list((cache_root() / "tables").glob("*.rows")) == []
