"""What figures are drawn from, and which part of it a person wants to see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import pandas as pd
from matplotlib.figure import Figure

from forecast.data.forecasts import quantile_column, quantile_levels
from forecast.scoring.metrics import Scale


class Tables(Protocol):
    """The tables of a run. A figure asks for those that it shows; the others need not be read."""

    @property
    def name(self) -> str:
        """The run's name."""

    @property
    def model(self) -> str:
        """The name of the run's own forecasts in tables."""

    @property
    def season_length(self) -> int:
        """Steps in a season; 1 where there is none."""

    @property
    def horizon(self) -> int:
        """Steps that the network predicts in one call; beyond, it is fed with its own forecasts."""

    @property
    def history(self) -> pd.DataFrame:
        """`epoch, loss, member`, `val_loss` or `test_loss`, and norms of gradients and weights."""

    @property
    def forecasts(self) -> pd.DataFrame:
        """Of the train, validation and test part, of every model; `ds` and `cutoff` as dates."""

    @property
    def scores(self) -> pd.DataFrame:
        """Columns `unique_id, split, model, metric, value`."""

    @property
    def scales(self) -> Mapping[str, Scale]:
        """What MASE and RMSSE divide by, of each series; NaN where one is not known."""

    @property
    def actual(self) -> pd.DataFrame:
        """`unique_id, ds, y` of the rows that the run knows of."""

    @property
    def future(self) -> pd.DataFrame:
        """What the model and the baselines forecast beyond the last row."""


@dataclass(frozen=True)
class View:
    """What to show: all of it that can be read, where nothing is asked for."""

    series: tuple[str, ...] = ()
    """The series to show, in this order."""
    last: int | None = None
    """Rows before the cutoff."""
    since: pd.Timestamp | int | None = None
    """The first date."""


WHOLE = View()
Draw = Callable[[Tables, View], Figure]


@dataclass(frozen=True)
class Tested:
    """Forecasts of rows on which nothing was fitted, beside the truth, and what they come to."""

    name: str
    model: str
    season_length: int
    actual: pd.DataFrame
    """`unique_id, ds, y`, also from before the first cutoff."""
    forecasts: pd.DataFrame
    """Of every model; `ds` and `cutoff` as dates."""
    scores: pd.DataFrame

    @classmethod
    def of(cls, tables: Tables) -> "Tested":
        """The test part of a run."""
        forecasts, scores = tables.forecasts, tables.scores
        return cls(
            tables.name,
            tables.model,
            tables.season_length,
            forecasts.drop_duplicates(["unique_id", "ds"]),
            forecasts[forecasts["split"] == "test"],
            scores[scores["split"] == "test"],
        )

    def of_model(self, model: str) -> pd.DataFrame:
        """The forecasts of one model or baseline."""
        return self.forecasts[self.forecasts["model"] == model]

    @property
    def baseline(self) -> str | None:
        """Whom the model has to beat: seasonal naive, or naive where there is no season.

        None where neither has a forecast.
        """
        able = set(self.forecasts.loc[self.forecasts["y_hat"].notna(), "model"])
        names = ["seasonal_naive", "naive"] if self.season_length > 1 else ["naive"]
        return next((name for name in names if name in able), None)


def interval_of(forecasts: pd.DataFrame) -> tuple[str, str, str] | None:
    """The columns of the lowest quantile and the highest, and what to call what lies between.

    None where there are no two.
    """
    levels = sorted(quantile_levels(forecasts.columns).values())
    if len(levels) < 2:
        return None
    low, high = levels[0], levels[-1]
    symmetric = abs(low + high - 1) < 1e-9
    name = f"{100 * (high - low):.3g} % interval" if symmetric else f"from q{low:g} to q{high:g}"
    return quantile_column(low), quantile_column(high), name


def columns_of_values(forecasts: pd.DataFrame) -> list[str]:
    """The columns that a break in a line leaves empty: point forecasts and quantiles."""
    return ["y_hat", *quantile_levels(forecasts.columns)]
