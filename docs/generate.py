"""Write the reference pages that the program itself knows best: `make docs`.

`config.md` comes from the JSON Schema of the config, `commands.md` from the `--help` of every
command. tests/test_docs.py compares both with what is on disk, so that neither falls behind.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main
from typer.testing import CliRunner

from forecast.cli import app
from forecast.config.schema import json_schema

REFERENCE = Path(__file__).resolve().parent / "reference"

Schema = dict[str, Any]

_NOTE = "<!-- Written by `make docs` from {source}. Edit that, not this page. -->"

_CONFIG_INTRO = """\
A config is one YAML file, read as YAML 1.2. Unknown keys are errors. A value comes from the first
of these that has one: `--set KEY=VALUE`, the file, the file that it `extends`, the default.

Paths in a file are relative to that file; paths in `--set` are relative to the working folder.
`forecast schema` prints the same as JSON Schema, for editors."""

_COMMANDS_INTRO = """\
What every command says of itself with `--help`. The options of `forecast` stand before the command:
`forecast --quiet train --config air.yaml`. [Files, columns and exit codes](files.md) says what the
commands leave behind."""

_TABLE = ("| key | values | default | meaning |", "| --- | --- | --- | --- |")
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "object": "names and values",
}
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def pages() -> dict[Path, str]:
    """Every generated page: its path and its text."""
    return {
        REFERENCE / "config.md": config_page(json_schema()),
        REFERENCE / "commands.md": commands_page(),
    }


def config_page(schema: Schema) -> str:
    """Every key of the config: its values, its default, its meaning."""
    parts = ["# The config", _NOTE.format(source="forecast/config/schema.py"), _CONFIG_INTRO]
    sections: dict[str, tuple[str, str, Schema]] = {}  # each once, by the name of its class
    for title, path, section in _sections("", schema, schema):
        sections.setdefault(section["title"], (title, path, section))
    titles = {name: title for name, (title, _, _) in sections.items()}
    for title, path, section in sections.values():
        if title:
            parts += [f"## {title}", _one_line(section["description"])]
        rows = [_row(path, key, section, schema, titles) for key in section["properties"]]
        parts.append("\n".join([*_TABLE, *rows]))
    return "\n\n".join(parts) + "\n"


def commands_page() -> str:
    """`--help` of every command, in the order of `forecast --help`."""
    parts = ["# The commands", _NOTE.format(source="the help texts in forecast/cli/")]
    parts.append(_COMMANDS_INTRO)
    for words in _commands(typer.main.get_command(app)):
        # The runner's terminal has one width, whatever the terminal of whoever runs this.
        shown = CliRunner().invoke(app, [*words, "--help"], prog_name="forecast").output.strip()
        parts += [f"## {' '.join(('forecast', *words))}", f"```text\n{shown}\n```"]
    return "\n\n".join(parts) + "\n"


def _commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of a command, then those of the commands below it."""
    yield words
    for name, below in getattr(command, "commands", {}).items():
        yield from _commands(below, (*words, name))


def _sections(path: str, section: Schema, root: Schema) -> Iterator[tuple[str, str, Schema]]:
    """The title, the dotted path and the schema of a section and of all sections inside it."""
    yield _title(path, section), path, section
    for key, node in section["properties"].items():
        for below in _objects(node, root):
            yield from _sections(_join(path, key, node), below, root)


def _objects(node: Schema, root: Schema) -> list[Schema]:
    """The sections that may stand at a node: several where a section has several kinds."""
    if "$ref" in node:
        return [root["$defs"][node["$ref"].removeprefix("#/$defs/")]]
    inner = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    inner += [node["items"]] if "items" in node else []
    return [found for choice in inner for found in _objects(choice, root)]


def _join(path: str, key: str, node: Schema) -> str:
    dotted = f"{path}.{key}" if path else key
    return f"{dotted}[]" if node.get("type") == "array" else dotted


def _title(path: str, section: Schema) -> str:
    kind = section["properties"].get("kind", {})
    if "pattern" in kind:
        return f"{path}: a function"
    return f"{path}: {kind['const']}" if "const" in kind else path


def _row(path: str, key: str, section: Schema, root: Schema, titles: dict[str, str]) -> str:
    node = section["properties"][key]
    objects = _objects(node, root)
    if objects:
        links = [titles[inner["title"]] for inner in objects]
        values = ", ".join(f"[{title}](#{_anchor(title)})" for title in links)
    else:
        values = _values(node)
    default = node.get("default")
    if key in section.get("required", ()):
        shown = "required"
    elif default is None:
        shown = "none"
    elif isinstance(default, dict):
        shown = "below"
    else:
        shown = f"`{default if isinstance(default, str) else json.dumps(default)}`"
    meaning = node.get("description") or (objects[0]["description"] if objects else "")
    cells = (f"`{_join(path, key, {})}`", values, shown, _one_line(meaning))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _values(node: Schema) -> str:
    """What may be written at a key, in words."""
    if "anyOf" in node:
        return ", or ".join(map(_choice, (c for c in node["anyOf"] if c["type"] != "null")))
    if "enum" in node or "const" in node:
        return ", ".join(f"`{value}`" for value in node.get("enum", [node.get("const")]))
    if node["type"] == "boolean":
        return "`true`, `false`"
    if node["type"] == "array":
        return f"list of {_values(node['items'])}"
    bounds = [f"{sign} {node[bound]}" for bound, sign in _BOUNDS.items() if bound in node]
    return " ".join([_TYPES[node["type"]], " and ".join(bounds)]).strip()


def _choice(node: Schema) -> str:
    """One of several forms of a value; its description, where it has one, is what it holds."""
    return node.get("description") or _values(node)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _anchor(title: str) -> str:
    """The name by which Markdown's readers know a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def main() -> None:
    """Write every page."""
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
