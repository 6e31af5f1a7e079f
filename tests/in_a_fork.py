"""One command in a process that was forked: what a process begun anew would find is put in place.

Run by `run_cli` with `words`, `folder`, `shell` and `streams` as globals: what was typed, where, in
which environment, and the files that stand for the three standard streams.
"""

# ruff: noqa: F821 - these names

import os
import sys
import warnings
from pathlib import Path

words: list[str]
folder: Path
shell: dict[str, str]
streams: tuple[Path, Path, Path]

os.chdir(folder)
os.environ.clear()
os.environ.update(shell)
for descriptor, (file, flags) in enumerate(
    zip(streams, (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)
):
    os.dup2(os.open(file, flags), descriptor)
sys.stdin, sys.stdout, sys.stderr = (os.fdopen(i, "w" if i else "r") for i in range(3))
sys.argv = ["forecast", *words]
if "PYTHONWARNINGS" in shell:
    warnings.simplefilter(shell["PYTHONWARNINGS"])  # type: ignore[arg-type]

from forecast.__main__ import main  # noqa: E402

main()
