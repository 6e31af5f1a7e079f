"""Who forecasts a table well? Candidates are fitted and judged within its training rows.

Networks are fitted before each of a few origins, statistical methods at each cutoff. What is kept
are forecasts, so that any mean of candidates can be judged without another fit.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forecast.config import LoadedConfig
from forecast.console import Console
from forecast.data.panel import FloatArray, IntArray, Panel
from forecast.engines import Engine, Threads, Work, Workplace
from forecast.errors import ForecastError
from forecast.jobs.course import Course, Origin
from forecast.jobs.job import Job
from forecast.jobs.selection import Rows
from forecast.jobs.trials import Group, Place, Trial, grouped
from forecast.methods import Fallback, Method, spread
from forecast.scoring.metrics import error_scales
from forecast.scoring.ranking import PANEL

_FEWEST = 10  # series of a panel that an origin tells of, and ...
_SHARE = 0.2  # ... this part of them
_FEWEST_TIMES, _MOST_TIMES = 8, 24  # of few series: after all origins, and after each of them
_FEWEST_FITTED = 30  # series of a panel that methods have to forecast to be told from networks
_SEED = 0  # of the series that are drawn
_PARTS = 3  # of the purse: the first network takes one at most
_OVERHEAD = 50  # rows of a context that take as long as all else of a step


@dataclass(frozen=True)
class Purse:
    """How much is tried: in counts, and never in seconds, so that equal tables end equally."""

    origins: int
    """At which networks are fitted."""
    series: int
    """Of a panel, by whose forecasts candidates are judged."""
    seeds: int
    """Of each network."""
    windows: int
    """That each network is trained on, counted as often as it sees them."""
    work: int
    """Rows in the contexts of all windows of all networks: what these take."""
    rows: int
    """That a statistical method is fitted to, summed over all of its forecasts."""
    table: int
    """Rows of the table that are looked at."""
    seconds: float
    """After which nothing more is begun. It takes a machine that is far too slow to get there."""


@dataclass(frozen=True)
class Tryout:
    """Forecasts of candidates from within the training rows."""

    course: Course
    forecasts: Mapping[str, Sequence[FloatArray]]
    """Of each candidate, after each origin: `(cutoffs, horizon)`."""
    dropped: Mapping[str, str]
    """Candidates that could not be judged, and why."""

    @cached_property
    def _known(self) -> dict[frozenset[str], FloatArray]:
        return {}

    def losses(self, members: frozenset[str]) -> FloatArray:
        """What the mean of candidates errs, `(origins, units)`.

        A unit is a series of a panel, or one of the cutoffs after each origin. NaN where nothing
        was observed.
        """
        if members not in self._known:
            self._known[members] = self._losses(members)
        return self._known[members]

    def _losses(self, members: frozenset[str]) -> FloatArray:
        own = [self.forecasts[name] for name in sorted(members)]
        each = [
            self.course.losses(np.mean(y_hat, axis=0), origin)
            for origin, y_hat in enumerate(zip(*own, strict=True))
        ]
        table = np.full((len(each), max(map(len, each))), np.nan)
        for row, losses in zip(table, each, strict=True):
            row[: len(losses)] = np.array(losses, np.float64)
        return table

    @property
    def rows(self) -> Rows:
        """How losses are counted."""
        return Rows(self.course.is_panel, 1 if self.course.is_panel else self.course.overlap)

    @property
    def folds(self) -> list[NDArray[np.bool_]]:
        """Which losses `(origins, units)` judge what the others chose: none where all are one.

        Half of the series of a panel, or those after one origin.
        """
        shape = self.losses(frozenset(list(self.forecasts)[:1])).shape
        places = np.indices(shape)[1] % 2 if self.course.is_panel else np.indices(shape)[0]
        count = int(places.max()) + 1
        return [places == i for i in range(count)] if count > 1 else []


def course_of(job: Job, purse: Purse) -> Course | None:
    """Origins in the training rows of a job; None where there are too few rows for any.

    The network is fitted before each of them. From the first is left at least half of the rows of
    each series that is judged: of much less a network of all rows would not be the same. Where the
    whole horizon has no room, a half of it is looked at.
    """
    panel = job.panel.before(job.split.train_ends).panel
    past, wanted = job.on(panel), job.prediction_horizon
    for horizon in (wanted, -(-wanted // 2)):
        for count in range(purse.origins, 0, -1):
            origins = _origins(panel, horizon, count, past.season_length, purse)
            if origins and _can_be_fitted(past, origins[0]):
                return _course(past, origins, horizon)
    return None


def _course(past: Job, origins: Sequence[Origin], horizon: int) -> Course:
    panel = past.panel
    scales = error_scales(panel.before(panel.ends), past.season_length)
    is_scaled = len(panel.unique_ids) > 1 and any(scale.mae > 0 for scale in scales.values())
    is_rolling = len(panel.unique_ids) < PANEL and origins[0].units.max() > 0
    step = int(np.diff(origins[0].cutoffs)[0]) if is_rolling else horizon
    metric = "mase" if is_scaled else "rmse"
    return Course(past, tuple(origins), horizon, metric, scales, -(-horizon // step))


def _can_be_fitted(past: Job, origin: Origin) -> bool:
    try:
        past.as_of(origin.fitted_at)
    except ForecastError:
        return False
    return True


def _origins(
    panel: Panel, horizon: int, count: int, season_length: int, purse: Purse
) -> list[Origin]:
    """So many origins, oldest first; none where one of them has too few series."""
    lengths, is_panel = np.diff(panel.offsets), len(panel.unique_ids) >= PANEL
    span = 1 if is_panel else max(1, min(max(horizon, season_length), lengths.max() // (4 * count)))
    stride = horizon if is_panel else span
    times = np.arange(0, span, -(-span // _MOST_TIMES))
    fewest = max(_FEWEST, int(_SHARE * len(lengths))) if is_panel else 1
    if not is_panel and count * len(times) < _FEWEST_TIMES:
        return []
    drawn = np.random.default_rng(_SEED).permutation(len(lengths))
    origins = []
    for back in range(count - 1, -1, -1):
        fitted_at = panel.ends - horizon - span - back * stride
        left = fitted_at + 1 - panel.starts
        able = drawn[(2 * left >= lengths)[drawn]]
        if len(able) < fewest:
            return []
        origins.append(_origin(fitted_at, np.sort(able[: purse.series]), times, is_panel))
    return origins


def _origin(fitted_at: IntArray, series: IntArray, times: IntArray, is_panel: bool) -> Origin:
    cutoffs = fitted_at[series, None] + times
    units = (
        np.repeat(series, len(times)) if is_panel else np.tile(np.arange(len(times)), len(series))
    )
    return Origin(fitted_at, cutoffs.ravel(), units)


def methods_rows(course: Course, purse: Purse) -> list[NDArray[np.bool_]]:
    """At which cutoffs of each origin methods forecast: of many rows for some series or times.

    An empty list where the purse is not enough for as many as tell something.
    """
    panel, units = course.past.panel, np.unique(course.origins[0].units)
    cutoffs = np.concatenate([origin.cutoffs for origin in course.origins])
    rows = int((cutoffs + 1 - panel.starts[panel.series_of(cutoffs)]).sum())
    most = int(len(units) * min(1.0, purse.rows / rows))
    fewest = _FEWEST_FITTED if course.is_panel else -(-_FEWEST_TIMES // len(course.origins))
    if most < min(fewest, len(units)):
        return []
    some = units[np.linspace(0, len(units) - 1, most).astype(np.int64)]
    return [np.isin(origin.units, some) for origin in course.origins]


def some_of(panel: Panel, purse: Purse) -> Panel:
    """A panel that is small enough to be tried on: some of the series, the last rows of each."""
    lengths = np.diff(panel.offsets)
    if len(panel.values) <= purse.table:
        return panel
    most = max(1, int(purse.table // np.median(lengths)))
    drawn = np.random.default_rng(_SEED).permutation(len(lengths))[:most]
    return panel.in_order(np.sort(drawn)).tail(purse.table // len(drawn))


def try_out(
    course: Course,
    networks: Mapping[str, LoadedConfig],
    methods: Sequence[Method],
    rows: Mapping[str, Sequence[NDArray[np.bool_]]],
    purse: Purse,
    console: Console,
    engine: Engine | None = None,
) -> Tryout:
    """Have candidates forecast; one that can not is dropped, with the reason.

    The first network is tried in any case; of the others those that are within the purse. `rows`
    are the cutoffs of each origin that a method of that name is asked for; all, where none are.
    An engine fits groups of networks side by side; threads, where it is left out, in turn.
    """
    trials, dropped = _trials(course, networks, purse)
    trying = _Trying(course, console, len(trials) + len(methods), purse.seconds, dropped)
    places = [Place(origin, 0) for origin in range(len(course.origins))]
    trying.groups(grouped(trials, places), engine or Threads())
    for method in spread(methods, engine, console):
        trying.method(method, rows.get(method.name))
    names = [*networks, *(method.name for method in methods)]
    forecasts = {name: trying.forecasts[name] for name in names if name in trying.forecasts}
    return Tryout(course, forecasts, trying.dropped)


_Found = dict[tuple[int, Place], FloatArray | None]
"""What each trial, by its number, forecasts at each place."""


@dataclass(frozen=True)
class ForecastingGroups(Work[Group, _Found]):
    """Fits groups of networks, and has each forecast on a course."""

    course: Course
    noun = "group of networks"
    is_parallel = True

    def begin(self, place: Workplace) -> Callable[[Group], _Found]:
        """See `Work.begin`."""
        return lambda group: group.forecasts(self.course, place.console, place.engine)

    def label(self, piece: Group) -> str:
        """The names of its networks."""
        return ", ".join(_names(piece).values())


def _names(group: Group) -> dict[int, str]:
    return {trial.number: str(trial.values["name"]) for trial in group.trials}


@dataclass
class _Trying:
    """Candidates that are tried, and how far that is."""

    course: Course
    console: Console
    count: int
    seconds: float
    dropped: dict[str, str]
    forecasts: dict[str, Sequence[FloatArray]] = field(default_factory=dict)
    done: int = 0
    begin: float = field(default_factory=time.monotonic)

    def groups(self, groups: Sequence[Group], engine: Engine) -> None:
        """Networks, those of a group together, one for each origin; as far as there is time."""
        done: list[int] = []

        def take(place: int, found: _Found) -> None:
            done.append(place)
            self._take(groups[place], found)

        work = ForecastingGroups(self.course)
        engine.map(work, groups, self.console, done=take, is_over=self._is_over)
        for place in sorted(set(range(len(groups))) - set(done)):
            self._drop(list(_names(groups[place]).values()))

    def method(self, method: Method, rows: Sequence[NDArray[np.bool_]] | None) -> None:
        """A method, at some of the cutoffs of each origin or at all."""
        if self._is_over():
            self._drop([method.name])
        else:
            self.forecasts[method.name] = _forecasts(self.course, method, rows)
            self._say([method.name])

    def _take(self, group: Group, found: _Found) -> None:
        names = _names(group)
        for number, name in names.items():
            each = [found[number, place] for place in group.places]
            known = [y_hat for y_hat in each if y_hat is not None]
            if len(known) == len(each):
                self.forecasts[name] = known
            else:
                self.dropped[name] = "its training diverged, or a forecast of it is no number"
        self._say(list(names.values()))

    def _is_over(self) -> bool:
        """Whether no time is left for more."""
        return time.monotonic() - self.begin > self.seconds

    def _drop(self, names: Sequence[str]) -> None:
        self.dropped |= dict.fromkeys(names, "the time was up")

    def _say(self, names: Sequence[str]) -> None:
        self.done += len(names)
        seconds = time.monotonic() - self.begin
        self.console.say(f"tried {self.done} of {self.count}, {seconds:.0f} s: {', '.join(names)}")


def _forecasts(
    course: Course, method: Method, rows: Sequence[NDArray[np.bool_]] | None
) -> list[FloatArray]:
    """Those of a method after each origin; NaN where it is not asked."""
    panel, fallback, found = course.past.panel, Fallback(course.past.season_length), []
    for i, origin in enumerate(course.origins):
        asked = np.ones(len(origin.cutoffs), bool) if rows is None else rows[i]
        cutoffs = origin.cutoffs[asked]
        y_hat = np.full((len(asked), course.horizon), np.nan)
        points = method.forecast(panel, cutoffs, course.horizon).y_hat
        y_hat[asked] = fallback.filling(points, panel, cutoffs)
        found.append(y_hat)
    return found


def _trials(
    course: Course, networks: Mapping[str, LoadedConfig], purse: Purse
) -> tuple[list[Trial], dict[str, str]]:
    """The networks that can be fitted within the purse, and why others can not."""
    fits = purse.seeds * len(course.origins)
    first = next(iter(networks.values()))
    windows = max(1, min(purse.windows, purse.work // (_PARTS * fits * _rows_of(first))))
    left, dropped = purse.work, {}
    trials: list[Trial] = []
    for number, (name, source) in enumerate(networks.items()):
        try:
            bounded = _bounded(source, course.past, windows, purse.seeds)
            job = course.past.under(bounded)
            job.as_of(course.origins[0].fitted_at)
        except ForecastError as error:
            dropped[name] = error.problems[0].message
            continue
        work = windows * fits * _rows_of(source)
        if trials and work > left:
            dropped[name] = "it would take too long"
            continue
        left -= work
        trials.append(Trial(number, {"name": name}, job))
    return trials, dropped


def _rows_of(source: LoadedConfig) -> int:
    """What a window takes, in rows of contexts; those with features of dates are twice as wide."""
    config = source.config
    return (config.window.context_length + _OVERHEAD) * (2 if config.features.dated else 1)


def _bounded(source: LoadedConfig, past: Job, windows: int, seeds: int) -> LoadedConfig:
    """A config whose networks are so many at most, and see so many windows."""
    config, training = source.config, source.config.training
    most = max(1, windows // training.batch_size)  # steps
    each = training.steps_per_epoch or -(-len(past.panel.values) // training.batch_size)
    ensemble = training.ensemble.model_copy(update={"size": min(seeds, training.ensemble.size)})
    update = {
        "epochs": max(1, min(training.epochs, most // min(each, most))),
        "steps_per_epoch": min(each, most) if training.steps_per_epoch else None,
        "ensemble": ensemble,
    }
    bounded = config.model_copy(update={"training": training.model_copy(update=update)})
    return replace(source, config=bounded)
