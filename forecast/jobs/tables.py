"""The tables of a finished run, for figures and whoever else shows it."""

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
import pandas as pd

from forecast.data.export import panel_table
from forecast.data.forecasts import Forecasts, forecast_table
from forecast.data.future import refuse_endless
from forecast.data.panel import Panel
from forecast.errors import Problem
from forecast.jobs.assumptions import NOTHING, Assumptions
from forecast.jobs.opened_run import OpenedRun, scales_of
from forecast.methods import BASELINES, named_methods
from forecast.runs import Run
from forecast.runs.documents import read_config, read_data
from forecast.runs.tables import read_context, read_forecasts, read_history, read_scores
from forecast.scoring.metrics import Scale


class RunTables:
    """The tables of a run for its figures, each read when a figure asks for it."""

    def __init__(
        self,
        run: Run,
        open_run: Callable[[Run], OpenedRun],
        assumed: Assumptions = NOTHING,
    ) -> None:
        """`open_run` is called where a figure shows what only the network can tell.

        `assumed` is what known covariates will be, without scenarios.
        """
        self._run = run
        self._open_run = open_run
        self._assumed = assumed
        self._data = read_data(run)
        self.name = run.record.name
        self.model = run.record.model
        self.season_length = self._data.season_length

    @cached_property
    def horizon(self) -> int:
        """Steps that the network predicts in one call."""
        return read_config(self._run).window.horizon

    @cached_property
    def history(self) -> pd.DataFrame:
        """`epoch, loss, member`, `val_loss` or `test_loss`, and norms of gradients and weights."""
        return read_history(self._run)

    @cached_property
    def forecasts(self) -> pd.DataFrame:
        """Of known rows, by every model."""
        return read_forecasts(self._run)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Columns `unique_id, split, model, metric, value`."""
        return read_scores(self._run)

    @property
    def scales(self) -> Mapping[str, Scale]:
        """What MASE and RMSSE divide by, of each series."""
        return scales_of(self._data)

    @cached_property
    def actual(self) -> pd.DataFrame:
        """The rows whose forecasts are kept, and the last ones of each series."""
        own = self.forecasts[self.forecasts["model"] == self.model]
        both = pd.concat([own[["unique_id", "ds", "y"]], panel_table(self._panel)])
        known = both.groupby(["unique_id", "ds"], sort=False)["y"].first()
        return known.reset_index()

    @cached_property
    def future(self) -> pd.DataFrame:
        """What comes next, by the model and by the baselines."""
        panel, last = self._known, self._known.ends - 1
        network = self._opened.method
        methods = [network, *named_methods(BASELINES, self.season_length)]
        horizon, levels = self._steps, self._opened.quantile_levels
        refuse_endless(panel, horizon)
        nothing = Forecasts(np.full((len(last), horizon), np.nan))
        tables = [
            forecast_table(
                panel,
                last,
                nothing
                if method is network and self.lacking
                else method.forecast(panel, last, horizon, levels),
            ).assign(model=method.name)
            for method in methods
        ]
        return pd.concat(tables, ignore_index=True)

    @cached_property
    def lacking(self) -> list[Problem]:
        """What is to be known of the future to forecast what comes next, and is not."""
        return self._opened.lacking(self._known, self._steps)

    @property
    def strange(self) -> list[str]:
        """What the forecasts of the future see that the run was not fitted to, in sentences."""
        return self._opened.strange(self._known, self._steps)

    @property
    def _steps(self) -> int:
        config = self._opened.config
        return config.predict.horizon or config.window.horizon

    @cached_property
    def _known(self) -> Panel:
        """The last rows of each series, and what is known and assumed of the steps after them.

        Raises `UsageError` and `DataError` for what can not be assumed.
        """
        self._assumed.refuse_unusable(self._opened, None)
        [(_, panel)] = self._assumed.panels(self._opened, self._opened.known, self._steps)
        return panel

    @cached_property
    def _opened(self) -> OpenedRun:
        return self._open_run(self._run)

    @cached_property
    def _panel(self) -> Panel:
        return read_context(self._run)
