"""A search that is asked for, before anything is fitted: can it be, and is a study one of it?"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from forecast.config.search import SearchOptions, Space
from forecast.jobs.course import Course
from forecast.jobs.job import Job
from forecast.jobs.resuming import record_of, refuse_another
from forecast.jobs.space import default_space, refuse_wrong_space
from forecast.runs.study import Study, StudyRecord, new_study, open_study
from forecast.samplers import named_sampler


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
        record = record_of(self.job)
        options = self.options.model_copy(update={"space": dict(self.space)})
        config = record.config | {"search": options.model_dump(mode="json")}
        return StudyRecord(**dict(record) | {"config": config})

    def new_study(self, root: Path) -> AbstractContextManager[Study]:
        """A study of it in a folder of runs."""
        return new_study(root, self.job.source.path.stem, self.record)

    def study(self, root: Path, wanted: str) -> AbstractContextManager[Study]:
        """A study of it that was begun. Raises `UsageError` where it is one of something else."""
        return open_study(root, wanted, self._refuse_another)

    def _refuse_another(self, path: Path, record: StudyRecord) -> None:
        refuse_another(f"{path} is a study", record, self.record)
