"""The age of a series: how many steps ago it began."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecast.data.calendar import from_iso, iso, steps_between
from forecast.data.panel import Past
from forecast.features.feature import Kind, Matrix, Moments


@dataclass(frozen=True)
class Age:
    """`log10(2 + steps)`, the scale of DeepAR's covariate in GluonTS.

    Salinas et al. 2017, https://arxiv.org/abs/1704.04110. From 0.3 on the first date to 4.2 after
    two years of hours, it needs no other scale.
    """

    begins: Mapping[str, str]
    """The first date of each series, as ISO 8601; one that is not here begins at its first row."""

    @property
    def size(self) -> int:
        """One number."""
        return 1

    @classmethod
    def fit(cls, option: bool, past: Past) -> "Age":  # noqa: ARG003 - it is `true`
        """The first rows of the past."""
        return cls(dict(zip(past.panel.unique_ids, iso(past.panel.begins), strict=True)))

    def encode(self, moments: Moments) -> Matrix:
        """See `Feature.encode`. Raises `ValueError` where the first date of a series is none."""
        earlier = np.zeros(len(moments.unique_ids), np.int64)
        known = np.flatnonzero([name in self.begins for name in moments.unique_ids])
        if len(known):
            texts = [self.begins[moments.unique_ids[i]] for i in known]
            own, begins = moments.begins[known], from_iso(texts, moments.begins)
            if begins.hasnans:
                raise ValueError("the first date of a series is none")
            earlier[known] = steps_between(begins, own, moments.freq)
        steps = np.maximum(earlier[moments.series] + moments.steps, 0)
        encoded: Matrix = np.log10(2.0 + steps)[:, None].astype(np.float32)
        return encoded

    def state(self) -> dict[str, Any]:
        """See `Feature.state`."""
        return {"begins": dict(self.begins)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Age":
        """See `Feature.from_state`."""
        return cls({str(name): str(begin) for name, begin in dict(state["begins"]).items()})


KIND = Kind(Age, Age.fit)
