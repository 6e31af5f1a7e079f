"""A YAML 1.2 text as plain values, with the place of every key and value kept beside them."""

from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from forecast.errors import ConfigError, Problem

KeyPath = tuple[str | int, ...]

# A config is written by a person; what is larger or deeper is a mistake or an attack.
MAX_CHARACTERS = 100_000
MAX_DEPTH = 20
MAX_VALUES = 10_000
_SHOWN = 120  # characters of a long line


@dataclass(frozen=True)
class Mark:
    """A place in a text. Lines and columns count from 1; an option has no lines, and line 0."""

    source: str
    line: int
    column: int
    text: str
    length: int = 1

    @property
    def place(self) -> str:
        """`file:line:column`, or the option itself."""
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source

    @property
    def excerpt(self) -> str:
        """The line with a caret below what is meant."""
        margin = f"{self.line:>5} | " if self.line else "      | "
        begin = max(0, self.column - 1 - _SHOWN // 2)
        text = self.text[begin : begin + _SHOWN]
        caret = " " * (self.column - 1 - begin) + "^" * max(1, min(self.length, _SHOWN // 2))
        return f"{margin}{text}\n{' ' * (len(margin) - 2)}| {caret}"

    def problem(self, message: str, advice: str | None = None) -> Problem:
        """A problem at this place."""
        return Problem(message, advice, self.place, self.excerpt)


@dataclass
class Document:
    """Plain values, and by the path of each (`("training", "epochs")`) where it was written."""

    values: Any = None
    key_marks: dict[KeyPath, Mark] = field(default_factory=dict)
    value_marks: dict[KeyPath, Mark] = field(default_factory=dict)


def parse(text: str, source: str) -> Document:
    """Read one YAML 1.2 document.

    Raises `ConfigError` for a syntax error, a key written twice, an alias (which could grow the
    document without bound), and a document beyond the bounds of this module.
    """
    if len(text) > MAX_CHARACTERS:
        raise ConfigError(
            Problem(f"{source} is larger than {MAX_CHARACTERS:,} characters: is it a config?")
        )
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        raise ConfigError(_syntax_problem(error, text, source)) from error
    except YAMLError as error:
        raise ConfigError(Problem(f"{source} is not YAML: {error}")) from error
    except RecursionError as error:
        raise ConfigError(Problem(f"{source} is nested too deeply to be a config.")) from error
    return _Reader(text.splitlines(), source).read(node)


def _syntax_problem(error: MarkedYAMLError, text: str, source: str) -> Problem:
    at = error.problem_mark or error.context_mark
    what = f"not valid YAML: {error.problem or error.context or error}"
    if at is None:
        return Problem(what, place=source)
    lines = [*text.splitlines(), ""]
    line = min(at.line, len(lines) - 1)
    advice = None
    if "\t" in lines[line][: at.column + 1]:
        advice = "YAML is indented with spaces, never with tabs."
    return Mark(source, line + 1, at.column + 1, lines[line]).problem(what, advice)


_PLAIN = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class _Reader:
    """Turns a tree of YAML nodes into plain values and notes the place of each."""

    def __init__(self, lines: list[str], source: str) -> None:
        self.lines = lines
        self.source = source
        self.document = Document()
        self.problems: list[Problem] = []
        self.seen: set[int] = set()
        self.constructor = YAML(typ="safe", pure=True).constructor

    def read(self, node: Node | None) -> Document:
        if node is not None:
            self.document.values = self._value(node, ())
        if self.problems:
            raise ConfigError(*self.problems)
        return self.document

    def _mark(self, node: Node) -> Mark:
        start, end = node.start_mark, node.end_mark
        text = self.lines[start.line] if start.line < len(self.lines) else ""
        one_line = end.line == start.line
        length = (end.column if one_line else len(text)) - start.column
        return Mark(self.source, start.line + 1, start.column + 1, text, length)

    def _value_mark(self, node: Node, path: KeyPath) -> Mark:
        """Where a value stands; an empty one stands where its key does."""
        is_empty = node.start_mark.index == node.end_mark.index
        return self.document.key_marks.get(path, self._mark(node)) if is_empty else self._mark(node)

    def _alias_mark(self, node: Node, anchor: Mark) -> Mark:
        """Where a node that was anchored is used again: the composer forgets, the text does not."""
        alias = f"*{node.anchor}"
        for number, line in enumerate(self.lines, start=1):
            column = line.find(alias)
            if column >= 0:
                return Mark(self.source, number, column + 1, line, len(alias))
        return anchor

    def _value(self, node: Node, path: KeyPath) -> Any:
        mark = self.document.value_marks[path] = self._value_mark(node, path)
        if id(node) in self.seen:
            mark = self._alias_mark(node, mark)
            raise ConfigError(mark.problem("aliases (`*name`) are not read: write the value out."))
        self.seen.add(id(node))
        if len(path) > MAX_DEPTH or len(self.seen) > MAX_VALUES:
            raise ConfigError(mark.problem("too deep or too large to be a config."))
        if isinstance(node, MappingNode | SequenceNode) and str(node.tag) not in _PLAIN:
            self.problems.append(mark.problem(f"the tag {node.tag} is not read."))
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self._value(item, (*path, i)) for i, item in enumerate(node.value)]
        return self._scalar(node, mark)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, mark = key_node.value, self._mark(key_node)
            if not isinstance(key_node, ScalarNode):
                self.problems.append(mark.problem("a key must be a word."))
            elif key in result:
                self.problems.append(mark.problem(f"the key `{key}` is written twice."))
            else:
                self.document.key_marks[*path, key] = mark
                result[key] = self._value(value_node, (*path, key))
        return result

    def _scalar(self, node: Node, mark: Mark) -> Any:
        try:
            return self.constructor.construct_object(node)
        except (YAMLError, ValueError) as error:
            reason = error.problem if isinstance(error, MarkedYAMLError) else error
            self.problems.append(mark.problem(f"not a value that YAML 1.2 knows: {reason}"))
            return None
