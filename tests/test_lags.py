"""What the target was long ago: lags and rolling means against loops, and in every command."""

from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops
from pydantic import TypeAdapter

from forecast.commands.backtest import backtest
from forecast.config.models import ModelOptions
from forecast.config.schema import FeaturesOptions, WindowOptions
from forecast.console import Console
from forecast.data.panel import Panel
from forecast.features import places_of, rolling_means, rolling_means_of, sizes_of
from forecast.jobs.fitting import fit_methods
from forecast.jobs.job import prepare
from forecast.methods.method import unheard
from forecast.methods.network import Branch
from forecast.networks import Architecture
from forecast.transforms import Pipeline
from forecast.windows import Batch, Columns, Inputs, Sizes, gather

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Cli = Callable[..., CompletedProcess[str]]
MODEL: TypeAdapter[ModelOptions] = TypeAdapter(ModelOptions)


# --- gathered -------------------------------------------------------------------------------------

lengths = st.lists(st.integers(1, 15), min_size=1, max_size=3)
sizes = st.integers(1, 5)


@given(
    lengths=lengths,
    context_length=st.integers(1, 6),
    horizon=sizes,
    season=sizes,
    lags=st.lists(st.integers(1, 20), min_size=1, max_size=3),
)
def test_lags_are_those_of_a_naive_loop(
    make_panel: Callable[..., Panel],
    lengths: list[int],
    context_length: int,
    horizon: int,
    season: int,
    lags: list[int],
) -> None:
    """So many steps before each, in a past that the first season goes on; never after a cutoff."""
    panel = make_panel([[1000 * i + row for row in range(n)] for i, n in enumerate(lengths)])
    by_hand = []
    for i, length in enumerate(lengths):
        for end in range(1, length + 1):
            past = [1000 * i + row for row in range(end)]
            first_season = min(season, end)
            while len(past) < 50:
                past.insert(0, past[first_season - 1])
            steps = range(1 - context_length, horizon + 1)
            by_hand.append([[past[min(step - lag, 0) - 1] for lag in lags] for step in steps])
    cutoffs = np.arange(len(panel.values))
    starts = panel.starts[panel.series_of(cutoffs)]
    for is_masked in (False, True):
        inputs = gather(
            np,
            Columns(panel.values),
            cutoffs,
            context_length,
            horizon=horizon,
            lags=lags,
            starts=starts,
            season_length=season,
            is_masked=is_masked,
        )
        lagged = np.array(by_hand)
        if is_masked:  # nothing is known of a step that is not there
            lagged[:, :context_length] *= inputs.present.astype(int)
        assert inputs.past[..., 1:].tolist() == lagged[:, :context_length].tolist()
        assert inputs.future.tolist() == lagged[:, context_length:].tolist()


def test_the_compiled_program_gathers_the_same() -> None:
    """With `keras.ops`, where windows lack too; of those there is nothing, not even of NaN."""
    values = np.arange(12, dtype=np.float32)
    values[0] = np.nan  # as after a difference
    columns = Columns(values, rolling_means=values[:, None] * 10)
    cutoffs = np.array([[3, 7, 0], [11, 5, 0]], np.int32)
    there = np.array([[True, True, False], [True, True, False]])
    starts = np.full_like(cutoffs, 1)
    options: dict[str, Any] = {"horizon": 2, "lags": (2, 9), "season_length": 4, "is_masked": True}
    by_numpy = gather(np, columns, cutoffs, 5, starts=starts, there=there, **options)
    tensors = Columns(
        ops.convert_to_tensor(values), rolling_means=ops.convert_to_tensor(columns.rolling_means)
    )
    by_keras = gather(
        ops,
        tensors,
        ops.convert_to_tensor(cutoffs),
        5,
        starts=ops.convert_to_tensor(starts),
        there=ops.convert_to_tensor(there),
        **options,
    )
    for name, part in by_numpy.named.items():
        np.testing.assert_array_equal(part, np.asarray(by_keras.named[name]), err_msg=name)
    assert by_numpy.past.shape == (2, 3, 5, 4)
    assert not by_numpy.past[:, 2].any()
    assert not by_numpy.future[:, 2].any()


@given(
    values=st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=30),
    length=st.integers(2, 12),
)
def test_rolling_means_are_those_of_pandas(values: list[float], length: int) -> None:
    """Of as many values as there are; what is no number is passed over."""
    found = rolling_means(np.array([values, values]), [length, 30])
    expected = pd.Series(values).rolling(length, min_periods=1).mean().fillna(0)
    np.testing.assert_allclose(found[0, :, 0], expected, rtol=1e-9, atol=1e-6)
    np.testing.assert_array_equal(found[0], found[1])


def test_rolling_means_of_a_series_know_nothing_of_another(
    make_panel: Callable[..., Panel],
) -> None:
    """The first value is its own mean."""
    panel = make_panel([[1.0, 3.0, 5.0], [100.0, 200.0]])
    means = rolling_means_of(panel, (2,))
    assert means is not None
    assert means[:, 0].tolist() == [1, 2, 4, 100, 150]
    assert rolling_means_of(panel, ()) is None


def test_every_feature_has_its_place() -> None:
    """Behind the target what is on its scale; lags in the future too."""
    features = FeaturesOptions(lags=(24, 48), rolling_means=(7,))
    assert sizes_of(None, features) == Sizes(rolling_means=1, lags=2)
    assert places_of(None, features) == {
        "features.rolling_means 7": [("past", slice(1, 2))],
        "features.lags 24": [("past", slice(2, 3)), ("future", slice(0, 1))],
        "features.lags 48": [("past", slice(3, 4)), ("future", slice(1, 2))],
    }


@pytest.mark.parametrize("normalize", ["none", "last", "mean", "standard"])
def test_lags_lose_the_location_and_scale_of_their_window(normalize: str) -> None:
    """A series of another level, and one of another spread, is forecast as far from its level."""
    options = {"context_length": 6, "horizon": 3, "normalize": normalize, "padding": "mask"}
    window = WindowOptions.model_validate(options)
    model = MODEL.validate_python({"kind": "mlp", "layers": [4], "dropout": 0})
    network = Architecture(model, window, 4, Sizes(past=1, known=1, rolling_means=1, lags=2))
    random = np.random.default_rng(0)
    weights = random.normal(size=(1, network.parameters)).astype(np.float32)
    past = random.normal(size=(1, 5, 6, 6)).astype(np.float32)
    future = random.normal(size=(1, 5, 3, 3)).astype(np.float32)
    present = np.ones((1, 5, 6, 1), np.float32)
    present[:, 2, :2] = 0

    def forecast(scale: float, level: float) -> np.ndarray:
        on_scale = past.copy(), future.copy()
        on_scale[0][..., :4] = level + scale * past[..., :4]
        on_scale[1][..., :2] = level + scale * future[..., :2]
        inputs = Inputs(on_scale[0] * present, on_scale[1], present=present)
        return np.asarray(network.forward(weights, inputs).value)

    plain = forecast(1.0, 0.0)
    assert np.isfinite(plain).all()
    is_free_of = {"level": normalize in ("last", "mean"), "scale": normalize == "standard"}
    for name, changes in (("level", (1.0, 7.0)), ("scale", (5.0, 0.0))):
        moved = changes[0] * plain + changes[1]
        is_same = np.allclose(forecast(*changes), moved, rtol=1e-3, atol=1e-4)
        assert is_same == is_free_of[name], name


# --- beyond the horizon ---------------------------------------------------------------------------


class _Weighing:
    """A network that weighs all that it sees, each number differently."""

    def predict(self, inputs: Inputs) -> Batch:
        total: Any = 0.0
        for part in inputs.named.values():
            flat = part.reshape(len(part), -1)
            total = total + flat @ np.cos(np.arange(flat.shape[1])) / flat.shape[1]
        steps = np.zeros((len(inputs.past), 3)) if inputs.future is None else inputs.future.sum(-1)
        return np.asarray(total[:, None] + steps * np.array([0.1, 0.2, 0.3]), np.float32)


def _branch(padding: str, features: FeaturesOptions) -> Branch:
    window = WindowOptions.model_validate({"context_length": 5, "horizon": 3, "padding": padding})
    model = MODEL.validate_python({"kind": "mlp"})
    sizes = sizes_of(None, features)
    return Branch(_Weighing(), Pipeline(()), model, window, 4, features, sizes)


FEATURES = [
    FeaturesOptions(),
    FeaturesOptions(lags=(3, 4, 11)),
    FeaturesOptions(rolling_means=(2, 9)),
    FeaturesOptions(lags=(7,), rolling_means=(3, 40)),
]


@pytest.mark.parametrize("padding", ["season", "mask"])
@pytest.mark.parametrize("features", FEATURES, ids=str)
def test_forecasts_go_on_as_if_they_had_been_observed(
    make_panel: Callable[..., Panel], features: FeaturesOptions, padding: str
) -> None:
    """Four calls are those of four tables that each have the forecasts of those before."""
    random = np.random.default_rng(2)
    panel = make_panel([random.normal(size=n).tolist() for n in (40, 17, 20)])
    cutoffs = np.array([24, panel.starts[1] + 3, panel.starts[2] + 7])
    branch = _branch(padding, features)
    [together] = branch.outputs(panel, cutoffs, 12, unheard)
    values, rows = panel.values.copy(), cutoffs[:, None] + np.arange(1, 4)
    for begin in range(0, 12, 3):
        now = panel.with_values(values)
        [each] = branch.outputs(now, cutoffs + begin, 3, unheard)
        np.testing.assert_allclose(together[:, begin : begin + 3], each, rtol=1e-5, atol=1e-6)
        values[rows + begin] = each


@pytest.mark.parametrize("padding", ["season", "mask"])
@pytest.mark.parametrize("features", FEATURES, ids=str)
def test_no_forecast_sees_what_comes_after_its_cutoff(
    make_panel: Callable[..., Panel], features: FeaturesOptions, padding: str
) -> None:
    """Not a bit of it, however far it goes beyond the lags."""
    panel = make_panel([np.sin(np.arange(n)).tolist() for n in (30, 16)])
    cutoffs = np.array([10, panel.starts[1] + 1])
    branch = _branch(padding, features)
    [before] = branch.outputs(panel, cutoffs, 12, unheard)
    later = panel.values.copy()
    later[11:30], later[panel.starts[1] + 2 :] = 1e6, np.nan
    [after] = branch.outputs(panel.with_values(later), cutoffs, 12, unheard)
    np.testing.assert_array_equal(before, after)
    assert np.isfinite(before).all()


# --- trained --------------------------------------------------------------------------------------

CONFIG = """\
data: {path: sales.csv, time: day, target: sales, id: shop}
split: {test: 28}
transforms: [standard]
window: {context_length: 7, horizon: 7}
features: {lags: [28, 56], rolling_means: [14, 30]}
model: {kind: mlp, layers: [16], dropout: 0}
training: {epochs: 20, batch_size: 32, learning_rate: 0.01, loss: mae}
predict: {horizon: 40}
"""
WITHOUT = ("--set", "features.lags=[]", "--set", "features.rolling_means=[]")
DAYS = 260


def _sales(days: int = DAYS) -> pd.DataFrame:
    """Two shops whose days go as those four weeks ago went, and nothing else tells of it."""
    random, parts = np.random.default_rng(0), []
    for i in range(2):
        y = random.normal(scale=5, size=days)
        for day in range(28, days):
            y[day] = y[day - 28] + random.normal()
        ds = pd.date_range("2022-01-01", periods=days)
        parts.append(pd.DataFrame({"shop": f"s{i}", "day": ds, "sales": 50 + 10 * i + y}))
    return pd.concat(parts, ignore_index=True)


def _write(folder: Path, table: pd.DataFrame) -> Path:
    folder.mkdir(exist_ok=True)
    table.to_csv(folder / "sales.csv", index=False)
    (folder / "sales.yaml").write_text(CONFIG)
    return folder / "sales.yaml"


def _said(result: CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stderr
    return result.stdout


def _table(text: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(text))


@pytest.fixture(scope="module")
def lagged(once: Callable[..., list[CompletedProcess[str]]], cli_in: Cli) -> Path:
    """A folder with the table but its last ten days, and a run that knows its lags."""

    def make(folder: Path) -> list[CompletedProcess[str]]:
        table = _sales()
        _write(folder, table[table["day"] < table["day"].max() - pd.Timedelta(9, "D")])
        table.to_csv(folder / "newer.csv", index=False)
        words = ("train", "--config", "sales.yaml")
        return [
            cli_in(*words, *WITHOUT, "--name", "without", cwd=folder),
            cli_in(*words, "--name", "with", cwd=folder),
        ]

    for result in (results := once("lagged", make)):
        assert result.returncode == 0, result.stderr
    return Path(str(results[0].args))


def _mae(run: Path) -> float:
    scores = pd.read_csv(run / "scores.csv")
    own = scores["unique_id"].isna() & (scores["split"] == "test") & (scores["model"] == "mlp")
    return float(scores.loc[own & (scores["metric"] == "mae"), "value"].iloc[0])


def test_a_network_that_knows_its_lags_finds_what_goes_round(lagged: Path) -> None:
    """Beyond what a context of seven days tells."""
    assert _mae(lagged / "runs" / "with") < 0.4 * _mae(lagged / "runs" / "without")


def test_the_rows_that_a_run_keeps_reach_back_far_enough(lagged: Path, cli_in: Cli) -> None:
    """Predictions from them are those from the whole table, and so are those from newer rows."""
    own = _table(_said(cli_in("predict", cwd=lagged)))
    whole = _table(_said(cli_in("predict", "--input", "sales.csv", cwd=lagged)))
    assert len(own) == 2 * 40
    np.testing.assert_allclose(own["y_hat"], whole["y_hat"], rtol=1e-6)
    newer = pd.read_csv(lagged / "newer.csv")
    newer[newer["day"] > own["cutoff"].max()].to_csv(lagged / "ten.csv", index=False)
    ten, all_ = (
        _table(_said(cli_in("predict", "--input", name, "--horizon", "7", cwd=lagged)))
        for name in ("ten.csv", "newer.csv")
    )
    np.testing.assert_allclose(ten["y_hat"], all_["y_hat"], rtol=1e-6)


def test_rows_after_a_gap_have_to_reach_back_to_the_longest_lag(lagged: Path, cli_in: Cli) -> None:
    """56 days before a context of 7."""
    table = _sales(400)
    table[table["day"] > "2022-11-01"].to_csv(lagged / "later.csv", index=False)
    assert cli_in("predict", "--input", "later.csv", cwd=lagged).returncode == 0
    table[table["day"] > "2022-12-10"].to_csv(lagged / "late.csv", index=False)
    result = cli_in("predict", "--input", "late.csv", cwd=lagged)
    assert result.returncode == 4
    assert "The network needs the last 63" in result.stderr


def test_every_lag_has_its_importance(lagged: Path, cli_in: Cli) -> None:
    """That of four weeks is needed; each has a line beside those of the context."""
    rows = _table(_said(cli_in("explain", "with", "--format", "csv", cwd=lagged)))
    parts = dict(zip(rows["feature"], rows["part"], strict=True))
    assert parts["features.lags 28"] == parts["features.lags 56"] == "known"
    assert parts["features.rolling_means 14"] == "past"
    assert parts["lag 7"] == "lag"
    assert rows["feature"][0] == "features.lags 28"
    assert rows["increase"][0] > 3 * rows["increase"][1]


def test_a_run_goes_on_from_one_with_the_same_lags_alone(lagged: Path, cli_in: Cli) -> None:
    """From newer rows; other lags are another network."""
    words = ("train", "--config", "sales.yaml", "--from", "with", "--set", "training.epochs=1")
    newer = ("--set", "data.path=newer.csv", "--set", "split.test=10", "--name", "again")
    _said(cli_in(*words, *newer, cwd=lagged))
    other = cli_in(*words, *newer, "--set", "features.lags=[28]", cwd=lagged)
    assert other.returncode == 3
    assert "`features` is" in other.stderr


def test_rows_to_train_on_reach_back_to_the_longest_lag(tmp_path: Path) -> None:
    """Unless masked: then the first season stands for what was before the series."""
    config = _write(tmp_path, _sales(120))
    whole = prepare(config)
    first = whole.cutoffs["train"].min()
    assert first == 7 + 56 - 1
    assert prepare(config, ["window.padding=mask"]).cutoffs["train"].min() == 7 - 1
    # A test part is forecast from any context; rolling means are of what there is.
    short = prepare(config, ["split.test=50"])
    assert len(short.cutoffs["test"]) == 2 * (50 - 7 + 1)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (("features.lags=[6,28]",), "a lag of 6 is known of the first 6 of the 7 steps"),
        (("features.lags=[28,28]",), "should name each number once"),
        (("features.lags=[0]",), "greater than or equal to 1"),
        (("features.rolling_means=[1]",), "greater than or equal to 2"),
        (("features.rolling_means=[14,14]",), "should name each number once"),
    ],
)
def test_lags_that_can_not_be_had_are_refused(
    tmp_path: Path, cli: Cli, settings: Sequence[str], told: str
) -> None:
    """With the line, before training."""
    _write(tmp_path, _sales(120))
    words = [word for setting in settings for word in ("--set", setting)]
    result = cli("check", "--config", "sales.yaml", *words)
    assert result.returncode == 3
    assert told in result.stderr
    assert not (tmp_path / "runs").exists()


def test_a_table_too_short_for_a_lag_is_refused_with_how_much_it_takes(
    tmp_path: Path, cli: Cli
) -> None:
    """Exit 4, and the lag is named."""
    _write(tmp_path, _sales(90))
    result = cli("check", "--config", "sales.yaml")
    assert result.returncode == 4
    assert "window.context_length 7, a lag of 56 steps and window.horizon 7" in result.stderr
    assert "70 there, 98 rows in all" in result.stderr
    assert "a shorter context, lag or horizon" in result.stderr


SHORT = 20


@pytest.mark.parametrize(
    "settings",
    [
        ("model.scope=local", "training.ensemble=2", "intervals.n_windows=8"),
        (
            "model={kind: gru, units: 3, quantiles: [0.1, 0.5, 0.9]}",
            "training.loss=pinball",
            "features.calendar=[day_of_week]",
            "training.ensemble.transforms=[[{kind: difference, lag: 7}, minmax]]",
            "window.normalize=mean",
        ),
    ],
    ids=lambda settings: str(settings[0]),
)
def test_lags_go_with_everything_else(tmp_path: Path, cli: Cli, settings: Sequence[str]) -> None:
    """Training holds the export against Keras; a series shorter than its lags is forecast too."""
    table = _sales(150)
    days = table.groupby("shop").cumcount()
    is_short = (table["shop"] == "s1") & (days < 150 - SHORT)
    table = table[~is_short] if "local" not in settings[0] else table
    _write(tmp_path, table)
    chosen = ("training.epochs=1", "split.test=12", *settings)
    words = [word for setting in chosen for word in ("--set", setting)]
    _said(cli("train", "--config", "sales.yaml", *words))
    predicted = _table(_said(cli("predict")))
    assert len(predicted) == 2 * 40
    assert np.isfinite(predicted["y_hat"]).all()


def test_a_backtest_sees_nothing_after_its_cutoff(tmp_path: Path) -> None:
    """Neither the networks that are fitted for it, nor forecasts that go on beyond the lags."""
    table = _sales(160)
    settings = (
        *("training.epochs=1", "features.lags=[7,28]", "predict.horizon=20"),
        *("backtest.n_windows=2", "backtest.refit=true"),
    )

    def forecasts(own: pd.DataFrame) -> pd.DataFrame:
        job = prepare(_write(tmp_path, own), settings)
        found = backtest(job, ["naive"], Console(quiet=True), fit_methods).forecasts
        return found[found["model"] == "mlp"].set_index(["unique_id", "ds", "cutoff"])

    one = forecasts(table)
    cutoff = one.index.get_level_values("cutoff")
    later = table["day"] > cutoff.min()
    changed = forecasts(table.assign(sales=np.where(later, 1e3, table["sales"])))
    is_first = cutoff == cutoff.min()
    assert (one["y_hat"] == changed["y_hat"])[is_first].all()
    assert (one["y_hat"] != changed["y_hat"])[~is_first].all()


def test_nothing_is_fitted_to_have_lags(lagged: Path) -> None:
    """So that a run with lags alone keeps nothing of them but its config and its rows."""
    run = lagged / "runs" / "with"
    assert not (run / "features.json").exists()
    assert "lags:\n  - 28\n  - 56\n" in (run / "resolved.yaml").read_text()
