"""Networks as ONNX graphs, written without the library that trained them."""

from forecast.training.onnx.graph import UnknownOperationError
from forecast.training.onnx.network import write

__all__ = ["UnknownOperationError", "write"]
