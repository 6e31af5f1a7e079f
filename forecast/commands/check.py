"""Is this config and its data ready to train? `train` begins with the same questions."""

from dataclasses import asdict, dataclass

from forecast.data.calendar import iso
from forecast.errors import ForecastError
from forecast.jobs.job import Job


@dataclass(frozen=True)
class Findings:
    """What there is to train on."""

    config: str
    data: str
    rows: int
    series: int
    first: str
    last: str
    freq: str
    season_length: int
    members: int
    windows: dict[str, int]
    warnings: list[str]

    def __str__(self) -> str:
        """A line for each, for a person."""
        lines = [f"{key}: {value}" for key, value in list(vars(self).items())[:-2]]
        lines.append("windows: " + ", ".join(f"{n} {name}" for name, n in self.windows.items()))
        return "\n".join(lines + [f"warning: {warning}" for warning in self.warnings])


def describe(job: Job) -> Findings:
    """Counts of rows, series and windows, dates and frequency."""
    panel = job.panel
    return Findings(
        config=str(job.source.path),
        data=job.config.data.path,
        rows=len(panel.values),
        series=len(panel.unique_ids),
        first=min(iso(panel.begins)),
        last=max(iso(panel.lasts)),
        freq=panel.freq,
        season_length=job.season_length,
        members=job.config.training.ensemble.size * len(job.config.pipelines),
        windows={name: len(cutoffs) for name, cutoffs in job.cutoffs.items()},
        warnings=job.warnings,
    )


def problems_document(error: ForecastError) -> dict[str, object]:
    """What `check --format json` prints where something is wrong."""
    return {"ok": False, "problems": [asdict(problem) for problem in error.problems]}
