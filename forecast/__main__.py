"""The `forecast` command, also as `python -m forecast`: it listens to signals before all else."""

import os
import sys
from contextlib import suppress
from typing import NoReturn

from forecast.signals import Stop


def main() -> NoReturn:
    """Run the command line, and end the process at once.

    What libraries do at the end takes a second, and nobody needs it.
    """
    stop = Stop()
    stop.listen()
    from forecast.cli import main as run

    code = run(stop)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
