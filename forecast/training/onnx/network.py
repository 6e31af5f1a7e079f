"""Members of an architecture as one ONNX graph, from what Keras tells of the network.

A Keras model describes itself: each layer and operation, and what it is called with, as they stand
in a `.keras` file. So a kind of network needs nothing of its own here: its description is followed
from the forecast back to the inputs, and every operation has its counterpart in ONNX.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from forecast.config.schema import EnsembleOptions
from forecast.networks import Architecture, Weights
from forecast.training.onnx.call import Call, Parameter
from forecast.training.onnx.graph import Graph, UnknownOperationError, Value, model_bytes
from forecast.training.onnx.operations import operation_of


def write(
    architecture: Architecture, weights: Weights, options: EnsembleOptions, path: Path
) -> None:
    """Write members `(series, size, parameters)` as a graph, for any number of windows.

    Inputs have the names of `Inputs`, and the series in front where each has a network. Raises
    `UnknownOperationError` where a network is made of something that is not known here.
    """
    description = architecture.keras_model.get_config()
    members = [architecture.layer_weights(own) for own in np.moveaxis(weights, 1, 0)]
    network = _Network(description, architecture, members, options)
    graph = network.of_each_series() if architecture.is_local else network.of_all_series()
    path.write_bytes(model_bytes(graph))


class _Network:
    """An ensemble of networks of one description."""

    def __init__(
        self,
        description: Mapping[str, Any],
        architecture: Architecture,
        members: Sequence[Mapping[str, list[Weights]]],
        options: EnsembleOptions,
    ) -> None:
        """`members` are the weights of each layer by its name, `(series, ...)`."""
        self._description = description
        self._shapes = architecture.input_shapes()
        self._output = architecture.output_shape
        self._members = members
        self._options = options

    def of_all_series(self) -> Any:
        """The graph of networks that all series share."""
        graph = Graph()
        for name, shape in self._shapes.items():
            graph.input(name, ("windows", *shape))
        forecast = self._forecast(graph, lambda array: graph.constant(array[0]))
        return graph.proto(forecast, "forecast", ("windows", *self._output))

    def of_each_series(self) -> Any:
        """The graph of networks of a series each: the same one again and again, by `Scan`.

        It takes from its inputs, and from the weights of all series, those of one after another.
        """
        one, graph, stacked = Graph("one_"), Graph(), []

        def parameter(array: Weights) -> str:
            stacked.append(array)
            return one.input(f"one_parameter_{len(stacked)}", array.shape[1:])

        for name, shape in self._shapes.items():
            one.input(f"one_{name}", ("windows", *shape))
        forecast = self._forecast(one, parameter, "one_")
        body = one.proto(forecast, "one_forecast", ("windows", *self._output))
        series = len(stacked[0])
        inputs = [
            graph.input(name, (series, "windows", *shape)) for name, shape in self._shapes.items()
        ]
        inputs += [graph.constant(array) for array in stacked]
        each = graph.one("Scan", *inputs, body=body, num_scan_inputs=len(inputs))
        return graph.proto(each, "forecast", (series, "windows", *self._output))

    def _forecast(self, graph: Graph, parameter: Parameter, prefix: str = "") -> str:
        """What all members forecast together, of inputs whose names have this prefix."""
        inputs = {name: f"{prefix}{name}" for name in self._shapes}
        forecasts = [
            _Member(self._description, graph, inputs, weights, parameter).forecast()
            for weights in self._members
        ]
        if len(forecasts) == 1:
            return forecasts[0]
        if self._options.combine == "mean":
            return graph.one("Mean", *forecasts)
        return _median(graph, forecasts)


class _Member:
    """One network, which is written into a graph."""

    def __init__(
        self,
        description: Mapping[str, Any],
        graph: Graph,
        inputs: Mapping[str, str],
        weights: Mapping[str, list[Weights]],
        parameter: Parameter,
    ) -> None:
        self._layers = {layer["name"]: layer for layer in description["layers"]}
        self._output = description["output_layers"]
        self._graph = graph
        self._weights = weights
        self._parameter = parameter
        self._written = {(name, 0): [tensor] for name, tensor in inputs.items()}

    def forecast(self) -> str:
        """The name of the forecast."""
        return self._tensor(*self._output)

    def _tensor(self, name: str, node: int, place: int) -> str:
        """The name of an output of a layer, which is written first where it is not yet."""
        if (name, node) not in self._written:
            self._written[name, node] = self._call(self._layers[name], node)
        return self._written[name, node][place]

    def _call(self, layer: Mapping[str, Any], node: int) -> list[str]:
        operation = operation_of(layer["module"], layer["class_name"])
        config, call = layer["config"], layer["inbound_nodes"][node]
        if _precision(config) != "float32":
            raise UnknownOperationError(f"{layer['name']} in {_precision(config)}")
        named = {name: self._value(part) for name, part in call["kwargs"].items()}
        return operation(
            Call(
                self._graph,
                config,
                [self._value(part) for part in call["args"]],
                {name: value for name, value in named.items() if value not in (None, False)},
                self._weights.get(layer["name"], []),
                self._parameter,
            )
        )

    def _value(self, part: Any) -> Any:
        """An argument as it was before it was described; tensors become values of the graph."""
        if isinstance(part, list | tuple):
            return [self._value(each) for each in part]
        if not isinstance(part, Mapping):
            return part
        kind, config = part["class_name"], part["config"]
        if kind == "__keras_tensor__":
            shape = tuple(config["shape"])
            return Value(self._tensor(*config["keras_history"]), shape, config["dtype"])
        if kind == "__slice__":
            return slice(config["start"], config["stop"], config["step"])
        if kind == "__ellipsis__":
            return ...
        if kind == "__numpy__":
            return np.array(config["value"], config["dtype"])
        raise UnknownOperationError(f"an argument {kind}")


def _precision(config: Mapping[str, Any]) -> str:
    """What a layer computes in; of operations their inputs tell it."""
    policy = config.get("dtype")
    return policy["config"]["name"] if isinstance(policy, Mapping) else "float32"


def _median(graph: Graph, forecasts: Sequence[str]) -> str:
    """The median of several forecasts, number by number."""
    first = graph.integers(0)
    stacked = [graph.one("Unsqueeze", forecast, first) for forecast in forecasts]
    half = len(forecasts) // 2
    count = graph.integers(half + 1)
    together = graph.one("Concat", *stacked, axis=0)
    lowest = graph.node("TopK", together, count, outputs=2, axis=0, largest=0)[0]
    middle = range(half - 1 + len(forecasts) % 2, half + 1)
    return graph.one(
        "Mean", *(graph.one("Gather", lowest, graph.constant(np.int64(i)), axis=0) for i in middle)
    )
