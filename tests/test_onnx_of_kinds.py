"""Every kind of network as ONNX: one for all series, and one for each, beside what is in memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from forecast.config.models import ModelOptions
from forecast.config.schema import EnsembleOptions, WindowOptions
from forecast.methods.network import OnnxPredictor
from forecast.networks import Architecture
from forecast.training import CompiledForward, KerasPredictor, export
from forecast.windows import Inputs, Sizes

# NumPy 2 warns of how TensorFlow 2 hands out its arrays; neither is ours.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MODEL: TypeAdapter[ModelOptions] = TypeAdapter(ModelOptions)
LENGTH, HORIZON = 8, 2

KINDS: list[dict[str, Any]] = [
    {"kind": "simple_rnn", "layers": [3, 3], "bidirectional": True, "residual": True},
    {"kind": "transformer", "units": 6, "num_heads": 2, "num_layers": 1},
    {"kind": "tcn", "filters": 3},
    {"kind": "seq2seq", "units": 3, "attention": True},
    {"kind": "nhits", "layers": [4], "pool_sizes": [3, 1], "downsampling": [2, 1]},
]


def _inputs(sizes: Sizes) -> Inputs:
    """Of two series with five windows each, of which some begin before their series."""
    random = np.random.default_rng(0)
    present = np.arange(LENGTH) >= random.integers(0, LENGTH - 1, (2, 5, 1))
    shapes = ((LENGTH, 2 + sizes.known), (HORIZON, sizes.known), (sizes.static,))
    past, future, static = (
        random.normal(size=(2, 5, *shape)).astype(np.float32) for shape in shapes
    )
    there = present[..., None].astype(np.float32)
    return Inputs(past * there, future, static, there)


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_what_is_exported_agrees_with_members(tmp_path: Path, options: dict[str, Any]) -> None:
    """To 1e-5, with quantiles, covariates and steps that are not there."""
    window = WindowOptions(context_length=LENGTH, horizon=HORIZON, padding="mask")
    sizes, ensemble = Sizes(past=1, known=2, static=1), EnsembleOptions()
    inputs = _inputs(sizes)
    for scope in ("global", "local"):
        model = MODEL.validate_python({**options, "scope": scope, "quantiles": [0.1, 0.5]})
        network = Architecture(model, window, 4, sizes)
        random = np.random.default_rng(1)
        is_local = scope == "local"
        weights = np.stack([[network.initial(random)] for _ in range(2 if is_local else 1)])
        weights += 0.1 * random.normal(size=weights.shape).astype(np.float32)
        seen = inputs if is_local else inputs.map(lambda part: part[0])
        export(network, {scope: weights}, ensemble, tmp_path)
        exported = OnnxPredictor(tmp_path / f"{scope}.onnx").predict(seen)
        in_memory = KerasPredictor(CompiledForward(network), weights, ensemble).predict(seen)
        assert np.abs(exported - in_memory).max() < 1e-5
