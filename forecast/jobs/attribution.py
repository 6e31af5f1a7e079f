"""Why is a forecast what it is? What each lag and covariate adds to it.

Integrated gradients: Sundararajan, Taly, Yan 2017, https://arxiv.org/abs/1703.01365. The inputs go
in a straight line from a baseline, about which nothing is special, to what they are; what a number
adds is the integral of the forecast's gradient by it, along that line. All together they add up to
the forecast less that of the baseline.

The line is one on the scale that each network sees. The forecast is differentiated through the
transforms back to the unit of the target, whatever they are, and over all pipelines and members: so
what is added up is in that unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.errors import DivergedError, Problem
from forecast.features import part_of, places_of
from forecast.jobs.importance import LAG
from forecast.methods.network import TrainedNetwork
from forecast.networks import Weights
from forecast.training import AT_ONCE, DifferentiableForward
from forecast.transforms.pipeline import Transformed
from forecast.windows import Batch, Inputs, Sizes

BASELINE, REMAINDER, BOUNDS = "baseline", "remainder", "bounds"
"""Parts of a forecast that no feature has: where the line begins, what the numeric integral misses,
and what the bounds of the config (`predict.minimum` and so on) change at the end."""

# Points on the line: as many as it takes for the remainder to be this share of what is added up, or
# this share of the forecast itself, which single precision does not resolve.
_POINTS = tuple(AT_ONCE * 2**i for i in range(5))
_ENOUGH, _RESOLVED = 1e-3, 1e-6
# How far a forecast is moved to find the slope of what follows the networks, of its own size.
_MOVED = 1e-5


@dataclass(frozen=True)
class Usual:
    """What covariates are where nothing is special, as a network sees them, `(features,)` each."""

    past: Batch
    known: Batch
    static: Batch

    @classmethod
    def nothing(cls) -> "Usual":
        """Where there are no covariates."""
        return cls(*(np.zeros(0, np.float32) for _ in range(3)))


@dataclass(frozen=True)
class Attribution:
    """What a forecast is made of, in the unit of the target."""

    unbounded: float
    """The forecast before the bounds of the config."""
    forecast: float
    """The one that `predict` gives."""
    baseline: float
    """The forecast of the baseline."""
    features: pd.DataFrame
    """`feature, part, attribution`: the largest first."""

    @property
    def total(self) -> float:
        """What all features add."""
        return float(self.features["attribution"].sum())

    @property
    def remainder(self) -> float:
        """What the numeric integral misses."""
        return self.unbounded - self.baseline - self.total

    @property
    def missed(self) -> float:
        """The remainder as a share of all that is added and taken away."""
        size = float(self.features["attribution"].abs().sum())
        return abs(self.remainder) / size if size else 0.0

    @property
    def rest(self) -> list[tuple[str, float]]:
        """What no feature adds: the remainder, and what bounds changed, if they did."""
        bounds = self.forecast - self.unbounded
        return [(REMAINDER, self.remainder), *([(BOUNDS, bounds)] if bounds else [])]

    @property
    def table(self) -> pd.DataFrame:
        """The features between the baseline and the rest: all together are the forecast."""
        begin, *rest = (
            pd.DataFrame({"feature": name, "part": name, "attribution": value}, index=[0])
            for name, value in ((BASELINE, self.baseline), *self.rest)
        )
        return pd.concat([begin, self.features, *rest], ignore_index=True)


@dataclass(frozen=True)
class Explained:
    """One forecast of a network: from which row of a panel, and which of its steps."""

    network: TrainedNetwork
    panel: Panel
    """Of the series that the network knows, in its order."""
    cutoff: int
    steps: slice
    """Of those that one call forecasts; their mean is explained."""

    def mean(self, forecasts: FloatArray) -> FloatArray:
        """The mean over the steps, of forecasts `(..., horizon)`."""
        mean: FloatArray = forecasts[..., self.steps].mean(axis=-1)
        return mean

    def at(self, count: int) -> IntArray:
        """The cutoff so many times."""
        return np.full(count, self.cutoff, np.int64)

    @cached_property
    def scaled(self) -> Transformed:
        """The panel on the scale that all branches share."""
        return self.network.shared.apply(self.panel)

    @cached_property
    def seen(self) -> list[Transformed]:
        """The panel on the scale of each branch."""
        return [branch.transforms.apply(self.scaled.panel) for branch in self.network.branches]

    def inputs(self) -> list[Inputs]:
        """What the network of each branch sees, a window each."""
        branches = self.network.branches
        encoded = self.network.encoded(self.panel, branches[0].window.horizon)
        return [
            branch.inputs(own.panel, self.at(1), encoded)
            for branch, own in zip(branches, self.seen, strict=True)
        ]

    def in_unit(self, outputs: Sequence[FloatArray]) -> FloatArray:
        """Forecasts of all branches, each `(points, horizon)` on its scale, as what is explained.

        That is `(points,)` in the unit of the target.
        """
        cutoffs = self.at(len(outputs[0]))
        each = [own.invert(output, cutoffs) for own, output in zip(self.seen, outputs, strict=True)]
        return self.mean(self.scaled.invert(self.network.combined(each), cutoffs))

    def slopes(self, outputs: Sequence[FloatArray]) -> list[FloatArray]:
        """The gradient of `in_unit` by each forecast of each branch, `(points, horizon)` each.

        By central differences: transforms know the way back, and not its derivative.
        """
        found = []
        for place, output in enumerate(outputs):
            move = _MOVED * (np.abs(output).max() or 1.0)
            slopes = np.zeros_like(output)
            for step in range(self.steps.stop):  # no forecast depends on one of a later step
                ends = []
                for signed in (move, -move):
                    moved = output.copy()
                    moved[:, step] += signed
                    ends.append(self.in_unit([*outputs[:place], moved, *outputs[place + 1 :]]))
                slopes[:, step] = (ends[0] - ends[1]) / (2 * move)
            found.append(slopes)
        return found


def attribute(
    explained: Explained,
    forward: DifferentiableForward,
    weights: Sequence[Weights],
    usual: Usual,
    unbounded: float,
    forecast: float,
) -> Attribution:
    """What each feature adds to a forecast, of networks with these weights, a branch each.

    The baseline is a past that has been its own mean in all of the window, on the scale of each
    network, with covariates that are as usual. Raises `DivergedError` where its forecast is not a
    finite number.
    """
    branches = explained.network.branches
    lines = [
        _Line(forward, members, own, _baseline(own, branch.sizes, usual))
        for members, branch, own in zip(weights, branches, explained.inputs(), strict=True)
    ]
    begin, end = explained.in_unit([line.forecasts(np.array([0.0, 1.0])) for line in lines])
    if not np.isfinite(begin):
        message = "the forecast of a flat past is not a finite number: nothing can begin there."
        raise DivergedError(Problem(message, "Say --method permutation."))
    for points in _POINTS:
        attribution = Attribution(
            unbounded,
            forecast,
            float(begin),
            _by_feature(explained.network, _integrals(explained, lines, points)),
        )
        missed = abs(end - begin - attribution.total)
        added = float(attribution.features["attribution"].abs().sum())
        if missed <= max(_ENOUGH * added, _RESOLVED * abs(end)):
            break
    return attribution


@dataclass(frozen=True)
class _Line:
    """The way of one network's inputs from the baseline to what they are."""

    forward: DifferentiableForward
    weights: Weights
    """Of its members, `(members, parameters)`."""
    inputs: Inputs
    """Where it ends, one window."""
    baseline: Inputs

    def at(self, shares: FloatArray) -> Inputs:
        """The inputs at these shares of the way, a window each."""
        ends = zip(self.baseline, self.inputs, strict=True)
        return Inputs(
            *(
                None if begin is None else begin + _along(shares, begin) * (end - begin)
                for begin, end in ends
            )
        )

    def forecasts(self, shares: FloatArray) -> FloatArray:
        """What is forecast there, `(shares, horizon)`."""
        padded = np.pad(shares, (0, -len(shares) % AT_ONCE))
        return self.forward.forecasts(self.weights, self.at(padded))[: len(shares)]

    def integral(self, shares: FloatArray, factors: FloatArray) -> Inputs:
        """The sum over shares of what each number adds, of forecasts times their factors."""
        slopes = self.forward.gradients(self.weights, self.at(shares), factors)
        # The spread of a window that is flat, as far as single precision tells, has no slope. What
        # is left out by that is small, and is part of the remainder.
        known = slopes.map(lambda slope: np.where(np.isfinite(slope), slope, 0.0))
        return Inputs(
            *(
                None if slope is None else slope.sum(axis=0) * (end - begin)[0]
                for slope, begin, end in zip(known, self.baseline, self.inputs, strict=True)
            )
        )


def _along(shares: FloatArray, part: Batch) -> FloatArray:
    """Shares as the first axis of a part of the inputs."""
    return shares.reshape(-1, *(1,) * (part.ndim - 1))


def _integrals(explained: Explained, lines: Sequence[_Line], points: int) -> list[Inputs]:
    """What every number of each network's inputs adds to what is explained.

    By the rule of Gauss and Legendre, whose points crowd at both ends: near the baseline, where a
    window that is scaled by its own spread is all but flat, a network's forecast bends most.
    """
    nodes, weights = np.polynomial.legendre.leggauss(points)
    shares = (nodes + 1) / 2
    slopes = explained.slopes([line.forecasts(shares) for line in lines])
    return [
        line.integral(shares, slope * weights[:, None] / 2)
        for line, slope in zip(lines, slopes, strict=True)
    ]


def _baseline(inputs: Inputs, sizes: Sizes, usual: Usual) -> Inputs:
    """Inputs of the same window about which nothing is special.

    Rolling means and lags of a flat past are what it is; steps that are not there stay so.
    """
    there = np.ones_like(inputs.past[..., :1]) if inputs.present is None else inputs.present
    # In double precision: that of a flat window is exactly what it is.
    level = (inputs.past[..., :1] * there).sum(axis=1, dtype=np.float64) / there.sum(axis=1)
    past = np.empty_like(inputs.past)
    past[..., : sizes.on_scale] = level[:, None]
    past[..., sizes.on_scale :] = np.concatenate([usual.past, usual.known])
    future = None
    if inputs.future is not None:
        future = np.empty_like(inputs.future)
        future[..., : sizes.lags] = level[:, None]
        future[..., sizes.lags :] = usual.known
    static = None if inputs.static is None else usual.static[None].astype(np.float32)
    return Inputs(past * there, future, static, inputs.present)


def _by_feature(network: TrainedNetwork, integrals: Sequence[Inputs]) -> pd.DataFrame:
    """What each lag and each covariate adds, over all steps and branches: the largest first."""
    sums: dict[tuple[str, str], float] = {}
    found = places_of(network.encoder, network.branches[0].features)
    for added in integrals:
        by_step = added.past[:, 0][::-1]
        own = {(f"lag {lag}", LAG): float(value) for lag, value in enumerate(by_step, start=1)}
        own |= {
            (name, part_of(places)): sum(float(added.named[p][..., at].sum()) for p, at in places)
            for name, places in found.items()
        }
        for key, value in own.items():
            sums[key] = sums.get(key, 0.0) + value
    table = pd.DataFrame(
        [(*key, value) for key, value in sums.items()], columns=["feature", "part", "attribution"]
    )
    order = np.argsort(-table["attribution"].abs().to_numpy(), kind="stable")
    return table.iloc[order].reset_index(drop=True)
