"""The `forecast` command, also as `python -m forecast`: it listens to signals before all else."""

import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn

from forecast.signals import Stop
from forecast.streams import open_missing_streams, silence_warnings


def main() -> NoReturn:
    """Run the command line, and end the process at once.

    What libraries do at the end takes a second, and nobody needs it.
    """
    _speak_utf8()
    open_missing_streams()
    silence_warnings()
    stop = Stop()
    stop.listen()
    # Loading libraries makes objects by the million, and drops few: a collector that looks through
    # them every 700 takes a tenth of `predict`, and a sixth of a short `train`.
    gc.set_threshold(300_000)
    from forecast.cli import main as run

    code = run(stop)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _speak_utf8() -> None:
    """Begin again in Python's UTF-8 mode where the locale has names of files in another encoding.

    Configs and runs are UTF-8, and so are the names in them, whatever a shell was set to.
    """
    if sys.getfilesystemencoding() != "utf-8" and not sys.flags.utf8_mode and sys.executable:
        words = [sys.executable, "-X", "utf8", *sys.orig_argv[1:]]
        os.execv(sys.executable, words)  # noqa: S606 - our own interpreter, the same words


if __name__ == "__main__":
    main()
