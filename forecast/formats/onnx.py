"""ONNX, which a run has from the first: it is copied, and needs neither Keras nor TensorFlow."""

from pathlib import Path

from forecast.formats.format import Format
from forecast.methods.network import OnnxPredictor
from forecast.runs import Run

_CODE = """\
import onnxruntime


def run(name, inputs):
    session = onnxruntime.InferenceSession(f"{name}.onnx")
    (forecast,) = session.run(None, inputs)
    return forecast
"""


def write(run: Run, name: str, path: Path) -> None:
    """See `Format.write`."""
    path.write_bytes(run.content(f"{name}.onnx"))


FORMAT = Format("ONNX", ".onnx", "onnxruntime", _CODE, write, OnnxPredictor)
