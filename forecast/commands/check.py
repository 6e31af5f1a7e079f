"""Is this config and its data ready to train? `train` begins with the same questions."""

from dataclasses import asdict, dataclass

import numpy as np

from forecast.data.calendar import iso, zone_of
from forecast.data.covariate_health import (
    CovariateHealth,
    covariate_warnings,
    covariates_health,
)
from forecast.data.health import SeriesHealth, Target, target_of, warnings_of, worst_series
from forecast.data.split import latest_apart
from forecast.errors import ForecastError
from forecast.jobs.job import Job
from forecast.methods import BASELINES, named_methods

_MOST_CUTOFFS = 1_000  # of the test part, from which the baselines are asked


@dataclass(frozen=True)
class Findings:
    """What there is to train on, and what is to be known of it."""

    config: str
    data: str
    rows: int
    series: int
    first: str
    last: str
    freq: str
    timezone: str | None
    season_length: int
    members: int
    target: Target
    windows: dict[str, int]
    baselines: dict[str, float | None]
    """The mean absolute error of naive and seasonal naive on the test part."""
    reading: list[str]
    """What was done to the rows of the table."""
    worst: list[SeriesHealth]
    """Series with values that are missing, zero or all the same; the worst first."""
    warnings: list[str]
    covariates: list[CovariateHealth]

    def __str__(self) -> str:
        """A line for each, for a person."""
        facts = ("config", "data", "rows", "series", "first", "last", "freq", "timezone")
        lines = [f"{key}: {getattr(self, key)}" for key in facts if getattr(self, key) is not None]
        lines.append(f"season_length: {self.season_length}")
        lines.append(f"members: {self.members}")
        lines.append(f"target: {self.target}")
        errors = [(name, error) for name, error in self.baselines.items() if error is not None]
        if errors:
            shown = ", ".join(f"{name} {error:.4g}" for name, error in errors)
            lines.append(f"mean absolute error to beat: {shown}")
        lines += [f"covariate: {covariate}" for covariate in self.covariates]
        lines += [f"table: {note}" for note in self.reading]
        lines += self._worst()
        lines += [f"warning: {warning}" for warning in self.warnings]
        windows = ", ".join(f"{count} {name}" for name, count in self.windows.items())
        return "\n".join([*lines, f"windows: {windows}"])

    def _worst(self) -> list[str]:
        """A small table of the series that have something, where there are several."""
        if self.series == 1 or not self.worst:
            return []
        width = max(len("series"), *(len(health.unique_id) for health in self.worst))
        lines = [f"{'series':<{width}}  {'rows':>8} {'missing':>8} {'zeros':>8}"]
        for health in self.worst:
            constant = "  constant" if health.is_constant else ""
            lines.append(
                f"{health.unique_id:<{width}}  {health.rows:>8} {health.missing:>8} "
                f"{health.zeros:>8}{constant}"
            )
        return lines


def describe(job: Job) -> Findings:
    """Counts of rows, series and windows, dates and frequency, and what is to be known of them."""
    panel, reading, beside = job.panel, job.reading, job.config.data.covariates
    zone = zone_of(panel.begins)
    left_out = [f"{name} has no value at all, and is left out." for name in reading.empty[:5]]
    return Findings(
        config=str(job.source.path),
        data=job.config.data.path,
        rows=len(panel.values),
        series=len(panel.unique_ids),
        first=iso(panel.begins[[int(np.argmin(panel.begins))]])[0],
        last=iso(panel.lasts[[int(np.argmax(panel.lasts))]])[0],
        freq=panel.freq,
        timezone=None if zone is None else str(zone),
        season_length=job.season_length,
        members=sum(own.config.members for own in job.networks),
        target=target_of(panel, reading.filled),
        windows=job.windows,
        baselines=_baselines(job),
        reading=[str(reading)] if str(reading) else [],
        worst=worst_series(panel),
        warnings=[
            *job.warnings,
            *left_out,
            *warnings_of(panel, job.split.train_ends),
            *covariate_warnings(panel, beside, job.prediction_horizon, job.season_length),
        ],
        covariates=covariates_health(panel, beside),
    )


def _baselines(job: Job) -> dict[str, float | None]:
    """The error of what needs no training, from cutoffs of the test part that do not overlap."""
    panel, horizon = job.panel, job.config.window.horizon
    cutoffs = job.cutoffs["test"]
    errors: dict[str, float | None] = {}
    if not len(cutoffs):
        return errors
    cutoffs = latest_apart(panel, cutoffs, horizon, _MOST_CUTOFFS)
    truth = panel.truth_after(cutoffs, horizon)
    for method in named_methods(BASELINES, job.season_length):
        wrong = np.abs(method.forecast(panel, cutoffs, horizon).y_hat - truth)
        known = wrong[~np.isnan(wrong)]
        errors[method.name] = float(known.mean()) if len(known) else None
    return errors


def problems_document(error: ForecastError) -> dict[str, object]:
    """What `check --format json` prints where something is wrong."""
    return {"ok": False, "problems": [asdict(problem) for problem in error.problems]}
