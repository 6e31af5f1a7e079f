"""Writing YAML: a config in which a comment stands above some of its keys, or a value on a line."""

from collections.abc import Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

_INDENT = 2
_WIDTH = 10_000  # no value is folded, however long a path is


def commented_yaml(values: Mapping[str, Any], comments: Mapping[str, str]) -> str:
    """Plain values as YAML, with comments above keys that are named as `training.epochs`."""
    document = _commented(values)
    for key, text in comments.items():
        *path, name = key.split(".")
        section = document
        for part in path:
            section = section[part]
        section.yaml_set_comment_before_after_key(name, before=text, indent=_INDENT * len(path))
    out, yaml = StringIO(), YAML()
    yaml.width = _WIDTH
    yaml.dump(document, out)
    return out.getvalue()


def flow_yaml(value: object) -> str:
    """A value as YAML on one line: `{window: {horizon: 6}}`."""
    out, yaml = StringIO(), YAML(typ="safe")
    yaml.default_flow_style, yaml.width = True, _WIDTH
    yaml.dump(value, out)
    return out.getvalue().strip()


def _commented(value: Any) -> Any:
    """Mappings that can hold comments, with all else as it is."""
    if isinstance(value, Mapping):
        return CommentedMap({key: _commented(own) for key, own in value.items()})
    return [_commented(own) for own in value] if isinstance(value, list | tuple) else value
