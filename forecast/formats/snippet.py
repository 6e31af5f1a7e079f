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
    print({name}ds, *numbers)
"""


def snippet(opened: OpenedNetwork, made: Sequence[Made], example: Example) -> str:
    """Python that forecasts the example, beginning with its values."""
    return "\n".join(_Snippet(opened, made, example).lines())


class _Snippet:
    """The values of each stage are numbered, and what is forecast of them likewise.

    Of targets that are forecast together, each has stages of its own.
    """

    def __init__(self, opened: OpenedNetwork, made: Sequence[Made], example: Example) -> None:
        self._opened, self._made, self._example = opened, made, example
        self._stages = count()

    def lines(self) -> Iterator[str]:
        network = self._opened.network
        [form] = {own.format for own in self._made}
        is_lone = len(self._example.inputs[0].named) == 1
        code = form.code.replace("INPUTS", 'inputs["past"]' if is_lone else "inputs")
        yield _HEAD.format(imports=code)
        series = self._example.series
        begins = [next(self._stages) for _ in series]
        for target, stage in enumerate(begins):
            of = f"[{target}]" if len(series) > 1 else ""
            yield f'values_{stage} = np.array(example["values"]{of})'
        states = count()
        shared = self._codes(network.shared, begins, states)
        yield from self._applied(shared)
        common = _ends(shared, begins)
        outcomes: list[list[str]] = [[] for _ in series]
        for own, branch in zip(self._made, network.branches, strict=True):
            yield ""
            codes = self._codes(branch.transforms, common, states)
            yield from self._applied(codes)
            yield from self._run(own, _ends(codes, common))
            yield from self._inverted(codes)
            for target, stage in enumerate(common):
                outcomes[target].append(f"forecast_{stage}")
                if len(self._made) > 1:
                    name = f"{own.name.replace('-', '_')}_{stage}"
                    yield f"{name} = forecast_{stage}"
                    outcomes[target][-1] = name
        yield ""
        if len(self._made) > 1:
            for stage, each in zip(common, outcomes, strict=True):
                yield f"forecast_{stage} = np.{network.combine}([{', '.join(each)}], axis=0)"
        yield from self._inverted(shared)
        for target, stage in enumerate(begins):
            yield from self._bounds(f"forecast_{stage}")
            of = f'example["unique_id"][{target}], ' if len(series) > 1 else ""
            yield _TAIL.format(forecast=f"forecast_{stage}", name=of)

    def _codes(
        self, pipeline: Pipeline, stages: Sequence[int], states: Iterator[int]
    ) -> list[list[tuple[int, Code]]]:
        """The transforms of a pipeline that begins at a stage, each with the stage after it.

        Of each target, which have the states of a transform in common.
        """
        places = [next(states) for _ in pipeline.transforms]
        return [
            self._codes_of(pipeline, stage, series, places)
            for stage, series in zip(stages, self._example.series, strict=True)
        ]

    def _codes_of(
        self, pipeline: Pipeline, stage: int, series: int, places: Sequence[int]
    ) -> list[tuple[int, Code]]:
        found = []
        for place, transform in zip(places, pipeline.transforms, strict=True):
            before, stage = stage, next(self._stages)
            terms = Terms(
                f"states[{place}]",
                f"values_{before}",
                f"values_{stage}",
                f"forecast_{stage}",
                f"forecast_{before}",
                self._example.panel,
                series,
            )
            found.append((stage, transform.code(terms)))
        return found

    def _applied(self, codes: Sequence[Sequence[tuple[int, Code]]]) -> Iterator[str]:
        for each in codes:
            yield from (code.apply for _, code in each)

    def _inverted(self, codes: Sequence[Sequence[tuple[int, Code]]]) -> Iterator[str]:
        for each in codes:
            yield from (code.invert for _, code in reversed(each))

    def _run(self, own: Made, stages: Sequence[int]) -> Iterator[str]:
        """A network's call on the values of a stage of each target."""
        window, model = self._opened.config.window, self._opened.config.model
        known = len(self._example.values[0]) - self._opened.network.reach
        steps, targets = min(window.context_length, known), len(stages)
        axes, place = "[own]", "0"
        if model.scope == "local":  # all networks at once, of which one counts
            networks = len(self._opened.fitted) // targets
            axes, place = f"[[own]] * {networks}", f"{self._example.series[0]}, 0"
        given = f'example["inputs"]["{own.name}"].items()'
        yield f'inputs = {{name: np.array({axes}, "float32") for name, own in {given}}}'
        for target, stage in enumerate(stages):
            yield f'inputs["past"][{place}, -{steps}:, {target}] = values_{stage}[-{steps}:]'
        run = f'run("{own.name}", inputs)[{place}]'
        if targets == 1:
            yield f"forecast_{stages[0]} = {run}.astype(float).reshape({window.horizon}, -1)"
            return
        yield f"forecasts = {run}.astype(float).reshape({window.horizon}, {targets}, -1)"
        for target, stage in enumerate(stages):
            yield f"forecast_{stage} = forecasts[:, {target}]"

    def _bounds(self, forecast: str) -> Iterator[str]:
        options = self._opened.config.predict
        if options.round:
            yield f"{forecast} = np.rint({forecast})"
        if options.minimum is not None or options.maximum is not None:
            yield f"{forecast} = np.clip({forecast}, {options.minimum}, {options.maximum})"


def _ends(codes: Sequence[Sequence[tuple[int, Code]]], begins: Sequence[int]) -> list[int]:
    """The stage after all transforms of each target; where there are none, the one before."""
    return [own[-1][0] if own else begin for own, begin in zip(codes, begins, strict=True)]
