"""What windows are gathered from: in memory, or part by part in files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.config.schema import TransformOptions
from forecast.errors import UsageError
from forecast.features import Encoder, fit_encoder, vocabulary
from forecast.jobs import columns as module
from forecast.jobs.columns import columns_of
from forecast.jobs.job import Job, prepare
from forecast.transforms import Pipelines, fit_pipelines

CONFIG = """\
data: {path: sales.csv, time: day, target: sold, id: shop, missing: interpolate,
  covariates: {past: [price], known: [promotion], static: [size]}}
split: {test: 3}
transforms: [log1p, standard]
features: {rolling_means: [3], lags: [4], calendar: [day_of_week]}
window: {context_length: 5, horizon: 2, padding: mask}
model: {kind: gru, units: 3}
training: {epochs: 1, backend: jax, distribution: data, ensemble: {size: 1,
  transforms: [[log1p, difference, {kind: minmax, per: global}]]}}
"""


def _job(folder: Path) -> Job:
    """Of five series of unlike lengths with gaps, and of a network in two units."""
    random, parts = np.random.default_rng(0), []
    for i, length in enumerate((30, 17, 44, 25, 20)):
        days = pd.date_range("2024-01-01", periods=length)
        part = pd.DataFrame({"day": days, "shop": f"S{i}", "sold": random.gamma(2, 20, length)})
        part["price"], part["promotion"] = random.random(length), random.integers(0, 2, length)
        part["size"] = random.choice(["small", "large"])
        parts.append(part.drop(index=7 + i))
    pd.concat(parts).to_csv(folder / "sales.csv", index=False)
    (folder / "sales.yaml").write_text(CONFIG, encoding="utf-8")
    return prepare(folder / "sales.yaml")


def _fitted(job: Job) -> tuple[Pipelines, Encoder | None]:
    past = job.panel.before(job.split.train_ends)
    pipelines: list[tuple[TransformOptions, ...]] = list(job.config.pipelines)
    return fit_pipelines(pipelines, {"train": past}, 7), fit_encoder(
        job.config, past, vocabulary([past.panel])
    )


def test_columns_in_files_are_those_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the bit, for every pipeline and every column; and nothing stays in the folder."""
    job = _job(tmp_path)
    transforms, encoder = _fitted(job)
    in_memory = columns_of(job, transforms, encoder)
    monkeypatch.setenv("FORECAST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "BLOCK_ROWS", 40)
    in_files = columns_of(job, transforms, encoder)
    assert len(in_memory) == len(in_files) == 2
    for own, other in zip(in_memory, in_files, strict=True):
        assert own.named.keys() == other.named.keys() == set(own._fields)
        for name, part in own.named.items():
            np.testing.assert_array_equal(other.named[name], part)
            assert other.named[name].dtype == (bool if name == "observed" else part.dtype)
        assert isinstance(other.values.base, np.memmap)
    assert not list((tmp_path / "cache" / "tables").iterdir())


def test_a_cache_that_can_not_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the variable that names another."""
    job = _job(tmp_path)
    (tmp_path / "file").touch()
    monkeypatch.setenv("FORECAST_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(module, "BLOCK_ROWS", 40)
    with pytest.raises(UsageError, match="can not write the cache") as raised:
        columns_of(job, *_fitted(job))
    assert "FORECAST_CACHE" in str(raised.value)
