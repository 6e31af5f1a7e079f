"""A run's network for other programs, with all that these have to know."""

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from forecast.data.forecasts import Forecasts
from forecast.errors import Problem, UsageError, reason
from forecast.formats import EXAMPLE, Example, Made, blend_readme, format_of, readme
from forecast.jobs.opened_blend import OpenedBlend
from forecast.jobs.opened_network import OpenedNetwork
from forecast.jobs.opened_run import OpenedRun
from forecast.methods.agreement import refuse_disparity
from forecast.methods.network import Predictor
from forecast.runs import model_names
from forecast.runs.layout import BLEND, FEATURES, TRANSFORMS
from forecast.signals import Stop
from forecast.windows import Batch, Inputs, spread

README = "README.md"
WITHOUT_KERAS = ("onnx",)
"""The formats that are not made from `model.keras`."""
_PARITY_WINDOWS = 200


def refuse_export(opened: OpenedRun, format: str, output: Path) -> list[OpenedNetwork]:
    """The networks of a run. Raises `UsageError` for what can not be exported."""
    networks = _networks(opened)
    if not networks:
        message = f"the run {opened.run.record.name} has no network: all of its members are methods"
        raise UsageError(Problem(f"{message} that are fitted when they forecast."))
    for network in networks:
        if network.config.model.scope == "local" and format not in WITHOUT_KERAS:
            name, formats = network.run.record.name, ", ".join(WITHOUT_KERAS)
            message = f"the run {name} has a network for each series, which are no Keras model."
            raise UsageError(Problem(message, f"They can be exported as --format {formats}."))
    _refuse_output(output)
    return networks


def _refuse_output(output: Path) -> None:
    """Raise `UsageError` where no folder can be made."""
    if str(output) == "-":
        raise UsageError(Problem("an export is a folder, which can not be printed.", "Name one."))
    try:
        output.lstat()
    except FileNotFoundError as error:
        if not output.parent.is_dir():
            message = f"can not write {output}: there is no folder {output.parent}."
            advice = "Make it, or name another folder: --output PATH."
            raise UsageError(Problem(message, advice)) from error
    except (OSError, ValueError) as error:  # a name with a NUL is a wrong value
        raise UsageError(Problem(f"can not write {output}: {reason(error)}.")) from error
    else:
        message = f"{output} is there already, and nothing is written over it."
        raise UsageError(Problem(message, "Remove it, or name another folder: --output PATH."))


def _networks(opened: OpenedRun) -> list[OpenedNetwork]:
    if isinstance(opened, OpenedBlend):
        return list(opened.networks.values())
    return [opened] if isinstance(opened, OpenedNetwork) else []


def export(opened: OpenedRun, format: str, output: Path, stop: Stop | None = None) -> None:
    """Write a folder with the networks of a run in a format, a README and an example.

    That of a blend has such a folder for each of its networks, and its weights. The folder is there
    whole or not at all. Raises `UsageError` where it can not be written, and for networks that the
    format has no words for; `ArithmeticError` where what was written does not forecast what the
    run forecasts.
    """
    networks = refuse_export(opened, format, output)
    with _appearing(output, stop or Stop()) as folder:
        if not isinstance(opened, OpenedBlend):
            _write_network(networks[0], format, folder)
            return
        for network in networks:
            within = folder / network.run.record.name
            within.mkdir()
            _write_network(network, format, within)
        _write(folder, README, blend_readme(opened))
        _write(folder, BLEND, opened.run.text(BLEND))


def _write_network(opened: OpenedNetwork, format: str, folder: Path) -> None:
    made = list(_made(opened, format, folder))
    example = _example(opened, _held_against(opened, made, folder))
    _write(folder, README, readme(opened, made, example))
    _write(folder, EXAMPLE, example.document([own.name for own in made]))
    _write(folder, TRANSFORMS, opened.run.text(TRANSFORMS))
    if opened.network.encoder:
        _write(folder, FEATURES, opened.run.text(FEATURES))


def _write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


@contextmanager
def _appearing(output: Path, stop: Stop) -> Iterator[Path]:
    """A folder beside the output, which takes its name at the end, or is removed."""
    folder = output.with_name(f".forecast-{secrets.token_hex(8)}.part")
    with stop.cleaning(partial(shutil.rmtree, folder, ignore_errors=True)):
        try:
            folder.mkdir()
            yield folder
            folder.rename(output)
        except OSError as error:
            raise UsageError(Problem(f"can not write {output}: {reason(error)}.")) from error


def _made(opened: OpenedNetwork, format: str, folder: Path) -> Iterator[Made]:
    form = format_of(format)
    for name in model_names(len(opened.config.pipelines)):
        made = Made(name, form)
        form.write(opened.run, name, folder / made.file)
        yield made


@dataclass
class _HeldAgainst:
    """A network of the run, beside which another runs on the same inputs."""

    own: Predictor
    other: Predictor
    name: str
    seen: list[Inputs] = field(default_factory=list)

    def predict(self, inputs: Inputs) -> Batch:
        """See `Predictor.predict`. Raises `ArithmeticError` where the other one differs."""
        forecasts = self.own.predict(inputs)
        refuse_disparity(self.other.predict(inputs), forecasts, self.name)
        self.seen.append(inputs)
        return forecasts


def _held_against(opened: OpenedNetwork, made: Sequence[Made], folder: Path) -> list[_HeldAgainst]:
    """The networks of a run, each beside what was made of it."""
    return [
        _HeldAgainst(branch.network, own.format.load(folder / own.file), own.file)
        for branch, own in zip(opened.network.branches, made, strict=True)
    ]


def _example(opened: OpenedNetwork, networks: Sequence[_HeldAgainst]) -> Example:
    """What the networks forecast of the series of which most is known; all others are tried too."""
    panel = opened.known.of(np.isin(opened.known.unique_ids, opened.fitted))
    branches = [
        replace(branch, network=own)
        for branch, own in zip(opened.network.branches, networks, strict=True)
    ]
    network = replace(opened.network, branches=branches)
    scaled, horizon = network.shared.apply(panel), opened.config.window.horizon
    rows = np.arange(len(panel.values))
    enough = rows - panel.starts[panel.series_of(rows)] >= network.reach
    network.predictions(scaled.panel, spread(rows[enough], _PARITY_WINDOWS), horizon)
    groups = len(panel.unique_ids) // opened.config.joint_targets
    group = int(np.argmax(np.diff(panel.offsets))) % groups
    series = np.arange(group, len(panel.unique_ids), groups)
    cutoffs = panel.ends[series] - 1
    predicted = network.predictions(scaled.panel, cutoffs, horizon)
    each = [scaled.invert(numbers, cutoffs) for numbers in predicted.values()]
    forecasts = Forecasts(np.stack(each, axis=-1)).within(opened.config.predict).y_hat
    window = (group, 0) if opened.config.model.scope == "local" else 0
    inputs = [own.seen[-1].map(lambda part: part[window]) for own in networks]
    return Example(panel, tuple(series.tolist()), inputs, forecasts)
