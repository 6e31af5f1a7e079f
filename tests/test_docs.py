"""The documentation says what is so: pages are current, commands parse, links resolve."""

import re
import runpy
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from forecast import __version__
from forecast.cli import app
from forecast.errors import ForecastError
from forecast.figures import FIGURES
from forecast.methods import method_names
from forecast.runs import DataRecord, RunRecord, SeriesRecord
from forecast.scoring.metrics import METRICS

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TEXT_FILES = [
    *(ROOT / name for name in ("pyproject.toml", "Makefile", "requirements.lock", ".ci/run")),
    *PAGES,
    *(
        path
        for folder in ("forecast", "configs", "docs", "tests", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".yaml", ".toml", ".csv", ".json"}
    ),
]

# The papers and standards that the project refers to, and nothing else.
KNOWN_HOSTS = {
    "arxiv.org",
    "docs.ray.io",
    "doi.org",
    "jfly.uni-koeln.de",
    "json-schema.org",
    "keepachangelog.com",
    "nullprogram.com",
    "onnx.ai",
    "openreview.net",
    "semver.org",
}

# What a shell may put before a command.
SHELL_WORDS = {"do", "then", "else", "if", "while", "!"}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group below this one, by its words."""
    for name, below in getattr(command, "commands", {}).items():
        yield (*words, name), below
        yield from commands(below, (*words, name))


COMMANDS = dict(commands(typer.main.get_command(app)))


def blocks(page: Path, *languages: str) -> Iterator[str]:
    for language, text in re.findall(r"(?ms)^```(\w+)\n(.*?)^```", page.read_text("utf-8")):
        if language in languages:
            yield text


def shell_lines(page: Path) -> Iterator[str]:
    """The commands of a page's shell blocks; of a console block, what stands after `$`."""
    for block in blocks(page, "sh", "console"):
        lines = block.replace("\\\n", " ").splitlines()
        typed = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        yield from typed or lines


def calls(line: str) -> Iterator[list[str]]:
    """The words of each `forecast ...` in a line: between pipes, after `do`, inside `$(...)`."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for token in [*lexer, ";"]:
        if not set(token) <= set(";|&()<>"):
            words.append(token)
            continue
        while words and (words[0] in SHELL_WORDS or "=" in words[0]):
            del words[0]
        if words[:1] == ["forecast"]:
            yield words[1:]
        words = []


CALLS = [
    pytest.param(words, id=f"{name_of(page)}: {' '.join(words)}")
    for page in PAGES
    for line in shell_lines(page)
    for words in calls(line)
]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text("utf-8"))
    return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}


def test_generated_pages_are_current() -> None:
    """The reference is what the schema and --help say today."""
    pages: Callable[[], dict[Path, str]] = runpy.run_path(str(ROOT / "docs/generate.py"))["pages"]
    for path, text in pages().items():
        assert path.read_text("utf-8") == text, f"{name_of(path)} is behind: run `make docs`"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_and_option_is_documented(words: tuple[str, ...]) -> None:
    """A command has its section, every option stands in it, and README's table names it."""
    page = (REFERENCE / "commands.md").read_text("utf-8")
    _, _, section = page.partition(f"\n## forecast {' '.join(words)}\n")
    section = section.split("\n## ")[0]
    for parameter in COMMANDS[words].params:
        for option in parameter.opts:
            assert not option.startswith("-") or re.search(rf"\s{option}[ ,]", section), option
    assert f"`{words[-1]}`" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("words", CALLS)
def test_documented_calls_parse(words: list[str]) -> None:
    """What a page tells a reader to type is a command with options that it has."""
    command = typer.main.get_command(app)
    given = list(words)
    while given and hasattr(command, "commands"):
        word = given.pop(0)
        if not word.startswith("-"):
            assert word in command.commands
            command = command.commands[word]
    if not hasattr(command, "commands"):
        command.make_context("forecast", given)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_in_prose_exist(page: Path) -> None:
    """`forecast WORD` in a sentence names a command."""
    for word in re.findall(r"`forecast ([a-z]+)", page.read_text("utf-8")):
        assert (word,) in COMMANDS


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_resolve(page: Path) -> None:
    """A relative link leads to a file that is there, and to a heading that it has."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


def test_every_page_is_linked_from_the_index() -> None:
    """A reader who starts at docs/index.md can reach every page."""
    index = (ROOT / "docs/index.md").read_text("utf-8")
    for page in (ROOT / "docs").glob("*/*.md"):
        assert f"({page.relative_to(ROOT / 'docs')})" in index


def test_files_page_names_what_there_is() -> None:
    """Every key of a run's records, metric, baseline and exit code is explained."""
    page = (REFERENCE / "files.md").read_text("utf-8")
    fields = [
        name for record in (RunRecord, DataRecord, SeriesRecord) for name in record.model_fields
    ]
    metrics = [metric.__name__ for metric in METRICS]
    for name in (*fields, *metrics, *method_names()):
        assert f"`{name}`" in page
    for error in ForecastError.__subclasses__():
        assert f"\n| {error.exit_code} | " in page


def test_every_figure_is_named_in_help() -> None:
    """`forecast plot --help` lists the figures by hand."""
    page = (REFERENCE / "commands.md").read_text("utf-8")
    [listed] = re.findall(r" figures: ([^.]*)\.", " ".join(page.split()))
    assert re.findall(r"[a-z]+", listed.replace("(these two by default)", "")) == [
        figure.__name__ for figure in FIGURES
    ]


def test_changelog_has_this_version() -> None:
    """The changelog says what came with the version that is installed."""
    assert f"\n## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("path", TEXT_FILES, ids=name_of)
def test_no_file_names_a_strange_host_or_somebody_s_folder(path: Path) -> None:
    """The project is at home everywhere: no package index, no path of one machine."""
    text = path.read_text("utf-8", errors="replace")  # one table is Latin-1
    hosts = set(re.findall(r"https?://([\w.-]+)", text))
    assert hosts <= KNOWN_HOSTS
    assert not re.findall(r"(?<![\w.~$}])/(?:home|work|root|Users|mnt)/\w+", text)
