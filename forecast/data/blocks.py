"""Blocks of a panel on disk, and the panel that they become, whose arrays stay there."""

import json
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config.data import DataOptions
from forecast.data.arrays import IntArray, ranges
from forecast.data.calendar import Dates, zone_of
from forecast.data.columns import series_of_target
from forecast.data.covariates import Covariates, recoded
from forecast.data.panel import Panel
from forecast.data.sorting import Sorted
from forecast.data.table import NoValueError, Reading, Table
from forecast.errors import DataError, Problem

_PANEL = "panel.json"


@dataclass(frozen=True)
class Block:
    """Some series of a table, or none but the names of those that have no value."""

    panel: Panel | None
    reading: Reading

    @classmethod
    def of(cls, table: Table) -> "Block":
        """The series of a table."""
        return cls(table.panel, table.reading)

    @classmethod
    def nothing(cls, unique_ids: Sequence[str], rows: int) -> "Block":
        """Series without a value."""
        return cls(None, Reading(rows=rows, empty=tuple(unique_ids)))


class Blocks:
    """Blocks in a folder, each there whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def __contains__(self, number: int) -> bool:
        return self._path(number).is_dir()

    @property
    def freq(self) -> str | None:
        """The frequency of the blocks that are there; None where none has a series."""
        found = (json.loads((path / _PANEL).read_text()).get("freq") for path in self._paths)
        return next(filter(None, found), None)

    @property
    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("block-*[0-9]"), key=lambda p: int(p.name.split("-")[1]))

    def __iter__(self) -> Iterator[Block]:
        for path in self._paths:
            yield _read_block(path)

    def write(self, number: int, block: Block) -> None:
        """Add a block."""
        path = self._path(number)
        part = path.with_name(f"{path.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        facts: dict[str, Any] = {"reading": block.reading.__dict__}
        if block.panel is not None:
            facts |= _facts(block.panel)
            for name, array in _arrays(block.panel).items():
                np.save(part / f"{name}.npy", array)
        (part / _PANEL).write_text(json.dumps(facts), encoding="utf-8")
        part.rename(path)

    def _path(self, number: int) -> Path:
        return self.folder / f"block-{number}"


def write_panel(blocks: Blocks, rows: Sorted, options: DataOptions, folder: Path) -> None:
    """Put blocks together as one panel, which is all that is left in the folder.

    Its series stand in the order of the table. Raises `DataError` where no block has a series, and
    where some have dates of unlike time zones.
    """
    names = [
        series_of_target(name, target, options) if len(options.targets) > 1 else name
        for target in options.targets
        for name in rows.unique_ids
    ]
    found = list(blocks)
    reading = replace(_together([block.reading for block in found], names), rows=rows.rows)
    panels = [block.panel for block in found if block.panel is not None]
    if not panels:
        raise NoValueError(reading.empty, options.path)
    order = _Order.of([panel.unique_ids for panel in panels], names)
    facts = _facts(_joined(panels, order, folder))
    facts |= {"unique_ids": [names[place] for place in order.places], "reading": reading.__dict__}
    facts["checksums"] = {path.name: _checksum(path) for path in sorted(folder.glob("*.npy"))}
    part = folder / f"{_PANEL}.part"
    part.write_text(json.dumps(facts), encoding="utf-8")
    part.rename(folder / _PANEL)
    for path in (blocks.folder, folder / "rows"):
        shutil.rmtree(path)


def open_panel(folder: Path, sha256: str) -> Table:
    """The panel in a folder, whose arrays stay on disk until they are looked at.

    Raises `ValueError` where they are not what was written: all are read once for that, at some
    3 GB a second, so that they are in the system's memory when training begins.
    """
    facts = json.loads((folder / _PANEL).read_text(encoding="utf-8"))
    for name, checksum in facts["checksums"].items():
        if _checksum(folder / name) != checksum:
            raise ValueError(f"{folder / name} is damaged")
    reading = Reading(**facts["reading"] | {"empty": tuple(facts["reading"]["empty"])})
    return Table(_panel(folder, facts), sha256, reading)


def _checksum(path: Path) -> int:
    """A cyclic redundancy check of a file: it notices what disks do, not what people do."""
    found = 0
    with path.open("rb") as file:
        while part := file.read(1 << 22):
            found = zlib.crc32(part, found)
    return found


def _read_block(path: Path) -> Block:
    facts = json.loads((path / _PANEL).read_text(encoding="utf-8"))
    reading = Reading(**facts["reading"] | {"empty": tuple(facts["reading"]["empty"])})
    return Block(_panel(path, facts) if "freq" in facts else None, reading)


def _facts(panel: Panel) -> dict[str, Any]:
    """What of a panel is no array."""
    zone, covariates = zone_of(panel.begins), panel.covariates
    return {
        "unique_ids": panel.unique_ids,
        "freq": panel.freq,
        "is_dated": isinstance(panel.begins, pd.DatetimeIndex),
        "timezone": None if zone is None else str(zone),
        "columns": [] if covariates is None else list(covariates.columns),
        "static": [] if covariates is None else list(covariates.static),
        "levels": {} if covariates is None else dict(covariates.levels),
        "has_covariates": covariates is not None,
    }


def _arrays(panel: Panel) -> dict[str, NDArray[Any]]:
    """The arrays of a panel, by the names of their files."""
    begins = panel.begins
    moments = begins.asi8 if isinstance(begins, pd.DatetimeIndex) else begins.to_numpy(np.int64)
    arrays: dict[str, NDArray[Any]] = {
        "values": panel.values,
        "observed": panel.observed,
        "offsets": panel.offsets,
        "begins": moments,
    }
    if panel.covariates is not None:
        arrays["covariate-offsets"] = panel.covariates.offsets
        for kind, columns in _kinds(panel.covariates).items():
            arrays |= {f"{kind}-{i}": array for i, array in enumerate(columns.values())}
    return arrays


def _kinds(covariates: Covariates) -> dict[str, Mapping[str, NDArray[Any]]]:
    return {"column": covariates.columns, "static": covariates.static}


def _panel(folder: Path, facts: Mapping[str, Any]) -> Panel:
    """The panel of such facts and of the arrays in a folder, which stay there."""

    def array(name: str) -> NDArray[Any]:
        return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r"))

    def named(kind: str, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        return {name: array(f"{kind}-{i}") for i, name in enumerate(names)}

    covariates = None
    if facts["has_covariates"]:
        levels = {name: tuple(words) for name, words in facts["levels"].items()}
        columns, static = named("column", facts["columns"]), named("static", facts["static"])
        covariates = Covariates(array("covariate-offsets"), columns, static, levels)
    return Panel(
        tuple(facts["unique_ids"]),
        np.array(array("offsets")),
        _dates(np.array(array("begins")), facts),
        array("values"),
        array("observed"),
        facts["freq"],
        covariates,
    )


def _dates(moments: IntArray, facts: Mapping[str, Any]) -> Dates:
    if not facts["is_dated"]:
        return pd.Index(moments, dtype=np.int64)
    begins = pd.DatetimeIndex(moments.astype("datetime64[us]"))
    zone = facts["timezone"]
    return begins if zone is None else begins.tz_localize("UTC").tz_convert(zone)


def _together(readings: Sequence[Reading], names: Sequence[str]) -> Reading:
    """What was done to the rows of all blocks; series without a value in the order of the table."""
    places = {name: place for place, name in enumerate(names)}
    empty = sorted((name for own in readings for name in own.empty), key=places.__getitem__)
    counts = [field.name for field in fields(Reading) if field.name != "empty"]
    sums = {name: sum(getattr(own, name) for own in readings) for name in counts}
    return Reading(**sums, empty=tuple(empty))


@dataclass(frozen=True)
class _Order:
    """Where the series of several panels stand in the whole one."""

    places: IntArray
    """Of each series of the whole panel its place in the table, ascending."""
    of_panels: Sequence[IntArray]
    """Of each of the panels the place of each of its series in the whole one."""

    @classmethod
    def of(cls, unique_ids: Sequence[Sequence[str]], names: Sequence[str]) -> "_Order":
        places = {name: place for place, name in enumerate(names)}
        own = [np.array([places[name] for name in each], np.int64) for each in unique_ids]
        whole = np.sort(np.concatenate(own))
        return cls(whole, [np.searchsorted(whole, each) for each in own])

    def together(self, numbers: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """A number for each series of each panel as one for each series of the whole."""
        found = np.zeros(len(self.places), numbers[0].dtype)
        for places, own in zip(self.of_panels, numbers, strict=True):
            found[places] = own
        return found

    def offsets(self, panels: Sequence[Panel] | Sequence[Covariates]) -> IntArray:
        """Where the rows of each series begin in the whole."""
        lengths = self.together([np.diff(panel.offsets) for panel in panels])
        return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _joined(panels: Sequence[Panel], order: _Order, folder: Path) -> Panel:
    """The series of several panels in an order, in arrays of a folder; named as in the first."""
    first = panels[0]
    zones = {str(zone_of(panel.begins)) for panel in panels}
    if len(zones) > 1:
        message = f"series have dates of unlike time zones: {', '.join(sorted(zones))}."
        raise DataError(Problem(message, "Name the one to bring them to: `data.timezone`."))
    begins = order.together([_arrays(panel)["begins"] for panel in panels])
    np.save(folder / "begins.npy", begins)
    offsets = order.offsets(panels)
    np.save(folder / "offsets.npy", offsets)
    _scatter([panel.values for panel in panels], order, offsets, folder / "values.npy")
    _scatter([panel.observed for panel in panels], order, offsets, folder / "observed.npy")
    beside = [panel.covariates for panel in panels if panel.covariates is not None]
    if not beside:
        return first
    return replace(first, covariates=_joined_covariates(beside, order, folder))


def _joined_covariates(covariates: Sequence[Covariates], order: _Order, folder: Path) -> Covariates:
    """The same of what stands beside; words stand in alphabetical order."""
    offsets = order.offsets(covariates)
    np.save(folder / "covariate-offsets.npy", offsets)
    levels = {
        name: tuple(sorted(set().union(*(own.levels[name] for own in covariates))))
        for name in covariates[0].levels
    }

    def whole(own: Covariates, kind: str, name: str) -> NDArray[Any]:
        values = _kinds(own)[kind][name]
        return recoded(values, own.levels[name], levels[name])[0] if name in levels else values

    for i, name in enumerate(covariates[0].columns):
        columns = (whole(own, "column", name) for own in covariates)
        _scatter(columns, order, offsets, folder / f"column-{i}.npy")
    for i, name in enumerate(covariates[0].static):
        numbers = order.together([whole(own, "static", name) for own in covariates])
        np.save(folder / f"static-{i}.npy", numbers)
    return replace(covariates[0], levels=levels)


def _scatter(
    arrays: Iterable[NDArray[Any]],
    order: _Order,
    offsets: IntArray,
    path: Path,
) -> None:
    """Write the rows of the series of each panel to where they stand in the whole."""
    whole: NDArray[Any] | None = None
    for places, array in zip(order.of_panels, arrays, strict=True):
        if whole is None:
            whole = _file_of(path, array.dtype, int(offsets[-1]))
        whole[ranges(offsets[places], offsets[places + 1])] = array


def _file_of(path: Path, dtype: np.dtype[Any], rows: int) -> NDArray[Any]:
    """An array on disk, for which there is room.

    Raises `OSError` where there is none: to write where the disk is full would end the process.
    """
    array: NDArray[Any] = np.lib.format.open_memmap(path, "w+", dtype, (rows,))
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array
