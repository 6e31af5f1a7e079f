"""Stop trainings and backtests at random moments, by one to five signals, and see how they end.

    python benchmarks/interrupts.py --trainings 200 --backtests 50

Each has to end within three seconds of the last signal with the exit code of one of them, to say
what is kept, and to leave no process. Every other training is a long one, stopped while it fits.
What a training says it keeps has to forecast (tried for every tenth, since that takes TensorFlow);
a backtest must leave no table. The first signal comes within the time that such a command takes,
which is measured unless `--within` says it. What is not so is printed, and the exit status is 1.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FORECAST = (sys.executable, "-m", "forecast")
# Seconds in which a command has to end, and how long one that is not stopped takes at the most.
LONGEST, WHOLE = 3.0, 60.0
TRAIN = ("train", "--config", "air.yaml", "--set", "training.epochs=300")
LONG = (*TRAIN[:-1], "training.epochs=100000")
BACKTEST = ("backtest", "--config", "air.yaml", "--output", "table.csv", "--format", "csv")
KEPT = re.compile(r"what was fitted is kept: forecast predict (\S+)")


@dataclass(frozen=True)
class Ending:
    """How a command ended that was asked to stop."""

    code: int
    sent: tuple[int, ...]
    """The signals that it was sent; none where it had ended before the first."""
    seconds: float
    stderr: str
    stdout: str

    def faults(self, longest: float) -> list[str]:
        """What is not as it should be."""
        found = []
        if self.code == 0 and (self.stdout or not self.sent):
            return found  # it was done before the signal came
        # Of signals that come at once the system hands over any first.
        if self.code not in {128 + signum for signum in self.sent}:
            found.append(f"exit code {self.code} after the signals {self.sent}")
        if self.seconds > longest:
            found.append(f"took {self.seconds:.1f} s to end")
        if "Traceback" in self.stderr or "bug" in self.stderr:
            found.append("a traceback")
        if "interrupted" not in self.stderr:
            found.append("does not say that it was interrupted")
        return found


def stop(words: tuple[str, ...], folder: Path, chance: random.Random, whole: float) -> Ending:
    """Run a command, and send it signals from a random moment on."""
    process = subprocess.Popen(
        [*FORECAST, *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wanted = [chance.choice(SIGNALS) for _ in range(chance.randint(1, 5))]
    time.sleep(chance.uniform(0.15, whole))
    sent = []
    for signum in wanted:
        if process.poll() is not None:
            break
        process.send_signal(signum)
        sent.append(signum)
        time.sleep(chance.choice((0.0, 0.01, 0.3)))
    begin = time.perf_counter()
    try:
        stdout, stderr = process.communicate(timeout=WHOLE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
    seconds = time.perf_counter() - begin
    return Ending(process.returncode, tuple(sent), seconds, stderr, stdout)


def length_of(words: tuple[str, ...], folder: Path) -> float:
    """Seconds that a command takes which nobody stops."""
    begin = time.perf_counter()
    subprocess.run(
        [*FORECAST, *words], cwd=folder, check=True, capture_output=True, timeout=10 * WHOLE
    )
    return time.perf_counter() - begin


def forecasts(path: str, folder: Path) -> list[str]:
    """What is wrong with a run that is said to be kept."""
    done = subprocess.run(
        [*FORECAST, "predict", path], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode or done.stdout.count("\n") != 13:
        return [f"the run that is kept does not forecast: {done.stderr.strip()[-300:]}"]
    return []


def main() -> int:
    """Print every fault; how many there were decides the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trainings", type=int, default=200)
    parser.add_argument("--backtests", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=float, default=LONGEST, metavar="SECONDS")
    parser.add_argument("--within", type=float, metavar="SECONDS")
    options = parser.parse_args()
    # A shell that runs this in the background has it ignore Ctrl-C, and so what it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chance, faults = random.Random(options.seed), 0  # noqa: S311
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        subprocess.run(
            [*FORECAST, "init", "--example", "airline"], cwd=folder, check=True, capture_output=True
        )
        for words, count in ((TRAIN, options.trainings), (BACKTEST, options.backtests)):
            whole = options.within or (length_of(words, folder) if count else 0.0)
            (folder / "table.csv").unlink(missing_ok=True)
            kept = 0
            for i in range(count):
                is_long = words is TRAIN and i % 2 == 1
                ending = stop(LONG if is_long else words, folder, chance, whole * (1 + is_long))
                found = ending.faults(options.longest)
                told = KEPT.search(ending.stderr)
                if told:
                    kept += 1
                    if kept % 10 == 1:
                        found += forecasts(told[1], folder)
                if (folder / "table.csv").exists() and ending.code:
                    found.append("an interrupted backtest left a table")
                for fault in found:
                    print(f"{words[0]} {i}: {fault}\n{ending.stderr.strip()[-500:]}", flush=True)
                faults += bool(found)
                (folder / "table.csv").unlink(missing_ok=True)
                if i % 20 == 19:
                    shutil.rmtree(folder / "runs", ignore_errors=True)
            print(f"{words[0]}: {count} stopped within {whole:.1f} s, {kept} kept; {faults} faults")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
