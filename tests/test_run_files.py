"""The files of a run: what was written reads back as the same values, whatever it looks like."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.panel import Panel
from forecast.errors import MissingExtraError, RunError
from forecast.runs import DataRecord, Run, RunRecord, SeriesRecord, stage, tables
from forecast.runs.documents import (
    read_data,
    read_intervals,
    read_transforms,
    write_data,
    write_intervals,
    write_transforms,
)
from forecast.runs.keeping import problems, strangers
from forecast.runs.overall import overall_scores
from forecast.runs.tables import (
    read_context,
    read_forecasts,
    read_history,
    read_scores,
    write_context,
    write_forecasts,
    write_history,
    write_scores,
)
from forecast.runs.weights import read_weights, write_weights
from forecast.scoring.metrics import Scale
from forecast.scoring.scores import score

ODD = ["NA", "null", "nan", "", " ", "007", "1e5", '"', '""', ",", "a\nb", "\r", "é", "🦊", "None"]
IDS = st.lists(st.sampled_from(ODD) | st.text(), min_size=1, max_size=6, unique=True)
NUMBERS = st.floats(allow_infinity=False)
ZONES = st.sampled_from([None, "UTC", "UTC+05:30", "Europe/Berlin"])


def record(name: str = "one") -> RunRecord:
    return RunRecord(
        name=name,
        status="complete",
        created="2026-01-01T00:00:00+00:00",
        argv=[],
        versions={},
        model="gru",
        parameters=1,
        seconds={},
    )


def data_of(panel: Panel, zone: str | None) -> DataRecord:
    per_series = [
        SeriesRecord(unique_id=name, rows=3, first="2023-01-01", last="", test_begin="", scale=None)
        for name in panel.unique_ids
    ]
    return DataRecord(
        path="",
        sha256="",
        rows=len(panel.values),
        series=len(per_series),
        first="",
        last="",
        freq=panel.freq,
        timezone=zone,
        season_length=1,
        columns={},
        per_series=per_series,
    )


def panel_of(ids: list[str], zone: str | None, freq: str = "D") -> Panel:
    """Three rows a series, over a change of the clocks; the second was not observed."""
    begins: pd.DatetimeIndex | pd.Index[int] = pd.Index(range(len(ids)))
    if freq != "1":
        begins = pd.DatetimeIndex(["2023-10-28"] * len(ids)).as_unit("us").tz_localize(zone)
    values = np.tile([1.0, 1.5, 2.0], len(ids))
    observed = np.tile([True, False, True], len(ids))
    return Panel(tuple(ids), np.arange(len(ids) + 1) * 3, begins, values, observed, freq)


def forecasts_of(panel: Panel, numbers: list[float]) -> pd.DataFrame:
    ids = np.repeat(np.array(panel.unique_ids, dtype=object), 3)
    rows = np.arange(len(ids))
    return pd.DataFrame(
        {
            "unique_id": ids,
            "ds": panel.dates(rows),
            "cutoff": panel.dates(rows - 1),
            "step": 1,
            "model": "gru",
            "split": "test",
            "y": panel.truth,
            "y_hat": np.resize(numbers, len(ids)),
            "q0.1": np.resize(numbers, len(ids)),
        }
    )


@contextmanager
def a_folder() -> Iterator[Path]:
    """A new one for each example of a property."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


@given(IDS, ZONES, st.sampled_from(["D", "h", "1"]), st.lists(NUMBERS, min_size=1))
def test_every_file_gives_the_ids_back(
    ids: list[str], zone: str | None, freq: str, numbers: list[float]
) -> None:
    """Ids, dates in their zone, numbers to the last bit, and what is nothing."""
    zone = None if freq == "1" else zone
    panel = panel_of(ids, zone, freq)
    forecasts = forecasts_of(panel, numbers)
    whole: list[str | None] = [None, *ids]
    scores = pd.DataFrame(
        {
            "unique_id": np.array(whole, dtype=object),
            "split": "test",
            "model": "gru",
            "metric": "rmse",
            "value": np.resize(numbers, len(whole)),
        }
    )
    with a_folder() as folder:
        with stage(folder, "air") as staging:
            write_data(staging, data_of(panel, zone))
            write_context(staging, panel)
            write_forecasts(staging, forecasts)
            write_scores(staging, scores)
            run = staging.commit(record())
        assert [series.unique_id for series in read_data(run).per_series] == ids
        context, read = read_context(run), read_forecasts(run)
        assert context.unique_ids == panel.unique_ids
        assert (context.ds == panel.ds).all()
        assert context.ds.dtype == panel.ds.dtype
        np.testing.assert_array_equal(context.values, panel.values)
        np.testing.assert_array_equal(context.observed, panel.observed)
        pd.testing.assert_frame_equal(read, forecasts, check_exact=True, check_dtype=freq != "1")
        read = read_scores(run)
        pd.testing.assert_frame_equal(read, scores, check_exact=True)
        assert [None if pd.isna(name) else name for name in read["unique_id"]] == whole
        told = {} if np.isnan(numbers[0]) else {"rmse": numbers[0]}
        assert overall_scores(run, "test", "gru") == told


def test_scores_of_any_id_come_from_the_forecasts_that_were_read(tmp_path: Path) -> None:
    """What `evaluate` does: nobody is taken for the mean, and nobody is lost."""
    panel = panel_of(ODD, None)
    with stage(tmp_path, "air") as staging:
        write_data(staging, data_of(panel, None))
        write_forecasts(staging, forecasts_of(panel, [1.5]))
        run = staging.commit(record())
    scores = score(read_forecasts(run), dict.fromkeys(ODD, Scale(1.0, 1.0)))
    assert set(scores["unique_id"].dropna()) == {*ODD}
    assert scores["unique_id"].isna().any()


def test_an_empty_id_is_quoted_and_nothing_is_not(tmp_path: Path) -> None:
    """As the reference page says, for other programs."""
    scores = pd.DataFrame(
        {
            "unique_id": np.array([None, "", "a,b"], dtype=object),
            "split": "test",
            "model": "gru",
            "metric": "rmse",
            "value": [1.0, 2.0, np.nan],
        }
    )
    with stage(tmp_path, "air") as staging:
        write_scores(staging, scores)
        run = staging.commit(record())
    assert (run.path / "scores.csv").read_text() == (
        "unique_id,split,model,metric,value\n"
        ",test,gru,rmse,1.0\n"
        '"",test,gru,rmse,2.0\n'
        '"a,b",test,gru,rmse,\n'
    )


@pytest.fixture
def _long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every table be a very long one, of parts of a row or series each."""
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(tables, "_LONG", 0)
    monkeypatch.setattr(tables, "_PART", 1)


def _run(folder: Path, panel: Panel, zone: str | None) -> Run:
    with stage(folder, "air") as staging:
        write_data(staging, data_of(panel, zone))
        write_context(staging, panel)
        write_forecasts(staging, forecasts_of(panel, [1.5, np.nan]))
        write_scores(staging, _scores(panel))
        return staging.commit(record())


def _scores(panel: Panel) -> pd.DataFrame:
    names = np.array([None, *panel.unique_ids], dtype=object)
    scores = pd.DataFrame({"unique_id": names, "split": "test", "model": "gru"})
    return scores.assign(metric="rmse", value=np.arange(len(names), dtype=float))


@pytest.mark.usefixtures("_long")
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_tables_in_parquet_read_back(tmp_path: Path, zone: str | None) -> None:
    """The same values as from CSV, whatever series are called."""
    panel = panel_of(ODD, zone)
    run = _run(tmp_path, panel, zone)
    names = {path.name for path in run.path.iterdir()}
    assert {"scores.parquet", "forecasts.parquet", "context.parquet"} <= names
    assert not {"scores.csv", "forecasts.csv", "context.csv"} & names
    context = read_context(run)
    assert context.unique_ids == panel.unique_ids
    assert (context.ds == panel.ds).all()
    np.testing.assert_array_equal(context.values, panel.values)
    forecasts = forecasts_of(panel, [1.5, np.nan])
    pd.testing.assert_frame_equal(read_forecasts(run), forecasts, check_exact=True)
    scores = read_scores(run)
    assert [None if pd.isna(name) else name for name in scores["unique_id"]] == [None, *ODD]
    assert scores["value"].tolist() == _scores(panel)["value"].tolist()
    assert overall_scores(run, "test", "gru") == {"rmse": 0.0}
    assert problems(run) == []
    assert strangers(run) == []


@pytest.mark.usefixtures("_long")
@pytest.mark.parametrize(
    "damage",
    [
        lambda table: table.drop(columns="value"),
        lambda table: table.assign(value="much"),
        lambda table: table.assign(split=1),
        lambda table: b"PAR1 no more",
    ],
    ids=["lacks a column", "text for numbers", "numbers for text", "no table"],
)
def test_a_strange_table_in_parquet_is_a_damaged_run(
    tmp_path: Path, damage: Callable[[pd.DataFrame], pd.DataFrame | bytes]
) -> None:
    """It may come from elsewhere, with a checksum that fits."""
    with stage(tmp_path, "air") as staging:
        strange = damage(_scores(panel_of(["a"], None)))
        path = staging.path / "scores.parquet"
        if isinstance(strange, bytes):
            path.write_bytes(strange)
        else:
            strange.to_parquet(path)
        run = staging.commit(record())
    with pytest.raises(RunError, match=r"scores\.parquet is damaged"):
        read_scores(run)


@pytest.mark.usefixtures("_long")
def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run with such tables is whole, and needs what reads it; what is written then is CSV."""
    panel = panel_of(["a", "b"], None)
    run = _run(tmp_path, panel, None)
    monkeypatch.setattr("forecast.errors.find_spec", lambda module: None)
    for read in (read_scores, read_context, lambda run: overall_scores(run, "test", "gru")):
        with pytest.raises(MissingExtraError, match="pyarrow"):
            read(run)
    other = _run(tmp_path / "other", panel, None)
    assert (other.path / "scores.csv").is_file()
    assert read_context(other).unique_ids == ("a", "b")


@given(st.lists(st.floats(width=32, allow_infinity=False), min_size=1), st.integers(1, 3))
def test_history_weights_and_states_read_back(numbers: list[float], pipelines: int) -> None:
    """Arrays to the last bit; a loss that was not measured stays undefined."""
    history = pd.DataFrame(
        {
            "epoch": np.arange(1, len(numbers) + 1),
            "loss": numbers,
            "val_loss": np.nan,
            "learning_rate": 0.001,
            "seconds": 1e-5,
            "member": 0,
        }
    )
    weights = [np.array([[numbers] * (i + 1)], np.float32) for i in range(pipelines)]
    states: list[dict[str, object]] = [{"scale": [0.1, 1e-300], "shift": [0.0, -1.0]}, {"lag": 12}]
    with a_folder() as folder:
        with stage(folder, "air") as staging:
            write_history(staging, history)
            write_weights(staging, weights)
            write_transforms(staging, states)
            write_intervals(staging, {"errors": [[0.1, 0.2], []], "scales": [2.0]})
            run = staging.commit(record())
        read, told = read_history(run), history.drop(columns="seconds")
        pd.testing.assert_frame_equal(read, told, check_exact=True)
        for own, written in zip(read_weights(run, pipelines), weights, strict=True):
            np.testing.assert_array_equal(own, written)
        assert read_transforms(run) == states
        state = {"errors": [[0.1, 0.2], []], "scales": [2.0]}
        assert read_intervals(run, 1, of_quantiles=False) == state


def _run_of(folder: Path, name: str, content: bytes) -> Run:
    """A run with one file of this content, and the data that tables are read with."""
    panel = panel_of(["a"], None)
    with stage(folder, "air") as staging:
        write_data(staging, data_of(panel, None))
        staging.write(name, content)
        return staging.commit(record())


HEADER = b"unique_id,ds,cutoff,step,model,split,y,y_hat\n"
ROW = b"a,2023-01-02,2023-01-01,1,gru,test,1.0,1.0\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        HEADER,
        ROW,
        HEADER + b"a,b\n",
        HEADER + b'"' + ROW,
        HEADER + ROW.replace(b"2023-01-02", b"soon"),
        HEADER + ROW.replace(b"2023-01-02", b""),
        HEADER + ROW.replace(b",1,", b",first,"),
        HEADER + ROW.replace(b"1.0", b"one"),
        HEADER + b"b" + ROW[1:],
        HEADER.replace(b"y_hat", b"y") + ROW,
        b"\xff" + HEADER + ROW,
        HEADER + b"x" * 200_000 + ROW,
    ],
)
def test_a_table_of_another_shape_is_refused(tmp_path: Path, content: bytes) -> None:
    """The file is named."""
    run = _run_of(tmp_path, "forecasts.csv", content)
    with pytest.raises(RunError) as caught:
        read_forecasts(run)
    assert str(caught.value).startswith(f"{run.path / 'forecasts.csv'} is damaged: ")


def test_the_table_of_the_cases_before_is_none_of_them(tmp_path: Path) -> None:
    """So that they can fail."""
    assert len(read_forecasts(_run_of(tmp_path, "forecasts.csv", HEADER + ROW))) == 1


@pytest.mark.parametrize("content", [b"", b"unique_id,ds,y\n", b"unique_id,ds,y\nb,2023-01-01,1\n"])
def test_a_context_that_does_not_fit_the_data_is_refused(tmp_path: Path, content: bytes) -> None:
    """Other series, or none."""
    with pytest.raises(RunError, match=r"context\.csv is damaged: "):
        read_context(_run_of(tmp_path, "context.csv", content))


def test_a_context_with_a_hole_is_refused(tmp_path: Path) -> None:
    """Its dates are those of the frequency."""
    content = b"unique_id,ds,y\na,2023-01-01,1\na,2023-01-03,1\n"
    with pytest.raises(RunError, match=r"its dates are not steps of the frequency D"):
        read_context(_run_of(tmp_path, "context.csv", content))


@pytest.mark.parametrize("content", [b"", b"epoch,loss\n1,0.5\n", b"1\n"])
def test_a_history_of_another_shape_is_refused(tmp_path: Path, content: bytes) -> None:
    """The file is named."""
    with pytest.raises(RunError, match=r"history\.csv is damaged: "):
        read_history(_run_of(tmp_path, "history.csv", content))


@pytest.mark.parametrize("content", [b"", b"a\n", b"unique_id,split\n,test\n"])
def test_scores_of_another_shape_are_refused(tmp_path: Path, content: bytes) -> None:
    """By the list of runs too."""
    run = _run_of(tmp_path, "scores.csv", content)
    with pytest.raises(RunError, match=r"scores\.csv is damaged: "):
        read_scores(run)


@pytest.mark.parametrize(
    "change",
    [
        {"freq": "fortnight"},
        {"freq": "-1D"},
        {"timezone": ""},
        {"timezone": "Mars/Olympus"},
        {"per_series": []},
        {"per_series": [5]},
        {"season_length": 0},
        {"rows": "many"},
        {"columns": None},
    ],
    ids=str,
)
def test_data_that_can_not_be_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    """An unknown frequency, no series, numbers that are none."""
    data = data_of(panel_of(["a"], None), None).model_dump() | change
    run = _run_of(tmp_path, "data.json", json.dumps(data).encode())
    with pytest.raises(RunError, match=r"data\.json is damaged: "):
        read_data(run)


@pytest.mark.parametrize("content", [b"", b"[", b"{}", b"[5]", b"soon", b"[" * 200_000])
def test_transforms_that_are_no_states_are_refused(tmp_path: Path, content: bytes) -> None:
    """Also where they are nested without end."""
    with pytest.raises(RunError, match=r"transforms\.json is damaged: "):
        read_transforms(_run_of(tmp_path, "transforms.json", content))


@pytest.mark.parametrize(
    ("content", "of_quantiles"),
    [
        (b"[]", False),
        (b'{"errors": [], "scales": [1]}', False),
        (b'{"errors": [[1]], "scales": [1, 2]}', False),
        (b'{"errors": [["a"]], "scales": [1]}', False),
        (b'{"factors": {"a": [1]}}', True),
        (b'{"factors": {"2": [1]}}', True),
        (b'{"factors": {"0.1": [NaN]}}', True),
        (b'{"factors": {"0.1": [-1]}}', True),
        (b'{"factors": {"0.1": [1], "0.9": [1, 2]}}', True),
        (b'{"factors": 5}', True),
    ],
)
def test_intervals_of_another_shape_are_refused(
    tmp_path: Path, content: bytes, of_quantiles: bool
) -> None:
    """Of either kind of network."""
    run = _run_of(tmp_path, "intervals.json", content)
    with pytest.raises(RunError, match=r"intervals\.json is damaged: "):
        read_intervals(run, 1, of_quantiles=of_quantiles)


@pytest.mark.parametrize("content", [b"", b"weights", np.lib.format.MAGIC_PREFIX + b"\1\0"])
def test_weights_that_are_no_array_are_refused(tmp_path: Path, content: bytes) -> None:
    """A pickle is none."""
    with pytest.raises(RunError, match=r"weights\.npy is damaged: "):
        read_weights(_run_of(tmp_path, "weights.npy", content), 1)
