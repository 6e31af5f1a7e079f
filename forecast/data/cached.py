"""A table that memory does not hold becomes a panel on disk, once, and is opened from there.

Its rows come in batches. Each goes to a bucket of whole series, a part of the table that memory
holds; every bucket becomes a block of the panel by the reader of all tables; and the blocks are
put together in the order in which the table names the series. So the panel is the one that the
table would be in memory, and what is wrong with it is said in the same words.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from forecast.config.data import DataOptions
from forecast.console import Console
from forecast.data.blocks import Block, Blocks, open_panel, write_panel
from forecast.data.cache import Entry, scratch_file
from forecast.data.sorting import Sorted, sort_rows
from forecast.data.sources.batches import (
    Batches,
    Stamps,
    part_of,
    query_batches,
    require_batches,
)
from forecast.data.sources.source import all_batches_of_source, batches_of_source
from forecast.data.sources.spill import read_bucket
from forecast.data.sources.sql import is_database
from forecast.data.table import (
    NoValueError,
    Table,
    read_table,
    table_of,
    wanted_columns,
    with_future,
)
from forecast.display import step_progress
from forecast.errors import DataError, Problem, extra_is_there

_LAYOUT = 2  # raised when older entries could no longer be read
_LARGE = (
    5_000_000  # rows from which a table is kept: below, reading it takes few seconds and little
)
# Bytes of files below which no table has so many rows, however they are packed.
_SMALL = 10_000_000
_CELLS = 6_000_000  # of a bucket: they take some 300 MB while they are read
_MOST_BUCKETS = 512  # files that are open at once


def open_table(options: DataOptions, console: Console) -> Table:
    """The table of the options: as it is read, or from the cache where it is one to be kept.

    Raises `DataError` with all that is wrong with it, `UsageError` where the cache can not be
    written, and `MissingExtraError` without pyarrow where it has to be kept.
    """
    if options.cache == "always" and (options.query is not None or is_database(options.path)):
        require_batches()
        columns = wanted_columns(options, options.targets)
        with scratch_file() as file:
            return _kept(query_batches(options, columns, file), options, console)
    batches = _batches_to_keep(options)
    return read_table(options) if batches is None else _kept(batches, options, console)


def _kept(batches: Batches, options: DataOptions, console: Console) -> Table:
    """The table of batches, from the cache once it is there."""
    stamps = Stamps.of(batches.files)
    entry, making = Entry(_key(batches, options)), _Making(batches, options, stamps, console)
    folder = making.made(entry)
    try:
        table = open_panel(folder, batches.sha256)
    except (OSError, ValueError, EOFError, KeyError, TypeError):
        console.warn(f"what the cache has of {batches.name} is damaged: it is made again")
        entry.remove()
        table = open_panel(making.made(entry), batches.sha256)
    return with_future(table, options)


def _batches_to_keep(options: DataOptions) -> Batches | None:
    """The rows of a table that is to be kept; None for one that is to be read as ever."""
    if options.cache == "never":
        return None
    batches = batches_of_source(options, wanted_columns(options, options.targets))
    if options.cache == "always":
        if batches is None:
            message = f"{options.path} can not be kept in the cache: it is read as a whole."
            advice = "Tables in Parquet and texts can. Leave `data.cache` out."
            raise DataError(Problem(message, advice))
        require_batches()
        return batches
    if batches is None or not extra_is_there("pyarrow"):
        return None
    return batches if _is_large(batches) else None


def batches_of_large(options: DataOptions) -> Batches | None:
    """All columns of a table that is kept unless somebody forbids it; None for another."""
    if not extra_is_there("pyarrow"):
        return None
    batches = all_batches_of_source(options)
    return batches if batches is not None and _is_large(batches) else None


def _is_large(batches: Batches) -> bool:
    return batches.size > _SMALL and batches.count > _LARGE


def _key(batches: Batches, options: DataOptions) -> str:
    """What a panel depends on: the content of the files, and how they are read."""
    how = options.model_dump(mode="json", exclude={"path", "future", "cache"})
    text = json.dumps([_LAYOUT, batches.sha256, batches.word, how], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class _Making:
    """A panel that is made of batches."""

    batches: Batches
    options: DataOptions
    stamps: Stamps
    console: Console

    def made(self, entry: Entry) -> Path:
        """The folder of the panel, which is made if it is not there.

        Raises `DataError` with what is wrong with the table, of which nothing is kept then.
        """
        try:
            return entry.make(self.make, self.say_waiting)
        except DataError:
            entry.forget()
            raise

    def say_waiting(self) -> None:
        """Say why nothing happens."""
        self.console.say(f"another process reads {self.batches.name}: waiting for it ...")

    def make(self, folder: Path) -> None:
        """Write what is not there yet of a panel, and leave nothing else in the folder."""
        count = self.batches.count
        files = len(self.batches.files)
        of = f" in {files} files" if files > 1 else ""
        self.console.say(f"reading {self.batches.name} once: about {count:,} rows{of} ...")
        with step_progress(self.console, count, 2, "row") as note:
            rows = sort_rows(
                self.batches, self.options, folder / "rows", self._buckets(count), note
            )
            blocks = Blocks(folder / "blocks")
            # The frequency is that of the longest series.
            for bucket in rows.from_longest():
                if bucket not in blocks:
                    freq = blocks.freq or self.options.freq
                    blocks.write(bucket, self._block(rows, bucket, freq, folder / "rows"))
                note(rows.counts[bucket])
        self.stamps.refuse_changes(self.batches.find())
        write_panel(blocks, rows, self.options, folder)

    def _buckets(self, count: int) -> int:
        cells = count * len(self.batches.columns.all)
        return min(max(1, -(-cells // _CELLS)), _MOST_BUCKETS)

    def _block(self, rows: Sorted, bucket: int, freq: str | None, folder: Path) -> Block:
        """The series of a bucket. Raises `DataError` with what is wrong with them."""
        frame, origins = read_bucket(folder, bucket)
        raw = part_of(self.batches, frame, origins, "")
        covariates = self.options.covariates.model_copy(update={"categories": rows.words})
        options = self.options.model_copy(
            update={"where": None, "freq": freq, "covariates": covariates}
        )
        try:
            return Block.of(table_of(raw, options, is_part=True))
        except NoValueError as error:
            return Block.nothing(error.unique_ids, len(frame))
