"""Rows that are put in order on disk: batches come in, and go into buckets of whole series.

A bucket is one file of Arrow, or several where a column had another type in other batches.
"""

from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd

from forecast.data.arrays import IntArray
from forecast.data.sources.batches import Batch

_ORIGIN = "\0origin"  # no column is called so


class Spill:
    """Files of buckets that are being written, in a folder of their own."""

    def __init__(self, folder: Path, buckets: int) -> None:
        self._folder, self._buckets = folder, buckets
        self._arrow = import_module("pyarrow")
        self._writers: dict[tuple[int, Any], Any] = {}
        folder.mkdir(parents=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for writer, file in self._writers.values():
            writer.close()
            file.close()

    def write(self, batch: Batch, buckets: IntArray) -> None:
        """Add rows to the buckets `(rows,)`; those of -1 are left out."""
        # What pandas noted of a batch differs from batch to batch.
        table = batch.table.replace_schema_metadata(None)
        table = table.append_column(_ORIGIN, self._arrow.array(batch.origins))
        order = np.argsort(buckets, kind="stable")
        bounds = np.searchsorted(buckets[order], np.arange(self._buckets + 1))
        table = table.take(self._arrow.array(order)).combine_chunks()
        for bucket in np.flatnonzero(np.diff(bounds)):
            part = table.slice(bounds[bucket], bounds[bucket + 1] - bounds[bucket])
            part = self._with_own_words(part)
            self._writer(int(bucket), part.schema).write_table(part)

    def _with_own_words(self, table: Any) -> Any:
        """The table with none but its own words in its dictionaries, which would be written too."""
        is_dictionary = self._arrow.types.is_dictionary
        for place, field in enumerate(table.schema):
            if is_dictionary(field.type):
                words = table.column(place).cast(field.type.value_type)
                table = table.set_column(place, field.name, words.dictionary_encode())
        return table

    def _writer(self, bucket: int, schema: Any) -> Any:
        key = bucket, schema
        if key not in self._writers:
            variant = sum(own == bucket for own, _ in self._writers)
            file = self._arrow.OSFile(str(self._folder / f"{bucket}-{variant}.arrow"), "wb")
            options = self._arrow.ipc.IpcWriteOptions(compression="lz4")
            self._writers[key] = self._arrow.ipc.new_stream(file, schema, options=options), file
        return self._writers[key][0]


def read_bucket(folder: Path, bucket: int) -> tuple[pd.DataFrame, IntArray]:
    """The rows of a bucket in the order of their origins, and these."""
    arrow, frames = import_module("pyarrow"), []
    for path in sorted(folder.glob(f"{bucket}-*.arrow")):
        with arrow.OSFile(str(path), "rb") as file:
            table = arrow.ipc.open_stream(file).read_all()
        frames.append(table.unify_dictionaries().to_pandas(ignore_metadata=True))
    frame = pd.concat(frames, ignore_index=True)
    origins = frame.pop(_ORIGIN).to_numpy(np.int64)
    if (np.diff(origins) < 0).any():
        order = np.argsort(origins, kind="stable")
        frame, origins = frame.iloc[order].reset_index(drop=True), origins[order]
    return frame, origins
