"""A search: trials are drawn, judged and halved, until the best are told from the others.

Successive halving (Jamieson, Talwalkar 2016, https://arxiv.org/abs/1502.07943) over members: each
rung fits fewer trials, and judges these by more. The last one judges by seeds of its own, for the
trials on it were chosen by the first seed, and owe it a part of their scores.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from forecast.config import LoadedConfig
from forecast.config.search import SearchOptions, Space
from forecast.console import Console
from forecast.engines import Engine, Threads
from forecast.jobs.course import Course
from forecast.jobs.trials import (
    Group,
    JudgingGroups,
    Place,
    Trial,
    grouped,
    remembered,
    trial_of,
)  # fmt: skip
from forecast.methods import EMPTY
from forecast.runs.study import Cell, Study
from forecast.samplers import Told, named_sampler

_KEPT = 3  # of so many trials one is on the next rung
_FEWEST = 2  # on any rung, so that the best has one beside it


@dataclass(frozen=True)
class Rung:
    """What the trials of a rung are judged by."""

    places: tuple[Place, ...]
    new: tuple[Place, ...]
    """Those where nothing has been fitted yet."""
    share: int
    """One of so many trials is on it."""

    @property
    def origins(self) -> list[int]:
        """Those that it looks at, oldest first."""
        return sorted({place.origin for place in self.places})

    def count(self, trials: int) -> int:
        """How many of so many trials are on it."""
        return max(min(_FEWEST, trials), -(-trials // self.share))


def rungs_of(options: SearchOptions) -> list[Rung]:
    """The latest origins, then all of them, with one seed; at last all origins with other seeds."""
    n, seeds = options.n_windows, range(1, options.seeds + 1)
    latest = tuple(Place(origin, 0) for origin in range(n - math.ceil(n / _KEPT), n))
    whole = tuple(Place(origin, 0) for origin in range(n))
    fresh = tuple(Place(origin, seed) for origin in range(n) for seed in seeds)
    places = [*dict.fromkeys([latest, whole]), fresh]
    rungs: list[Rung] = []
    for i, own in enumerate(places):
        done = {place for rung in rungs for place in rung.places}
        new = tuple(place for place in own if place not in done)
        rungs.append(Rung(own, new, _KEPT**i))
    return rungs


@dataclass
class Standing:
    """How far a trial has come, and what it is worth there."""

    trial: Trial
    cells: list[Cell] = field(default_factory=list)
    rung: int = 0
    score: float | None = None
    """On its rung; None where it has none, for it is not judged there yet, or can not be."""
    why_not: str = ""
    """Why it can have none."""

    def on(self, rung: Rung) -> list[Cell]:
        """What it is judged by on a rung."""
        return [cell for cell in self.cells if (cell.origin, cell.seed) in rung.places]

    @property
    def together(self) -> list[Cell]:
        """The forecasts of several seeds as one."""
        return [cell for cell in self.cells if cell.seed is None]

    @property
    def order(self) -> tuple[float, float, int]:
        """What standings are ordered by, best first."""
        score = math.inf if self.score is None else self.score
        return (math.inf if self.score is None else -self.rung), score, self.trial.number


@dataclass(frozen=True)
class Found:
    """What a search has found, or has so far."""

    standings: list[Standing]
    """Best first."""
    rungs: list[Rung]
    is_whole: bool
    """Whether all that was asked for has been tried."""

    @property
    def best(self) -> Standing | None:
        """The best, if any trial could be judged."""
        first = self.standings[0] if self.standings else None
        return first if first and first.score is not None else None

    def runner_up(self, differs: Callable[[Trial], bool]) -> Standing | None:
        """The best of the trials that differ from the best in some way."""
        others = (own for own in self.standings[1:] if own.score is not None)
        return next((own for own in others if differs(own.trial)), None)


class Search:
    """The trials of a study on a course: each is fitted once, whoever goes on with the study."""

    def __init__(
        self, course: Course, study: Study, space: Space, base: LoadedConfig,
        settings: Sequence[str], console: Console, timeout: float = math.inf,
        engine: Engine | None = None,
    ) -> None:  # fmt: skip
        """`settings` lie on top of the base config. After `timeout` seconds no group is begun.

        An engine fits groups side by side; threads, where it is left out, one after another.

        Raises `MissingExtraError` where the sampler's extra is not installed.
        """
        self._course, self._study, self._space = course, study, space
        self._base, self._settings, self._console = base, settings, console
        self._options = base.config.search or SearchOptions()
        self._sampler = named_sampler(self._options.sampler)
        self._rungs = rungs_of(self._options)
        size = self._sampler.size(space)
        self.count = min(self._options.trials, size or self._options.trials)
        """How many trials there are to be."""
        self._standings: dict[int, Standing] = {}
        self._begin, self._timeout = time.monotonic(), timeout
        self._engine = engine or Threads()
        self._fitted, self._done = 0, 0
        self._memory = EMPTY

    def run(self) -> Found:
        """Try all that is not tried yet, or until the time is up."""
        is_whole = all(self._run(rung, groups) for rung, groups in self._rounds())
        ordered = sorted(self._standings.values(), key=lambda own: own.order)
        return Found(ordered, self._rungs, is_whole)

    def _rounds(self) -> Iterator[tuple[int, dict[str, Group]]]:
        """Groups of a rung that do not know each other, by their names.

        A name is the same whenever the study is gone on with. What comes after a round depends on
        what came of it: it is to be run before the next.
        """
        batch = self._sampler.batch or self.count
        for first in range(0, self.count, batch):
            drawn = self._draw(range(first, min(first + batch, self.count)))
            groups = grouped(drawn, self._rungs[0].new)
            yield 0, {f"0.{first}.{i}": group for i, group in enumerate(groups)}
        for i, rung in enumerate(self._rungs[1:], start=1):
            able = [own for own in self._standings.values() if own.score is not None]
            able = [own for own in able if own.rung == i - 1]
            best = sorted(able, key=lambda own: own.order)[: rung.count(len(self._standings))]
            groups = grouped([own.trial for own in best], rung.new)
            yield i, {f"{i}.0.{j}": group for j, group in enumerate(groups)}

    def _draw(self, numbers: range) -> list[Trial]:
        """The trials of these numbers that can be fitted; one that has been drawn before is not."""
        told = [Told(own.trial.values, own.score) for own in self._standings.values()]
        drawn = self._sampler.draw(self._space, self._options.seed, numbers, self.count, told)
        known = {repr(own.trial.values): own.trial.number for own in self._standings.values()}
        trials = []
        for number, values in zip(numbers, drawn, strict=True):
            if repr(values) in known:
                continue
            known[repr(values)] = number
            trial = trial_of(number, values, self._base, self._settings, self._course)
            self._standings[number] = Standing(trial, why_not=trial.why_not)
            if trial.job is None:
                self._console.warn(f"trial {number} is left out: {trial.why_not}")
            else:
                trials.append(trial)
        return trials

    def _run(self, rung: int, groups: Mapping[str, Group]) -> bool:
        """Have what came of a round; False where the time is up."""
        new = []
        for key, group in groups.items():
            if key in self._study.groups:
                self._take(rung, group, self._study.groups[key])
            else:
                new.append((key, group))

        def keep(place: int, cells: Sequence[Cell]) -> None:
            key, group = new[place]
            self._study.append(key, cells)
            self._fitted += group.count
            self._take(rung, group, cells)
            self._say(rung)

        pieces = [group for _, group in new]
        if not self._is_late():
            self._memory = remembered(
                pieces, self._course, self._memory, self._console, self._engine
            )
        work = JudgingGroups(self._course, self._memory)
        found = self._engine.map(work, pieces, self._console, done=keep, is_over=self._is_late)
        return len(found) == len(new)

    def _is_late(self) -> bool:
        return time.monotonic() - self._begin >= self._timeout

    def _take(self, rung: int, group: Group, cells: Sequence[Cell]) -> None:
        """Judge the trials of a group by what came of it."""
        for cell in cells:
            self._standings[cell.trial].cells.append(cell)
        self._done += group.count
        self._judge(group.trials, rung)

    def _judge(self, trials: Sequence[Trial], rung: int) -> None:
        """Score those that have been fitted wherever the rung looks at."""
        for trial in trials:
            own = self._standings[trial.number]
            cells = own.on(self._rungs[rung])
            if len(cells) < len(self._rungs[rung].places) or own.why_not:
                continue
            own.rung, own.score = rung, self._score(cells)
            if own.score is None:
                own.why_not = "its training diverged, or a forecast of it is no number"
                self._console.warn(f"trial {trial.number} is left out: {own.why_not}.")

    def _score(self, cells: Sequence[Cell]) -> float | None:
        """What cells come to; None where one came to nothing, or that is no number."""
        if any(cell.losses is None for cell in cells):
            return None
        score = self._course.score(cells)
        return score if math.isfinite(score) else None

    def _say(self, rung: int) -> None:
        """How far the search is, and what is best so far."""
        on_rung = [own for own in self._standings.values() if own.rung == rung]
        judged = [own for own in on_rung if own.score is not None]
        best = min(judged, key=lambda own: own.order, default=None)
        whole = self._rungs[rung].count(self.count)
        said = f"rung {rung + 1} of {len(self._rungs)}: {len(judged)} of {whole} trials"
        if best and best.score is not None:
            metric = self._course.metric.upper()
            said += f", best {metric} {best.score:.4g} (trial {best.trial.number})"
        each = (time.monotonic() - self._begin) / self._fitted
        minutes, seconds = divmod(int(max(0, self._total - self._done) * each), 60)
        self._console.say(f"{said}, about {minutes}:{seconds:02} left")

    @property
    def _total(self) -> int:
        """Networks that the whole search fits, if no trial is left out."""
        return sum(rung.count(self.count) * len(rung.new) for rung in self._rungs)
