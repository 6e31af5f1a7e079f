"""`forecast backtest`: forecasts from past cutoffs, each from its own past alone."""

import csv
import json
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

from forecast.commands.backtest import Backtest, backtest, encode_backtest
from forecast.console import Console
from forecast.jobs.fitting import fit_methods
from forecast.jobs.job import prepare
from forecast.methods import BASELINES
from forecast.scoring.metrics import Scale
from forecast.scoring.scores import score

Cli = Callable[..., CompletedProcess[str]]

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

AGAINST = ["naive", "seasonal_naive", "drift", "naive2"]
SETTINGS = [
    "training.epochs=2",
    "model={kind: mlp, layers: [4]}",
    "backtest.n_windows=3",
    "backtest.horizon=6",
    "backtest.stride=4",
]


def _backtest(folder: Path, *settings: str, lines: Sequence[str] | None = None) -> Backtest:
    """In this process, of the airline or of another table."""
    if lines is not None:
        (folder / "airline-passengers.csv").write_text("\n".join(lines) + "\n")
    job = prepare(folder / "air.yaml", [*SETTINGS, *settings])
    return backtest(job, AGAINST, Console(quiet=True), fit_methods)


@pytest.fixture(scope="module")
def once_fitted(tmp_path_factory: pytest.TempPathFactory) -> Backtest:
    """Of the airline, fitted before the first of three cutoffs."""
    from forecast.commands.init import init_example

    folder = tmp_path_factory.mktemp("backtest")
    init_example(folder)
    return _backtest(folder)


def _of(result: Backtest, model: str) -> pd.DataFrame:
    table = result.forecasts
    return table[table["model"] == model].reset_index(drop=True)


def test_cutoffs_lie_a_stride_apart_and_the_last_has_its_whole_horizon(
    once_fitted: Backtest,
) -> None:
    """Six months each, the last of them the last of the table."""
    mlp = _of(once_fitted, "mlp")
    cutoffs = [f"{moment:%Y-%m}" for moment in mlp["cutoff"].unique()]
    assert cutoffs == ["1959-10", "1960-02", "1960-06"]
    assert mlp["step"].tolist() == [1, 2, 3, 4, 5, 6] * 3
    assert mlp["ds"].max() == pd.Timestamp("1960-12-01")
    months = mlp["ds"].dt.year * 12 + mlp["ds"].dt.month
    begins = mlp["cutoff"].dt.year * 12 + mlp["cutoff"].dt.month
    assert (months - begins == mlp["step"]).all()


def test_baselines_are_those_of_the_cutoff(
    once_fitted: Backtest, airline_values: np.ndarray
) -> None:
    """Naive repeats its value, seasonal naive its year, beside the truth."""
    row = {moment: i for i, moment in enumerate(pd.date_range("1949-01", periods=144, freq="MS"))}
    for model in ("naive", "seasonal_naive"):
        own = _of(once_fitted, model)
        cutoffs = own["cutoff"].map(row)
        back = cutoffs if model == "naive" else cutoffs + own["step"] - 12
        assert own["y_hat"].tolist() == airline_values[back].tolist()
        assert own["y"].tolist() == airline_values[own["ds"].map(row)].tolist()


def test_scores_are_those_of_the_forecasts(once_fitted: Backtest) -> None:
    """RMSE over all cutoffs and steps, and by step."""
    for model in ("mlp", *AGAINST):
        own = _of(once_fitted, model)
        squares = (own["y"] - own["y_hat"]) ** 2
        scores, steps = once_fitted.scores, once_fitted.steps
        whole = scores[
            scores["unique_id"].isna() & (scores["model"] == model) & (scores["metric"] == "rmse")
        ]
        assert whole["value"].tolist() == pytest.approx([squares.mean() ** 0.5])
        by_step = steps[(steps["model"] == model) & (steps["metric"] == "rmse")]
        by_hand = squares.groupby(own["step"]).mean() ** 0.5
        assert by_step["value"].tolist() == pytest.approx(by_hand.tolist())


@pytest.mark.parametrize("refit", ["false", "true"])
def test_a_forecast_knows_nothing_after_its_cutoff(
    project: Path, airline_lines: Sequence[str], once_fitted: Backtest, refit: str
) -> None:
    """The last 14 months may be anything: what is said before them stays, to the last digit."""
    later = [line.split(",")[0] + f",{7 * i}" for i, line in enumerate(airline_lines[131:])]
    settings = [f"backtest.refit={refit}", "split.test=14"]
    changed = _backtest(project, *settings, lines=[*airline_lines[:131], *later])
    first = pd.Timestamp("1959-10-01")
    for model in ("mlp", "naive", "seasonal_naive", "drift"):
        before, after = (
            own.loc[own["cutoff"] == first, "y_hat"].tolist()
            for own in (_of(once_fitted, model), _of(changed, model))
        )
        assert before == after, model


@pytest.mark.parametrize("refit", ["false", "true"])
@pytest.mark.parametrize(
    "transforms",
    [
        "[{kind: minmax, fit_on: all}]",
        "[{kind: boxcox, offset: 1}, {kind: difference, lag: season}, standard]",
        "[log, {kind: deseasonalize}, robust]",
    ],
)
def test_a_planted_leak_is_not_found(
    project: Path, airline_lines: Sequence[str], transforms: str, refit: str
) -> None:
    """The last 8 months times ten: what any model says before them stays to the bit, and so does
    each score of the cutoffs that are done by then; who may see them says something else."""
    settings = [
        f"transforms={transforms}",
        f"backtest.refit={refit}",
        "backtest.n_windows=4",
        "intervals={quantile_levels: [0.1, 0.9], n_windows: 9}",
    ]
    later = [f"{date},{10 * float(y)}" for date, y in map(_cells, airline_lines[137:])]
    before = _backtest(project, *settings)
    after = _backtest(project, *settings, lines=[*airline_lines[:137], *later])

    cutoffs = sorted(before.forecasts["cutoff"].unique())
    unseen = before.forecasts["cutoff"].isin(cutoffs[:3])
    said = ["unique_id", "ds", "cutoff", "step", "model", "y_hat", "q0.1", "q0.9"]
    pd.testing.assert_frame_equal(
        before.forecasts.loc[unseen, said], after.forecasts.loc[unseen, said], check_exact=True
    )
    for model in ("mlp", "naive"):
        last, changed = (_of(result, model)["y_hat"].iloc[18:] for result in (before, after))
        assert (last != changed).all(), model

    was, now = (_scores_until(result, cutoffs[1]) for result in (before, after))
    pd.testing.assert_frame_equal(was, now, check_exact=True)
    assert _scale(before) == pytest.approx(_scale(after), rel=1e-12)


def _cells(line: str) -> tuple[str, str]:
    date, y = line.split(",")
    return date, y


def _scores_until(result: Backtest, cutoff: pd.Timestamp) -> pd.DataFrame:
    """Of the forecasts up to a cutoff alone, in units that the test does not ask after."""
    table = result.forecasts[result.forecasts["cutoff"] <= cutoff]
    return score(table.assign(split=""), {"Passengers": Scale(1.0, 1.0)})


def _scale(result: Backtest) -> tuple[float, float]:
    """What the scaled metrics were divided by."""
    own = result.scores[result.scores["unique_id"].notna() & (result.scores["model"] == "mlp")]
    values = own.set_index("metric")["value"]
    return values["mae"] / values["mase"], values["rmse"] / values["rmsse"]


def test_fitted_again_a_later_cutoff_is_another_network(
    project: Path, once_fitted: Backtest
) -> None:
    """It is what a network says that was trained on no other rows than those up to it."""
    again = _of(_backtest(project, "backtest.refit=true"), "mlp")
    once = _of(once_fitted, "mlp")
    assert again["y_hat"].iloc[:6].tolist() == once["y_hat"].iloc[:6].tolist()
    assert again["y_hat"].iloc[6:].tolist() != once["y_hat"].iloc[6:].tolist()
    alone = _of(_backtest(project, "backtest.n_windows=1"), "mlp")
    assert again["y_hat"].iloc[12:].tolist() == alone["y_hat"].tolist()


def test_all_networks_of_all_cutoffs_are_as_if_trained_one_by_one(
    project: Path, airline_lines: Sequence[str]
) -> None:
    """Members of one program, two for each of three cutoffs: what a table says that ends there."""
    settings = ["training.ensemble=2", "model.dropout=0.3", "split.test=6"]
    together = _of(_backtest(project, *settings, "backtest.refit=true"), "mlp")
    for i, rows in enumerate((136, 140, 144)):
        lines = airline_lines[: 1 + rows]
        alone = _of(_backtest(project, *settings, "backtest.n_windows=1", lines=lines), "mlp")
        own = together.iloc[6 * i : 6 * i + 6].reset_index(drop=True)
        pd.testing.assert_frame_equal(own, alone, rtol=1e-4)


def test_intervals_are_calibrated_before_the_first_cutoff(project: Path) -> None:
    """And cover something."""
    result = _backtest(
        project, "intervals={quantile_levels: [0.1, 0.9], n_windows: 9}", "backtest.n_windows=1"
    )
    mlp = _of(result, "mlp")
    assert list(mlp.columns)[-2:] == ["q0.1", "q0.9"]
    assert (mlp["q0.1"] <= mlp["y_hat"]).all()
    assert (mlp["y_hat"] <= mlp["q0.9"]).all()
    assert _of(result, "naive")["q0.1"].isna().all()
    assert {"crps", "coverage_80", "width_80"} <= set(result.scores["metric"])


def test_one_document_holds_scores_steps_and_forecasts(cli: Cli, project: Path) -> None:
    """As JSON; talk goes to stderr, and a gate may hold."""
    options = [word for setting in SETTINGS for word in ("--set", setting)]
    result = cli(
        "backtest", "--config", "air.yaml", *options, "--windows", "2", "--stride", "6",
        "--against", "naive", "--format", "json", "--fail-if", "mase > 0",
        environment={"PYTHONWARNINGS": "default"},
    )  # fmt: skip
    assert result.returncode == 6
    document = json.loads(result.stdout)
    assert list(document) == ["scores", "steps", "forecasts"]
    assert len(document["forecasts"]) == 2 * 6 * 2
    assert list(document["forecasts"][0]) == [
        "unique_id", "ds", "cutoff", "step", "model", "y", "y_hat",
    ]  # fmt: skip
    assert document["forecasts"][0]["cutoff"] == "1959-12-01"
    assert {row["model"] for row in document["scores"]} == {"mlp", "naive"}
    assert {row["split"] for row in document["scores"]} == {"backtest"}
    assert result.stderr.splitlines()[:2] == [
        "loading TensorFlow ...",
        "2 cutoffs, 6 steps each, fitted once before the first",
    ]
    assert result.stderr.splitlines()[-1].startswith("error: --fail-if 'mase > 0' holds: mase is ")


def test_the_table_of_forecasts_goes_to_a_file(cli: Cli, project: Path) -> None:
    """As the ending says, with the header of the reference."""
    options = [word for setting in SETTINGS for word in ("--set", setting)]
    result = cli(
        "backtest", "--config", "air.yaml", *options, "--windows", "1",
        "--output", "backtest.csv", environment={"PYTHONWARNINGS": "default"},
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (0, "")
    text = (project / "backtest.csv").read_text()
    assert text.startswith("unique_id,ds,cutoff,step,model,y,y_hat\n")
    rows = list(csv.DictReader(StringIO(text)))
    assert [row["model"] for row in rows] == [
        model for model in ("mlp", *BASELINES) for _ in range(6)
    ]


def test_the_forms_of_a_backtest(once_fitted: Backtest) -> None:
    """The forecasts row by row, or what they come to, each text whole to its last line's end."""
    lines = encode_backtest(once_fitted, "jsonl").decode().splitlines()
    assert [json.loads(line)["model"] for line in lines] == list(once_fitted.forecasts["model"])
    assert encode_backtest(once_fitted, "csv").count(b"\n") == len(lines) + 1
    table, document = (encode_backtest(once_fitted, form) for form in ("table", "json"))
    assert table.split()[:3] == [b"split", b"model", b"rmse"]
    assert len(json.loads(document)["forecasts"]) == len(lines)
    assert table[-1:] == document[-1:] == b"\n"


def test_its_figure_goes_to_a_file_and_changes_nothing_else(cli: Cli, project: Path) -> None:
    """What is printed is what is printed without."""
    options = [word for setting in SETTINGS for word in ("--set", setting)]
    words = ["backtest", "--config", "air.yaml", *options]
    environment = {"PYTHONWARNINGS": "default"}
    refused = cli(*words, "--plot", "figures/a.png")
    assert refused.returncode == 2
    assert "figures/a.png: No such file or directory" in refused.stderr  # as of --output
    (project / "figures").mkdir()
    result = cli(*words, "--plot", "figures/a.png", environment=environment)
    assert result.returncode == 0, result.stderr
    assert (project / "figures/a.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in (project / "figures").iterdir()] == ["a.png"]
    assert result.stderr.splitlines()[-1] == "drawn: figures/a.png"
    assert result.stdout == cli(*words, environment=environment).stdout


def test_a_figure_is_not_left_behind_by_a_backtest_that_fails(cli: Cli, project: Path) -> None:
    """That it could be written was tried before."""
    result = cli("backtest", "--config", "air.yaml", "--windows", "200", "--plot", "a.png")
    assert result.returncode == 4
    assert not (project / "a.png").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "stderr"),
    [
        (
            ["--plot", "a.gif"],
            2,
            (
                "error: --plot a.gif: the ending names no format of figures.\n"
                "Formats are png, svg, pdf.\n"
            ),
        ),
        (
            ["--plot", "."],
            2,
            (
                "error: --plot .: the ending names no format of figures.\n"
                "Formats are png, svg, pdf.\n"
            ),
        ),
        (
            ["--plot", "air.yaml/below/a.png"],
            2,
            "error: can not write air.yaml/below/a.png: Not a directory.\nGive another --plot.\n",
        ),
        (
            ["--against", "naiv"],
            2,
            "error: --against: there is no baseline 'naiv'.\nDid you mean `naive`?\n",
        ),
        (
            ["--fail-if", "mase"],
            2,
            (
                "error: --fail-if 'mase' is no condition.\n"
                "Write METRIC OPERATOR LIMIT, such as 'mase > 1' or 'rmse > seasonal_naive'.\n"
            ),
        ),
        (
            ["--against", "drift", "--fail-if", "rmse > naive"],
            2,
            ("error: --fail-if: 'naive' is neither a number nor a baseline.\nKnown here: drift.\n"),
        ),
        (
            ["--windows", "200"],
            4,
            (
                "error: 200 cutoffs with a stride of 12 and a horizon of 12 do not fit: before "
                "the first, window.context_length 12 and window.horizon 1 need at least 13 rows.\n"
                "At most 10 fit.\n"
            ),
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_backtest_that_can_not_be_is_refused(
    cli: Cli, project: Path, arguments: list[str], code: int, stderr: str
) -> None:
    """With how much there is room for."""
    result = cli("backtest", "--config", "air.yaml", *arguments)
    assert result.stderr == stderr
    assert (result.returncode, result.stdout) == (code, "")
