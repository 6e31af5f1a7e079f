"""What stands above a recipe that was found by trial: what was tried, and what is expected."""

from collections.abc import Sequence

import numpy as np

from forecast.display import text_table
from forecast.jobs.choice import Choice
from forecast.jobs.selection import Members

_NAMES = {"seasonal_naive": "seasonal naive", "auto_theta": "Theta"}  # what a lead is told over
_HEAD = """\
# Found by `forecast init --effort {effort}`: candidates forecast {steps} for {judged} from
# {origins} within the training rows, networks of few steps among them. The test part was not read.
#
{table}
#
"""
_HONEST = "told crosswise, by forecasts that had no part in the choice."
_OPTIMISTIC = "told by the forecasts that chose it, and so optimistic."


def head(choice: Choice, members: Members, effort: str, notes: Sequence[str]) -> str:
    """Comments, with notes below them."""
    tryout = choice.tryout
    course = tryout.course
    known = int(np.isfinite(tryout.rows.of(tryout.losses(_everyone(choice)))).sum())
    table = text_table(("", course.metric.upper()), _rows(choice, members))
    said = _HEAD.format(
        effort=effort,
        steps="one step" if course.horizon == 1 else f"{course.horizon} steps",
        judged=f"{known} series" if course.is_panel else f"{known} cutoffs",
        origins="one origin" if len(course.origins) == 1 else f"{len(course.origins)} origins",
        table="\n".join(f"#   {line}" for line in table.splitlines()),
    )
    return said + "".join(f"# {line}\n" for line in [*_lead(choice, members), *notes])


def _rows(choice: Choice, members: Members) -> list[tuple[str, float]]:
    """What was chosen, what it began with, and each candidate alone, with their scores."""
    order = dict.fromkeys([*choice.candidates.networks, *choice.tryout.forecasts])
    named = {"chosen": members, "rule of thumb": choice.begin}
    if members == choice.begin:
        named = {"rule of thumb, chosen": members}
    rows = [
        (f"{name}: {' + '.join(own for own in order if own in of)}", of)
        for name, of in named.items()
    ]

    common = np.isfinite(choice.tryout.losses(_everyone(choice)))

    def score(of: Members) -> float:
        return choice.score(np.where(common, choice.tryout.losses(of), np.nan))

    alone = sorted(((name, frozenset({name})) for name in order), key=lambda row: score(row[1]))
    return [(name, score(of)) for name, of in [*rows, *alone]]


def _everyone(choice: Choice) -> Members:
    """Whose losses are all known where their scores can be compared."""
    return frozenset(choice.tryout.forecasts)


def _lead(choice: Choice, members: Members) -> list[str]:
    """How much less than simple methods is expected to be erred, and how sure that is."""
    losses = choice.crosswise()
    how = _OPTIMISTIC if losses is None else _HONEST
    if losses is None:
        losses = choice.tryout.losses(members)
    told = []
    for name, called in _NAMES.items():
        lead = choice.lead(losses, name) if name in choice.tryout.forecasts else None
        if lead:
            less = "less" if lead.share >= 0 else "more"
            told.append(
                f"{100 * abs(lead.share):.0f} % {less} than {called} ({_sure(lead.p_value)})"
            )
    return [f"It is expected to err {' and '.join(told)},", how] if told else []


def _sure(p_value: float) -> str:
    if not np.isfinite(p_value):
        return "too few forecasts to be sure"
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
