"""Tables for people."""

import math
import os
import pty
import subprocess
import sys
import termios

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.display import progress_line, scores_table, text_table


def test_a_table_is_plain_text() -> None:
    """Words to the left, numbers with four digits to the right, a dash for what is not there."""
    rows = [("gru", 1.23456, 8001), ("naive", math.nan, None)]
    assert text_table(("model", "rmse", "parameters"), rows) == (
        "model   rmse  parameters\ngru    1.235  8001\nnaive      -  -"
    )


def test_a_table_without_rows_is_its_header() -> None:
    """As `runs list` prints where there is none."""
    assert text_table(("name", "status"), []) == "name  status"


@pytest.mark.parametrize("word", ["x" * 300, "[red]a[/red]", "a b", ":smile:"])
def test_a_table_keeps_every_word_as_it_is(word: str) -> None:
    """Nothing is wrapped, cut or read as markup: a name may be copied from it."""
    assert text_table(("name",), [(word,)]) == f"name\n{word}"


def test_scores_have_a_row_a_model_and_a_column_a_metric() -> None:
    """Over all series; those of single series are for programs."""
    rows = [
        (unique_id, split, model, metric, value + 10 * (unique_id is not None))
        for unique_id in (None, "a")
        for split in ("train", "test")
        for model, value in (("gru", 2.0), ("naive", 1.0))
        for metric in ("rmse", "mase")
    ]
    scores = pd.DataFrame(rows, columns=["unique_id", "split", "model", "metric", "value"])
    assert scores_table(scores) == (
        "split  model  rmse  mase\n"
        "train  gru       2     2\n"
        "train  naive     1     1\n"
        "test   gru       2     2\n"
        "test   naive     1     1"
    )


def test_metrics_of_some_models_alone_stand_in_a_table_of_their_own() -> None:
    """Only one of three has intervals: it is not worth a column of dashes for the others."""
    rows = [(None, "test", model, "rmse", 1.0) for model in ("gru", "naive", "naive2")]
    rows += [(None, "test", "gru", metric, 80.0) for metric in ("crps", "coverage_80", "width_80")]
    rows += [(None, "test", model, "owa", 0.5) for model in ("gru", "naive", "naive2")]
    scores = pd.DataFrame(rows, columns=["unique_id", "split", "model", "metric", "value"])
    assert scores_table(scores) == (
        "split  model   rmse  owa\n"
        "test   gru        1  0.5\n"
        "test   naive      1  0.5\n"
        "test   naive2     1  0.5\n"
        "\n"
        "split  model  crps  coverage_80  width_80\n"
        "test   gru      80           80        80"
    )


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (17, "2 %"),
        (18, "epoch 15/600   2 %"),
        (40, "epoch 15/600   2 %  ───────────  0:01:30"),
        (60, "epoch 15/600   2 %  ───────  loss 0.1, val_loss 0.2  0:01:30"),
        (999, f"epoch 15/600   2 %  ━{'─' * 39}  loss 0.1, val_loss 0.2  0:01:30"),
    ],
)
def test_progress_says_how_far_it_is_at_any_width(width: int, line: str) -> None:
    """The share stays; the epoch, the time, the losses and the bar come as there is room."""
    assert progress_line(width, 15, 600, "loss 0.1, val_loss 0.2", "0:01:30") == line


@given(st.integers(3, 200), st.integers(1, 10_000), st.floats(0, 1), st.text("ab ,", max_size=60))
def test_progress_is_never_wider_than_the_terminal(
    width: int, epochs: int, share: float, losses: str
) -> None:
    """And always has the share."""
    line = progress_line(width, share * epochs, epochs, losses, "0:00:01")
    assert len(line) <= max(width, 5)
    assert f"{int(100 * (share * epochs) / epochs)} %"[:width] in line


@pytest.mark.parametrize("columns", [10, 40, 100])
def test_progress_counts_the_epochs_of_the_config(columns: int) -> None:
    """Five networks that are 15 epochs far are at epoch 15, on a terminal of any width."""
    program = """
from forecast.console import Console
from forecast.display import epoch_progress
with epoch_progress(Console(), 600, 5) as advance:
    for _ in range(75):
        advance("loss 0.5")
"""
    terminal, its_end = pty.openpty()
    termios.tcsetwinsize(its_end, (24, columns))
    shell = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-c", program]
    subprocess.run(command, stderr=its_end, check=True, env=shell | {"TERM": "xterm"})
    os.close(its_end)
    shown = os.read(terminal, 100_000).decode()
    os.close(terminal)
    assert "2 %" in shown
    assert ("epoch 15/600" in shown) == (columns >= 18)
    assert "3000" not in shown
