"""Tables of many series are scored and written part by part."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.console import Console
from forecast.data.export import encode_table
from forecast.data.output import Output
from forecast.data.panel import Panel
from forecast.methods import BASELINES, Compared, Task, named_methods
from forecast.scoring.metrics import error_scales
from forecast.scoring.scores import score, score_series, with_means

QUIET = Console(quiet=True)


def _panel() -> Panel:
    """Series of unlike lengths, the first too short for a season, with a gap."""
    lengths = np.array([9, 30, 25, 40])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values = np.random.default_rng(0).random(offsets[-1]).round(3)
    observed = np.ones(len(values), bool)
    observed[20:24] = False
    begins = pd.DatetimeIndex(["2024-01-01"] * 4)
    return Panel(("a", "b", "c", "d"), offsets, begins, values, observed, "D")


def _compared() -> Compared:
    panel = _panel()
    train = np.concatenate([np.arange(start + 5, start + 7) for start in panel.starts])
    parts = [("train", train), ("test", panel.ends - 3)]
    return Compared.of(named_methods(BASELINES, 12), Task(panel, parts, 2))


@pytest.mark.parametrize("rows", [1, 12, 20, 1000])
def test_scores_part_by_part_are_those_of_the_whole(rows: int) -> None:
    """Also of a method that forecasts none of a part's series, and some of another's."""
    compared = _compared()
    scales = error_scales(_panel().before(_panel().ends - 2), 12)
    parts = list(compared.tables(rows))
    assert (len(parts) > 1) == (rows < 1000)
    whole = compared.table()
    assert sum(map(len, parts)) == len(whole) == compared.rows
    keys = ["unique_id", "split", "model", "step", "cutoff"]
    pd.testing.assert_frame_equal(
        pd.concat(parts).sort_values(keys).reset_index(drop=True),
        whole.sort_values(keys).reset_index(drop=True),
    )
    scores = with_means([score_series(part, scales, compared.able) for part in parts])
    order = ["split", "model", "metric", "unique_id"]
    pd.testing.assert_frame_equal(
        scores.sort_values(order).reset_index(drop=True),
        score(whole, scales).sort_values(order).reset_index(drop=True),
    )


@pytest.mark.parametrize("name", ["next.csv", "next.jsonl", "next.csv.gz"])
def test_a_file_written_in_parts_is_the_one_written_at_once(tmp_path: Path, name: str) -> None:
    """To the byte, once it is unpacked."""
    table = _compared().table()
    parts = [table.iloc[i : i + 5] for i in range(0, len(table), 5)]
    form = name.split(".")[1]
    Output(tmp_path / name, form, name.endswith(".gz")).write_tables(parts, QUIET)
    content = (tmp_path / name).read_bytes()
    content = gzip.decompress(content) if name.endswith(".gz") else content
    assert content == encode_table(table, form)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_parquet_written_in_parts_has_the_same_rows(tmp_path: Path) -> None:
    """Dates as dates."""
    pytest.importorskip("pyarrow")
    table = _compared().table()
    parts = [table.iloc[:5], table.iloc[5:6], table.iloc[6:]]
    Output(tmp_path / "next.parquet", "parquet").write_tables(parts, QUIET)
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "next.parquet"), table, check_dtype=False
    )
