"""Train members with `forecast.training` on random windows: our side of benchmarks/training.py.

It prints one line of JSON: the seconds of every epoch, compiling among the first.
"""

import argparse
import json
import time

import numpy as np

from forecast.config.models import GRUOptions
from forecast.config.schema import TrainingOptions, WindowOptions
from forecast.networks import Architecture
from forecast.training import FittedBlock, Member, MemberKey, fit
from forecast.windows import Columns, Sizes, Windows


def main() -> None:
    """The windows are gathered by the program itself."""
    parser = argparse.ArgumentParser()
    for name in ("windows", "batch", "epochs", "context", "units", "members", "covariates"):
        parser.add_argument(f"--{name}", type=int, required=True)
    options = parser.parse_args()
    series = np.random.default_rng(0).normal(size=options.windows + options.context)
    cutoffs = np.arange(options.windows) + options.context - 1
    beside = np.random.default_rng(1).normal(size=(len(series), options.covariates))
    columns = Columns(series, past=beside.astype(np.float32)) if options.covariates else None
    windows = Windows(series, cutoffs, np.zeros_like(cutoffs), options.context, 1, beside=columns)
    ends = {0: time.perf_counter()}

    def note(block: FittedBlock) -> None:
        ends[block.history[-1].epoch] = time.perf_counter()

    network = Architecture(
        GRUOptions(units=options.units),
        WindowOptions(context_length=options.context),
        1,
        Sizes(past=options.covariates),
    )
    training = TrainingOptions(batch_size=options.batch, epochs=options.epochs)
    fit(
        network,
        [Member(MemberKey(seed), windows, None) for seed in range(options.members)],
        training,
        note,
    )
    print(json.dumps({"epochs": np.diff(list(ends.values())).tolist()}))


if __name__ == "__main__":
    main()
