"""The JSON and YAML files of a run: written as values, read back as the same values."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import RootModel

from forecast.config import Config
from forecast.config.load import dump_config, parse_config
from forecast.data.calendar import is_freq, is_zone
from forecast.errors import ConfigError
from forecast.features import Encoder
from forecast.runs.layout import BLEND, CONFIG, DATA, FEATURES, INTERVALS, RESOLVED, TRANSFORMS
from forecast.runs.record import BlendRecord, ConformalState, DataRecord, QuantilesState
from forecast.runs.regular import damaged
from forecast.runs.staging import Staging
from forecast.runs.store import Run, parse

State = Mapping[str, Any]


def write_config(staging: Staging, text: str, config: Config) -> None:
    """`config.yaml` as it was written, and `resolved.yaml` with every default."""
    staging.write_text(CONFIG, text)
    staging.write_text(RESOLVED, dump_config(config))


def read_config(run: Run) -> Config:
    """The config with every default. Raises `RunError` where it is none."""
    path, text = run.path / RESOLVED, run.text(RESOLVED)
    try:
        loaded = parse_config(text, path)
    except ConfigError as error:
        raise damaged(path, str(error.problems[0].message).rstrip(".")) from error
    if loaded.config.extends is not None:
        raise damaged(path, "it is no whole config")
    return loaded.config


def resolved_text(run: Run) -> str:
    """The config with every default, as text."""
    return run.text(RESOLVED)


def write_data(staging: Staging, record: DataRecord) -> None:
    """`data.json`."""
    staging.write_json(DATA, record.model_dump())


def read_data(run: Run) -> DataRecord:
    """Which data the run was made from."""
    path = run.path / DATA
    record = parse(run.content(DATA), DataRecord, path)
    ids = [series.unique_id for series in record.per_series]
    if len(set(ids)) < len(ids):
        raise damaged(path, "two series have one unique_id")
    if not any(series.is_fitted for series in record.per_series):
        raise damaged(path, "the network was fitted on none of its series")
    if not is_freq(record.freq):
        raise damaged(path, f"there is no frequency {record.freq[:40]!r}")
    if record.timezone is not None and not is_zone(record.timezone):
        raise damaged(path, f"there is no time zone {record.timezone[:40]!r}")
    return record


class _State(RootModel[dict[str, Any]]):
    pass


class _States(RootModel[list[dict[str, Any]]]):
    pass


def write_transforms(staging: Staging, states: Sequence[State]) -> None:
    """`transforms.json`: the state of each fitted transform."""
    staging.write_json(TRANSFORMS, states)


def read_transforms(run: Run) -> list[dict[str, Any]]:
    """The state of each fitted transform. What a kind of transform asks of it, that kind checks."""
    return parse(run.content(TRANSFORMS), _States, run.path / TRANSFORMS).root


def write_features(staging: Staging, encoder: Encoder) -> None:
    """`features.json`: what was fitted to covariates and dates."""
    staging.write_json(FEATURES, encoder.state())


def read_features(run: Run, config: Config) -> Encoder | None:
    """What was fitted to covariates and dates; None where the config has none of either."""
    if not config.data.covariate_columns and not config.features.dated:
        return None
    path, content = run.path / FEATURES, run.content(FEATURES)
    try:
        encoder = Encoder.from_state(parse(content, _State, path).root)
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise damaged(path, "it does not hold what was fitted to covariates and dates") from error
    is_whole = list(encoder.dated) == list(config.features.dated)
    if encoder.names != config.data.covariate_columns or not is_whole:
        raise damaged(path, f"it does not fit {RESOLVED}")
    return encoder


def write_intervals(staging: Staging, state: State) -> None:
    """`intervals.json`: what the errors of forecasts came to."""
    staging.write_json(INTERVALS, state)


def read_intervals(run: Run, series: int, *, of_quantiles: bool) -> dict[str, Any]:
    """What the errors of forecasts came to, for this many series.

    `of_quantiles`: of a network that forecasts quantiles itself.
    """
    path, content = run.path / INTERVALS, run.content(INTERVALS)
    if of_quantiles:
        return _factors(parse(content, QuantilesState, path), run)
    state = parse(content, ConformalState, path)
    if len(state.scales) != series:
        raise damaged(path, f"it has {len(state.scales)} scales for {series} series")
    return state.model_dump()


def write_blend(staging: Staging, record: BlendRecord) -> None:
    """`blend.json`: who forecasts together, and with which weights."""
    staging.write_json(BLEND, record.model_dump())


def read_blend(run: Run) -> BlendRecord:
    """Who forecasts together. Raises `RunError` where weights are not those of the members."""
    path = run.path / BLEND
    record = parse(run.content(BLEND), BlendRecord, path)
    sizes = {len(weights) for by_step in record.weights for weights in by_step}
    steps = {len(by_step) for by_step in record.weights}
    if sizes != {len(record.members)} or len(steps) != 1:
        raise damaged(path, "its weights are not those of its members")
    if len({member.name for member in record.members}) < len(record.members):
        raise damaged(path, "two members have one name")
    return record


def _factors(state: QuantilesState, run: Run) -> dict[str, Any]:
    path = run.path / INTERVALS
    if not all(_is_level(level) for level in state.factors):
        raise damaged(path, "a level is no number between 0 and 1")
    if len({len(factors) for factors in state.factors.values()}) > 1:
        raise damaged(path, "its levels have unlike horizons")
    return state.model_dump()


def _is_level(text: str) -> bool:
    try:
        return 0 < float(text) < 1
    except ValueError:
        return False
