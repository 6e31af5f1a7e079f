"""Targets that are forecast together: one network sees all of them, and forecasts each."""

import json
import re
import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter

from forecast.commands.export import export
from forecast.config.data import DataOptions
from forecast.config.models import ModelOptions
from forecast.config.schema import EnsembleOptions, FeaturesOptions, WindowOptions
from forecast.data.calendar import iso
from forecast.data.columns import target_of_series
from forecast.data.joint import by_target, first_of, joint_panel, without_hindsight
from forecast.data.panel import Panel
from forecast.data.table import Reading, Table
from forecast.errors import DataError, RunError
from forecast.jobs.opened_network import OpenedNetwork
from forecast.jobs.opening import open_network
from forecast.methods.network import OnnxPredictor
from forecast.methods.recursion import Recursion
from forecast.networks import Architecture
from forecast.runs import find_run
from forecast.training import CompiledForward, KerasPredictor
from forecast.training import export as export_network
from forecast.training.program import Targets
from forecast.windows import Columns, Inputs, Sizes, gather, side_by_side

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning", "ignore:.*np.object:FutureWarning"
)

Cli = Callable[..., CompletedProcess[str]]
MODEL: TypeAdapter[ModelOptions] = TypeAdapter(ModelOptions)

# --- the network ---------------------------------------------------------------------------------

RICH = Sizes(past=1, known=2, static=1, rolling_means=1, lags=2, targets=3)
WINDOW = {"context_length": 8, "horizon": 3}
MASKED = {**WINDOW, "normalize": "standard", "residual_of": "seasonal_mean", "padding": "mask"}
OWN = {"kind": "own_networks:connect", "folder": str(Path(__file__).parent)}
NETWORKS: dict[str, tuple[dict[str, Any], dict[str, Any], Sizes]] = {
    "gru": ({"units": 3, "linear": True}, MASKED, RICH),
    "quantiles": ({"units": 3, "quantiles": [0.1, 0.5, 0.9]}, MASKED, RICH),
    "quantiles alone": ({"units": 3, "quantiles": [0.1, 0.5]}, WINDOW, Sizes(targets=2)),
    "local": ({"units": 3, "scope": "local"}, MASKED, RICH),
    "mlp": ({"kind": "mlp", "layers": [4]}, {**WINDOW, "normalize": "last"}, Sizes(targets=2)),
    "dlinear": ({"kind": "dlinear"}, {**WINDOW, "residual_of": "last"}, Sizes(targets=2)),
    "nhits": ({"kind": "nhits", "layers": [4]}, MASKED, RICH),
    "nhits alone": ({"kind": "nhits", "layers": [4]}, WINDOW, Sizes(targets=2)),
    "seq2seq": ({"kind": "seq2seq", "units": 3}, WINDOW, Sizes(targets=2)),
    "tcn": ({"kind": "tcn", "filters": 3}, WINDOW, Sizes(targets=2)),
    "own": (OWN, WINDOW, Sizes(targets=2)),
}


def _network(model: dict[str, Any], window: dict[str, Any], sizes: Sizes) -> Architecture:
    options = MODEL.validate_python(model)
    return Architecture(options, WindowOptions.model_validate(window), 4, sizes)


def _inputs(network: Architecture, front: tuple[int, ...], random: np.random.Generator) -> Inputs:
    parts = {
        name: random.normal(size=(*front, *shape)).astype(np.float32)
        for name, shape in network.input_shapes().items()
    }
    if "present" in parts:
        there = (np.arange(8) >= 2).astype(np.float32)[:, None]
        parts["past"] *= there
        parts["present"] = np.broadcast_to(there, parts["present"].shape)
    return Inputs(**parts)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_kind_gives_each_target_a_forecast_and_is_exported(name: str, tmp_path: Path) -> None:
    """For members, in Keras and as ONNX the same, with an axis of targets behind the steps."""
    network, random = _network(*NETWORKS[name]), np.random.default_rng(0)
    series = (2,) if network.is_local else ()
    weights = random.normal(0, 0.3, (*(series or (1,)), 2, network.parameters)).astype(np.float32)
    inputs, options = _inputs(network, (*series, 5), random), EnsembleOptions(size=2)
    export_network(network, {"model": weights}, options, tmp_path)
    exported = OnnxPredictor(tmp_path / "model.onnx").predict(inputs)
    quantiles = (len(network.quantiles),) if network.quantiles else ()
    assert exported.shape == (*series, 5, 3, network.sizes.targets, *quantiles)
    in_memory = KerasPredictor(CompiledForward(network), weights, options).predict(inputs)
    np.testing.assert_allclose(exported, in_memory, atol=1e-5)
    if not series:
        members = [network.model(row) for row in weights[0]]
        named = inputs.named if len(inputs.named) > 1 else inputs.past
        by_keras = np.mean([np.asarray(model(named)) for model in members], axis=0)
        np.testing.assert_allclose(exported, by_keras, atol=1e-5)


def test_a_window_has_a_level_of_each_target() -> None:
    """What is added to one target is added to its own forecast, and changes no other."""
    sizes = Sizes(rolling_means=1, lags=1, targets=2)
    network = _network({"units": 3}, {**WINDOW, "normalize": "mean", "residual_of": "last"}, sizes)
    random = np.random.default_rng(0)
    weights = random.normal(0, 0.5, (1, network.parameters)).astype(np.float32)
    inputs = _inputs(network, (1, 5), random)
    added = np.array([5, -3], np.float32)
    moved = inputs._replace(past=inputs.past + np.tile(added, 3), future=inputs.future + added)
    forward = CompiledForward(network)
    np.testing.assert_allclose(
        forward.forecasts(weights, moved), forward.forecasts(weights, inputs) + added, atol=1e-5
    )


def test_the_targets_of_a_row_stand_side_by_side() -> None:
    """A window of several targets has what the windows of each alone have, masked or not."""
    random, rows = np.random.default_rng(0), 30
    values, means = random.normal(size=(2, rows)), random.normal(size=(2, rows, 2))
    known, cutoffs = random.normal(size=(rows, 1)), np.array([3, 9, 25])
    starts = np.array([0, 0, 20])
    for is_masked in (False, True):

        def seen(own: np.ndarray, means: np.ndarray, *, is_masked: bool = is_masked) -> Inputs:
            columns = Columns(own, known=known, rolling_means=means)
            return gather(
                np, columns, cutoffs, 6, horizon=2, lags=(4, 7), starts=starts, season_length=3,
                is_masked=is_masked, there=np.array([True, False, True]),
            )  # fmt: skip

        each = [seen(*own) for own in zip(values, means, strict=True)]
        joint = seen(side_by_side(values.ravel(), 2), side_by_side(means.reshape(-1, 2), 2))
        on_scale = np.stack([own.past[..., :5] for own in each], axis=-1).reshape(3, 6, 10)
        np.testing.assert_array_equal(joint.past[..., :10], on_scale)
        np.testing.assert_array_equal(joint.past[..., 10:], each[0].past[..., 5:])
        lags = np.stack([own.future[..., :2] for own in each], axis=-1).reshape(3, 2, 4)
        np.testing.assert_array_equal(joint.future[..., :4], lags)
        np.testing.assert_array_equal(joint.future[..., 4:], each[0].future[..., 2:])
        if is_masked:
            np.testing.assert_array_equal(joint.present, each[0].present)


def test_beyond_the_horizon_every_target_goes_on_from_its_own_forecasts() -> None:
    """Values, lags and rolling means of each, as of a target alone."""
    features = FeaturesOptions(lags=(2, 3), rolling_means=(2, 4))
    random, sizes = np.random.default_rng(0), Sizes(known=1, rolling_means=2, lags=2)
    pasts, behind = random.normal(size=(2, 3, 5, 6)), random.normal(size=(2, 3, 4))
    futures, forecasts = random.normal(size=(2, 3, 6, 3)), random.normal(size=(2, 3, 6))
    pasts[1, ..., 5], futures[1, ..., 2] = pasts[0, ..., 5], futures[0, ..., 2]  # what is known

    def together(parts: np.ndarray, on_scale: int) -> np.ndarray:
        own = np.moveaxis(parts[..., :on_scale], 0, -1)
        own = own.reshape(*own.shape[:2], -1)
        return np.concatenate([own, parts[0, ..., on_scale:]], axis=-1)

    def seen(inputs: Inputs, behind: np.ndarray, forecasts: np.ndarray) -> list[Inputs]:
        """Of each call; behind and forecasts have the targets at the end."""
        own = sizes._replace(targets=forecasts.shape[-1])
        recursion, found = Recursion.begin(inputs, behind, 6, features, own), []
        for steps, called in recursion.calls(2):
            found.append(called.map(np.copy))
            recursion.write(steps, forecasts[:, steps])
        return found

    joint = seen(
        Inputs(together(pasts, 5), together(futures, 2)),
        np.moveaxis(behind, 0, -1),
        np.moveaxis(forecasts, 0, -1),
    )
    each = [
        seen(Inputs(pasts[i], futures[i]), behind[i, ..., None], forecasts[i, ..., None])
        for i in range(2)
    ]
    for whole, *parts in zip(joint, *each, strict=True):
        np.testing.assert_allclose(whole.past, together(np.stack([p.past for p in parts]), 5))
        np.testing.assert_allclose(whole.future, together(np.stack([p.future for p in parts]), 2))


def test_what_was_not_observed_of_one_target_is_left_out_of_the_loss() -> None:
    """And of it alone: the mean is over all other values of the window."""
    losses = np.arange(12.0).reshape(1, 1, 3, 2, 2)
    observed = np.ones((1, 1, 3, 2))
    assert np.asarray(Targets(observed).mean(losses)) == pytest.approx(5.5)
    observed[0, 0, 1:, 1] = 0
    kept = [0.5, 2.5, 4.5, 8.5]
    assert np.asarray(Targets(observed, observed).mean(losses)) == pytest.approx(np.mean(kept))


# --- the rows ------------------------------------------------------------------------------------

OPTIONS = DataOptions(path="x.csv", time="ds", target=("a", "b"), id="shop", missing="mask")


def _table(series: dict[str, tuple[str, list[float]]], empty: tuple[str, ...] = ()) -> Table:
    """A table of series, each with its first date and its values; NaN was not observed."""
    values = np.concatenate([own for _, own in series.values()])
    panel = Panel(
        tuple(series),
        np.concatenate([[0], np.cumsum([len(own) for _, own in series.values()])]),
        pd.DatetimeIndex([begin for begin, _ in series.values()]).as_unit("us"),
        np.nan_to_num(values, nan=-1.0),
        np.isfinite(values),
        "D",
    )
    return Table(panel, "", Reading(empty=empty))


UNLIKE = {
    "n/a": ("2024-01-01", [1.0, 2, np.nan, 4, 5]),
    "s/a": ("2024-01-02", [1.0, 2, 3]),
    "n/b": ("2024-01-03", [7.0, 8]),
    "s/b": ("2024-01-02", [4.0, 5, 6]),
}


def test_a_group_has_the_dates_that_any_of_its_targets_has() -> None:
    """And then those from which on all have a value; what lacks is the value before."""
    panel = joint_panel(_table(UNLIKE), OPTIONS)
    assert np.diff(panel.offsets).tolist() == [5, 3, 5, 3]
    assert panel.begins[2] == panel.begins[0]
    whole = without_hindsight(panel, 2)
    assert np.diff(whole.offsets).tolist() == [3, 3, 3, 3]
    assert whole.values.tolist() == [2, 4, 5, 1, 2, 3, 7, 8, 8, 4, 5, 6]
    assert whole.observed.tolist() == [False, True, True, *[True] * 5, False, *[True] * 3]
    assert iso(whole.begins) == [
        "2024-01-03", "2024-01-02", "2024-01-03", "2024-01-02",
    ]  # fmt: skip
    assert first_of(whole, 2).unique_ids == ("n/a", "s/a")


def test_zeros_at_the_end_are_values_where_nothing_is() -> None:
    """With `data.missing: zero`, as between other values."""
    options = OPTIONS.model_copy(update={"missing": "zero"})
    series = {"n/a": ("2024-01-01", [1.0, 2, 3]), "n/b": ("2024-01-01", [4.0])}
    panel = without_hindsight(joint_panel(_table(series), options), 2)
    assert panel.values.tolist() == [1, 2, 3, 4, 0, 0]
    assert panel.observed.all()


def test_a_target_that_lacks_is_refused() -> None:
    """One without a value in its group, one that ends early, and one that never meets the other."""
    strict = OPTIONS.model_copy(update={"missing": "error"})
    alone = _table({name: UNLIKE[name] for name in ("n/a", "s/a", "n/b")}, ("s/b", "e/a", "e/b"))
    with pytest.raises(DataError, match=r"^s/b has no value, and others of the same rows have"):
        joint_panel(alone, strict)
    whole = joint_panel(alone, OPTIONS)
    assert whole.unique_ids == ("n/a", "s/a", "n/b", "s/b")
    assert not whole.observed[whole.starts[3] :].any()
    with pytest.raises(DataError, match=r"^s/b has no value, and is forecast together"):
        without_hindsight(whole, 2)
    with pytest.raises(DataError) as caught:
        joint_panel(_table(UNLIKE), strict)
    assert str(caught.value).startswith("n/b has no value on 2024-01-05, where n/a has.\n")
    apart = {"n/a": ("2024-01-01", [np.nan, np.nan]), "n/b": ("2024-01-01", [1.0, 2.0])}
    with pytest.raises(DataError, match=r"^n/a has no value"):
        without_hindsight(joint_panel(_table(apart), OPTIONS), 2)
    with pytest.raises(ValueError, match="other dates"):
        without_hindsight(_table(UNLIKE).panel, 2)


def test_new_groups_stand_behind_the_own_ones_of_each_target() -> None:
    """As the rows of a joint panel have to."""
    series = {name: ("2024-01-01", [1.0]) for name in ("n/a", "n/b", "s/a", "w/a", "s/b", "w/b")}
    panel = _table(series).panel
    order = by_target(2, panel, 2)
    assert panel.in_order(order).unique_ids == ("n/a", "s/a", "w/a", "n/b", "s/b", "w/b")


def test_the_target_of_a_series_is_told_by_its_name() -> None:
    """Of the longest that fits, where one ends as another does."""
    options = OPTIONS.model_copy(update={"target": ("b", "a/b")})
    assert target_of_series("shop/a/b", options) == ("shop", "a/b")
    assert target_of_series("a/b", options.model_copy(update={"id": None})) == ("", "a/b")
    assert target_of_series("strange", options) == ("", "strange")


# --- the command line ----------------------------------------------------------------------------

PLANTED = """\
data: {path: planted.csv, time: day, target: [a, b], season_length: 7}
split: {test: 60}
transforms: [standard]
window: {context_length: 4}
model: {kind: mlp, layers: [16], dropout: 0}
training: {epochs: 20, learning_rate: 0.01}
"""
SHOPS = """\
data:
  path: shops.csv
  time: day
  id: shop
  target: [a, b]
  missing: mask
  season_length: 7
  covariates: {past: [rain], known: [price], static: [region]}
split: {test: 20}
features: {calendar: [day_of_week], lags: [3], rolling_means: [3]}
transforms: [standard]
window: {context_length: 6, horizon: 2, normalize: mean}
model: {units: 4, dropout: 0, joint: true}
intervals: {quantile_levels: [0.2, 0.8], n_windows: 5}
training: {epochs: 2, ensemble: {size: 1, transforms: [[minmax, difference]]}}
predict: {horizon: 5}
"""
DAYS = 90


def _planted() -> pd.DataFrame:
    """Noise in `a`, and in `b` what `a` was a day before."""
    a = np.random.default_rng(0).normal(size=301)
    days = pd.date_range("2024-01-01", periods=300)
    return pd.DataFrame({"day": days, "a": 10 + a[1:], "b": 50 + 3 * a[:-1]})


def _shops() -> pd.DataFrame:
    """Three shops: in `b` of the first is a gap, the last is short; later prices are known."""
    random, tables = np.random.default_rng(0), []
    for shop, rows in {"ann": DAYS, "bob": DAYS, "new": 4}.items():
        days = pd.date_range("2024-01-01", periods=DAYS + 6)[DAYS - rows :]
        numbers = random.normal(size=(len(days), 4)).round(3)
        own = pd.DataFrame(numbers, columns=["a", "b", "rain", "price"]).assign(day=days, shop=shop)
        own.loc[own.index[rows:], ["a", "b", "rain"]] = np.nan
        tables.append(own.assign(region="north" if shop == "ann" else "south"))
    tables[0].loc[20:24, "b"] = np.nan
    tables[1].loc[DAYS - 2 :, "a"] = np.nan
    return pd.concat(tables)


@pytest.fixture(scope="module")
def folder(once: Callable[..., list[CompletedProcess[str]]], cli_in: Cli) -> Path:
    """Runs of planted targets, apart and jointly, and one with all that a config has."""

    def train(folder: Path) -> list[CompletedProcess[str]]:
        _planted().to_csv(folder / "planted.csv", index=False)
        _shops().to_csv(folder / "shops.csv", index=False)
        (folder / "planted.yaml").write_text(PLANTED)
        (folder / "shops.yaml").write_text(SHOPS)
        runs = {"apart": ("planted", "false"), "joint": ("planted", "true")}
        runs["shops"] = ("shops", "true")
        return [
            cli_in(
                "train", "--config", f"{config}.yaml", "--name", name, "--set",
                f"model.joint={joint}", cwd=folder,
            )
            for name, (config, joint) in runs.items()
        ]  # fmt: skip

    results = once("joint", train)
    assert not any(result.returncode for result in results), results
    return Path(str(results[0].args))


@pytest.fixture(scope="module")
def shops(folder: Path) -> OpenedNetwork:
    """The run of shops, opened."""
    return open_network(find_run(folder / "runs", "shops"))


def _scores(result: CompletedProcess[str]) -> dict[str, float]:
    assert result.returncode == 0, result.stderr
    return {
        f"{row['target']} {row['model']}": row["value"]
        for row in json.loads(result.stdout)["targets"]
        if (row["split"], row["metric"]) == ("test", "rmse")
    }


def test_a_target_that_follows_another_is_forecast_by_it(folder: Path, cli_in: Cli) -> None:
    """What no past of its own tells, the past of the other does; noise stays noise."""
    apart, joint = (
        _scores(cli_in("runs", "show", name, "--format", "json", cwd=folder))
        for name in ("apart", "joint")
    )
    assert set(joint) == {f"{t} {m}" for t in "ab" for m in ("mlp", "naive", "seasonal_naive")}
    assert joint["b mlp"] < 0.25 * apart["b mlp"]
    assert joint["a mlp"] > 0.8 * apart["a mlp"]


def test_the_scores_of_each_target_are_shown(folder: Path, cli_in: Cli) -> None:
    """Where they are several, below those over all."""
    for words in (("runs", "show", "joint"), ("evaluate", "joint")):
        shown = cli_in(*words, cwd=folder).stdout
        assert re.search(r"\n\ntarget  model +rmse .*\na +mlp .*\na +naive ", shown)
    shown = cli_in("evaluate", "shops", "--input", "shops.csv", cwd=folder).stdout
    assert re.search(r"\n\ntarget  model +rmse +mae .*\na +gru ", shown)


def test_a_window_of_all_targets_counts_once(folder: Path, cli_in: Cli) -> None:
    """As a batch does."""
    words = ("check", "--config", "planted.yaml", "--format", "json", "--set", "model.joint=true")
    assert json.loads(cli_in(*words, cwd=folder).stdout)["windows"] == {"train": 236, "test": 60}


def test_lags_of_each_target_are_explained(folder: Path, cli_in: Cli) -> None:
    """The one that the other follows comes first."""
    result = cli_in("explain", "joint", "--format", "json", cwd=folder)
    assert result.returncode == 0, result.stderr
    features = [row["feature"] for row in json.loads(result.stdout)]
    assert features[0] == "a lag 1"
    assert set(features) == {f"{target} lag {lag}" for target in "ab" for lag in (1, 2, 3, 4)}
    result = cli_in("explain", "shops", "--format", "json", "--repeats", "1", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert {"features.lags 3", "features.rolling_means 3", "rain", "b lag 1"} <= {
        row["feature"] for row in json.loads(result.stdout)
    }


def test_one_forecast_of_several_targets_is_not_taken_apart(folder: Path, cli_in: Cli) -> None:
    """Which is said."""
    result = cli_in("explain", "joint", "--method", "integrated_gradients", cwd=folder)
    assert (result.returncode, result.stdout) == (2, "")
    assert "Say --method permutation." in result.stderr


def test_a_forecast_does_not_depend_on_what_else_is_asked_for(shops: OpenedNetwork) -> None:
    """Of one target, of some cutoffs, in any order: each is that of all."""
    panel = shops.known.of(np.isin(shops.known.unique_ids, shops.fitted))
    every = np.concatenate([panel.ends - 1, panel.ends - 3])
    whole = shops.network.forecast(panel, every, 5, (0.2,))
    for rows in ([5], [7, 0, 2], [3, 1, 6]):
        part = shops.network.forecast(panel, every[rows], 5, (0.2,))
        np.testing.assert_allclose(part.y_hat, whole.y_hat[rows], rtol=1e-5)
        np.testing.assert_allclose(part.quantiles[0.2], whole.quantiles[0.2][rows], rtol=1e-5)


def test_nothing_after_a_cutoff_is_seen_of_any_target(shops: OpenedNetwork) -> None:
    """Neither later values of the other targets nor, in a gap, the value behind it."""
    panel = shops.known.of(np.isin(shops.known.unique_ids, shops.fitted))
    observed, groups = panel.observed.copy(), len(panel.unique_ids) // 2
    gap = panel.ends[groups] - np.array([5, 4, 3])  # of `b` of the first shop
    observed[gap] = False
    cutoffs = panel.ends[[0, groups]] - 4
    seen = []
    for later in (0.0, 1000.0):
        values = panel.values.copy()
        for place in (0, groups):
            values[panel.ends[place] - 3 : panel.ends[place]] += later
        own = without_hindsight(replace(panel, values=values, observed=observed), 2)
        seen.append(shops.network.forecast(own, cutoffs, 2).y_hat)
    np.testing.assert_array_equal(seen[0], seen[1])


def test_a_target_is_seen_by_the_forecasts_of_the_other(folder: Path) -> None:
    """Another value of `a` moves the forecast of `b`."""
    opened = open_network(find_run(folder / "runs", "joint"))
    last = opened.known.ends - 1
    values = opened.known.values.copy()
    values[last[0]] += 1
    before, after = (
        opened.network.forecast(panel, last, 1).y_hat[:, 0]
        for panel in (opened.known, opened.known.with_values(values))
    )
    assert after[1] - before[1] == pytest.approx(3, abs=0.5)


def test_series_of_other_groups_are_forecast_too(folder: Path, cli_in: Cli) -> None:
    """Those that are too short by a fallback, and new ones on scales of their own."""
    own = cli_in("predict", "shops", "--format", "jsonl", cwd=folder)
    assert own.returncode == 0, own.stderr
    rows = [json.loads(line) for line in own.stdout.splitlines()]
    assert [row["unique_id"] for row in rows[::5]] == [
        "ann/a", "bob/a", "new/a", "ann/b", "bob/b", "new/b",
    ]  # fmt: skip
    assert all((row["q0.2"] is None) == row["unique_id"].startswith("new") for row in rows)
    table = _shops()
    table = pd.concat([table, table[table["shop"] == "ann"].assign(shop="west")])
    words = ("predict", "shops", "--input", "-", "--format", "jsonl")
    newer = cli_in(*words, cwd=folder, stdin=table.to_csv(index=False))
    assert newer.returncode == 0, newer.stderr
    again = {
        (row["unique_id"], row["step"]): row for row in map(json.loads, newer.stdout.splitlines())
    }
    for row in rows:
        assert again[row["unique_id"], row["step"]]["y_hat"] == pytest.approx(row["y_hat"])
    assert again["west/b", 5]["y_hat"] == pytest.approx(again["ann/b", 5]["y_hat"], rel=0.5)


def test_newer_rows_may_lack_a_target(folder: Path, cli_in: Cli) -> None:
    """What is seen of it is the last value that the run has; the other still moves its forecast."""
    table = _shops()
    newer = table[(table["shop"] == "ann")].iloc[DAYS - 3 :].assign(b=np.nan)
    words = ("predict", "shops", "--input", "-", "--horizon", "2", "--format", "jsonl")
    found = []
    for added in (0, 2):
        moved = newer.assign(a=newer["a"] + added).to_csv(index=False)
        result = cli_in(*words, cwd=folder, stdin=moved)
        assert result.returncode == 0, result.stderr
        rows = [json.loads(line) for line in result.stdout.splitlines()]
        found.append([row["y_hat"] for row in rows if row["unique_id"] == "ann/b"])
    assert found[0] != found[1]


def test_other_commands_take_a_joint_run(folder: Path, cli_in: Cli) -> None:
    """Anomalies, gates, gradients, backtests, and a training that goes on."""
    for words in (
        ("detect", "shops", "--level", "0.8"),
        ("detect", "shops", "--level", "0.8", "--input", "shops.csv"),
        ("inspect", "gates", "shops", "--series", "bob/b"),
        ("inspect", "gradients", "shops"),
        ("plot", "shops", "forecast", "--output", "forecast.png"),
        ("backtest", "--config", "shops.yaml", "--windows", "2", "--refit"),
        ("train", "--config", "shops.yaml", "--from", "shops", "--set", "training.epochs=1"),
    ):
        result = cli_in(*words, cwd=folder)
        assert result.returncode == 0, result.stderr


def test_each_id_may_have_a_network_for_its_targets(folder: Path, cli_in: Cli) -> None:
    """Which sees those of that id; a training goes on with the network of each."""
    local = ("train", "--config", "shops.yaml", "--set", "model.scope=local")
    first = cli_in(*local, "--name", "local", cwd=folder)
    assert first.returncode == 0, first.stderr
    assert len(np.load(folder / "runs/local/weights.npy")) == 2
    again = cli_in(*local, "--from", "local", "--set", "training.epochs=1", cwd=folder)
    assert again.returncode == 0, again.stderr
    gates = cli_in("inspect", "gates", "local", "--series", "bob/b", cwd=folder)
    assert gates.returncode == 0, gates.stderr
    forecast = cli_in("predict", "local", "--input", "shops.csv", cwd=folder)
    assert forecast.returncode == 0, forecast.stderr


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("format", ["onnx", "keras"])
def test_the_readme_beside_an_export_forecasts_all_targets(
    shops: OpenedNetwork,
    format: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its code prints what the example and the run say of each."""
    export(shops, format, tmp_path / "out")
    monkeypatch.chdir(tmp_path / "out")
    page = Path("README.md").read_text()
    assert "| `past` | `(windows, 6, 15)` | the last steps, oldest first: `a`, `b`, each on" in page
    assert "The output is `(windows, 2, 2)`: the forecast of each step and target, in the" in page
    example = json.loads(Path("example.json").read_text())
    assert example["unique_id"] == ["ann/a", "ann/b"]
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    Path("read.py").write_text(code)
    runpy.run_path("read.py")
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [words[:2] for words in printed] == [
        [name, ds] for name in example["unique_id"] for ds in example["forecast_ds"]
    ]
    numbers = [float(words[2]) for words in printed]
    np.testing.assert_allclose(numbers, np.ravel(example["forecast"]), rtol=1e-4)


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        (("data.target=a",), 3, "`model.joint` forecasts several targets together, and `data.targ"),
        (("data.missing=interpolate",), 3, "`data.missing: interpolate` draws a line towards a "),
        (("data.missing=error", "data.path=late.csv"), 4, "b has no value on 2024-10-26, where a"),
    ],
)
def test_what_can_not_be_forecast_together_is_told(
    folder: Path, cli_in: Cli, settings: tuple[str, ...], code: int, message: str
) -> None:
    """With the way out, before anything is trained."""
    table = _planted()
    table.loc[table.index[-1], "b"] = np.nan
    table.to_csv(folder / "late.csv", index=False)
    words = [word for setting in ("model.joint=true", *settings) for word in ("--set", setting)]
    result = cli_in("check", "--config", "planted.yaml", *words, cwd=folder)
    assert result.returncode == code
    assert message in result.stderr


def test_networks_of_other_targets_are_not_gone_on_from(folder: Path, cli_in: Cli) -> None:
    """The order of the targets is that of the network's inputs."""
    words = ("train", "--config", "planted.yaml", "--from", "joint", "--set", "split.test=40")
    for setting in ("model.joint=false", "data.target=[b, a]"):
        sets = ("--set", "model.joint=true", "--set", setting)
        result = cli_in(*words, *sets, cwd=folder)
        assert result.returncode == 3
        assert setting.partition("=")[0] in result.stderr


def test_a_context_whose_targets_have_other_rows_is_damaged(folder: Path, tmp_path: Path) -> None:
    """A run that somebody edited is told from one that is whole."""
    run = find_run(folder / "runs", "joint")
    context = run.text("context.csv").splitlines(keepends=True)
    (tmp_path / "context.csv").write_text("".join(context[:1] + context[2:]))

    class Edited:
        """The run with another context."""

        def __getattr__(self, name: str) -> Any:
            return getattr(run, name)

        def text(self, name: str) -> str:
            """Of the edited file."""
            if name == "context.csv":
                return (tmp_path / name).read_text()
            return run.text(name)

    edited: Any = Edited()
    with pytest.raises(RunError, match="its targets do not have the same rows"):
        open_network(edited)
