"""Keras's archives without what differs from one writing of a network to the next."""

import json
import re
import zipfile
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that an archive can tell
_SHARED = re.compile(r'("shared_object_id": )(\d+)')


def settle(path: Path) -> None:
    """Write a `.keras` file again, so that equal networks are equal bytes.

    The times at which it was written are taken from it, and addresses in memory, by which layers
    say which objects they share, become numbers from 1 on.
    """
    part = path.with_suffix(".part")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(part, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == "metadata.json":
                metadata = json.loads(content) | {"date_saved": "1980-01-01@00:00:00"}
                content = json.dumps(metadata).encode()
            elif entry.filename == "config.json":
                content = _numbered(content.decode()).encode()
            settled = zipfile.ZipInfo(entry.filename, _EPOCH)
            settled.external_attr = 0o600 << 16
            new.writestr(settled, content, entry.compress_type)
    part.replace(path)


def _numbered(config: str) -> str:
    """The ids of shared objects, in the order in which they come up."""
    numbers: dict[str, int] = {}
    return _SHARED.sub(
        lambda found: f"{found[1]}{numbers.setdefault(found[2], len(numbers) + 1)}", config
    )
