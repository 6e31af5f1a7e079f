"""The bytes of a table: of a file, of a compressed one, of a pipe."""

import gzip
import hashlib
import io
import sys
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, cast

from forecast.errors import DataError, Problem, reason
from forecast.machine import free_memory

_MOST_FOLD = 200  # times that a table may grow when it is unpacked, beyond this many bytes:
_HARMLESS = 256_000_000
# Bytes of memory that a byte of a table takes while it is read: its cells and what they become.
_MEMORY = 3


def is_stream(path: str) -> bool:
    """Whether a table comes through a pipe, whose name leads nowhere later."""
    if path == "-" or path.startswith(("/dev/", "/proc/")):
        return True
    try:
        return Path(path).is_fifo()
    except (OSError, ValueError):  # no file has such a name
        return False


def refuse_too_large(name: str, size: int, free: int) -> None:
    """Raise `DataError` for a table of `size` bytes that `free` bytes of memory do not hold."""
    if _MEMORY * size <= free:
        return
    message = (
        f"{name} is too large to read: its {size / 1e9:,.1f} GB take about "
        f"{_MEMORY * size / 1e9:,.1f} GB of memory, and {free / 1e9:,.1f} GB are free."
    )
    advice = "Take some of its rows and columns with SQL: `data.query: SELECT ... FROM data`."
    raise DataError(Problem(message, advice))


@dataclass(frozen=True)
class Content:
    """What can be opened again and again, be it a file or a pipe that was read once."""

    path: Path
    is_streamed: bool = False
    """Whether it is read piece by piece, so that memory need not have room for all of it."""

    @property
    def name(self) -> str:
        """How errors call it."""
        return "standard input" if str(self.path) == "-" else str(self.path)

    def refuse_too_large(self, size: int) -> None:
        """Raise `DataError` for a table of so many bytes that memory has no room for."""
        if not self.is_streamed:
            refuse_too_large(self.name, size, self._free)

    @cached_property
    def _free(self) -> int:
        """The memory that was free before any of it was read."""
        return free_memory()

    @cached_property
    def _piped(self) -> bytes | None:
        """The bytes of what can be read only once."""
        if str(self.path) == "-":
            return self._all_of(sys.stdin.buffer)
        if self.path.is_file():
            return None
        with self.path.open("rb") as pipe:
            if self.path.is_char_device() and not pipe.isatty():
                message = f"can not read the table {self.path}: it is a device, which may not end."
                raise DataError(Problem(message))
            return self._all_of(pipe)

    def _all_of(self, pipe: BinaryIO) -> bytes:
        """What comes through a pipe, as long as there is room for it."""
        parts, size = [], 0
        while part := pipe.read(1 << 24):
            parts.append(part)
            size += len(part)
            self.refuse_too_large(size)
        return b"".join(parts)

    def open_packed(self) -> BinaryIO:
        """The bytes as they lie there. Raises `DataError` where they can not be read."""
        try:
            if self._piped is not None:
                return io.BytesIO(self._piped)
            return self.path.open("rb")
        except OSError as error:
            problem = Problem(f"can not read the table {self.path}: {reason(error)}.")
            raise DataError(problem) from error

    @cached_property
    def is_gzip(self) -> bool:
        """By its ending, or by its first bytes."""
        with self.open_packed() as file:
            return self.path.suffix == ".gz" or file.read(2) == b"\x1f\x8b"

    def open(self) -> BinaryIO:
        """The bytes, unpacked."""
        packed = self.open_packed()
        if not self.is_gzip:
            try:
                self.refuse_too_large(packed.seek(0, io.SEEK_END))
            except DataError:
                packed.close()
                raise
            packed.seek(0)
            return packed
        return cast(BinaryIO, io.BufferedReader(_Unpacking(packed, self)))

    def head(self, size: int) -> bytes:
        """The first bytes, unpacked. Raises `DataError` where they are damaged."""
        with self.open() as file:
            try:
                return file.read(size)
            except (OSError, EOFError, zlib.error) as error:
                raise DataError(Problem(f"{self.name} is not a CSV table: {error}")) from error

    def read(self) -> bytes:
        """All bytes, unpacked."""
        with self.open() as file:
            try:
                return file.read()
            except (OSError, EOFError, zlib.error) as error:
                raise DataError(Problem(f"{self.name} is not a CSV table: {error}")) from error

    @cached_property
    def sha256(self) -> str:
        """The checksum of the bytes as they lie there."""
        with self.open_packed() as file:
            digest = hashlib.sha256()
            while part := file.read(1 << 20):
                digest.update(part)
            return digest.hexdigest()


@dataclass(frozen=True)
class Written(Content):
    """A text that was written here, of rows of the table that its path names."""

    text: bytes = b""
    is_gzip = False

    def open_packed(self) -> BinaryIO:
        """See `Content.open_packed`."""
        return io.BytesIO(self.text)


class _Unpacking(io.RawIOBase):
    """A gzip stream that ends with an error where it grows without bound."""

    def __init__(self, packed: BinaryIO, content: Content) -> None:
        self.packed, self.content = packed, content
        self.stream = gzip.GzipFile(fileobj=packed)
        self.unpacked = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        part = self.stream.read(len(buffer))
        buffer[: len(part)] = part
        self.unpacked += len(part)
        self.content.refuse_too_large(self.unpacked)
        size = max(self.packed.tell(), 1)
        if self.unpacked > max(_HARMLESS, _MOST_FOLD * size):
            message = (
                f"{self.content.name} unpacks to more than {_MOST_FOLD} times its size: is it a "
                "table?"
            )
            raise DataError(Problem(message, "Unpack it first if it is one."))
        return len(part)

    def close(self) -> None:
        self.stream.close()
        self.packed.close()
        super().close()
