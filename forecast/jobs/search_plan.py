"""A search that is asked for, before anything is fitted: can it be, and is a study one of it?"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

from forecast import __version__
from forecast.config.search import SearchOptions, Space
from forecast.errors import Problem, UsageError
from forecast.jobs.course import Course
from forecast.jobs.job import Job
from forecast.jobs.space import default_space, refuse_wrong_space
from forecast.runs.study import Study, StudyRecord, new_study, now, open_study
from forecast.samplers import named_sampler

_SHOWN = 5  # keys of a message
_PACKAGES = ("keras", "tensorflow", "numpy")


@dataclass(frozen=True)
class SearchPlan:
    """A search that can be: what is tried, and how it is judged."""

    job: Job
    course: Course
    space: Space
    settings: tuple[str, ...] = ()
    """What was set on top of the config."""

    @classmethod
    def of(cls, job: Job, settings: Sequence[str] = ()) -> "SearchPlan":
        """Of a job, with settings on top of its config.

        Raises `ConfigError` or `DataError` where it can not be, and `MissingExtraError` where the
        sampler's extra is not installed.
        """
        options = job.config.search or SearchOptions()
        refuse_wrong_space(job.source, settings, options.space)
        course = Course.of(job, options)
        space = options.space or default_space(course.past)
        named_sampler(options.sampler).size(space)  # which says where there is no such thing
        return cls(job, course, space, tuple(settings))

    @property
    def options(self) -> SearchOptions:
        """How is searched."""
        return self.job.config.search or SearchOptions()

    @property
    def record(self) -> StudyRecord:
        """What a study of it begins with."""
        config = self.job.config.model_dump(mode="json")
        del config["data"]["path"]  # the checksum says which data they are, wherever they lie
        options = self.options.model_copy(update={"space": dict(self.space)})
        config["search"] = options.model_dump(mode="json")
        versions = {"python": python_version(), "forecast": __version__}
        return StudyRecord(
            created=now(),
            versions=versions | {name: version(name) for name in _PACKAGES},
            sha256=self.job.sha256,
            config=config,
        )

    def new_study(self, root: Path) -> AbstractContextManager[Study]:
        """A study of it in a folder of runs."""
        return new_study(root, self.job.source.path.stem, self.record)

    def study(self, root: Path, wanted: str) -> AbstractContextManager[Study]:
        """A study of it that was begun. Raises `UsageError` where it is one of something else."""
        return open_study(root, wanted, self._refuse_another)

    def _refuse_another(self, path: Path, record: StudyRecord) -> None:
        own = self.record
        advice = "Begin anew, without --resume."
        if record.sha256 != own.sha256:
            message = f"{path} is a study of another table, or of this one before it was changed."
            raise UsageError(Problem(message, advice))
        different = list(_differences(record.config, own.config))
        if different:
            message = (
                f"{path} is a study of another config: {', '.join(different[:_SHOWN])} differ."
            )
            raise UsageError(Problem(message, f"Give it the config that it had, or b{advice[1:]}"))
        if record.versions != own.versions:
            changed = [k for k, v in own.versions.items() if record.versions.get(k) != v]
            message = f"{path} was begun with another version of {', '.join(changed)}."
            raise UsageError(Problem(message, advice))


def _differences(one: Mapping[str, Any], other: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The dotted keys in which two configs differ."""
    for key in dict.fromkeys([*one, *other]):
        mine, theirs = one.get(key), other.get(key)
        if isinstance(mine, dict) and isinstance(theirs, dict):
            yield from _differences(mine, theirs, f"{path}{key}.")
        elif mine != theirs:
            yield f"{path}{key}"
