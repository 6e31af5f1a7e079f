"""How fast is `forecast`, beside plain Keras scripts of the same job?

    python benchmarks/speed.py                    a table to read, or to paste into the docs
    python benchmarks/speed.py --json speed.json  the same, and every single measurement

Seconds differ from machine to machine, so what counts is the ratio to a peer measured in the
same run. Every command is a fresh process, since that is what a user waits for, and the two
sides take turns, so that a machine which slows down half-way slows both. It measures and does
not judge: a missed target is marked in the table and leaves the exit status at 0.
"""

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from statistics import median

PEERS = Path(__file__).resolve().parent / "peers"
HORIZON = 12
MEBIBYTE = 2**20
# Linux counts the peak memory of a process in kilobytes, macOS in bytes.
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


class BenchmarkError(Exception):
    """A command failed, or gave something else than the job asks for."""


@dataclass(frozen=True)
class Cost:
    """What was measured; a stage of a process has no peak memory of its own."""

    seconds: float
    peak_bytes: float | None = None


@dataclass(frozen=True)
class Process:
    """What a finished process printed, and what it cost."""

    stdout: str
    cost: Cost


@dataclass(frozen=True)
class Comparison:
    """One row of the table: what is set against what, and the ratio that is wished for."""

    name: str
    forecast: str
    peer: str
    limit: float | None = None
    target: str = "-"
    note: str = ""


HELP = "forecast --help"
TYPER = 'python -c "import typer"'
TRAIN = "forecast train"
FIT = "compile + fit of forecast train"
PREDICT = "forecast predict"
PLOT = "forecast plot"
SCRIPT = "keras_airline.py"
SCRIPT_FIT = "fit of keras_airline.py"
SCRIPT_TRAIN = "keras_airline.py up to the test months"
SCRIPT_PREDICT = "keras_predict.py"

COMPARISONS = (
    Comparison("start-up", HELP, TYPER, 2.0, "2.0"),
    Comparison("train", TRAIN, SCRIPT, 0.85, "0.85"),
    Comparison(
        "train alone",
        TRAIN,
        SCRIPT_TRAIN,
        note="The script without the twelve months ahead and the two figures, "
        "which `forecast train` leaves to `forecast predict` and `forecast plot`.",
    ),
    Comparison("fit", FIT, SCRIPT_FIT, 1 / 3, "1/3"),
    Comparison("predict", PREDICT, SCRIPT_PREDICT, 1 / 5, "1/5, aim 1/8"),
    Comparison(
        "plot",
        PLOT,
        SCRIPT,
        note="A script has no other way to redraw its figures than to run again, "
        "so there is no target.",
    ),
)


TABLE_HEAD = """\
| | forecast | peer | forecast (s) | peer (s) | ratio | at most | | forecast (MiB) | peer (MiB) |
| --- | --- | --- | ---: | ---: | ---: | --- | --- | ---: | ---: |"""


@dataclass(frozen=True)
class Bench:
    """A temporary folder with the example in it, where both sides run."""

    folder: Path
    data: Path

    @classmethod
    def furnish(cls, folder: Path) -> "Bench":
        """Let `forecast init` write its example; the peers read the same table."""
        run(forecast_command("init", "--example", "airline"), folder)
        tables = list(folder.rglob("*.csv"))
        if len(tables) != 1:
            raise BenchmarkError(f"forecast init wrote {len(tables)} CSV files instead of one")
        return cls(folder, tables[0])

    def forecast(self, *arguments: str) -> Process:
        """Run `forecast` as a user does."""
        return run(forecast_command(*arguments), self.folder)

    def peer(self, script: str, *arguments: str) -> Process:
        """Run one of the plain scripts."""
        command = [sys.executable, str(PEERS / script), "--data", str(self.data), *arguments]
        return run(command, self.folder)


def forecast_command(*arguments: str) -> list[str]:
    """The program installed beside this Python, else the package as a module."""
    program = Path(sys.executable).parent / "forecast"
    start = [str(program)] if program.is_file() else [sys.executable, "-m", "forecast"]
    return [*start, *arguments]


def run(command: list[str], folder: Path) -> Process:
    """Run a command to its end in `folder`, with its output kept off the terminal.

    `os.wait4` tells the peak memory of this one process (or of a child that it waited for, if
    that took more); Linux starts counting at the peak of its parent, this script. The output
    goes to files: nobody reads while waiting, and a full pipe would block the process.
    """
    # Runs belong into the temporary folder, wherever the user keeps theirs. Bytecode is cached
    # in the warm-up, as for any installed package, even where the shell forbids it.
    environment = {
        **os.environ,
        "FORECAST_RUNS": str(folder / "runs"),
        "PYTHONDONTWRITEBYTECODE": "",
    }
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        start = time.perf_counter()
        with subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        ) as process:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        if process.returncode != 0:
            complaint = stderr.read().decode(errors="replace")
            raise BenchmarkError(
                f"{shlex.join(command)} ended with exit status {process.returncode}\n{complaint}"
            )
        return Process(stdout.read().decode(), Cost(seconds, usage.ru_maxrss * PEAK_UNIT))


def measure_round(bench: Bench) -> dict[str, Cost]:
    """Run every command once, the two sides in turn."""
    help_text = bench.forecast("--help")
    typer = run([sys.executable, "-c", "import typer"], bench.folder)

    train = bench.forecast("train", "--config", "air.yaml")
    script = bench.peer("keras_airline.py", "--output", "peer")

    trained = bench.folder / train.stdout.strip()
    predict = bench.forecast("predict", str(trained))
    script_predict = bench.peer("keras_predict.py", "--model", "peer/model.keras")
    for table in (predict.stdout, script_predict.stdout):
        require_horizon(table)

    plot = bench.forecast("plot", str(trained))

    stages = json.loads((trained / "run.json").read_text())["seconds"]
    script_stages = json.loads(script.stdout)["seconds"]
    script_extras = script_stages["predict_ahead"] + script_stages["plot"]
    return {
        HELP: help_text.cost,
        TYPER: typer.cost,
        TRAIN: train.cost,
        SCRIPT: script.cost,
        SCRIPT_TRAIN: Cost(script.cost.seconds - script_extras),
        FIT: Cost(stages["compile"] + stages["fit"]),
        SCRIPT_FIT: Cost(script_stages["fit"]),
        PREDICT: predict.cost,
        SCRIPT_PREDICT: script_predict.cost,
        PLOT: plot.cost,
    }


def require_horizon(table: str) -> None:
    """Two times can be compared only if both sides predicted the twelve months."""
    steps = len(table.splitlines()) - 1
    if steps != HORIZON:
        raise BenchmarkError(f"a prediction has {steps} rows instead of {HORIZON}:\n{table}")


def measure(repeats: int) -> list[dict[str, Cost]]:
    """The costs of every round, after one that only warms the file caches."""
    with tempfile.TemporaryDirectory(prefix="forecast-speed-") as name:
        bench = Bench.furnish(Path(name).resolve())
        report("warm-up")
        measure_round(bench)
        rounds = []
        for number in range(1, repeats + 1):
            report(f"round {number} of {repeats}")
            rounds.append(measure_round(bench))
    return rounds


def report(progress: str) -> None:
    """Tell the person who waits; stdout is for the table."""
    print(progress, file=sys.stderr, flush=True)


def take_medians(rounds: list[dict[str, Cost]]) -> dict[str, Cost]:
    """The median of the seconds and of the peak memory, for each thing measured."""
    return {what: median_cost([costs[what] for costs in rounds]) for what in rounds[0]}


def median_cost(costs: list[Cost]) -> Cost:
    """The middle one of the seconds and, where it was measured, of the peak memory."""
    peaks = [cost.peak_bytes for cost in costs if cost.peak_bytes is not None]
    return Cost(median(cost.seconds for cost in costs), median(peaks) if peaks else None)


def take_ratio(comparison: Comparison, medians: dict[str, Cost]) -> float:
    """The ratio of the medians; below 1, `forecast` is the faster."""
    return medians[comparison.forecast].seconds / medians[comparison.peer].seconds


def judge(comparison: Comparison, ratio: float) -> str:
    """Whether the target is reached, where there is one."""
    if comparison.limit is None:
        return "-"
    return "met" if ratio <= comparison.limit else "missed"


def describe_machine() -> dict[str, str]:
    """What the figures depend on, besides the code."""
    return {
        "platform": platform.platform(),
        "CPUs": str(os.cpu_count()),
        "python": platform.python_version(),
        "tensorflow": metadata.version("tensorflow"),
        "keras": metadata.version("keras"),
    }


def format_table(medians: dict[str, Cost], machine: dict[str, str], repeats: int) -> str:
    """The machine, the table in Markdown, and the notes below it."""
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    notes = [comparison.note for comparison in COMPARISONS if comparison.note]
    lines = [
        f"{facts}; rounds: {repeats}; medians",
        "",
        TABLE_HEAD,
        *(format_row(comparison, medians, notes) for comparison in COMPARISONS),
        "",
        "MiB: the peak memory of the process; on Linux at least this script's own, about 20.",
        *(f"\n({number}) {note}" for number, note in enumerate(notes, start=1)),
    ]
    return "\n".join(lines)


def format_row(comparison: Comparison, medians: dict[str, Cost], notes: list[str]) -> str:
    """One row of the table; a number behind its name points to its note."""
    mark = f" ({notes.index(comparison.note) + 1})" if comparison.note else ""
    forecast, peer = medians[comparison.forecast], medians[comparison.peer]
    ratio = take_ratio(comparison, medians)
    cells = (
        comparison.name + mark,
        comparison.forecast,
        comparison.peer,
        f"{forecast.seconds:.2f}",
        f"{peer.seconds:.2f}",
        f"{ratio:.3f}",
        comparison.target,
        judge(comparison, ratio),
        format_memory(forecast),
        format_memory(peer),
    )
    return f"| {' | '.join(cells)} |"


def format_memory(cost: Cost) -> str:
    """Mebibytes, or a dash for a stage."""
    return "-" if cost.peak_bytes is None else f"{cost.peak_bytes / MEBIBYTE:.0f}"


def to_document(rounds: list[dict[str, Cost]], machine: dict[str, str]) -> dict[str, object]:
    """The ratios and every single measurement, for a program to read."""
    medians = take_medians(rounds)
    ratios = {comparison: take_ratio(comparison, medians) for comparison in COMPARISONS}
    return {
        "machine": machine,
        "comparisons": [
            {**asdict(comparison), "ratio": ratio, "verdict": judge(comparison, ratio)}
            for comparison, ratio in ratios.items()
        ],
        "medians": {what: asdict(cost) for what, cost in medians.items()},
        "rounds": [{what: asdict(cost) for what, cost in costs.items()} for costs in rounds],
    }


def parse_repeats(text: str) -> int:
    """A number of rounds, one or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rounds, one or more")
    return int(text)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--repeats", type=parse_repeats, default=5, help="rounds that count (default: 5)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the measurements too")
    return parser.parse_args()


def main() -> int:
    """Measure, print, and write what was asked for."""
    arguments = parse_arguments()
    machine = describe_machine()
    try:
        rounds = measure(arguments.repeats)
    except BenchmarkError as error:
        report(f"speed.py: {error}")
        return 1
    print(format_table(take_medians(rounds), machine, len(rounds)))
    if arguments.json is not None:
        document = json.dumps(to_document(rounds, machine), indent=2)
        arguments.json.write_text(document + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
