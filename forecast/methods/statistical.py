"""What the methods of statsforecast share: they are fitted again at every cutoff."""

import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import ClassVar

import numpy as np

from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.errors import require_extra
from forecast.methods.method import Baseline


@dataclass(frozen=True)
class Statistical(Baseline):
    """A model of statsforecast, which is loaded only where one is asked for."""

    model: ClassVar[str]
    """Its class in `statsforecast.models`."""

    def __post_init__(self) -> None:
        """Raises `MissingExtraError` where the extra is not installed."""
        require_extra("statsforecast", "stats")

    def points(self, panel: Panel, cutoffs: IntArray, horizon: int) -> FloatArray:
        """See `Baseline.points`; NaN where the model can not be fitted, as to few rows."""
        _keep_compiled()
        model = getattr(import_module("statsforecast.models"), self.model)
        starts = panel.starts[panel.series_of(cutoffs)]
        points = np.full((len(cutoffs), horizon), np.nan)
        for row, (begin, end) in enumerate(zip(starts, cutoffs + 1, strict=True)):
            past = panel.values[begin:end].copy()  # its compiled code takes no read-only array
            try:
                found = model(season_length=self.season_length).forecast(past, horizon)["mean"]
            except Exception:  # noqa: BLE001, S112 - its errors share no base but this one
                continue
            if np.isfinite(found).all():
                points[row] = found
        return points


def _keep_compiled() -> None:
    """Let statsforecast keep its compiled code: to compile AutoCES takes half a minute.

    In the folder of caches of whoever runs it, unless they say otherwise; where that can not be
    written, it is compiled again each time.
    """
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(root).expanduser() / "forecast" / "numba"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # there may be no home either
        return
    if os.access(folder, os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(folder))
        os.environ.setdefault("NIXTLA_NUMBA_CACHE", "1")
