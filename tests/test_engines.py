"""Pieces of work, done by threads, by processes, and by a Ray cluster of two nodes here."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from subprocess import CompletedProcess
from types import ModuleType
from typing import Any

import pytest

from forecast import machine
from forecast.console import Console
from forecast.engines import Asked, Engine, check_engine, engine_of
from forecast.engines.worker import PieceError
from forecast.errors import DataError, UsageError

HERE = Path(__file__).parent
QUIET = Console(quiet=True)
ENGINES = ("threads", "processes", "ray")

# Ray warns of itself, and leaves files and sockets to the collector.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def works() -> Iterator[ModuleType]:
    """The module of works, where workers find it too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(HERE)
        yield import_module("works")


@pytest.fixture(scope="module")
def cluster(works: ModuleType) -> Iterator[Any]:
    """A Ray cluster of two nodes of one core each, with an object store each."""
    environment = {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": os.pathsep.join(sys.path)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        cluster = import_module("ray.cluster_utils").Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 1, "include_dashboard": False},
        )
        cluster.add_node(num_cpus=1)
        yield cluster
        cluster.shutdown()


@pytest.fixture(scope="module")
def engines(works: ModuleType, cluster: Any) -> Iterator[dict[str, Engine]]:
    """Each of the engines, with workers that stay."""
    with (
        engine_of("threads", Asked(QUIET)) as threads,
        engine_of("processes", Asked(QUIET)) as processes,
        engine_of("ray", Asked(QUIET, address=cluster.address)) as ray,
    ):
        yield {"threads": threads, "processes": processes, "ray": ray}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, engines: dict[str, Engine]) -> Engine:
    """One after the other."""
    return engines[request.param]


@pytest.fixture(params=ENGINES[1:])
def elsewhere(request: pytest.FixtureRequest, engines: dict[str, Engine]) -> Engine:
    """Those whose workers may be lost."""
    return engines[request.param]


def test_workers_share_out_products_as_who_asked_would(
    elsewhere: Engine, works: ModuleType
) -> None:
    """How many threads XLA has says in which order it adds up: the numbers are to be the same."""
    names = ["NPROC", "TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTEROP_THREADS"]
    told = elsewhere.map(works.Telling(), names, QUIET)
    assert told == [str(machine.cores())] * 2 + ["1"] * 2


def test_results_are_in_the_order_of_the_pieces(engine: Engine, works: ModuleType) -> None:
    """Whichever is done first; each is told as soon as it is done."""
    told: dict[int, int] = {}
    found = engine.map(works.Adding(), [0, 1, 2, 3], QUIET, done=told.__setitem__)
    assert found == [10, 11, 12, 13]
    assert told == dict(enumerate(found))
    assert engine.map(works.Adding(20), [4], QUIET) == [24]
    assert engine.map(works.Adding(), [], QUIET) == []


def test_what_a_piece_says_is_said_to_the_person(
    works: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    """On stderr, once; --quiet reaches workers too."""
    for console, said in ((Console(), "adding 1\n"), (QUIET, "")):
        with engine_of("processes", Asked(console)) as processes:
            assert processes.map(works.Adding(), [1], console) == [11]
        assert tuple(capfd.readouterr()) == ("", said)


def test_an_error_of_a_piece_arrives_as_itself(
    engine: Engine, works: ModuleType, tmp_path: Path
) -> None:
    """With its problems and so its exit code, and nobody tries again; the engine goes on."""
    work = works.Misbehaving(tmp_path / "log")
    with pytest.raises(DataError, match=r"table.csv: it is refused.\nTake another.") as caught:
        engine.map(work, ["refuse"], QUIET)
    assert (caught.value.exit_code, caught.value.problems[0].place) == (4, "table.csv")
    assert work.file.read_text() == "refuse\n"
    assert engine.map(work, ["a"], QUIET) == ["A"]


def test_a_bug_in_a_piece_shows_the_lines_that_lead_to_it(
    elsewhere: Engine, works: ModuleType, tmp_path: Path
) -> None:
    """Of the worker, where it happened."""
    with pytest.raises(PieceError, match=r"works.py.*\n.*raise ZeroDivisionError"):
        elsewhere.map(works.Misbehaving(tmp_path / "log"), ["fail"], QUIET)


def test_a_piece_of_a_lost_worker_is_done_again(
    elsewhere: Engine, works: ModuleType, tmp_path: Path
) -> None:
    """By another one, and the others are done once."""
    work = works.Misbehaving(tmp_path / "log")
    assert elsewhere.map(work, ["a", "die once", "b"], QUIET) == ["A", "DIE ONCE", "B"]
    assert sorted(work.file.read_text().splitlines()) == ["a", "b", "die once", "die once"]


def test_a_piece_that_ends_three_workers_is_named(
    elsewhere: Engine, works: ModuleType, tmp_path: Path
) -> None:
    """It is not tried a fourth time."""
    work = works.Misbehaving(tmp_path / "log")
    with pytest.raises(UsageError) as caught:
        elsewhere.map(work, ["die"], QUIET)
    message, advice = str(caught.value).splitlines()
    assert message == "3 workers were killed at the same piece: the word die."
    assert advice.startswith("The memory may be short")
    assert work.file.read_text() == "die\n" * 3


def test_nothing_is_begun_once_the_time_is_up(elsewhere: Engine, works: ModuleType) -> None:
    """What was begun is finished."""
    told: list[int] = []
    found = elsewhere.map(
        works.Adding(),
        [1, 2, 3, 4],
        QUIET,
        done=lambda place, result: told.append(result),
        is_over=lambda: bool(told),
    )
    assert found == sorted(told)
    assert 0 < len(found) < 4


def test_a_node_that_is_killed_costs_time_alone(
    works: ModuleType, cluster: Any, engines: dict[str, Engine], tmp_path: Path
) -> None:
    """The other node does what it held."""
    engines["ray"].end()
    with engine_of("ray", Asked(QUIET, address=cluster.address)) as ray:

        def kill(place: int, result: int) -> None:
            for node in list(cluster.worker_nodes):
                cluster.remove_node(node, allow_graceful=False)

        work = works.Waiting(tmp_path, 0.5)
        assert ray.map(work, [0, 1, 2, 3], QUIET, done=kill) == [0, 1, 2, 3]
    assert len(list(tmp_path.iterdir())) >= 2


PROGRAM = """
import sys
from pathlib import Path
from forecast.console import Console
from forecast.engines import Asked, engine_of
from forecast.signals import Stop
from works import Waiting
stop = Stop()
stop.listen()
console = Console(stop=stop)
with engine_of(sys.argv[1], Asked(console)) as engine:
    engine.map(Waiting(Path(sys.argv[2]), 60.0), [1, 2], console)
"""


@pytest.mark.parametrize(
    ("name", "signum", "code"),
    [("processes", signal.SIGINT, 130), ("ray", signal.SIGTERM, 143)],
)
def test_an_interrupt_ends_the_workers(
    name: str, signum: int, code: int, works: ModuleType, tmp_path: Path
) -> None:
    """None is left behind, whatever it is at."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(HERE)])}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, name, tmp_path], env=environment, stdout=subprocess.PIPE
    )
    _until(lambda: len(list(tmp_path.iterdir())) == 2)
    workers = [int(path.name) for path in tmp_path.iterdir()]
    process.send_signal(signum)
    assert process.wait(30) == code
    _until(lambda: not any(map(_lives, workers)))
    assert process.communicate()[0] == b""


def test_workers_end_with_a_process_that_is_killed(works: ModuleType, tmp_path: Path) -> None:
    """They notice it while they compute."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(HERE)])}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "processes", tmp_path], env=environment
    )
    _until(lambda: len(list(tmp_path.iterdir())) == 2)
    workers = [int(path.name) for path in tmp_path.iterdir()]
    process.kill()
    process.wait()
    _until(lambda: not any(map(_lives, workers)))


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.1)
    raise TimeoutError


def _lives(pid: int) -> bool:
    with suppress(ProcessLookupError, FileNotFoundError):
        os.kill(pid, 0)
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


@pytest.mark.parametrize("name", ENGINES[:2])
def test_an_address_is_of_ray_alone(name: str) -> None:
    """The command is refused, and told the option that lacks."""
    with pytest.raises(UsageError, match=r"(?s)Ray cluster.*--engine ray --address head:6379"):
        check_engine(name, "head:6379")


def test_an_address_without_a_cluster_is_an_error(project: Path, cli: Callable[..., Any]) -> None:
    """At once, before anything is loaded."""
    result: CompletedProcess[str] = cli(
        "tune", "--config", "air.yaml", "--engine", "ray", "--address", "127.0.0.1:1"
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "error: there is no Ray cluster at 127.0.0.1:1: Connection refused\n"
        "Start one, which says its address: ray start --head. Where it has a token, each machine "
        "needs it, and RAY_AUTH_MODE=token.\n"
    )


def test_without_ray_the_extra_is_named(
    project: Path, refused_without: Callable[..., None]
) -> None:
    """Before anything is read."""
    refused_without("ray", "ray", "tune", "--config", "air.yaml", "--engine", "ray", cwd=project)


def test_threads_load_nothing_of_other_engines() -> None:
    """What small work does not need."""
    program = (
        "import sys; from forecast.console import Console; "
        "from forecast.engines import Asked, engine_of\n"
        "with engine_of('threads', Asked(Console())): pass\n"
        "print(*{'multiprocessing', 'ray', 'subprocess'} & set(sys.modules))"
    )
    command: Sequence[str] = [sys.executable, "-c", program]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "\n"


@pytest.mark.skipif(sys.platform != "linux", reason="cores are kept to on Linux alone")
def test_each_worker_keeps_to_a_core_of_its_own() -> None:
    """As long as there are any; and the next may have that of one that has ended."""
    program = f"""
import os
from forecast.engines.cores import own_core
every, held = os.sched_getaffinity(0), []
def take():
    os.sched_setaffinity(0, every)
    held.append(own_core("test-{os.getpid()}"))
    return os.sched_getaffinity(0)
each = [take() for _ in every]
assert all(len(own) == 1 for own in each), each
assert set().union(*each) == every, each
assert take() == every and held.pop() is None
held.pop(0).close()
assert take() == each[0]
"""
    command: Sequence[str] = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
