"""The page beside a network that leaves: what it is, its inputs, scales and dates."""

from collections.abc import Iterator, Sequence

from forecast.features import places_of
from forecast.formats.example import Example
from forecast.formats.format import Made
from forecast.formats.snippet import snippet
from forecast.jobs.opened_network import OpenedNetwork
from forecast.runs.layout import FEATURES, TRANSFORMS

EXAMPLE = "example.json"
_PAGE = """\
# {name} as {title}

{what}

| file | what it holds |
| --- | --- |
{files}

## Run it

```sh
pip install numpy {packages}
```

In this folder, this prints the forecast {printed}, which `{example}` has too:

```python
{code}```

## Inputs

All are 32-bit floats, of as many windows as you like.

| input | shape | what it is |
| --- | --- | --- |
{inputs}

{features}The output is {output}.

## Scales

{scales}

## Dates

{dates}

## What is not here

{absent}
"""
_PARTS = {
    "past": "the last steps, oldest first: {targets} on the network's scale, then what else is "
    "known of them",
    "future": "what is known of the steps to be forecast",
    "static": "what does not change within a series",
    "present": "1 where a step of `past` is there; 0, as in `past`, before the series begins",
}


def readme(opened: OpenedNetwork, made: Sequence[Made], example: Example) -> str:
    """The page, in Markdown."""
    form, ahead = made[0].format, example.ds[1]
    span = f"for {ahead[0]}" if len(ahead) == 1 else f"from {ahead[0]} to {ahead[-1]}"
    ids = ", ".join(f"`{name}`" for name in example.unique_ids)
    whose = f"of {ids} " if len(opened.fitted) > 1 else ""
    return _PAGE.format(
        name=opened.run.record.name,
        title=form.title,
        what=_what(opened, made),
        files="\n".join(f"| `{name}` | {what} |" for name, what in _files(opened, made)),
        packages=form.packages,
        printed=f"{whose}{span}",
        example=EXAMPLE,
        code=snippet(opened, made, example),
        inputs="\n".join(_inputs(opened, example)),
        features=_features(opened),
        output=_output(opened),
        scales=_scales(opened),
        dates=_dates(opened, example),
        absent="\n".join(f"- {each}" for each in _absent(opened)),
    )


def _what(opened: OpenedNetwork, made: Sequence[Made]) -> str:
    config, record = opened.config, opened.run.record
    size, horizon = config.training.ensemble.size, config.window.horizon
    networks = f"{len(made)} networks" if len(made) > 1 else "The network"
    ensembles = f", {'each ' if len(made) > 1 else ''}an ensemble of {size}" if size > 1 else ""
    series = f" of {len(opened.fitted)} series" if len(opened.fitted) > 1 else ""
    steps = "the next step" if horizon == 1 else f"the next {horizon} steps"
    together = f" The forecast is the {opened.network.combine} of theirs." if len(made) > 1 else ""
    return (
        f"{networks} of the run {record.name} (`{record.model}`{ensembles}), made with forecast "
        f"{record.versions['forecast']}, to forecast {steps} of `{', '.join(config.data.targets)}`"
        f"{series} from the {config.window.context_length} before.{together}"
    )


def _files(opened: OpenedNetwork, made: Sequence[Made]) -> Iterator[tuple[str, str]]:
    for number, own in enumerate(made, start=1):
        yield own.file, f"network {number}" if len(made) > 1 else "the network"
    yield TRANSFORMS, "what was fitted of each transform"
    if opened.network.encoder:
        yield FEATURES, "what was fitted to covariates and dates"
    yield EXAMPLE, "the last rows of a series, what the network sees of them, and its forecast"


def _shape(*sizes: object) -> str:
    return f"`({', '.join(map(str, sizes))})`"


def _front(opened: OpenedNetwork) -> tuple[object, ...]:
    """The axes before those of a window."""
    local = opened.config.model.scope == "local"
    networks = len(opened.fitted) // opened.config.joint_targets
    return (networks, "windows") if local else ("windows",)


def _inputs(opened: OpenedNetwork, example: Example) -> Iterator[str]:
    names = opened.config.data.targets
    together = ", ".join(f"`{name}`" for name in names)
    targets = f"{together}, each" if opened.config.model.joint else "the target"
    for name, part in example.inputs[0].named.items():
        shape = _shape(*_front(opened), *part.shape)
        what = _PARTS.get(name, "see the example").format(targets=targets)
        yield f"| `{name}` | {shape} | {what} |"


def _features(opened: OpenedNetwork) -> str:
    """Where each covariate and lag stands, and how it becomes numbers."""
    encoder = opened.network.encoder
    targets = opened.config.joint_targets
    places_found = places_of(encoder, opened.config.features, targets)
    if not places_found:
        return ""
    places = "\n".join(
        f"- `{name}`: " + ", ".join(f"`{part}[..., {s.start}:{s.stop}]`" for part, s in found)
        for name, found in places_found.items()
    )
    stands = "target, which is `past[..., 0]`"
    if targets > 1:
        stands = f"targets, which are `past[..., 0:{targets}]`"
    told = f"Beside the {stands}:\n\n{places}\n\n"
    if opened.config.features.behind:
        told += "Lags and rolling means are those of the values after the transforms.\n\n"
    if encoder is None:
        return told
    return told + (
        f"`{FEATURES}` has what makes numbers of them: a number less its `location`, over its "
        "`scale`; a word as 1 at its place among the `levels`, and 0 at the others; what is "
        "missing as 0. `dated` is what follows from dates.\n\n"
    )


def _output(opened: OpenedNetwork) -> str:
    config = opened.config
    levels, each, axes = config.model.quantiles, "each step", [config.window.horizon]
    if config.model.joint:
        each += " and target, in the order " + ", ".join(f"`{t}`" for t in config.data.targets)
        axes.append(config.joint_targets)
    if not levels:
        return f"{_shape(*_front(opened), *axes)}: the forecast of {each}"
    named = ", ".join(f"{level:g}" for level in levels)
    shape = _shape(*_front(opened), *axes, len(levels))
    return f"{shape}: of {each} the quantiles {named}, of which 0.5 is the forecast"


def _scales(opened: OpenedNetwork) -> str:
    """The transforms in order, and what the network does itself."""
    window, lines = opened.config.window, []
    for number, pipeline in enumerate(opened.config.pipelines, start=1):
        names = ", then ".join(f"`{option.kind}`" for option in pipeline) or "none"
        which = f"Network {number}" if len(opened.config.pipelines) > 1 else "The network"
        lines.append(f"{which} sees the values after these transforms: {names}.")
    lines.append(
        f"`{TRANSFORMS}` has their state, of those first that all networks begin with; lists have "
        f"an entry for each series, in the order of `series` in `{EXAMPLE}`."
    )
    if window.normalize != "none" or window.residual_of != "none":
        lines.append(
            f"A window's own scale (`normalize: {window.normalize}`) and the simple forecast "
            f"(`residual_of: {window.residual_of}`) are part of the network."
        )
    return " ".join(lines) + " The code above applies and inverts them."


def _dates(opened: OpenedNetwork, example: Example) -> str:
    data, before = opened.data, example.ds[0]
    zone = f", time zone {data.timezone}" if data.timezone else ""
    return (
        f"Rows follow one another by the frequency `{data.freq}`{zone}, without gaps; a season has "
        f"{data.season_length} steps. The first step that is forecast is the one after the last "
        f"row: the example ends on {before[-1]}, and its forecast begins on {example.ds[1][0]}. "
        "Put newer rows behind `values`, and move the other inputs by as many steps."
    )


def _absent(opened: OpenedNetwork) -> Iterator[str]:
    """What `forecast predict` does beside running the network."""
    horizon = opened.config.window.horizon
    yield (
        f"Steps beyond {horizon}: `forecast predict` puts forecasts behind the values, and calls "
        "the network again."
    )
    if opened.config.intervals:
        yield "Calibrated intervals: `intervals.json` of the run has what they are made from."
    yield "Series that the run was not fitted on: `forecast predict --input` fits their scales."
