"""Tables out: the same numbers in every form, and a file whole or not at all."""

import json
import os
import subprocess
import sys
import threading
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.csvtext import read_rows
from forecast.data.export import csv_text, encode_table, refuse_unwritable, write_file
from forecast.errors import UsageError


def _table(values: list[float]) -> pd.DataFrame:
    ds = pd.date_range("1961-01-01", periods=len(values), freq="MS")
    return pd.DataFrame({"unique_id": "a", "ds": ds, "y_hat": values})


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_csv_gives_every_float_back(values: list[float]) -> None:
    """To the last bit, be it as small or as large as it may."""
    text = encode_table(_table(values), "csv").decode()
    read = [float(line.split(",")[2]) for line in text.splitlines()[1:]]
    assert read == values


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_json_lines_give_every_float_back(values: list[float]) -> None:
    """To the last bit, as CSV does."""
    text = encode_table(_table(values), "jsonl").decode()
    assert [json.loads(line)["y_hat"] for line in text.splitlines()] == values


def test_json_lines_are_one_object_a_row() -> None:
    """Dates are ISO 8601 text, and the last line ends."""
    assert encode_table(_table([1.5, -2.0]), "jsonl").decode() == (
        '{"unique_id":"a","ds":"1961-01-01","y_hat":1.5}\n'
        '{"unique_id":"a","ds":"1961-02-01","y_hat":-2.0}\n'
    )


def test_parquet_keeps_the_types() -> None:
    """Dates stay dates, and floats are the same floats."""
    table = _table([0.1, 1e-300])
    read = pd.read_parquet(BytesIO(encode_table(table, "parquet")))
    pd.testing.assert_frame_equal(read, table, check_dtype=False)
    assert read["ds"].dtype.kind == "M"
    assert read["y_hat"].dtype == np.float64


def test_a_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    """No part file stays behind."""
    path = tmp_path / "next.csv"
    path.write_bytes(b"old")
    write_file(b"new", path)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("target", ["target.csv", "missing.csv", "/dev/full"])
def test_a_link_is_never_written_through(tmp_path: Path, target: str) -> None:
    """The file takes its place, and what it led to stays, or stays away."""
    (tmp_path / "target.csv").write_bytes(b"somebody's")
    (tmp_path / "link.csv").symlink_to(target)
    write_file(b"new", tmp_path / "link.csv")
    assert not (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "link.csv").read_bytes() == b"new"
    assert (tmp_path / "target.csv").read_bytes() == b"somebody's"
    assert not (tmp_path / "missing.csv").exists()


LIMITED = """
import resource, sys
from pathlib import Path
from forecast.data.export import write_file
from forecast.errors import UsageError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_file(b"x" * 2000, Path(sys.argv[1]))
except UsageError as error:
    print(error)
"""


def test_a_file_that_does_not_fit_leaves_the_old_one(tmp_path: Path) -> None:
    """As on a full disk: nothing half-written, and nothing beside it."""
    path = tmp_path / "next.csv"
    path.write_bytes(b"old")
    # What coverage writes at the end would not fit either.
    environment = {key: os.environ[key] for key in os.environ if not key.startswith("COVERAGE_")}
    result = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], env=environment, capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"can not write {path}: File too large.\n"
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_could_not_be_written_is_told_before(tmp_path: Path) -> None:
    """And a file that could be is not touched, nor made."""
    path = tmp_path / "next.csv"
    refuse_unwritable(path)
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"old")
    refuse_unwritable(path)
    assert path.read_bytes() == b"old"
    for wrong in (tmp_path, path / "below.csv", tmp_path / ("x" * 5000), tmp_path / "a\0b"):
        with pytest.raises(UsageError, match=r"^can not write "):
            refuse_unwritable(wrong)
    assert list(tmp_path.iterdir()) == [path]


@given(st.lists(st.none() | st.text(), min_size=1))
def test_csv_gives_every_word_back(words: list[str | None]) -> None:
    """Also what looks like a number, like nothing, or like the end of a line."""
    table = pd.DataFrame({"word": np.array(words, dtype=object), "y": range(len(words))})
    assert [row[0] for row in read_rows(csv_text(table))] == ["word", *words]


def test_a_pipe_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    """`--output /dev/null`, `/dev/stdout` and a named pipe are no files to be renamed over."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_file(b"new", pipe)
    assert pipe.is_fifo()
    reader.join(timeout=10)
    assert read == [b"new"]


@pytest.mark.parametrize(
    ("output", "reason"),
    [("no/next.csv", "No such file or directory"), ("", "Is a directory")],
)
def test_what_can_not_be_written_is_a_usage_error(tmp_path: Path, output: str, reason: str) -> None:
    """A folder that is not there, and a folder itself."""
    path = tmp_path / output
    with pytest.raises(UsageError) as caught:
        write_file(b"new", path)
    assert str(caught.value) == f"can not write {path}: {reason}."
    assert list(tmp_path.iterdir()) == []


def test_the_current_folder_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--output .` and `--output ""` are the same mistake."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"^can not write \.: "):
        write_file(b"new", Path())
