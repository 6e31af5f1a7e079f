"""Who imports what: fresh interpreters say which libraries a command loads, and files which may.

A command that trains nothing never pays for TensorFlow.
"""

import ast
import json
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "forecast"
KERAS = {"tensorflow", "keras"}
FITTING = KERAS | {"sklearn", "statsmodels"}
ALL = FITTING | {"matplotlib", "pandas"}

# Runs commands one after the other as the console script does, and says after each which libraries
# are loaded by now.
PROGRAM = """
import json
import sys
from forecast.cli import main
from forecast.signals import Stop
heavy = {"tensorflow", "keras", "sklearn", "statsmodels", "matplotlib", "pandas"}
for words in json.loads(sys.argv[1]):
    sys.argv = ["forecast", *words]
    code = main(Stop())
    print("CODE", code, "LOADED", *sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


def _loaded(*commands: str, cwd: Path) -> list[tuple[int, set[str]]]:
    """Exit code of each command, and the heavy libraries that it or one before it has loaded."""
    words = json.dumps([shlex.split(command) for command in commands])
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, words], cwd=cwd, capture_output=True, text=True
    )
    ends = [line.split() for line in result.stderr.splitlines() if line.startswith("CODE ")]
    assert len(ends) == len(commands), result.stderr
    return [(int(code), set(loaded)) for _, code, _, *loaded in ends]


# In an order in which each may have loaded what the next one may; with what none has by then.
COMMANDS = [
    ("--help", 0, ALL),
    ("--version", 0, ALL),
    ("train --help", 0, ALL),
    ("schema", 0, ALL),
    ("runs list", 0, ALL),
    ("runs path", 0, ALL),
    ("predict", 0, FITTING | {"matplotlib"}),
    ("backtest --config missing.yaml", 3, FITTING | {"matplotlib"}),
    ("train --config air.yaml --set 'blend={members: [naive, drift]}' --name mean", 0, FITTING),
    ("predict mean", 0, FITTING),
    ("evaluate", 0, FITTING),
    ("plot", 0, FITTING),
    ("check --config air.yaml", 0, KERAS),
    ("init airline-passengers.csv -o new.yaml", 0, KERAS),
    ("train --config missing.yaml", 3, KERAS),
    ("train --config air.yaml --set data.path=no.csv", 4, KERAS),
    ("train --config air.yaml --runs air.yaml", 2, KERAS),
    ("backtest --config air.yaml --against no", 2, KERAS),
    ("tune --config missing.yaml", 3, KERAS),
    ("tune --config air.yaml --resume no", 5, KERAS),
    ("backtest --config air.yaml --plot a.gif", 2, KERAS),
]


def test_a_command_loads_only_what_it_needs(project: Path, run: Path) -> None:
    """In an interpreter that has loaded nothing before the first."""
    ended = _loaded(*(command for command, _, _ in COMMANDS), cwd=project)
    for (command, code, absent), (ends, loaded) in zip(COMMANDS, ended, strict=True):
        assert ends == code, command
        assert loaded & absent == set(), command


def test_a_command_that_loads_something_is_seen_to(project: Path, run: Path) -> None:
    """So that the test before this one can fail."""
    assert _loaded("plot", cwd=project) == [(0, {"pandas", "matplotlib"})]


def test_training_does_not_wait_for_what_keras_alone_would_load(project: Path) -> None:
    """scikit-learn, for wrappers that nothing uses; what it fits can be had all the same."""
    quick = "train --config air.yaml --set training.epochs=1 --set 'model={kind: dlinear}' --set"
    first, second = _loaded(
        f"{quick} transforms=[minmax]", f"{quick} transforms=[boxcox,minmax]", cwd=project
    )
    assert (first[0], first[1] & FITTING) == (0, KERAS)
    assert (second[0], second[1] & FITTING) == (0, {*KERAS, "sklearn"})


def _floors() -> list[set[str]]:
    """The house, from the roof down, as pyproject.toml has it for the linter.

    A room imports from lower floors alone, and not from its neighbours on the same floor.
    """
    text = (ROOT.parent / "pyproject.toml").read_text(encoding="utf-8")
    [contract] = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    floors = [{room.strip("() ") for room in floor.split("|")} for floor in contract["layers"]]
    return [*floors, {"__init__"}]


FLOORS = _floors()
RANKS = {room: rank for rank, rooms in enumerate(FLOORS) for room in rooms}

# Where a library may be imported, by the beginning of the module's path.
HOMES = {
    "tensorflow": (
        "backends/tensorflow.py",
        "training/devices.py",
        "training/by_tensorflow.py",
        "formats/litert.py",
        "formats/saved_model.py",
    ),
    "tensorboard": ("runs/tensorboard.py",),
    "tf2onnx": ("training/by_tensorflow.py",),
    "onnx": ("training/onnx/",),
    "jax": ("backends/jax.py",),
    "keras": (
        "backends/",
        "training/",
        "networks/",
        "formats/keras.py",
        "formats/litert.py",
        "loading.py",
    ),
    "matplotlib": ("figures/",),
    "onnxruntime": ("methods/network.py",),
    "scipy": ("scoring/significance.py", "methods/weighing.py"),
    "sklearn": ("transforms/boxcox.py",),
    "statsmodels": ("transforms/deseasonalize.py",),
    "statsforecast": ("methods/statistical.py",),
    "pandas": (
        "runs/tables.py",
        "runs/tensorboard.py",
        "data/",
        "features/",
        "scoring/",
        "methods/",
        "figures/",
        "jobs/",
        "commands/",
        "display.py",
    ),
    "typer": ("cli/",),
    "rich": ("display.py",),
    "ruamel": ("config/",),
    "pyarrow": ("data/sources/",),
    "duckdb": ("data/sources/",),
    "ray": ("engines/ray.py",),
    "multiprocessing": ("engines/processes.py",),
    "pydantic": ("config/", "runs/", "training/by_tensorflow.py", "completion.py"),
}
FILES = sorted(ROOT.rglob("*.py"))


def _imports(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """Each import of a file that runs, with the module that it names."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        below
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for below in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the floor"
            yield node, node.module or ""
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield node, _beginning(node.args[0])


def _beginning(argument: ast.expr) -> str:
    """Of the name that `import_module` is given, what stands there as text."""
    if isinstance(argument, ast.Constant):
        return str(argument.value)
    if isinstance(argument, ast.JoinedStr) and isinstance(argument.values[0], ast.Constant):
        return str(argument.values[0].value)
    return ""


def _room(name: str) -> str:
    """`forecast.data.panel` is in the room `data`."""
    return [*name.split("."), "__init__"][1]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_room_has_its_floor() -> None:
    """A module that is added without a place fails here."""
    rooms = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in FILES}
    assert rooms - {"example"} == set(RANKS)
    assert all(upper.isdisjoint(lower) for upper, lower in pairwise(FLOORS))


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_imports_go_down_only(path: Path) -> None:
    """No room knows what is above it, nor its neighbours."""
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    for _, name in _imports(path):
        if name.split(".")[0] == "forecast" and _room(name) != room:
            assert RANKS[_room(name)] > RANKS[room], f"{_name(path)} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_library_is_imported_where_it_is_at_home(path: Path) -> None:
    """TensorFlow and Keras where networks are fitted, scikit-learn where transforms are, ..."""
    for _, name in _imports(path):
        homes = HOMES.get(name.split(".")[0])
        assert homes is None or _name(path).startswith(homes), f"{_name(path)} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_the_command_line_is_the_one_door_for_late_imports(path: Path) -> None:
    """Every other file imports at its top."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late = [
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    # What starts the command line listens to signals before it is loaded.
    assert not late or _name(path).startswith(("cli/", "__main__.py"))


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_opening_a_run_can_not_execute_code(path: Path) -> None:
    """No pickle in any form, nor eval or exec."""
    text = path.read_text(encoding="utf-8")
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    assert names & {"eval", "exec", "compile", "__import__"} == set()
    modules = {name.split(".")[0] for _, name in _imports(path)}
    assert modules & {"pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"} == set()
    assert "allow_pickle" not in text
