"""What kind of table is this? Its columns, its frequency and season, and how its values behave."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.config.schema import DataOptions
from forecast.data.calendar import season_length_of, seasons_of
from forecast.data.panel import FloatArray, Panel
from forecast.data.table import read_raw, read_table
from forecast.errors import DataError, Problem, did_you_mean

# A season is believed where a season ago tells this much of today (a correlation).
_SEASONAL = 0.3


@dataclass(frozen=True)
class Profile:
    """What a table is, as far as looking at it tells."""

    options: DataOptions
    panel: Panel
    season_length: int
    has_season: bool
    is_multiplicative: bool
    """Whether swings grow with the level, so that a logarithm makes them alike."""

    @property
    def is_positive(self) -> bool:
        """Whether every value has a logarithm."""
        return bool(self.panel.values.min() > 0)


def profile_table(
    path: Path, time: str | None, target: str | None, unique_id: str | None
) -> Profile:
    """Find the columns that are not named, and read the table.

    Raises `DataError` where a column can not be told, or the table can not be read.
    """
    raw = read_raw(path)
    for name in (time, target, unique_id):
        if name is not None and name not in raw.columns:
            advice = did_you_mean(name, [str(column) for column in raw.columns])
            raise DataError(Problem(f"{path} has no column `{name}`.", advice))
    time = time or _time_column(raw, path)
    target = target or _target_column(raw, path, {time, unique_id})
    if unique_id is None and raw[time].duplicated().any():
        unique_id = _id_column(raw, path, time, target)
    has_gaps = bool(raw[target].isna().any())
    options = DataOptions(
        path=str(path),
        time=time,
        target=target,
        id=unique_id,
        missing="interpolate" if has_gaps else "error",
    )
    panel = read_table(options).panel
    season_length, has_season = _season(panel)
    return Profile(
        options, panel, season_length, has_season, _is_multiplicative(panel, season_length)
    )


def _time_column(raw: pd.DataFrame, path: Path) -> str:
    for name in raw.columns:
        if pd.api.types.is_numeric_dtype(raw[name]):
            continue
        sample = raw[name].dropna().head(100)
        if pd.to_datetime(sample, format="ISO8601", errors="coerce").notna().all():
            return str(name)
    raise DataError(Problem(f"{path}: no column holds ISO 8601 dates.", "Name it: --time COL."))


def _target_column(raw: pd.DataFrame, path: Path, taken: set[str | None]) -> str:
    numeric = [
        str(name)
        for name in raw.columns
        if pd.api.types.is_numeric_dtype(raw[name]) and name not in taken
    ]
    if not numeric:
        raise DataError(Problem(f"{path}: no column holds numbers.", "Name it: --target COL."))
    return numeric[-1]


def _id_column(raw: pd.DataFrame, path: Path, time: str, target: str) -> str:
    for name in raw.columns:
        if name not in (time, target) and not raw.duplicated([name, time]).any():
            return str(name)
    message = f"{path}: dates repeat, and no column tells series apart."
    raise DataError(Problem(message, "Name it: --id COL."))


def _season(panel: Panel) -> tuple[int, bool]:
    """The season whose autocorrelation is highest, of those usual for the frequency."""
    strengths = {lag: _autocorrelation(panel, lag) for lag in seasons_of(panel.freq)}
    if not strengths:
        return season_length_of(panel.freq), False
    best = max(strengths.values())
    if best < _SEASONAL:
        return season_length_of(panel.freq), False
    # The week of hourly data is a season of its own only where it says more than the day.
    return next(lag for lag, strength in strengths.items() if strength > 0.9 * best), True


def _autocorrelation(panel: Panel, lag: int) -> float:
    """The median over series of the autocorrelation of the differences: trends do not count."""
    return _median([_correlation(np.diff(y), lag) for y in _series(panel)])


def _correlation(y: FloatArray, lag: int) -> float:
    if len(y) < 2 * lag or np.ptp(y[lag:]) == 0 or np.ptp(y[:-lag]) == 0:
        return float("nan")
    return float(np.corrcoef(y[lag:], y[:-lag])[0, 1])


def _is_multiplicative(panel: Panel, season_length: int) -> bool:
    """Whether the spread within seasons grows in proportion to their mean (Guerrero 1993)."""
    if panel.values.min() < 0:
        return False
    return _median([_growth_of_spread(y, max(season_length, 4)) for y in _series(panel)]) > 0.5


def _growth_of_spread(y: FloatArray, length: int) -> float:
    """The slope of the logarithm of the spread of each season on that of its mean."""
    seasons = y[len(y) % length :].reshape(-1, length)
    mean, spread = seasons.mean(axis=1), seasons.std(axis=1)
    usable = (mean > 0) & (spread > 0)
    if usable.sum() < 3 or np.ptp(np.log(mean[usable])) < 0.1:
        return float("nan")
    return float(np.polyfit(np.log(mean[usable]), np.log(spread[usable]), 1)[0])


def _series(panel: Panel) -> list[FloatArray]:
    return [panel.values[i:j] for i, j in zip(panel.starts, panel.ends, strict=True)]


def _median(numbers: list[float]) -> float:
    known = [number for number in numbers if np.isfinite(number)]
    return float(np.median(known)) if known else 0.0
