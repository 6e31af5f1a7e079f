"""What the windows of a job are gathered from: all rows as the network of each pipeline sees them.

In memory; or, where processes share out the windows of a large panel, in files: each of them looks
at its own windows alone, so that it need not hold the rows of the others.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.data.cache import Pile
from forecast.data.joint import first_of
from forecast.data.panel import BLOCK_ROWS, Panel
from forecast.features import Encoder, rolling_means_of
from forecast.jobs.job import Job
from forecast.transforms import Pipelines
from forecast.windows import Columns, side_by_side


def columns_of(job: Job, transforms: Pipelines, encoder: Encoder | None) -> list[Columns]:
    """What is seen of all rows of a job, all of whose series are fitted, by pipeline.

    Raises `UsageError` where it is to lie in files that can not be written.
    """
    panel = job.panel
    if not (job.config.training.distribution and len(panel.values) > BLOCK_ROWS):
        return list(_columns(job, panel, transforms, encoder))
    each = [_ColumnsOnDisk() for _ in transforms.branches]
    for block, series in _blocks(job):
        seen = _columns(job, block, transforms.of(series), encoder)
        for on_disk, columns in zip(each, seen, strict=True):
            on_disk.add(columns)
    return [on_disk.whole() for on_disk in each]


def _blocks(job: Job) -> Iterator[tuple[Panel, NDArray[np.int64]]]:
    """Parts of the panel, each with the places of its series; all of it where these are joint."""
    begin = 0
    for block in job.panel.blocks(BLOCK_ROWS) if job.needs.targets == 1 else [job.panel]:
        yield block, np.arange(begin, begin + len(block.unique_ids))
        begin += len(block.unique_ids)


def _columns(
    job: Job, panel: Panel, transforms: Pipelines, encoder: Encoder | None
) -> Iterator[Columns]:
    """What is seen of the rows of a panel, some of the job's series, by pipeline.

    The first rows of each series, as many as a pipeline reaches back, have no value on its scale.
    """
    targets, window = job.needs.targets, job.config.window
    common, shared = first_of(panel, targets), transforms.shared.apply(panel).panel
    encoded = None if encoder is None else encoder.encode(common)
    is_whole = job.panel.observed.all()
    observed = None if is_whole else side_by_side(panel.observed, targets)
    lengths = np.diff(common.offsets)
    for branch in transforms.branches:
        scaled = branch.apply(shared).panel
        with np.errstate(over="ignore"):  # infinite, and so is the loss then: it diverges
            values = side_by_side(scaled.values, targets).astype(np.float32)
        means = rolling_means_of(scaled, job.config.features.rolling_means)
        columns = Columns(values) if encoded is None else encoded.beside(values, lengths)
        first = None
        if window.padding == "mask":
            first = np.repeat(common.starts + branch.reach, lengths).astype(np.int32)
        yield columns._replace(
            rolling_means=None if means is None else side_by_side(means, targets),
            observed=observed,
            first=first,
        )


class _ColumnsOnDisk:
    """Columns that come part by part, each of whole series, and lie in files."""

    def __init__(self) -> None:
        self._piles: defaultdict[str, Pile] = defaultdict(Pile)
        self._static: list[Any] = []
        self._rows = self._series = 0

    def add(self, columns: Columns) -> None:
        """Write a part behind the others."""
        if columns.static is not None:
            self._static.append(columns.static)
            columns = columns._replace(series=columns.series + np.int32(self._series))
            self._series += len(columns.static)
        if columns.first is not None:
            columns = columns._replace(first=columns.first + np.int32(self._rows))
        self._rows += len(columns.values)
        for name, part in columns._replace(static=None).named.items():
            self._piles[name].add(part)

    def whole(self) -> Columns:
        """All of them, which stay there until they are looked at."""
        static = np.concatenate(self._static) if self._static else None
        return Columns(**{name: own.whole() for name, own in self._piles.items()}, static=static)
