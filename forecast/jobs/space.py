"""What a search tries: the config's own space, checked, or one that suits the table."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from forecast.config import LoadedConfig, parse_config
from forecast.config.models import BUILT_IN
from forecast.config.search import RECIPE, Choices, Range, Space
from forecast.config.wrong import keys_of, models_at
from forecast.data.seasons import is_multiplicative
from forecast.errors import ConfigError, Problem, did_you_mean
from forecast.jobs.job import Job

# As in the recipes of `forecast init`: above, one network for all series reads seasons.
_MANY_WINDOWS = 2_000
_FIXED = {
    "training.seed": "it is no part of a recipe, and search.seeds has several tried",
    "training.backend": "it is no part of a recipe",
    "model.joint": "it says what is forecast",
}


def varied(
    base: LoadedConfig, settings: Sequence[str], values: Mapping[str, object]
) -> LoadedConfig:
    """A config with those of the values that count. Raises `ConfigError` where they do not suit."""
    own = that_count(values)
    empty = [f"{key}=null" for key, value in own.items() if value is None]
    # The kind first: with another one, options that only the config's own has are left out.
    return parse_config(
        base.text,
        base.path,
        [*settings, *empty],
        {key: own[key] for key in sorted(own, key="model.kind".__ne__)},
    )


def that_count(values: Mapping[str, object]) -> dict[str, object]:
    """Values by dotted key, without options that the kind of network among them does not have."""
    kind = values.get("model.kind")
    return {key: value for key, value in values.items() if _has(kind, key)}


def _has(kind: object, key: str) -> bool:
    """Whether a kind of network has a key; all do that is not of networks, and a function may."""
    section, _, name = key.partition(".")
    known = keys_of(models_at(("model", BUILT_IN, str(kind))))
    return section != "model" or not known or name.partition(".")[0] in known


def refuse_wrong_space(base: LoadedConfig, settings: Sequence[str], space: Space) -> None:
    """Raise `ConfigError` with every key of a space that is none, and every value that can not be.

    Values that do not suit each other are found when they are tried together.
    """
    problems = [
        base.problem(("search", "space", key), *wrong)
        for key, dimension in space.items()
        for wrong in _wrong(base, settings, space, key, dimension)
    ]
    if problems:
        raise ConfigError(*problems)


def _wrong(
    base: LoadedConfig, settings: Sequence[str], space: Space, key: str, dimension: Choices | Range
) -> Iterator[tuple[str, str | None]]:
    """What is wrong with one key, and the way out."""
    *path, name = key.split(".")
    if key.partition(".")[0] not in RECIPE:
        message = f"`{key}` can not be varied: a search is for {', '.join(RECIPE)}."
        near = [f"{section}.{name}" for section in RECIPE if name in keys_of(models_at((section,)))]
        yield message, f"Did you mean `{near[0]}`?" if near else None
        return
    known = keys_of(models_at(tuple(path)))
    if name not in known:
        yield f"unknown key `{key}`.", did_you_mean(name, sorted(known))
        return
    if key in _FIXED:
        yield f"`{key}` can not be varied: {_FIXED[key]}.", None
        return
    if not is_of_any(base, space, key):
        yield f"`{key}` can not be varied: {_why_of_none(base, key)}", None
        return
    ends = (dimension.low, dimension.high) if isinstance(dimension, Range) else dimension
    for value in ends:
        problem = _problem(base, settings, space, key, value)
        if problem is not None:
            yield problem.message, problem.advice


def _problem(
    base: LoadedConfig, settings: Sequence[str], space: Space, key: str, value: object
) -> Problem | None:
    """Why a value can not be, with any of the kinds of networks that are tried."""
    kinds = space.get("model.kind", ())
    each = [{key: value}]
    if key.startswith("model.") and key != "model.kind" and not isinstance(kinds, Range):
        having = [kind for kind in kinds if _has(kind, key)]
        each = [{"model.kind": kind, key: value} for kind in having] or each
    found: list[Problem] = []
    for values in each:
        try:
            varied(base, settings, values)
        except ConfigError as error:
            found += [own for own in error.problems if f"`{key}" in own.message][:1]
        else:
            return None
    return found[0] if found else None


def is_of_any(base: LoadedConfig, space: Space, key: str) -> bool:
    """Whether any of the forecasters that are tried has what a config says of a key.

    A network of a blend that says it otherwise has not.
    """
    section, _, name = key.partition(".")
    if section == "blend":
        return not name or "blend" in space or base.config.blend is not None
    if base.config.blend is None or not {"blend", "blend.members"}.isdisjoint(space):
        return True
    kinds = space.get("model.kind", (base.config.model.kind,))
    return any(
        _is_taken(member, key, (base.config.model.kind,) if isinstance(kinds, Range) else kinds)
        for member in base.config.blend.members
        if not isinstance(member, str)
    )


def _is_taken(member: Mapping[str, object], key: str, kinds: Choices) -> bool:
    """Whether a network of a blend has a key from the config, whose kinds of networks these are."""
    found: object = member
    for part in key.split("."):
        if not isinstance(found, Mapping):
            return False
        if part not in found:
            own = member.get("model")
            kind = own.get("kind") if isinstance(own, Mapping) else None
            return any(_has(own, key) for own in ([kind] if kind else kinds))
        found = found[part]
    return False


def _why_of_none(base: LoadedConfig, key: str) -> str:
    if base.config.blend is None:
        return "the config is of no blend."
    if not base.networks:
        return "the blend has no network."
    return "each network of the blend says its own, or has none."


def default_space(past: Job) -> Space:
    """A space for a table that nobody has said one for, from its training rows alone.

    The recipes of `forecast init` and their neighbours: which transforms, how long a context, how
    wide a network, how fast and for how long it is trained. Of a blend, those keys that any of its
    networks has from the config; raises `ConfigError` where there is none.
    """
    whole = _space_of_network(past)
    space = {key: own for key, own in whole.items() if is_of_any(past.source, whole, key)}
    if not space:
        message = "no network of the blend has its recipe from the config: there is none to search."
        advice = "Say what is tried, such as search.space: {blend.weights: [equal, validated]}."
        raise ConfigError(past.source.problem(("blend",), message, advice))
    return space


def _space_of_network(past: Job) -> dict[str, Choices | Range]:
    model, training = past.config.model, past.config.training
    has = type(model).model_fields
    lengths = np.diff(past.panel.offsets)
    windows = len(past.panel.values) - len(lengths) * past.season_length
    is_small = windows < _MANY_WINDOWS
    space: dict[str, Choices | Range] = {"transforms": tuple(_transforms(past, is_small=is_small))}
    space["window.context_length"] = _contexts(past)
    if not is_small:
        seasonal = ("seasonal_naive",) if past.season_length > 1 else ()
        space |= {
            "window.normalize": ("last", "standard"),
            "window.residual_of": ("last", *seasonal),
        }
    if "linear" in has and is_small:
        space["model.linear"] = (False, True)
    if "units" in has:
        space["model.units"] = (20, 50) if is_small else (32, 64)
    if "dropout" in has:
        space["model.dropout"] = (0.0, 0.1, 0.2)
    space["training.learning_rate"] = Range(low=0.0005, high=0.01, log=True)
    space["training.schedule"] = ("cosine",)
    if training.steps_per_epoch is None and is_small:
        space["training.epochs"] = tuple(dict.fromkeys(sorted((50, 100, 200, training.epochs))))
    return space


def _transforms(past: Job, *, is_small: bool) -> Iterator[list[object]]:
    """As they are; and with the logarithm where it suits, the value, its change, or its season's.

    A panel's series are made alike in each window: there the logarithm is what is left to ask.
    """
    season, lowest = past.season_length, past.panel.values.min()
    rows = int(np.diff(past.panel.offsets).max())
    log: list[object] = []
    if lowest >= 0 and is_multiplicative(past.panel, season):
        log = ["log" if lowest > 0 else "log1p"]
    dumped = [own.model_dump(mode="json", exclude_defaults=True) for own in past.config.transforms]
    own: list[object] = [options["kind"] if len(options) == 1 else options for options in dumped]
    changes: list[list[object]] = [[{"kind": "difference", "lag": 1}]]
    if season > 1 and rows >= 4 * season:
        changes.append([{"kind": "difference", "lag": "season"}])
    families = [own, [*log, "standard"], *([*log, *change, "standard"] for change in changes)]
    if not is_small:
        families = [own, [], ["log" if lowest > 0 else "log1p"] if lowest >= 0 else []]
    seen: list[list[object]] = []
    for family in families:
        if family not in seen:
            seen.append(family)
            yield family


def _contexts(past: Job) -> Choices:
    """The config's own, and one and two seasons, as far as they leave windows to fit on."""
    season, rows = past.season_length, int(np.diff(past.panel.offsets).max())
    seasons = (season, 2 * season) if season > 1 else (6, 12)
    found = {past.config.window.context_length, *(own for own in seasons if own <= rows // 4)}
    return tuple(sorted(found))
