"""A table that counts its rows in tens, from `init` to forecasts and figures."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

Cli = Callable[..., CompletedProcess[str]]


def _rows(begin: int, end: int) -> str:
    return "".join(f"{10 * i},{100 + i % 7 + 0.1 * i:.2f}\n" for i in range(begin, end))


def test_rows_in_tens_are_forecast_in_tens(cli: Cli, tmp_path: Path) -> None:
    """Every command counts on as the table does."""
    (tmp_path / "depth.csv").write_text("step,y\n" + _rows(0, 60))
    init = cli("init", "depth.csv")
    assert init.returncode == 0, init.stderr
    assert 'freq: "10"' in (tmp_path / "depth.yaml").read_text()
    assert "\nlast: 590\nfreq: 10\n" in cli("check", "--config", "depth.yaml").stdout
    settings = ["--set", "training={epochs: 1, ensemble: 1}", "--set", "split.test=6"]
    result = cli("train", "--config", "depth.yaml", *settings)
    assert result.returncode == 0, result.stderr
    newer = "step,y\n" + _rows(60, 64)
    predicted = cli("predict", "--input", "-", "--horizon", "2", stdin=newer).stdout
    assert [line.split(",")[1:4] for line in predicted.splitlines()[1:]] == [
        ["640", "630", "1"],
        ["650", "630", "2"],
    ]
    (tmp_path / "forecasts.csv").write_text(cli("predict", "--horizon", "4").stdout)
    (tmp_path / "newer.csv").write_text(newer)
    scored = cli("evaluate", "--forecasts", "forecasts.csv", "--input", "newer.csv")
    assert scored.stderr.startswith("4 of 4 forecasts of forecasts.csv are scored.")
    assert "\ninput  naive" in cli("evaluate", "--input", "newer.csv").stdout
    figures = cli("plot", "latest", "forecast", "backtest", "steps")
    assert figures.returncode == 0, figures.stderr
    assert len(figures.stdout.splitlines()) == 3
