"""What the norms of gradients and weights by epoch, `history.csv`, say of a training."""

import numpy as np
import pandas as pd

from forecast.errors import Problem, RunError

COLUMNS = ("gradient_norm", "max_gradient_norm", "weight_norm", "skipped_steps")

# Times the usual norm from which on Pascanu et al. 2013, https://arxiv.org/abs/1211.5063, clip at
# the latest.
_JUMP = 10


def has_norms(history: pd.DataFrame) -> bool:
    """Whether a run tells them: those of earlier versions do not."""
    return set(COLUMNS) <= set(history)


def refuse_without_norms(name: str, history: pd.DataFrame) -> None:
    """Raise `RunError` for a run that does not tell them."""
    if not has_norms(history):
        message = f"the run {name} does not tell the norms of its gradients."
        raise RunError(Problem(message, "Train it again: `forecast train` writes them."))


def judged_norms(history: pd.DataFrame) -> str:
    """Whether steps were skipped or gradients jumped, and what to do; else where the norms went.

    A gradient jumps where it is ten times as long as those of the epoch before.
    """
    skipped = int(history["skipped_steps"].sum())
    if skipped:
        steps = "1 step was" if skipped == 1 else f"{skipped:,} steps were"
        return (
            f"{steps} skipped, whose loss or gradient was not finite. Where they are many, set "
            "training.clip_norm: 1, or lower training.learning_rate"
        )
    ordered = history.sort_values(["member", "epoch"])
    before = ordered.groupby("member")["gradient_norm"].shift()
    ratios = (ordered["max_gradient_norm"] / before.where(before > 0)).to_numpy()
    if np.nanmax(ratios, initial=0) > _JUMP:
        worst = int(np.nanargmax(ratios))
        epoch, norm = (ordered[name].iloc[worst] for name in ("epoch", "max_gradient_norm"))
        return (
            f"a gradient jumps: in epoch {epoch} one has the norm {norm:.3g}, {ratios[worst]:.3g} "
            f"times the mean of the epoch before. Set training.clip_norm to "
            f"{before.iloc[worst]:.2g}, or up to ten times that"
        )
    means = history.groupby("epoch")[["gradient_norm", "weight_norm"]].mean()
    (gradient, weight), (last_gradient, last_weight) = means.iloc[0], means.iloc[-1]
    if len(means) == 1:
        return f"in its only epoch the gradient's norm is {gradient:.3g}, the weights' {weight:.3g}"
    return (
        f"in {len(means)} epochs the gradient's norm goes from {gradient:.3g} to "
        f"{last_gradient:.3g}, the weights' from {weight:.3g} to {last_weight:.3g}"
    )
