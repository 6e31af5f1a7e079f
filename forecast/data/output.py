"""Where a result goes, and in which form: what `--output` and `--format` say together."""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import pandas as pd

from forecast.console import Console
from forecast.data.export import (
    encode_table,
    encode_tables,
    is_stream,
    refuse_unwritable,
    write_file,
    written,
)
from forecast.data.parts import write_parquet
from forecast.errors import Problem, UsageError, require_extra, shortened

TABLE_FORMATS = ("csv", "jsonl", "parquet")
"""The forms of a table of forecasts, the usual one first."""

_ENDINGS = {
    "csv": ".csv",
    "jsonl": ".jsonl",
    "parquet": ".parquet",
    "json": ".json",
    "table": ".txt",
}
_GZIP = ".gz"
_GZIP_BITS = 31  # of zlib: its largest window, in the form of gzip
_PACKED_BY_ITSELF = "parquet"


@dataclass(frozen=True)
class Output:
    """A file, a pipe or standard output, and the form of what is written to it."""

    path: Path
    format: str
    is_gzip: bool = False

    def refuse_sources(self, sources: Mapping[str, Path | None]) -> None:
        """Raise `UsageError` where the file is one of those that the result is made from.

        `sources` are these files by the option or the key that names each.
        """
        for name, path in sources.items():
            if path is not None and str(path) != "-" and _is_same(path, self.path):
                message = f"--output {shortened(str(self.path))} is the file of {name}"
                raise UsageError(Problem(f"{message}, which would be lost.", _ANOTHER))

    def write(self, content: bytes, console: Console) -> None:
        """Write the content: a file whole or not at all. Raises `UsageError` where it can not be.

        Equal contents give equal bytes, compressed ones too: no time is written into them.
        """
        if self.is_gzip:
            content = gzip.compress(content, mtime=0)
        if _is_stdout(self.path):
            console.result(content)
        else:
            write_file(content, self.path, _ANOTHER)

    def write_tables(self, tables: Iterable[pd.DataFrame], console: Console) -> None:
        """Write tables of the same columns as one, part by part: see `write`."""
        parts = iter(tables)
        first = list(islice(parts, 2))
        is_file = not (_is_stdout(self.path) or is_stream(self.path))
        if len(first) == 1 or (self.format == _PACKED_BY_ITSELF and not is_file):
            whole = pd.concat([*first, *parts], ignore_index=True)
            self.write(encode_table(whole, self.format), console)
            return
        parts = chain(first, parts)
        if _is_stdout(self.path):
            for content in self._encoded(parts):
                console.result(content)
            return
        with written(self.path, _ANOTHER) as path:
            if self.format == _PACKED_BY_ITSELF:
                write_parquet(parts, path)
            else:
                with path.open("wb") as file:
                    file.writelines(self._encoded(parts))

    def _encoded(self, tables: Iterable[pd.DataFrame]) -> Iterator[bytes]:
        """Tables as one, as bytes, compressed if they are to be."""
        parts = encode_tables(tables, self.format)
        if not self.is_gzip:
            yield from parts
            return
        packer = zlib.compressobj(wbits=_GZIP_BITS)
        yield from (packer.compress(part) for part in parts)
        yield packer.flush()


_ANOTHER = "Give another --output."


def output_of(path: Path, format: str | None, formats: Sequence[str]) -> Output:
    """What the two options ask for, of the forms that a command has, the usual one first.

    The ending of a file says its form, and `.gz` behind it that it is compressed; where it says
    none, `format` does. Raises `UsageError` where neither does, where they disagree, and for a
    file that can not be written; `MissingExtraError` for Parquet without pyarrow.
    """
    if not _is_stdout(path):
        refuse_unwritable(path, _ANOTHER)
    is_gzip = path.suffix.lower() == _GZIP
    named = path.with_suffix("") if is_gzip else path
    by_ending = {_ENDINGS[name]: name for name in formats}.get(named.suffix.lower())
    if by_ending is None and format is None and not (_is_stdout(path) or is_stream(path)):
        raise UsageError(_unknown_ending(path, formats))
    if by_ending and format and by_ending != format:
        message = f"--format {format}: --output {shortened(str(path))} is {by_ending} by its ending"
        other = named.with_suffix(_ENDINGS[format])
        raise UsageError(Problem(f"{message}.", f"Leave --format out, or write {other.name}."))
    chosen = format or by_ending or formats[0]
    if is_gzip and chosen == _PACKED_BY_ITSELF:
        message = f"--output {shortened(str(path))}: Parquet is compressed as it is."
        raise UsageError(Problem(message, f"Write {named.with_suffix(_ENDINGS[chosen]).name}."))
    if chosen == "parquet":
        require_extra("pyarrow", "parquet")
    return Output(path, chosen, is_gzip)


def _is_same(source: Path, output: Path) -> bool:
    """Whether a file is a source, or one of several that are named by a pattern."""
    if not output.is_file():
        return False
    files = [source]
    if any(mark in str(source) for mark in "*?["):
        anchor = Path(source.anchor)
        files += anchor.glob(str(source.relative_to(anchor)))
    return any(path.is_file() and path.samefile(output) for path in files)


def _is_stdout(path: Path) -> bool:
    return str(path) == "-"


def _unknown_ending(path: Path, formats: Sequence[str]) -> Problem:
    packed = [_ENDINGS[name] + _GZIP for name in formats if name in ("csv", "jsonl")]
    known = ", ".join([*(_ENDINGS[name] for name in formats), *packed])
    message = f"--output {shortened(str(path))}: the ending names no form."
    return Problem(message, f"Endings are {known}; with another say --format {formats[0]}.")
