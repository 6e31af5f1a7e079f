"""One column beside the target as features: a number that is scaled, or a word among its levels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from forecast.data.covariates import BLANK
from forecast.data.panel import FloatArray, IntArray
from forecast.errors import nearest_of

Scale = Literal["standard", "minmax", "robust", "none"]

# Words that have a feature of their own; more of them, and the rarest have none.
MOST_LEVELS = 64
_SHOWN = 5  # words named in one message


@dataclass(frozen=True)
class Number:
    """A column of numbers less a location, over a scale. What is missing is 0, the location."""

    name: str
    location: float
    scale: float
    extent: tuple[float, float] | None = None
    """The least and the largest value of the past; older runs do not know them."""

    @property
    def features(self) -> int:
        """How many features it becomes."""
        return 1

    @classmethod
    def fit(cls, name: str, values: FloatArray, how: Scale) -> "Number":
        """From the values of the past; NaN is passed over."""
        known = values[np.isfinite(values)]
        if not len(known):
            return cls(name, 0.0, 1.0)
        extent = float(known.min()), float(known.max())
        if how == "none":
            return cls(name, 0.0, 1.0, extent)
        if how == "standard":
            location, scale = known.mean(), known.std()
        elif how == "minmax":
            location, scale = known.min(), known.max() - known.min()
        else:
            low, location, high = np.quantile(known, [0.25, 0.5, 0.75])
            scale = high - low
        # Of a column that never moved, a later move is of the size of its level.
        return cls(name, float(location), float(scale or abs(location) or 1.0), extent)

    def encode(self, values: FloatArray, levels: Sequence[str]) -> FloatArray:
        """`(rows,)` to `(rows, 1)`."""
        scaled = (values - self.location) / self.scale
        return np.where(np.isfinite(scaled), scaled, 0.0)[:, None]

    def strange(self, values: FloatArray, levels: Sequence[str], of: str) -> str | None:
        """What lies further from the values of the past than these lie apart, in a sentence.

        `of` is what the values are of: rows or series.
        """
        if self.extent is None:
            return None
        low, high = self.extent
        width = high - low
        far = values[(values < low - width) | (values > high + width)]
        if not len(far):
            return None
        had = f"{_range(low, high)}{'' if width else ' alone'}"
        # 990 where prices were 8.9 to 9.9.
        tenths = far[:, None] / 10.0 ** np.arange(1, 10)
        is_likely = ((tenths >= low) & (tenths <= high) & (tenths != 0)).any()
        return (
            f"`{self.name}` is {_range(far.min(), far.max())} in {_count(len(far), of)}; the "
            f"training rows had {had}: such forecasts are a guess."
            f"{' Is a decimal point missing?' if is_likely else ''}"
        )

    def state(self) -> dict[str, Any]:
        """What was fitted, as plain JSON."""
        extent = {} if self.extent is None else {"extent": list(self.extent)}
        return {"name": self.name, "location": self.location, "scale": self.scale, **extent}


@dataclass(frozen=True)
class Words:
    """A column of words: 1 for the word of a row, 0 for the others (one-hot).

    A word that the past does not have is none of them, and so is a missing one: all are 0.
    """

    name: str
    levels: tuple[str, ...]
    """The words that have a feature."""
    seen: tuple[str, ...]
    """Those of them that the past has: what a feature means was learned for them alone."""

    @property
    def features(self) -> int:
        """How many features it becomes."""
        return len(self.levels)

    @classmethod
    def fit(
        cls, name: str, values: FloatArray, words: Sequence[str], levels: tuple[str, ...]
    ) -> "Words":
        """From the values of the past, which are places of `words`."""
        places = np.unique(values[np.isfinite(values)]).astype(int)
        past = {words[place] for place in places}
        return cls(name, levels, tuple(level for level in levels if level in past))

    def encode(self, values: FloatArray, levels: Sequence[str]) -> FloatArray:
        """`(rows,)`, places of `levels`, to `(rows, features)`."""
        known = {word: self.levels.index(word) for word in self.seen}
        places = np.array([known.get(word, -1) for word in levels] + [-1], np.int64)
        own = places[np.where(np.isfinite(values), values, len(levels)).astype(np.int64)]
        encoded = np.zeros((len(values), len(self.levels)))
        rows = np.flatnonzero(own >= 0)
        encoded[rows, own[rows]] = 1.0
        return encoded

    def strange(self, values: FloatArray, levels: Sequence[str], of: str) -> str | None:
        """Which of the values are words that the past does not have, in a sentence.

        `of` is what the values are of: rows or series.
        """
        places = values[np.isfinite(values)].astype(np.int64)
        others = [i for i, word in enumerate(levels) if word != BLANK and word not in self.seen]
        own = np.isin(places, others)
        if not own.any():
            return None
        words = [levels[place] for place in np.unique(places[own])]
        near = [nearest for word in words[:_SHOWN] if (nearest := nearest_of(word, self.seen))]
        meant = ", ".join(f"`{word}`" for word in dict.fromkeys(near))
        verb, counts = ("was", "counts") if len(words) == 1 else ("were", "count")
        return (
            f"`{self.name}`: {_listed(words)}, in {_count(int(own.sum()), of)}, {verb} not in the "
            f"training rows ({_listed(self.seen)}) and {counts} as none of these"
            f"{f'; did you mean {meant}?' if meant else '.'}"
        )

    def state(self) -> dict[str, Any]:
        """What was fitted, as plain JSON."""
        return {"name": self.name, "levels": list(self.levels), "seen": list(self.seen)}


Column = Number | Words


def column_of(state: dict[str, Any]) -> Column:
    """A column again, from what `state` gave. Raises `ValueError` for what no fit could give."""
    if "levels" in state:
        levels, seen = tuple(state["levels"]), tuple(state["seen"])
        is_text = all(isinstance(word, str) for word in levels)
        if not is_text or len(set(levels)) < len(levels) or not set(seen) <= set(levels):
            raise ValueError("the words are not different texts, or others were seen")
        return Words(str(state["name"]), levels, seen)
    location, scale = float(state["location"]), float(state["scale"])
    if not (np.isfinite(location) and np.isfinite(scale) and scale > 0):
        raise ValueError("the location or the scale is none")
    extent = state.get("extent")
    if extent is not None:
        low, high = (float(number) for number in extent)
        if not (np.isfinite([low, high]).all() and low <= high):
            raise ValueError("the extent is none")
        extent = low, high
    return Number(str(state["name"]), location, scale, extent)


def fill_forward(values: FloatArray, offsets: IntArray) -> FloatArray:
    """Each missing value as the last one before it in its series; the first ones stay missing.

    What comes later is not known yet.
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    rows = np.arange(len(values))
    starts = np.repeat(offsets[:-1], np.diff(offsets))
    before = np.maximum.accumulate(np.where(missing, -1, rows))
    return values[np.where(before >= starts, before, rows)]


def _range(low: float, high: float) -> str:
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"


def _count(count: int, of: str) -> str:
    return f"{count:,} {of}" if count != 1 or of == "series" else "1 row"


def _listed(words: Sequence[str]) -> str:
    """Words as they are shown, of many the first."""
    shown = ", ".join("blank" if word == BLANK else repr(word) for word in words[:_SHOWN])
    return shown + (f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else "")
