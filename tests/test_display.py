"""Tables for people."""

import math

import pandas as pd
import pytest

from forecast.display import scores_table, text_table


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
