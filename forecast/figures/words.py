"""What figures say: titles that tell what one learns, and names that any font can write."""

import unicodedata
from collections.abc import Sequence

import pandas as pd

from forecast.figures.tables import Tested, View

_LONGEST = 36  # letters
_NAMED = 3  # series in one sentence


def printable(name: object, longest: int = _LONGEST) -> str:
    """A name from a table on one line, cut in the middle where it is long; `$` is no formula.

    `longest` counts letters; those of Chinese and Japanese are as wide as two.
    """
    text = "".join(
        " " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char
        for char in str(name)
        if unicodedata.category(char) not in ("Cf", "Cs")
    )
    text = " ".join(text.split())
    if _width(text) > longest:
        half = (longest - 1) // 2
        text = f"{_begin(text, half)}\N{HORIZONTAL ELLIPSIS}{_begin(text[::-1], half)[::-1]}"
    return text.replace("$", r"\$")


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _begin(text: str, width: int) -> str:
    """As much of a text as is not wider."""
    end = sum(1 for i in range(min(len(text), width)) if _width(text[: i + 1]) <= width)
    return text[:end]


def spoken(model: str) -> str:
    """The name of a model or a baseline in a sentence: `seasonal naive`."""
    return printable(model.replace("_", " "))


def of_what(run: str, view: View) -> str:
    """The name of a run, and the series of it that were asked for."""
    names = [printable(name) for name in view.series[:_NAMED]]
    more = len(view.series) - len(names)
    return ", ".join([printable(run), *names, *([f"{more} more series"] if more else [])])


def steps_ahead(steps: "pd.Series[int] | Sequence[int]") -> str:
    """How far ahead forecasts look: `1 step ahead`, `1 to 24 steps ahead`."""
    low, high = min(steps), max(steps)
    if low == high:
        return f"{high} step{'s' if high > 1 else ''} ahead"
    return f"{low} to {high} steps ahead"


def error_of(scores: pd.DataFrame, model: str, metric: str, series: str | None = None) -> float:
    """A score of one model, over all series or of one; NaN where there is none."""
    own = scores["unique_id"].isna() if series is None else scores["unique_id"] == series
    found = scores.loc[own & (scores["model"] == model) & (scores["metric"] == metric), "value"]
    return float(found.iloc[0]) if len(found) else float("nan")


def metric_of(tested: Tested) -> str:
    """RMSE of one series; MASE of a panel, where series of any level count alike."""
    several = tested.forecasts["unique_id"].nunique() > 1
    panel = several and error_of(tested.scores, tested.model, "mase") >= 0
    return "mase" if panel else "rmse"


def skill(error: float, of_baseline: float) -> float:
    """1 - error / error of the baseline: 1 is perfect, below 0 worse than the baseline.

    NaN where the baseline made no error.
    """
    return 1 - error / of_baseline if of_baseline > 0 else float("nan")


def verdict(tested: Tested, where: str) -> str:
    """The model beside the baseline in one sentence, with the skill score."""
    series = tested.forecasts["unique_id"].nunique()
    where = f"{where} of {series} series" if series > 1 else where
    metric, model = metric_of(tested), spoken(tested.model)
    error = error_of(tested.scores, tested.model, metric)
    digits = 3 if metric == "mase" else 4
    told = f"{metric.upper()} {error:.{digits}g}" if error >= 0 else "not scored"
    if tested.baseline is None:
        return f"{model} {where}: {told}, beside no baseline"
    beside, other = error_of(tested.scores, tested.baseline, metric), spoken(tested.baseline)
    share = skill(error, beside)
    if not abs(share) < 1e6:
        return f"{model} {where}: {told}, and {other} {beside:.{digits}g}"
    if round(100 * share) == 0:
        judged = f"is as good as {other} {where}"
    else:
        judged = (
            f"errs {abs(100 * share):.0f} % {'less' if share > 0 else 'more'} than {other} {where}"
        )
    return f"{model} {judged} (skill {signed(share)}; {told} against {beside:.{digits}g})"


def remark(tested: Tested, series: str, place: str = "") -> str:
    """What there is to say of one series of a panel: its place, its MASE, its skill."""
    name = printable(series, 60)
    name = f"{name}, {place}" if place else name
    mase = error_of(tested.scores, tested.model, "mase", series)
    said = [f"MASE {mase:.3g}"] if mase >= 0 else []
    if tested.baseline:
        metric = "mase" if said else "rmse"
        error, beside = (
            error_of(tested.scores, model, metric, series)
            for model in (tested.model, tested.baseline)
        )
        share = skill(error, beside)
        said += [f"skill {signed(share)}"] if abs(share) < 1e6 else []
    return f"{name}: {', '.join(said) or 'not scored'}"


def signed(share: float) -> str:
    """A skill with two decimals and a true minus; a dash where it is not defined."""
    if share != share:
        return "-"
    return f"{share:.2f}".replace("-", "\N{MINUS SIGN}")
