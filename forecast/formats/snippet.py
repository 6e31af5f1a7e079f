"""Code that forecasts as a run does, for who has NumPy and what runs the network, and no more."""

from collections.abc import Iterator, Sequence
from itertools import count

from forecast.formats.example import Example
from forecast.formats.format import Made
from forecast.jobs.opened_network import OpenedNetwork
from forecast.transforms import Code, Pipeline, Terms

_HEAD = """\
import json

import numpy as np
{imports}

example = json.load(open("example.json"))
states = json.load(open("transforms.json"))
"""
_TAIL = """\
for ds, numbers in zip(example["forecast_ds"], {forecast}):
    print(ds, *numbers)
"""


def snippet(opened: OpenedNetwork, made: Sequence[Made], example: Example) -> str:
    """Python that forecasts the example, beginning with its values."""
    return "\n".join(_Snippet(opened, made, example).lines())


class _Snippet:
    """The values of each stage are numbered, and what is forecast of them likewise."""

    def __init__(self, opened: OpenedNetwork, made: Sequence[Made], example: Example) -> None:
        self._opened, self._made, self._example = opened, made, example
        self._states, self._stages = count(), count(1)

    def lines(self) -> Iterator[str]:
        network = self._opened.network
        [form] = {own.format for own in self._made}
        is_lone = len(self._example.inputs[0].named) == 1
        code = form.code.replace("INPUTS", 'inputs["past"]' if is_lone else "inputs")
        yield _HEAD.format(imports=code)
        yield 'values_0 = np.array(example["values"])'
        shared = self._codes(network.shared, 0)
        yield from (code.apply for _, code in shared)
        common = shared[-1][0] if shared else 0
        outcomes = []
        for own, branch in zip(self._made, network.branches, strict=True):
            yield ""
            codes = self._codes(branch.transforms, common)
            yield from (code.apply for _, code in codes)
            yield from self._run(own, codes[-1][0] if codes else common)
            yield from (code.invert for _, code in reversed(codes))
            outcomes.append(f"forecast_{common}")
            if len(self._made) > 1:
                outcomes[-1] = own.name.replace("-", "_")
                yield f"{outcomes[-1]} = forecast_{common}"
        yield ""
        if len(self._made) > 1:
            yield f"forecast_{common} = np.{network.combine}([{', '.join(outcomes)}], axis=0)"
        yield from (code.invert for _, code in reversed(shared))
        yield from self._bounds()
        yield _TAIL.format(forecast="forecast_0")

    def _codes(self, pipeline: Pipeline, stage: int) -> list[tuple[int, Code]]:
        """The transforms of a pipeline that begins at a stage, each with the stage after it."""
        found = []
        for transform in pipeline.transforms:
            before, stage = stage, next(self._stages)
            terms = Terms(
                f"states[{next(self._states)}]",
                f"values_{before}",
                f"values_{stage}",
                f"forecast_{stage}",
                f"forecast_{before}",
                self._example.panel,
                self._example.series,
            )
            found.append((stage, transform.code(terms)))
        return found

    def _run(self, own: Made, stage: int) -> Iterator[str]:
        """A network's call on the values of a stage."""
        window, model = self._opened.config.window, self._opened.config.model
        steps = min(window.context_length, len(self._example.values) - self._opened.network.reach)
        axes, place = "[own]", "0"
        if model.scope == "local":  # all series at once, of which one counts
            axes, place = f"[[own]] * {len(self._opened.fitted)}", f"{self._example.series}, 0"
        given = f'example["inputs"]["{own.name}"].items()'
        yield f'inputs = {{name: np.array({axes}, "float32") for name, own in {given}}}'
        yield f'inputs["past"][{place}, -{steps}:, 0] = values_{stage}[-{steps}:]'
        run = f'run("{own.name}", inputs)[{place}]'
        yield f"forecast_{stage} = {run}.astype(float).reshape({window.horizon}, -1)"

    def _bounds(self) -> Iterator[str]:
        options = self._opened.config.predict
        if options.round:
            yield "forecast_0 = np.rint(forecast_0)"
        if options.minimum is not None or options.maximum is not None:
            yield f"forecast_0 = np.clip(forecast_0, {options.minimum}, {options.maximum})"
