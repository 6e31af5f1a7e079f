"""Covariates: as rows of a panel, as features, through networks of every kind, and as a planted
cause that halves the error."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from pydantic import TypeAdapter

from forecast.backends import backend
from forecast.config.data import DataOptions
from forecast.config.models import ModelOptions
from forecast.config.schema import Config, WindowOptions
from forecast.data.covariates import Covariates
from forecast.data.panel import Panel
from forecast.data.table import read_table
from forecast.errors import DataError
from forecast.features import Encoder, fit_encoder, vocabulary
from forecast.features.column import Number, Scale, column_of, fill_forward
from forecast.networks import Architecture
from forecast.windows import Columns, Inputs, Sizes, gather

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Cli = Callable[..., CompletedProcess[str]]
NAN = np.nan
KINDS: list[dict[str, Any]] = [
    {"kind": "gru", "units": 4, "linear": True, "patch_length": 3},
    {"kind": "lstm", "layers": [4, 3], "bidirectional": True},
    {"kind": "simple_rnn", "units": 4},
    {"kind": "mlp", "layers": [4]},
    {"kind": "dlinear", "kernel_size": 5},
    {"kind": "transformer", "units": 4, "patch_length": 2},
    {"kind": "tcn", "filters": 4},
    {"kind": "seq2seq", "units": 4, "attention": True, "linear": True},
    {"kind": "nhits", "layers": [4]},
    {"kind": "own_networks:connect", "folder": str(Path(__file__).parent)},
]


@pytest.fixture
def panel(make_panel: Callable[..., Panel]) -> Panel:
    """Two series of 4 and 3 months; what is known of the first goes on for two months more."""
    covariates = Covariates(
        np.array([0, 6, 9]),
        {
            "price": np.array([1, 2, 3, 4, 5, 6, 10, NAN, 30]),
            "weather": np.array([0, 1, 0, 2, 2, NAN, 1, 1, 0.0]),
        },
        {"size": np.array([7.0, 9.0])},
        {"weather": ("fog", "rain", "sun")},
    )
    return replace(make_panel([[1, 2, 3, 4], [5, 6, 7]]), covariates=covariates)


def _config(**covariates: object) -> Config:
    data = {"path": "-", "time": "t", "target": "y", "covariates": covariates}
    return Config.model_validate({"data": data})


def _fit(panel: Panel, **covariates: object) -> Encoder:
    encoder = fit_encoder(_config(**covariates), panel.before(panel.ends), vocabulary([panel]))
    assert encoder is not None
    return encoder


def test_rows_of_covariates_follow_those_of_the_panel(panel: Panel) -> None:
    """A part of the panel begins where they begin; what is known of the future stays known."""
    part = panel.between(panel.starts + 1, panel.ends - 1)
    assert part.covariates is not None
    assert part.covariates.offsets.tolist() == [0, 5, 7]
    assert part.covariates.columns["price"].tolist()[:5] == [2, 3, 4, 5, 6]
    second = panel.of(np.array([False, True])).covariates
    assert second is not None
    assert second.columns["weather"].tolist() == [1, 1, 0]
    assert second.static["size"].tolist() == [9]
    assert second.up_to(np.array([1])).columns["weather"].tolist() == [1]


def test_numbers_are_scaled_and_words_have_a_feature_each(panel: Panel) -> None:
    """By what the panel's own rows hold: a word and a price of the future are not of the past."""
    encoder = _fit(panel, past=["price"], known=["weather"], static=["size"])
    assert encoder.sizes == Sizes(past=1, known=3, static=1)
    own = np.array([1, 2, 3, 4, 10, 30])  # without the future, and what is missing
    encoded = encoder.encode(panel, ahead=2)
    filled = np.array([1, 2, 3, 4, 4, 4, 10, 10, 30, 30, 30])  # nothing is known ahead of the past
    np.testing.assert_allclose(encoded.past[:, 0], (filled - own.mean()) / own.std(), rtol=1e-6)
    words = np.eye(3)[[0, 1, 0, 2, 2, 2, 1, 1, 0, 0, 0]]
    np.testing.assert_array_equal(encoded.known, words)
    np.testing.assert_allclose(encoded.static[:, 0], [-1, 1])
    again = Encoder.from_state(encoder.state())
    assert again == encoder


@pytest.mark.parametrize(
    ("past", "value", "had", "more"),
    [
        ([8.9, 9.9], 990, "8.9 to 9.9", " Is a decimal point missing?"),
        ([8.9, 9.9], 10.8, None, ""),
        ([8.9, 9.9], 11, "8.9 to 9.9", ""),
        ([8.9, 9.9], 7.8, "8.9 to 9.9", ""),
        ([0, 0], 1, "0 alone", ""),
        ([5, NAN], 5, None, ""),
        ([NAN, NAN], 5, None, ""),
    ],
)
def test_a_number_is_strange_beyond_the_width_of_the_past(
    past: list[float], value: float, had: str | None, more: str
) -> None:
    """Whatever the scale is; a run that does not know the past says nothing."""
    said = (
        f"`price` is {value:g} in 1 row; the training rows had {had}: such forecasts are a guess."
    )
    hows: tuple[Scale, ...] = ("standard", "minmax", "robust", "none")
    for how in hows:
        column = Number.fit("price", np.array(past), how)
        assert column_of(column.state()) == column
        found = column.strange(np.array([NAN, value]), (), "rows")
        assert found == (said + more if had else None)
        older = column_of({"name": "price", "location": 0.0, "scale": 1.0})
        assert older.strange(np.array([value]), (), "rows") is None


def test_a_word_that_the_past_does_not_have_is_none_of_the_words(panel: Panel) -> None:
    """Its feature stays 0, for which nothing was learned."""
    past = panel.between(panel.starts, panel.starts + 2)
    encoder = fit_encoder(_config(known=["weather"]), past.before(past.ends), vocabulary([panel]))
    assert encoder is not None
    assert encoder.sizes.known == 3
    assert encoder.encode(panel).known[:, 2].tolist() == [0] * 7


def test_what_is_known_of_the_future_has_to_be_there(panel: Panel) -> None:
    """The column, the series and the dates that lack are named."""
    encoder = _fit(panel, known=["price", "weather"])
    last = panel.ends - 1
    assert not encoder.lacking(panel, last[:1], 1)
    first, second = (str(problem.message) for problem in encoder.lacking(panel, last, 2))
    assert first.startswith("`price` is known of the future, and has no value of b from 2000-04-01")
    assert second.startswith(
        "`weather` is known of the future, and has no value of a on 2000-06-01,"
    )
    assert second.endswith("and of 1 other series.")


def test_missing_values_are_what_they_were_last() -> None:
    """At the start of a series nothing is known, whatever comes; nor is it of another series."""
    values = np.array([NAN, 1, NAN, NAN, 2, NAN, NAN, NAN])
    filled = fill_forward(values, np.array([0, 3, 6, 8]))
    np.testing.assert_array_equal(filled, [NAN, 1, 1, NAN, 2, 2, NAN, NAN])


def test_windows_have_the_past_the_future_and_what_is_static() -> None:
    """Of the rows of each cutoff; before a series begins there is nothing."""
    rows = np.arange(8.0)
    columns = Columns(
        rows, rows[:, None] + 100, rows[:, None] + 200, np.array([[1.0], [2.0]]),
        np.array([0, 0, 0, 0, 1, 1, 1, 1]),
    )  # fmt: skip
    inputs = gather(
        np, columns, np.array([2, 4]), 3, horizon=2, starts=np.array([0, 4]), is_masked=True
    )
    assert inputs.past[0].tolist() == [[0, 100, 200], [1, 101, 201], [2, 102, 202]]
    assert inputs.past[1].tolist() == [[0, 0, 0], [0, 0, 0], [4, 104, 204]]
    assert inputs.future[..., 0].tolist() == [[203, 204], [205, 206]]
    assert inputs.static.tolist() == [[1], [2]]


def _inputs(sizes: Sizes, *lead: int) -> Inputs:
    random = np.random.default_rng(1)

    def draw(*shape: int) -> Any:
        return random.normal(size=(*lead, *shape)).astype(np.float32) if shape[-1] else None

    return Inputs(draw(12, sizes.in_past), draw(3, sizes.in_future), draw(sizes.static))


@pytest.mark.parametrize("options", KINDS, ids=lambda options: str(options["kind"]))
@pytest.mark.parametrize(
    ("sizes", "quantiles"),
    [
        (Sizes(2, 3, 1, lags=2), (0.1, 0.5, 0.9)),
        (Sizes(1, 0, 0, rolling_means=2), ()),
        (Sizes(0, 0, 2), ()),
    ],
)
def test_members_take_covariates_as_plain_keras_models_do(
    options: dict[str, Any], sizes: Sizes, quantiles: tuple[float, ...]
) -> None:
    """Every kind, with the same forecasts and gradients that are not all zero."""
    model: ModelOptions = TypeAdapter(ModelOptions).validate_python(
        {**options, "quantiles": quantiles}
    )
    window = WindowOptions(horizon=3, normalize="standard", residual_of="last")
    network = Architecture(model, window, 4, sizes)
    random = np.random.default_rng(5)
    rows = random.normal(scale=0.4, size=(2, network.parameters)).astype(np.float32)
    inputs = _inputs(sizes, 2, 6)
    together = np.asarray(network.forward(rows, inputs).value)
    for k, row in enumerate(rows):
        own = inputs.map(lambda part, k=k: part[k])
        keras_model = network.model(row)
        alone = np.asarray(keras_model(own.named if len(own.named) > 1 else own.past))
        np.testing.assert_allclose(together[k], alone, rtol=1e-3, atol=1e-4)
    for name, part in inputs.named.items():
        moved = inputs._replace(**{name: part + 1})
        assert not np.allclose(np.asarray(network.forward(rows, moved).value), together)

    def total(weights: Any) -> tuple[Any, Any]:
        value = network.forward(weights, inputs, differentiable=True).value
        return tf.reduce_sum(value), value

    _, gradient = backend().gradient(total, tf.constant(rows))
    assert np.isfinite(np.asarray(gradient)).all()


CONFIG = """\
data: {path: sales.csv, time: day, target: sales, id: shop, covariates: {known: [%s]}}
split: {test: 28}
transforms: [standard]
window: {context_length: 14, horizon: 7}
model: {kind: mlp, layers: [16], dropout: 0}
training: {epochs: 30, batch_size: 32, learning_rate: 0.01, loss: mae}
"""


def _sales() -> pd.DataFrame:
    """Two shops; promotions come at random and sell 10 more; the weekday matters a little."""
    random = np.random.default_rng(0)
    days = pd.date_range("2022-01-01", periods=200)
    promotion = random.random((2, 200)) < 0.3
    noise = random.normal(size=(2, 200))
    sales = 20 + 2 * (days.day_of_week == 5) + 10 * promotion + noise
    shuffled = random.permutation(promotion.ravel()).reshape(2, 200)
    parts = [
        pd.DataFrame(
            {
                "shop": f"s{i}",
                "day": days,
                "sales": sales[i],
                "promotion": np.where(promotion[i], "yes", "no"),
                "shuffled": np.where(shuffled[i], "yes", "no"),
            }
        )
        for i in range(2)
    ]
    return pd.concat(parts)


def _test_mae(scores: str) -> float:
    rows = [line.split(",") for line in scores.splitlines()]
    return next(float(row[4]) for row in rows if row[:4] == ["", "test", "mlp", "mae"])


def test_a_planted_cause_halves_the_error_and_its_shuffled_twin_does_no_harm(
    tmp_path: Path, cli: Cli
) -> None:
    """And the forecast follows what is said of the future."""
    sales = _sales()
    future = sales["day"] > "2022-07-12"
    sales.assign(sales=sales["sales"].where(~future)).to_csv(tmp_path / "sales.csv", index=False)
    maes = {}
    for known in ("", "promotion", "shuffled"):
        (tmp_path / "sales.yaml").write_text(CONFIG % known)
        result = cli("train", "--config", "sales.yaml")
        assert result.returncode == 0, result.stderr
        maes[known] = _test_mae((Path(result.stdout.strip()) / "scores.csv").read_text())
        if known == "promotion":
            predicted = cli("predict", "--horizon", "7")
    assert maes["promotion"] < 0.5 * maes[""]
    assert maes["shuffled"] < 1.1 * maes[""]
    assert predicted.returncode == 0, predicted.stderr
    rows = [line.split(",") for line in predicted.stdout.splitlines()[1:]]
    said = sales.loc[future, ["promotion"]].to_numpy()[:, 0]
    forecasts = np.array([float(row[4]) for row in rows])
    assert forecasts[said == "yes"].min() > forecasts[said == "no"].max()


def _table(path: Path, lines: Sequence[str], **options: object) -> Panel:
    path.write_text("\n".join(lines) + "\n")
    data = {"path": str(path), "time": "day", "target": "y", **options}
    return read_table(DataOptions.model_validate(data)).panel


@pytest.mark.parametrize(("yes", "no"), [("true", "false"), ("True", "False"), ("TRUE", "FALSE")])
def test_true_and_false_are_the_same_words_in_every_table(
    tmp_path: Path, yes: str, no: str
) -> None:
    """Also where a column is known to be of words, as in the tables that come after a training."""
    lines = ["day,y,open", *(f"2024-01-{i:02},{i},{yes if i % 3 else no}" for i in range(1, 29))]
    first = _table(tmp_path / "a.csv", lines, covariates={"known": ["open"]})
    told = {"known": ["open"], "categories": ["open"]}
    again = _table(tmp_path / "b.csv", lines, covariates=told)
    for panel in (first, again):
        assert panel.covariates is not None
        assert panel.covariates.levels == {"open": ("false", "true")}


def test_a_row_far_ahead_takes_no_memory(tmp_path: Path) -> None:
    """A date that was mistyped is named with its line."""
    (tmp_path / "next.csv").write_text("day,open\n28,1\n9000000000000,1\n")
    lines = ["day,y,open", *(f"{i},{i},{i % 3}" for i in range(28))]
    with pytest.raises(DataError, match=r"9000000000000, in line 3, is 9,000,000,000,000 steps"):
        _table(
            tmp_path / "a.csv",
            lines,
            freq="1",
            covariates={"known": ["open"]},
            future=str(tmp_path / "next.csv"),
        )
