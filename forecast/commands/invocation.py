"""How a training was asked for, and what is said at its beginning and its end."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from platform import python_version
from typing import Literal

from forecast import __version__
from forecast.commands.scored import shown_scores
from forecast.commands.verdict import say_verdict
from forecast.console import Console
from forecast.jobs.job import Job
from forecast.jobs.warm_start import WarmStart
from forecast.runs import Run, RunRecord
from forecast.runs.tables import read_scores
from forecast.stopwatch import Stopwatch

_PACKAGES = ("keras", "tensorflow", "numpy", "onnxruntime", "pandas", "scikit-learn")
_NAMING = ("--name", "--resume")  # options of what is begun, or gone on with


@dataclass(frozen=True)
class Invocation:
    """How a training was asked for: who is spoken to, since when, in which words."""

    console: Console = field(default_factory=Console)
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    argv: Sequence[str] = ()

    start: WarmStart | None = None
    """What the training goes on from."""
    log: Literal["tensorboard"] | None = None
    """For which other program the history is written too."""

    def record(self, name: str, job: Job, parameters: int, *, is_whole: bool = True) -> RunRecord:
        """What `run.json` tells of the run of this name."""
        self.stopwatch.seconds["total"] = self.stopwatch.total()
        return RunRecord(
            name=name,
            status="complete" if is_whole else "interrupted",
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            # A word may be the name of a file that is no UTF-8.
            argv=[
                word.encode(errors="surrogateescape").decode(errors="replace") for word in self.argv
            ],
            versions={"python": python_version(), "forecast": __version__}
            | {name: version(name) for name in _PACKAGES},
            model=job.config.forecaster,
            parameters=parameters,
            seconds={name: round(spent, 4) for name, spent in self.stopwatch.seconds.items()},
            warm_start=self.start.record(job) if self.start else None,
        )


def going_on(argv: Sequence[str], name: str) -> str:
    """What to type to go on with what a command began, which was typed with these words."""
    words, is_value = [], False
    for word in argv:
        if is_value or word.partition("=")[0] in _NAMING:
            is_value = not is_value and "=" not in word
        else:
            words.append(word)
    return shlex.join(["forecast", *words, "--resume", name])


def announce(job: Job, invocation: Invocation) -> None:
    """Say what there is to train on, and what a person should know before."""
    panel, console, start = job.panel, invocation.console, invocation.start
    counts = ", ".join(f"{count} {name}" for name, count in job.windows.items())
    of = f" of {len(panel.unique_ids)} series" if len(panel.unique_ids) > 1 else ""
    console.say(f"{len(panel.values)} rows{of}, frequency {panel.freq}; windows: {counts}")
    if str(job.reading):
        console.say(str(job.reading))
    if start:
        scales = "its transforms" if start.transforms else "transforms that are fitted again"
        console.say(f"goes on from the run {start.run.record.name}: its weights, and {scales}")
    for warning in [*job.warnings, *(start.warnings(job) if start else [])]:
        console.warn(warning)


def say_end(run: Run, job: Job, invocation: Invocation, *, needs_future: bool) -> None:
    """Say how good the run is, and what can be done with it."""
    console, scores = invocation.console, read_scores(run)
    console.say(shown_scores(scores, "test", job.config.data))
    _say_steps(job, console)
    say_verdict(scores, "test", job.config.forecaster, console, job.config)
    if console.verbose:
        for stage, seconds in run.record.seconds.items():
            console.say(f"{stage:>8} {seconds:7.2f} s")
    future = " --future future.csv" if needs_future else ""
    console.say(f"next: forecast predict{future} --output forecast.csv; forecast plot{future}")


def _say_steps(job: Job, console: Console) -> None:
    """What the scores are of, where `predict` forecasts further than a call of the network."""
    scored, predicted = job.config.window.horizon, job.config.predict.horizon or 1
    if predicted > scored:
        ahead = "one step" if scored == 1 else f"{scored} steps"
        console.say(
            f"scored {ahead} ahead; forecasts of {predicted} steps are scored by "
            "`forecast backtest`."
        )
