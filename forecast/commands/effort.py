"""Which recipe suits a table, by trial: a small family forecasts from within its training rows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML

from forecast.commands.recipe import Recipe, recipe
from forecast.commands.recipe_blend import MEMBERS, can_blend, is_slow
from forecast.commands.recipe_family import family
from forecast.commands.recipe_network import RULE, Variation, is_small, network_for
from forecast.config import Config, LoadedConfig, parse_config
from forecast.config.blend import OVERRIDES
from forecast.console import Console
from forecast.data.panel import FloatArray
from forecast.data.profile import Profile
from forecast.display import text_table
from forecast.jobs.job import plan_job
from forecast.jobs.selection import Candidates, Members, select
from forecast.jobs.tryout import Purse, Tryout, can_afford, course_of, some_of, try_out
from forecast.methods import named_methods
from forecast.scoring.significance import diebold_mariano, paired_bootstrap

PURSES: Mapping[str, Purse] = {
    "low": Purse(
        origins=2, series=120, seeds=1, windows=80_000, work=250_000_000, rows=40_000,
        table=500_000, seconds=600,
    ),
    "high": Purse(
        origins=4, series=400, seeds=3, windows=400_000, work=4_000_000_000, rows=400_000,
        table=1_000_000, seconds=3_600,
    ),
}  # fmt: skip
_MOST_NETWORKS = {"low": 2, "high": 3}
_LONGEST_SEASON = 24  # that statistical methods are tried for: beyond, they take minutes
_SLOW_METHODS = ("auto_theta", "auto_ets", "auto_ces")
_FAST_METHODS = ("auto_theta", "auto_ces")  # of rows that come faster than months
_NAMES = {"seasonal_naive": "seasonal naive", "auto_theta": "Theta"}  # what a lead is told over

_NO_ROOM = """\
# No recipe was tried: the training rows are too few to forecast from within them. This is the rule
# of thumb.
"""
_HEAD = """\
# Found by `forecast init --effort {effort}`: candidates forecast {horizon} steps for {judged} from
# {origins} within the training rows, networks of few steps among them. The test part was not read.
#
{table}
#
{lead}
"""


@dataclass(frozen=True)
class _Trials:
    """Recipes that are tried for a table, and what came of it."""

    look: Profile
    variations: Mapping[str, Variation]
    sources: Mapping[str, LoadedConfig]
    """The config of each network, by the name of its variation."""
    candidates: Candidates
    begin: Members
    """Those of the rule of thumb."""
    tryout: Tryout

    def chosen(self, seen: NDArray[np.bool_] | None = None) -> Members:
        """Who errs least, by some of the losses or by all."""
        losses = self.tryout.losses
        whole = np.ones_like(losses(self.begin), bool)
        return select(
            losses, self.begin, self.candidates, self.tryout.rows, whole if seen is None else seen
        )

    def score(self, losses: FloatArray) -> float:
        """What losses come to in the metric."""
        mean, _ = self.tryout.rows.mean_and_error(losses)
        return mean**0.5 if self.tryout.course.is_squared else mean

    def crosswise(self) -> FloatArray | None:
        """The losses of what the others chose, for each fold; None where there is but one."""
        losses = np.full_like(self.tryout.losses(self.begin), np.nan)
        for fold in self.tryout.folds:
            losses[fold] = self.tryout.losses(self.chosen(~fold))[fold]
        return losses if self.tryout.folds else None

    def lead(self, losses: FloatArray, others: FloatArray) -> tuple[float, float]:
        """By which part less is erred, and the p-value of no difference."""
        both = np.isfinite(losses) & np.isfinite(others)
        one, other = np.where(both, losses, np.nan), np.where(both, others, np.nan)
        rows = self.tryout.rows.of(one - other)
        rows = rows[np.isfinite(rows)]
        course = self.tryout.course
        p_value = (
            paired_bootstrap(rows) if course.is_panel else diebold_mariano(rows, course.overlap)
        )
        return 1 - self.score(one) / self.score(other), p_value


def tried_recipe(
    look: Profile, horizon: int | None, output: Path, *, blend: bool, effort: str, console: Console
) -> Recipe:
    """The recipe that forecasts a table best from within its training rows, with what was tried.

    It begins with the rule of thumb, which stays where nothing is clearly better.
    Raises `DataError` where the table is too short for any.
    """
    look = _unseeing(look, horizon)
    rule = recipe(look, horizon, output.parent, blend=blend)
    trials = _trials(look, horizon, output, rule, blend=blend, effort=effort, console=console)
    if trials is None:
        return replace(rule, text=_NO_ROOM + rule.text)
    members = trials.chosen()
    head = _head(trials, members, effort)
    if members == trials.begin:
        return replace(rule, text=head + rule.text)
    networks = [name for name in trials.candidates.networks if name in members]
    main = networks[0]
    written = ["{}"] + [
        _override(trials.sources[name].config, trials.sources[main].config) for name in networks[1:]
    ]
    kept = () if trials.candidates.methods or not rule.is_blend else MEMBERS[1:]
    written += [*(name for name in trials.candidates.methods if name in members), *kept]
    return recipe(
        look, horizon, output.parent, variation=trials.variations[main], head=head, members=written
    )


def _unseeing(look: Profile, horizon: int | None) -> Profile:
    """The table as its training rows look.

    With another season there may be more of a test part, which is to be left out then as well.
    """
    test = network_for(look, horizon).test
    found = look.before(test)
    more = network_for(found, horizon).test
    return found if more <= test else look.before(more)


def _trials(
    look: Profile, horizon: int | None, output: Path, rule: Recipe, *, blend: bool, effort: str,
    console: Console,
) -> _Trials | None:  # fmt: skip
    """All trials, done; None where there are too few rows for any."""
    purse = PURSES[effort]
    if is_small(look):  # its networks cost little, and single series tell less than panels
        purse = replace(purse, origins=purse.origins + 1, seeds=purse.seeds + 1)
    variations, sources = _networks(look, horizon, output, is_large=effort == "high")
    table = replace(look.table, panel=some_of(look.panel, purse))
    job = plan_job(sources[RULE.name], table)
    course = course_of(job, purse)
    if course is None:
        return None
    names = _methods(look) if blend and can_afford(course, purse) else ()
    methods = named_methods([*names, "seasonal_naive"], job.season_length)
    console.say(
        f"trying {len(sources)} networks and {len(names)} statistical methods from "
        f"{len(course.origins)} origins within the training rows ..."
    )
    tryout = try_out(course, sources, methods, purse, console)
    for name, why in tryout.dropped.items():
        console.warn(f"{name} is left out: {why}")
    networks = tuple(name for name in sources if name in tryout.forecasts)
    begin = frozenset({RULE.name, *(names if rule.is_blend else ())})
    if RULE.name not in networks:
        return None
    candidates = Candidates(networks, names, _MOST_NETWORKS[effort] if blend else 1)
    return _Trials(look, variations, sources, candidates, begin, tryout)


def _networks(
    look: Profile, horizon: int | None, output: Path, *, is_large: bool
) -> tuple[dict[str, Variation], dict[str, LoadedConfig]]:
    """The family and the config of each, without those that come to the same as an earlier one."""
    variations, sources, texts = {}, {}, set()
    for own in family(look, is_large=is_large):
        text = recipe(look, horizon, output.parent, blend=False, variation=own).text
        if text not in texts:
            texts.add(text)
            variations[own.name], sources[own.name] = own, parse_config(text, output)
    return variations, sources


def _methods(look: Profile) -> tuple[str, ...]:
    """Statistical methods that suit a table and are installed."""
    if not can_blend() or look.season_length > _LONGEST_SEASON:
        return ()
    return _SLOW_METHODS if is_slow(look) else _FAST_METHODS


def _override(own: Config, main: Config) -> str:
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
    yaml, out = YAML(typ="safe"), StringIO()
    yaml.default_flow_style, yaml.width = True, 10_000
    yaml.dump(found, out)
    return out.getvalue().strip()


def _head(trials: _Trials, members: Members, effort: str) -> str:
    """What was tried and what is expected, as comments."""
    course = trials.tryout.course
    known = np.isfinite(trials.tryout.rows.of(trials.tryout.losses(trials.begin))).sum()
    table = text_table(("", course.metric.upper()), _rows(trials, members))
    return _HEAD.format(
        effort=effort,
        horizon=course.horizon,
        judged=f"{known} series" if course.is_panel else f"{known} cutoffs",
        origins="one origin" if len(course.origins) == 1 else f"{len(course.origins)} origins",
        table="\n".join(f"#   {line}" for line in table.splitlines()),
        lead=_lead(trials, members),
    )


def _rows(trials: _Trials, members: Members) -> list[tuple[str, float]]:
    """What was chosen, what it began with, and each candidate alone, with their scores."""
    candidates, losses = trials.candidates, trials.tryout.losses
    order = [*candidates.networks, *trials.tryout.forecasts]
    named = {"chosen": members, "rule of thumb": trials.begin}
    if members == trials.begin:
        named = {"rule of thumb, chosen": members}
    rows = [
        (f"{name}: {' + '.join(own for own in dict.fromkeys(order) if own in of)}", of)
        for name, of in named.items()
    ]
    alone = [(name, frozenset({name})) for name in trials.tryout.forecasts]
    alone = sorted(alone, key=lambda row: trials.score(losses(row[1])))
    return [(name, trials.score(losses(of))) for name, of in [*rows, *alone]]


def _lead(trials: _Trials, members: Members) -> str:
    """How much less than simple methods is expected to be erred, and how sure that is."""
    losses = trials.crosswise()
    is_honest = losses is not None
    if losses is None:
        losses = trials.tryout.losses(members)
    told = []
    for name, called in _NAMES.items():
        if name in trials.tryout.forecasts:
            lead, p_value = trials.lead(losses, trials.tryout.losses(frozenset({name})))
            sure = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
            less = "less" if lead >= 0 else "more"
            told.append(f"{100 * abs(lead):.0f} % {less} than {called} ({sure})")
    how = (
        "told crosswise, by rows that had no part in the choice."
        if is_honest
        else "told by the rows that chose it, and so optimistic."
    )
    return f"# It is expected to err {' and '.join(told)},\n# {how}"
