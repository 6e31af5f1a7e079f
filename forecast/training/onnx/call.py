"""A layer or operation of Keras with what it is called with, and the graph that it goes to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from forecast.networks import Weights
from forecast.training.onnx.graph import Graph, UnknownOperationError, Value

Parameter: TypeAlias = Callable[[Weights], str]
"""The name in the graph of weights `(series, ...)`, where it is one network's: `(...)`."""


@dataclass(frozen=True)
class Call:
    """A call whose arguments are values, numbers, arrays, or lists of these."""

    graph: Graph
    config: Mapping[str, Any]
    args: Sequence[Any]
    named: Mapping[str, Any]
    weights: Sequence[Weights]
    """Those of the layer in Keras's order, each `(series, ...)`."""
    parameter: Parameter

    @property
    def first(self) -> Value:
        """The value that it is called with first, or alone."""
        value = self.args[0]
        if not isinstance(value, Value) or self.named:
            raise UnknownOperationError(f"{self.config['name']} with {', '.join(self.named)}")
        return value

    def tensors(self, parts: Sequence[Any]) -> list[str]:
        """Values, numbers and arrays as tensors of the graph, all of one type: ONNX mixes none."""
        types = {part.dtype if isinstance(part, Value) else "float32" for part in parts}
        if len(types) > 1 or self.named:
            raise UnknownOperationError(f"{self.config['name']} of {', '.join(sorted(types))}")
        return [
            part.name if isinstance(part, Value) else self.graph.constant(np.float32(part))
            for part in parts
        ]

    def require(self, **settings: Any) -> None:
        """Raise `UnknownOperationError` where the config has others than these."""
        for name, setting in settings.items():
            if self.config.get(name, setting) != setting:
                raise UnknownOperationError(f"{name}: {self.config[name]}")
