"""What a run tells of the data that it was made from."""

from collections.abc import Mapping

import numpy as np

from forecast.data.calendar import iso, zone_of
from forecast.jobs.job import Job
from forecast.runs import DataRecord, SeriesRecord
from forecast.scoring.metrics import Scale


def data_record(job: Job, scales: Mapping[str, Scale]) -> DataRecord:
    """What `data.json` holds; the scales are what MASE and RMSSE divide by."""
    panel, options = job.panel, job.config.data
    firsts, lasts = iso(panel.begins), iso(panel.lasts)
    test_begins = iso(panel.dates_by_series(job.split.test_begins))
    train_ends = iso(panel.dates_by_series(job.split.train_ends))
    zone = zone_of(panel.begins)
    return DataRecord(
        path=options.path,
        sha256=job.sha256,
        future_sha256=job.future_sha256,
        rows=len(panel.values),
        series=len(panel.unique_ids),
        first=firsts[int(np.argmin(panel.begins))],
        last=lasts[int(np.argmax(panel.lasts))],
        freq=panel.freq,
        timezone=None if zone is None else str(zone),
        season_length=job.season_length,
        columns={
            "time": ", ".join(options.time_columns),
            "target": ", ".join(options.targets),
            "id": ", ".join(options.ids) or None,
        },
        reading=job.reading.counts,
        per_series=[
            SeriesRecord(
                unique_id=name,
                rows=int(panel.ends[i] - panel.starts[i]),
                first=firsts[i],
                last=lasts[i],
                test_begin=test_begins[i],
                train_end=train_ends[i],
                is_fitted=bool(job.fitted[i]),
                scale=_or_none(scales[name].mae),
                rmsse_scale=_or_none(scales[name].rmse),
            )
            for i, name in enumerate(panel.unique_ids)
        ],
    )


def _or_none(scale: float) -> float | None:
    """JSON has no NaN."""
    return scale if np.isfinite(scale) else None
