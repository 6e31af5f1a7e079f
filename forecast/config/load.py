"""From files and `--set` options to one valid `Config`, or to every problem at once.

Precedence: default < extends < file < `--set`.
"""

import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from io import StringIO
from itertools import chain
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError
from ruamel.yaml import YAML

from forecast.config.document import MAX_CHARACTERS, Document, KeyPath, Mark, parse
from forecast.config.models import BUILT_IN, FUNCTION, GRUOptions
from forecast.config.schema import Config
from forecast.config.wrong import explain, keys_of, models_at, place_of
from forecast.errors import ConfigError, Problem, UsageError, did_you_mean, reason, shortened
from forecast.reading import read_regular

_MOST_BYTES = 4 * MAX_CHARACTERS
_OF_BLENDS = ("blend", "intervals")  # intervals are calibrated for the whole
_OF_A_SHELL = ("/dev/fd/", "/proc/self/fd/")


@dataclass(frozen=True)
class LoadedConfig:
    """A valid config, the file that it came from and that file's text as written."""

    config: Config
    path: Path
    text: str
    document: Document
    members: "Mapping[str, LoadedConfig | str]" = field(default_factory=dict)
    """Of a blend, by the names of its members: the config of a network, or a method's name."""

    @property
    def networks(self) -> "Mapping[str, LoadedConfig]":
        """Of a blend, the configs of its networks."""
        return {name: own for name, own in self.members.items() if not isinstance(own, str)}

    @property
    def methods(self) -> list[str]:
        """Of a blend, the names of its members that are methods."""
        return [own for own in self.members.values() if isinstance(own, str)]

    @property
    def each_network(self) -> "list[LoadedConfig]":
        """The config of each network, itself where it is of no blend."""
        return list(self.networks.values()) if self.config.blend else [self]

    def problem(self, path: KeyPath, message: str, advice: str | None = None) -> Problem:
        """A problem with the key at a path, at the place where it was written."""
        return place_of(path, self.document, str(self.path), key=True).problem(message, advice)


def find_config(path: Path) -> Path:
    """The config as given, or the one of that name in `configs/`."""
    for candidate in (path, Path("configs") / path):
        if str(path) == "-" or (os.path.lexists(candidate) and not candidate.is_dir()):
            return candidate
    there = chain(Path().glob("*.yaml"), Path("configs").glob("*.yaml"))
    near = sorted({str(found) for found in there if _is_file(found)})
    advice = (
        did_you_mean(str(path), near) if near else "`forecast init --example airline` makes one."
    )
    message = f"there is no config file {shortened(str(path))}, here or in configs/."
    raise ConfigError(Problem(message, advice))


def _is_file(path: Path) -> bool:
    """Whether there is a file that may be looked at."""
    try:
        return path.is_file()
    except OSError:
        return False


def load_config(
    path: Path, settings: Sequence[str] = (), overrides: Mapping[str, object] | None = None
) -> LoadedConfig:
    """Read, merge and validate the config at `path` with `--set KEY=VALUE` settings on top.

    On top of these lie `overrides`, values by dotted key, of which None says nothing.
    Raises `ConfigError` with all problems, `UsageError` for a setting that is no KEY=VALUE.
    """
    path = find_config(path)
    return parse_config(_read(path), path, settings, overrides)


def parse_config(
    text: str,
    path: Path,
    settings: Sequence[str] = (),
    overrides: Mapping[str, object] | None = None,
) -> LoadedConfig:
    """The config of a text that stands at `path`, or will: as in `load_config`."""
    _refuse_strange_name(path)
    layered = _layers(path, text, seen=())
    for setting in settings:
        _merge(layered, _setting(setting), is_emptied=True)
    for dotted, value in (overrides or {}).items():
        if value is not None:
            _merge(layered, Document(_nested_below(dotted.split("."), value)))
    config = _validate(layered, str(path))
    members = _members(layered, config, path, text) if config.blend else {}
    return LoadedConfig(config, path, text, layered, members)


def _members(
    whole: Document, config: Config, path: Path, text: str
) -> dict[str, LoadedConfig | str]:
    """The members of a blend. Raises `ConfigError` with all that is wrong with any of them."""
    members: dict[str, LoadedConfig | str] = {}
    problems: list[Problem] = []
    for i, given in enumerate(whole.values["blend"]["members"]):
        if isinstance(given, str):
            if given in members:
                mark = place_of(("blend", "members", i), whole, str(path), key=False)
                problems.append(mark.problem(f"`blend.members` has {given} twice."))
            members[given] = given
            continue
        document = _of_member(whole, i)
        try:
            own = _validate(document, str(path))
        except ConfigError as error:
            problems += error.problems
            continue
        members[_unused(own.model.kind.replace(":", "-"), members)] = LoadedConfig(
            own, path, text, document
        )
    if problems:
        # What the config itself has wrong, each of its networks has too.
        raise ConfigError(*dict.fromkeys(problems))
    _refuse_unlearned(config, members, whole, path)
    return members


def _refuse_unlearned(
    config: Config, members: Mapping[str, LoadedConfig | str], whole: Document, path: Path
) -> None:
    """Raise `ConfigError` where a blend has quantiles from no network and no calibration."""
    networks = {name: own.config for name, own in members.items() if not isinstance(own, str)}
    if config.quantile_levels and not config.intervals and not config.learned_by(networks):
        mark = place_of(("model", "quantiles"), whole, str(path), key=True)
        message = "`model.quantiles` are those of no network of the blend: its members have others."
        advice = "Leave them out, or add a section `intervals`, which is told by errors."
        raise ConfigError(mark.problem(message, advice))


def _unused(kind: str, names: Collection[str]) -> str:
    """A name for a network of a kind: `gru`, `gru-2` and so on."""
    count = 1
    while (name := kind if count == 1 else f"{kind}-{count}") in names:
        count += 1
    return name


def _of_member(whole: Document, i: int) -> Document:
    """The config of a network of a blend: that of the blend, and on top what it has otherwise."""
    place = ("blend", "members", i)

    def below(marks: Mapping[KeyPath, Mark]) -> dict[KeyPath, Mark]:
        return {path[3:]: mark for path, mark in marks.items() if path[:3] == place and path[3:]}

    common = {key: value for key, value in whole.values.items() if key not in _OF_BLENDS}
    document = Document(deepcopy(common), dict(whole.key_marks), dict(whole.value_marks))
    own = deepcopy(whole.values["blend"]["members"][i])
    _merge(document, Document(own, below(whole.key_marks), below(whole.value_marks)))
    return document


def _read(path: Path, mark: Mark | None = None) -> str:
    try:
        if str(path) == "-":
            return sys.stdin.read(MAX_CHARACTERS + 1)
        # What a shell makes of `<(...)` has a writer; any other pipe would be waited for.
        if mark is None and str(path).startswith(_OF_A_SHELL) and path.is_fifo():
            with path.open(encoding="utf-8-sig") as pipe:
                return pipe.read(MAX_CHARACTERS + 1)
        return read_regular(path, _MOST_BYTES).decode("utf-8-sig")
    except (OSError, ValueError) as error:  # of what it is, of its name, or of its text
        message = f"can not read {path}: {reason(error)}."
        raise ConfigError(mark.problem(message) if mark else Problem(message)) from error


def _refuse_strange_name(path: Path) -> None:
    """Paths inside a config begin with its folder, and a run keeps them as text in UTF-8."""
    whole = str(path.resolve())
    try:
        whole.encode()
    except UnicodeEncodeError as error:
        shown = whole.encode(errors="surrogateescape").decode(errors="replace")
        message = f"the name of {shown} is not UTF-8."
        raise ConfigError(Problem(message, "Rename the file or its folder.")) from error


def _layers(path: Path, text: str, seen: tuple[Path, ...]) -> Document:
    """The document of this file on top of those that it extends."""
    document = parse(text, str(path))
    if document.values is None:
        document.values = {}
    if not isinstance(document.values, dict):
        advice = "Write keys and values, such as `data:` and below it `  path: table.csv`."
        raise ConfigError(Problem(f"{path} holds no keys.", advice))
    _anchor_paths(document, path.parent)
    base_name = document.values.get("extends")
    if not isinstance(base_name, str):
        return document
    mark = document.value_marks["extends",]
    base = path.parent / base_name
    try:
        is_seen = base.resolve() in (path.resolve(), *seen)
    except (OSError, ValueError, RuntimeError) as error:
        message = f"can not read {base_name}: {reason(error)}."
        raise ConfigError(mark.problem(message)) from error
    if is_seen:
        raise ConfigError(mark.problem(f"{base_name} extends this file in turn."))
    merged = _layers(base, _read(base, mark), (*seen, path.resolve()))
    _merge(merged, document)
    return merged


def _anchor_paths(document: Document, folder: Path) -> None:
    """Make paths absolute, from the file that says them: a later layer may lie elsewhere."""

    def anchor(section: dict[str, Any], place: KeyPath, key: str) -> None:
        try:
            section[key] = str((folder / Path(section[key]).expanduser()).resolve())
        except (OSError, ValueError, RuntimeError) as error:
            mark = document.value_marks[*place, key]
            message = f"`{'.'.join(map(str, place))}.{key}` is no path: {reason(error)}."
            raise ConfigError(mark.problem(message)) from error

    data = document.values.get("data")
    for key in ("path", "future") if isinstance(data, dict) else ():
        if isinstance(data.get(key), str) and _names_file(data[key]):
            anchor(data, ("data",), key)
    for place, model in _models(document.values):
        if isinstance(model, dict) and ":" in str(model.get("kind")):
            model.setdefault("folder", ".")
            if isinstance(model["folder"], str):
                anchor(model, place, "folder")


def _models(values: Mapping[str, Any]) -> Iterator[tuple[KeyPath, object]]:
    """Every section of a network, with its path: that of the config, and those of a blend."""
    yield ("model",), values.get("model")
    blend = values.get("blend")
    members = blend.get("members") if isinstance(blend, dict) else None
    for i, member in enumerate(members if isinstance(members, list) else ()):
        if isinstance(member, dict):
            yield ("blend", "members", i, "model"), member.get("model")


def _names_file(path: str) -> bool:
    """Whether a path names a file or a pattern; standard input, a pipe or a server is none."""
    return path != "-" and "://" not in path and not path.startswith(("/dev/", "/proc/"))


def _setting(setting: str) -> Document:
    """`training.epochs=5` as a document of its own."""
    dotted, equals, value_text = setting.partition("=")
    keys = dotted.split(".")
    if not equals or not all(keys):
        raise UsageError(Problem(f"--set {setting}: write KEY=VALUE, such as training.epochs=5"))
    if keys[0] == "extends":
        raise UsageError(Problem("--set extends: a config is extended in its file alone."))
    path: KeyPath = tuple(keys)
    is_text = _is_text(path, value_text)
    document = Document(value_text) if is_text else parse(value_text, "--set")
    offset = len(dotted) + 1
    document.key_marks = {
        path[: i + 1]: Mark("--set", 0, 1, setting, len(dotted)) for i in range(len(path))
    }
    whole = Mark("--set", 0, offset + 1, setting, len(value_text))
    document.value_marks = {(*path, *below): whole for below in ((), *document.value_marks)}
    document.values = _nested_below(keys, document.values)
    _anchor_paths(document, Path())
    return document


def _nested_below(keys: Sequence[str], value: object) -> Any:
    """`{"training": {"epochs": 5}}` for the keys of `training.epochs`."""
    for key in reversed(keys):
        value = {key: value}
    return value


def _is_text(path: KeyPath, value: str) -> bool:
    """Whether the value of an option is text as it stands, whatever YAML would make of it.

    So it is where the option takes text and no number, unless the value is in quotes, a list, a
    mapping, or the word that takes an optional value away.
    """
    fields = [
        model.model_fields[str(path[-1])].annotation
        for model in models_at(path[:-1])
        if path[-1] in model.model_fields
    ]
    kinds = {kind for field in fields for kind in _alternatives(field)}
    if str in kinds and not kinds & {int, float, bool}:
        is_yaml = value[:1] in ("'", '"', "[", "{") or (type(None) in kinds and value in _NOTHING)
        return not is_yaml
    return False


_NOTHING = ("null", "~", "")


def _alternatives(annotation: object) -> Iterator[object]:
    """The types of a union, whatever is noted of each."""
    if get_origin(annotation) is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for inner in get_args(annotation):
            yield from _alternatives(inner)
    else:
        yield annotation


def _merge(below: Document, above: Document, *, is_emptied: bool = False) -> None:
    """Lay one document over another, in place: mappings are merged, anything else replaced.

    Where the kind of network is another above, options that only the one below has are left out.
    Where it is asked for, an empty mapping above takes all away that the one below says.
    """
    _leave_out_options(below.values.get("model"), above.values.get("model"))

    def lay(low: dict[str, Any], high: dict[str, Any]) -> None:
        for key, value in high.items():
            is_merged = bool(value) or not is_emptied
            if isinstance(value, dict) and isinstance(low.get(key), dict) and is_merged:
                lay(low[key], value)
            else:
                low[key] = value

    lay(below.values, above.values)
    below.key_marks.update(above.key_marks)
    below.value_marks.update(above.value_marks)


def _leave_out_options(below: object, above: object) -> None:
    if not (isinstance(below, dict) and isinstance(above, dict) and "kind" in above):
        return
    kind = str(above["kind"])
    path = ("model", FUNCTION) if ":" in kind else ("model", BUILT_IN, kind)
    known = keys_of(models_at(path))
    if known and kind != below.get("kind", GRUOptions().kind):
        for key in set(below) - known:
            del below[key]


def _validate(document: Document, source: str) -> Config:
    try:
        config = Config.model_validate(document.values)
    except ValidationError as error:
        found = explain(error.errors(), document, source)
        found.sort(key=lambda item: (item[0].source, item[0].line, item[0].column))
        raise ConfigError(*(mark.problem(what, way) for mark, what, way in found)) from error
    problems = [
        place_of(path, document, source, key=True).problem(message, advice)
        for path, message, advice in config.cross_checks()
    ]
    if problems:
        raise ConfigError(*problems)
    return config


def dump_config(config: Config) -> str:
    """The config as YAML with every default, which `load_config` reads back as the same config."""
    text = StringIO()
    merged = config.model_copy(update={"extends": None})
    YAML().dump(merged.model_dump(mode="json"), text)
    return text.getvalue()
