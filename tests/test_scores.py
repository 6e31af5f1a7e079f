"""The long tables of forecasts and scores: every model on the same rows."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.forecasts import Forecasts
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.methods import BASELINES, Task, forecasts_of, named_methods
from forecast.scoring import metrics
from forecast.scoring.metrics import Scale
from forecast.scoring.scores import (
    better_baselines,
    overall,
    score,
    score_by_step,
)

ONE = Scale(1.0, 1.0)


class Oracle:
    """Knows the truth, and is sure of it to one above and two below."""

    name = "gru"

    def forecast(
        self, panel: Panel, cutoffs: IntArray, horizon: int, quantile_levels: Sequence[float] = ()
    ) -> Forecasts:
        y: FloatArray = panel.values[cutoffs[:, None] + np.arange(1, horizon + 1)]
        known = {0.1: y - 2, 0.5: y, 0.9: y + 1}
        return Forecasts(y, {level: known[level] for level in quantile_levels})


def _table(
    panel: Panel,
    cutoffs: IntArray,
    horizon: int,
    season_length: int,
    levels: Sequence[float] = (),
    beside: Sequence[str] = BASELINES,
) -> pd.DataFrame:
    methods = [Oracle(), *named_methods(beside, season_length)]
    return forecasts_of(methods, Task(panel, [("test", cutoffs)], horizon, levels))


def test_forecasts_stand_beside_the_baselines_and_the_truth(
    make_panel: Callable[..., Panel],
) -> None:
    """One row for each series, cutoff, step and model; empty where a baseline lacks rows."""
    panel = make_panel([[1.0, 2.0, 4.0, 8.0]])
    table = _table(panel, np.array([0, 1]), 2, 2)
    assert table.to_csv(index=False) == (
        "unique_id,ds,cutoff,step,model,split,y,y_hat\n"
        "a,2000-02-01,2000-01-01,1,gru,test,2.0,2.0\n"
        "a,2000-03-01,2000-01-01,2,gru,test,4.0,4.0\n"
        "a,2000-03-01,2000-02-01,1,gru,test,4.0,4.0\n"
        "a,2000-04-01,2000-02-01,2,gru,test,8.0,8.0\n"
        "a,2000-02-01,2000-01-01,1,naive,test,2.0,1.0\n"
        "a,2000-03-01,2000-01-01,2,naive,test,4.0,1.0\n"
        "a,2000-03-01,2000-02-01,1,naive,test,4.0,2.0\n"
        "a,2000-04-01,2000-02-01,2,naive,test,8.0,2.0\n"
        "a,2000-02-01,2000-01-01,1,seasonal_naive,test,2.0,\n"
        "a,2000-03-01,2000-01-01,2,seasonal_naive,test,4.0,1.0\n"
        "a,2000-03-01,2000-02-01,1,seasonal_naive,test,4.0,1.0\n"
        "a,2000-04-01,2000-02-01,2,seasonal_naive,test,8.0,2.0\n"
    )


def test_scores_are_long_first_over_all_series_and_then_by_series(
    make_panel: Callable[..., Panel],
) -> None:
    """The mean over the series has no `unique_id`."""
    panel = make_panel([[1.0, 2.0, 4.0], [10.0, 10.0, 20.0]])
    table = _table(panel, np.array([1, 4]), 1, 1)
    scores = score(table, {"a": Scale(2.0, 4.0), "b": Scale(5.0, 20.0)})
    assert list(scores.columns) == ["unique_id", "split", "model", "metric", "value"]
    naive = scores[(scores["model"] == "naive") & (scores["metric"].isin(["mae", "mase", "rmsse"]))]
    assert naive.to_csv(index=False) == (
        "unique_id,split,model,metric,value\n"
        ",test,naive,mae,6.0\n"
        ",test,naive,mase,1.5\n"
        ",test,naive,rmsse,0.5\n"
        "a,test,naive,mae,2.0\n"
        "a,test,naive,mase,1.0\n"
        "a,test,naive,rmsse,0.5\n"
        "b,test,naive,mae,10.0\n"
        "b,test,naive,mase,2.0\n"
        "b,test,naive,rmsse,0.5\n"
    )
    assert (scores.loc[scores["model"] == "gru", "value"] == 0).all()


@given(
    series=st.lists(
        st.lists(st.integers(-50, 50).map(float), min_size=6, max_size=14), min_size=1, max_size=3
    ),
    horizon=st.integers(1, 3),
    season_length=st.integers(1, 5),
)
def test_every_model_is_measured_on_the_same_rows(
    make_panel: Callable[..., Panel],
    series: list[list[float]],
    horizon: int,
    season_length: int,
) -> None:
    """A twin drops each row on which some model that forecasts at all has no forecast."""
    panel = make_panel(series)
    cutoffs = np.concatenate(
        [np.arange(b, e - horizon) for b, e in zip(panel.starts, panel.ends, strict=True)]
    )
    table = _table(panel, cutoffs, horizon, season_length)
    scores = score(table, dict.fromkeys(panel.unique_ids, ONE))
    rows: dict[tuple[object, ...], dict[str, tuple[float, float]]] = {}
    for row in table.to_dict("records"):
        key = (row["unique_id"], row["cutoff"], row["step"])
        rows.setdefault(key, {})[row["model"]] = (row["y"], row["y_hat"])
    able = {
        model
        for models in rows.values()
        for model, (_, y_hat) in models.items()
        if not math.isnan(y_hat)
    }
    kept = {
        key: models
        for key, models in rows.items()
        if not any(math.isnan(models[model][1]) for model in able)
    }
    assert set(scores["model"]) == (able if kept else set())
    for name in panel.unique_ids:
        for model in able:
            pairs = [models[model] for key, models in kept.items() if key[0] == name]
            own = scores[(scores["unique_id"] == name) & (scores["model"] == model)]
            assert len(own) == (len(metrics.NAMES) if pairs else 0)
            if pairs:
                y, y_hat = np.array(pairs).T
                mae = own.loc[own["metric"] == "mae", "value"].item()
                assert mae == pytest.approx(metrics.mae(y, y_hat, ONE))


def test_a_baseline_that_never_forecasts_is_left_out(make_panel: Callable[..., Panel]) -> None:
    """A season longer than the series takes no row from the others."""
    panel = make_panel([[1.0, 2.0, 4.0, 8.0]])
    scores = score(_table(panel, np.array([1, 2]), 1, 100), {"a": ONE})
    assert list(scores["model"].unique()) == ["gru", "naive"]
    assert overall(scores, "test").loc["naive", "mae"] == 3


def test_the_overall_table_has_a_row_a_model_and_a_column_a_metric(
    make_panel: Callable[..., Panel],
) -> None:
    """The model first, then the baselines."""
    panel = make_panel([[1.0, 2.0, 4.0, 8.0]])
    table = overall(score(_table(panel, np.array([1, 2]), 1, 2), {"a": ONE}), "test")
    assert list(table.index) == ["gru", *BASELINES]
    assert list(table.columns) == list(metrics.NAMES)


def test_owa_stands_in_the_scores_over_all_series_beside_naive2(
    make_panel: Callable[..., Panel],
) -> None:
    """The ratios are those of the means over the series; a single series has none."""
    panel = make_panel([[1.0, 2.0, 4.0, 8.0], [3.0, 3.0, 30.0, 5.0]])
    cutoffs = np.array([1, 2, 5, 6])
    table = _table(panel, cutoffs, 1, 2, levels=[0.1, 0.5, 0.9], beside=["naive2", "drift"])
    scores = score(table, {"a": Scale(2.0, 1.0), "b": Scale(5.0, 1.0)})
    assert scores["value"].dtype == float
    owa = scores[scores["metric"] == "owa"]
    assert owa["unique_id"].isna().all()
    assert owa["model"].tolist() == ["gru", "naive2", "drift"]
    assert owa["value"].tolist()[:2] == [0, 1]
    means = overall(scores, "test")
    ratios = means.loc["drift", ["smape", "mase"]] / means.loc["naive2", ["smape", "mase"]]
    assert owa["value"].tolist()[2] == pytest.approx(ratios.mean())
    without = score(table[table["model"] != "naive2"], {"a": ONE, "b": ONE})
    assert "owa" not in set(without["metric"])


def test_better_baselines_are_named_best_first() -> None:
    """By RMSE; an equal one is not better."""
    values = {"gru": 3.0, "naive": 2.0, "seasonal_naive": 1.0}
    rows = [(None, "test", model, "rmse", value) for model, value in values.items()]
    scores = pd.DataFrame(rows, columns=["unique_id", "split", "model", "metric", "value"])
    assert list(better_baselines(scores, "test", "gru").index) == ["seasonal_naive", "naive"]
    assert list(better_baselines(scores, "test", "naive").index) == ["seasonal_naive"]
    assert list(better_baselines(scores, "test", "seasonal_naive").index) == []


def test_quantiles_are_scored_for_the_model_that_has_them(
    make_panel: Callable[..., Panel],
) -> None:
    """CRPS, and for each pair of levels the share that lies between them and their distance."""
    panel = make_panel([[1.0, 2.0, 4.0, 8.0]])
    table = _table(panel, np.array([1, 2]), 1, 2, levels=[0.1, 0.5, 0.9])
    assert list(table.columns)[-3:] == ["q0.1", "q0.5", "q0.9"]
    scores = score(table, {"a": ONE})
    whole = overall(scores, "test")
    assert list(whole) == [*metrics.NAMES, "crps", "coverage_80", "width_80"]
    assert whole.loc["gru", "coverage_80"] == 100
    assert whole["coverage_80"].isna().tolist() == [False, True, True]
    own = scores[scores["unique_id"].notna()]
    of_model = own[own["model"] == "gru"].set_index("metric")["value"]
    assert list(of_model.index) == [*metrics.NAMES, "crps", "coverage_80", "width_80"]
    assert of_model["crps"] == pytest.approx((2 * 0.1 * 2 + 0 + 2 * 0.1 * 1) / 3)
    assert (of_model["coverage_80"], of_model["width_80"]) == (100, 3)
    assert list(own.loc[own["model"] == "naive", "metric"]) == list(metrics.NAMES)


def test_a_value_that_was_not_observed_is_not_scored(make_panel: Callable[..., Panel]) -> None:
    """Nor what follows a cutoff in a gap: the gap was interpolated towards it."""
    panel = make_panel([[1.0, 2.0, 4.0, 8.0, 9.0]])
    panel = replace(panel, observed=np.array([True, True, False, True, True]))
    table = _table(panel, np.array([1, 2, 3]), 1, 1)
    assert table["y"].isna().sum() == 2 * len(table) / 3
    naive = overall(score(table, {"a": ONE}), "test").loc["naive"]
    assert naive["mae"] == 1


def test_scores_by_step_are_over_all_series(make_panel: Callable[..., Panel]) -> None:
    """RMSE and MAE of every model at each step of the horizon."""
    panel = make_panel([[0.0, 1.0, 3.0], [0.0, 7.0, 4.0]])
    steps = score_by_step(_table(panel, np.array([0, 3]), 2, 100))
    naive = steps[steps["model"] == "naive"].set_index(["metric", "step"])["value"]
    assert naive["mae"].to_dict() == {1: 4, 2: 3.5}
    assert naive["rmse"].to_dict() == {1: 5, 2: pytest.approx(12.5**0.5)}
    assert (steps.loc[steps["model"] == "gru", "value"] == 0).all()
