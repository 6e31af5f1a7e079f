"""What is assumed of the future? Known covariates that a person gives to a forecast."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forecast.data.ahead import Ahead, columns_of, read_ahead
from forecast.data.arrays import FloatArray
from forecast.data.beside import word_of
from forecast.data.panel import Panel
from forecast.data.sources.content import Content
from forecast.errors import DataError, Problem, UsageError, did_you_mean
from forecast.jobs.opened_run import OpenedRun

AS_KNOWN = "as_known"
"""How the case without any scenario is called beside them."""


@dataclass(frozen=True)
class Assumptions:
    """Where values of known covariates come from, beside what a run knows of them.

    A setting counts where a table says something else, and a scenario where `future` does.
    """

    future: Path | None = None
    """A table with all of them; `-` is standard input."""
    scenarios: Sequence[Path] = ()
    """Tables with some or all of them, each for a forecast of its own."""
    settings: Sequence[str] = ()
    """`NAME=VALUE`, for every step of the horizon."""

    @property
    def is_given(self) -> bool:
        """Whether anything is assumed."""
        return bool(self.future is not None or self.scenarios or self.settings)

    @property
    def files(self) -> dict[str, Path | None]:
        """The tables, by what a person typed for each."""
        scenarios = {f"--scenario {path}": path for path in self.scenarios}
        return {"--future": self.future, **scenarios}

    def refuse_unusable(self, opened: OpenedRun, newer: Path | None) -> None:
        """Raise `UsageError` for what the run can not take, whatever the tables hold."""
        streams = [str(path) for path in (newer, self.future, *self.scenarios)]
        if streams.count("-") > 1:
            message = "standard input can be one table alone."
            raise UsageError(Problem(message, "Name a file for the others."))
        names = [path.stem for path in self.scenarios]
        for path in self.scenarios:
            if str(path) == "-" or not path.stem:
                message = f"--scenario {path}: a scenario is called as its file is."
                raise UsageError(Problem(message, "Give it as a file."))
            if path.stem == AS_KNOWN:
                message = f"--scenario {path}: {AS_KNOWN} is the case without any scenario."
                raise UsageError(Problem(message, "Rename the file."))
            if names.count(path.stem) > 1:
                message = f"--scenario {path}: there are two scenarios {path.stem}."
                raise UsageError(Problem(message, "Rename one of the files."))
        if self.is_given and not opened.known_columns:
            message = "the run has no known covariates: of the future it is told nothing."
            advice = "Train with `data.covariates: {known: [...]}`."
            raise UsageError(Problem(message, advice))
        self._constants(opened)

    def panels(
        self, opened: OpenedRun, panel: Panel, horizon: int
    ) -> Iterator[tuple[str | None, Panel]]:
        """The panel with what is assumed, for each scenario and its name; once where there is none.

        The first of several is the case without any scenario, where the future is known without.
        Raises `UsageError` for a setting that the run can not take, and `DataError` for a table.
        """
        constants = self._constants(opened)
        if self.future is not None:
            names = [name for name in opened.known_columns if name not in constants]
            panel = _read(Content(self.future), opened, panel, names).over(panel)
        set_ = _constant(constants, panel, horizon) if constants else None
        known = set_.over(panel) if set_ else panel
        if not self.scenarios:
            yield None, known
        elif not opened.lacking(known, horizon):
            yield AS_KNOWN, known
        for path in self.scenarios:
            yield path.stem, _scenario(path, opened, panel, constants).over(known)

    def _constants(self, opened: OpenedRun) -> dict[str, float | str]:
        """The settings: numbers, or words where the run has words in a column."""
        constants: dict[str, float | str] = {}
        for setting in self.settings:
            name, equals, text = setting.partition("=")
            if not equals or not name:
                raise _unusable(setting, "write NAME=VALUE, such as price=9.99.")
            if name not in opened.known_columns:
                raise _unusable(setting, *_no_known(name, opened))
            if name in constants:
                raise _unusable(setting, f"`{name}` is set twice.")
            has_words = name in opened.words
            constants[name] = (
                word_of(text, opened.data_options) if has_words else _number(setting, text)
            )
        return constants


NOTHING = Assumptions()
"""What a run knows of the future is all."""


def _scenario(path: Path, opened: OpenedRun, panel: Panel, set_: Collection[str]) -> Ahead:
    """The table of a scenario. Raises `UsageError` for a column of it that is set as well."""
    content = Content(path)
    there = columns_of(content, opened.data_options)
    names = [name for name in opened.known_columns if name in there]
    if not names:
        message = f"{content.name} has no column that is known of the future."
        advice = f"These are: {', '.join(opened.known_columns)}."
        raise DataError(Problem(message, advice))
    both = [name for name in names if name in set_]
    if both:
        message = f"--set-known {both[0]}: --scenario {path} has the column `{both[0]}` too."
        raise UsageError(
            Problem(message, "Leave one of them out: a scenario is a case of its own.")
        )
    return _read(content, opened, panel, names)


def _read(content: Content, opened: OpenedRun, panel: Panel, names: Sequence[str]) -> Ahead:
    read = read_ahead(content, opened.data_options, panel, names)
    opened.refuse_other_kinds(read.levels, content.name)
    return read


def _constant(constants: Mapping[str, float | str], panel: Panel, horizon: int) -> Ahead:
    """The same values in every step of the horizon of every series."""
    count = len(panel.unique_ids)
    series = np.repeat(np.arange(count), horizon)
    steps = np.diff(panel.offsets)[series] + np.tile(np.arange(horizon), count)
    columns: dict[str, FloatArray] = {}
    levels: dict[str, tuple[str, ...]] = {}
    for name, value in constants.items():
        if isinstance(value, str):
            levels[name] = (value,)
        columns[name] = np.full(len(series), 0.0 if isinstance(value, str) else value)
    return Ahead(series, steps, columns, levels)


def _number(setting: str, text: str) -> float:
    try:
        number = float(text.replace("_", "?"))  # no table has numbers such as 1_000 either
    except ValueError as error:
        advice = _with_point(text)
        raise _unusable(setting, "the run has numbers in that column.", advice) from error
    if not np.isfinite(number):
        raise _unusable(setting, "write a finite number.")
    return number


def _with_point(text: str) -> str | None:
    """How a number with a comma is written: 9,90 as 9.90; 1,250 may be either of two."""
    whole, comma, decimals = text.strip().partition(",")
    if not (comma and whole.lstrip("+-").isdecimal() and decimals.isdecimal()):
        return None
    either = f" or {whole}{decimals}" if len(decimals) == 3 else ""
    return f"Write {whole}.{decimals}{either}."


def _no_known(name: str, opened: OpenedRun) -> tuple[str, str]:
    """Why a column can not be set, and the way out."""
    covariates = opened.config.data.covariates
    for part in ("past", "static"):
        if name in getattr(covariates, part):
            why = f"`{name}` is a {part} covariate, of which no future is asked for."
            return why, f"Known ones are: {', '.join(opened.known_columns)}."
    why = f"the run has no known covariate `{name}`."
    return why, did_you_mean(name, list(opened.known_columns))


def _unusable(setting: str, why: str, advice: str | None = None) -> UsageError:
    return UsageError(Problem(f"--set-known {setting}: {why}", advice))
