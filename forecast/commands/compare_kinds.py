"""Networks of several kinds, trained on one table to be compared.

Apart from the comparison of runs that exist, which does not need Keras.
"""

from collections.abc import Sequence

from forecast.commands.compare import Comparison, say_what
from forecast.console import Console
from forecast.engines import Engine
from forecast.jobs.contenders import baselines
from forecast.jobs.job import Job
from forecast.jobs.trained_contenders import trained_contenders
from forecast.scoring.metrics import error_scales


def compare_kinds(
    jobs: Sequence[Job], seeds: int, console: Console, engine: Engine | None = None
) -> Comparison:
    """The networks of jobs that have all but the network in common, and the baselines.

    Of a config of a blend, blends with these networks. Each is trained with so many seeds, by
    threads where no engine is given. Raises `DivergedError` where none can be trained.
    """
    job = jobs[0]
    for warning in job.warnings:
        console.warn(warning)
    scales = error_scales(job.panel.before(job.split.train_ends), job.season_length)
    trained = trained_contenders(jobs, seeds, console, engine)
    comparison = Comparison([*trained, *baselines(job)], scales)
    say_what(comparison, console)
    return comparison
