"""Which recipe suits a table, by trial: a small family forecasts from within its training rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from forecast import DISTRIBUTION
from forecast.commands.effort_head import head
from forecast.commands.recipe import Recipe, recipe, usual_variation
from forecast.commands.recipe_blend import MEMBERS, can_blend, is_slow, unit_of
from forecast.commands.recipe_family import family
from forecast.commands.recipe_network import RULE, Variation, is_small, network_for
from forecast.config import Config, LoadedConfig, parse_config
from forecast.config.blend import OVERRIDES
from forecast.config.commented import flow_yaml
from forecast.console import Console
from forecast.data.profile import Profile
from forecast.engines import Engine
from forecast.jobs.choice import Choice
from forecast.jobs.course import Course
from forecast.jobs.job import plan_job
from forecast.jobs.selection import Candidates
from forecast.jobs.tryout import Purse, Tryout, course_of, methods_rows, some_of, try_out
from forecast.methods import named_methods

PURSES: Mapping[str, Purse] = {
    "low": Purse(
        origins=2, series=120, seeds=1, windows=120_000, work=350_000_000, rows=40_000,
        table=500_000, seconds=1_200,
    ),
    "high": Purse(
        origins=4, series=400, seeds=3, windows=400_000, work=4_000_000_000, rows=400_000,
        table=1_000_000, seconds=7_200,
    ),
}  # fmt: skip
_MOST_NETWORKS = {"low": 2, "high": 3}
_LONGEST_SEASON = 12  # that statistical methods are tried for, but for weeks: years have few
_SLOW_METHODS = ("auto_theta", "auto_ets", "auto_ces")
_FAST_METHODS = ("auto_theta", "auto_ces")  # of rows that come faster than months

_NOT_TRIED = """\
# No recipe was tried: {why}
# This is the rule of thumb.
"""
_FEW_ROWS = "the training rows are too few to forecast from within them."
_NOT_INSTALLED = (
    "No statistical method was tried, for they are not installed: "
    f"pip install '{DISTRIBUTION}[stats]'."
)
_TOO_LONG = "No statistical method was tried, for that would take minutes with so many rows."


@dataclass(frozen=True)
class _Family:
    """Recipes of networks for a table, by their names; the rule of thumb first."""

    variations: Mapping[str, Variation]
    sources: Mapping[str, LoadedConfig]

    @classmethod
    def of(
        cls,
        look: Profile,
        horizon: int | None,
        output: Path,
        rule: Variation,
        *,
        is_large: bool,
    ) -> "_Family":
        """Those that suit a table, without those that come to the same as an earlier one."""
        texts: dict[str, Variation] = {}
        for own in family(look, rule, is_large=is_large):
            text = recipe(look, horizon, output.parent, blend=False, variation=own).text
            texts.setdefault(text, own)
        return cls(
            {own.name: own for own in texts.values()},
            {own.name: parse_config(text, output) for text, own in texts.items()},
        )


def tried_recipe(
    look: Profile,
    horizon: int | None,
    output: Path,
    *,
    blend: bool,
    effort: str,
    console: Console,
    engine: Engine | None = None,
) -> Recipe:
    """The recipe that forecasts a table best from within its training rows, with what was tried.

    It begins with the rule of thumb, which stays where nothing is clearly better. An engine tries;
    threads here, where it is left out.
    Raises `DataError` where the table is too short for any.
    """
    look = _unseeing(look, horizon)
    rule = recipe(look, horizon, output.parent, blend=blend)
    purse = PURSES[effort]
    if is_small(look):  # its networks cost little, and single series tell less than panels
        purse = replace(purse, origins=purse.origins + 1, seeds=purse.seeds + 1)
    usual = usual_variation(look, blend=blend)
    tried = _Family.of(look, horizon, output, usual, is_large=effort == "high")
    table = replace(look.table, panel=some_of(look.panel, purse))
    course = course_of(plan_job(tried.sources[RULE.name], table), purse)
    if course is None:
        return _untried(rule, _FEW_ROWS)
    names, notes = _methods(look, course, purse) if blend else ((), [])
    tryout = _try_out(tried, course, names, purse, console, engine)
    if RULE.name in tryout.dropped:
        return _untried(rule, f"the usual network could not be: {tryout.dropped[RULE.name]}")
    able = [name for name in (*tried.sources, *names) if name in tryout.forecasts]
    methods = tuple(name for name in able if name in names)
    networks = tuple(name for name in able if name not in names)
    most = _MOST_NETWORKS[effort] if blend else 1
    # To choose high effort is to want accuracy more than speed.
    are_costly = not rule.is_blend and effort != "high"
    candidates = Candidates(networks, methods, most, are_costly)
    if rule.is_blend and is_small(look):
        # Few origins of a single series tell which network suits it, and not which of unlike
        # members is to be left out: weights tell, which come from many more origins.
        candidates = replace(candidates, methods=(), most_networks=1)
    begin = frozenset({RULE.name, *(methods if rule.is_blend else ())})
    choice = Choice(tryout, candidates, begin)
    members = choice.members()
    above = head(choice, members, effort, notes)
    if members == begin and not methods:
        return replace(rule, text=above + rule.text)
    # What a rule has that could not be tried is left as it is.
    kept = () if names or not rule.is_blend else MEMBERS[1:]
    chosen = [name for name in networks if name in members]
    return recipe(
        look,
        horizon,
        output.parent,
        variation=tried.variations[chosen[0]],
        head=above,
        members=[*_written(tried, chosen), *(own for own in methods if own in members), *kept],
    )


def _untried(rule: Recipe, why: str) -> Recipe:
    return replace(rule, text=_NOT_TRIED.format(why=why) + rule.text)


def _unseeing(look: Profile, horizon: int | None) -> Profile:
    """The table as its training rows look.

    With another season there may be more of a test part, which is to be left out then as well.
    """
    test = network_for(look, horizon).test
    found = look.before(test)
    more = network_for(found, horizon).test
    return found if more <= test else look.before(more)


def _methods(look: Profile, course: Course, purse: Purse) -> tuple[tuple[str, ...], list[str]]:
    """Statistical methods to be tried, or why none is."""
    if not can_blend():
        return (), [_NOT_INSTALLED]
    is_long = look.season_length > _LONGEST_SEASON and unit_of(look.panel.freq) != "W"
    if is_long or not methods_rows(course, purse):
        return (), [_TOO_LONG]
    return (_SLOW_METHODS if is_slow(look) else _FAST_METHODS), []


def _try_out(
    tried: _Family,
    course: Course,
    names: Sequence[str],
    purse: Purse,
    console: Console,
    engine: Engine | None,
) -> Tryout:
    """Have all forecast, and say what could not."""
    origins = f"{len(course.origins)} origin{'s' if len(course.origins) > 1 else ''}"
    beside = f" and {len(names)} statistical methods" if names else ""
    console.say(
        f"trying {len(tried.sources)} networks{beside} from {origins} within the training rows ..."
    )
    methods = named_methods([*names, "seasonal_naive"], course.past.season_length)
    rows = dict.fromkeys(names, methods_rows(course, purse))
    tryout = try_out(course, tried.sources, methods, rows, purse, console, engine)
    for name, why in tryout.dropped.items():
        console.warn(f"{name} is left out: {why}")
    return tryout


def _written(tried: _Family, names: Sequence[str]) -> list[str]:
    """Networks as members of a blend, the first of which is the config's own."""
    main, *others = (tried.sources[name].config for name in names)
    return ["{}", *(override(own, main) for own in others)]


def override(own: Config, main: Config) -> str:
    """What a network has otherwise than another, as a mapping of YAML on one line."""
    found: dict[str, object] = {}
    for name in OVERRIDES:
        one, other = (config.model_dump(mode="json")[name] for config in (own, main))
        if one == other:
            continue
        if isinstance(one, dict):
            found[name] = {key: value for key, value in one.items() if value != other[key]}
        else:
            found[name] = own.model_dump(mode="json", exclude_defaults=True).get(name, [])
    return flow_yaml(found)
