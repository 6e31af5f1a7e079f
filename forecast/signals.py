"""What happens when a command is asked to stop: Ctrl-C, SIGTERM, or a closed terminal (SIGHUP)."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """A signal that ends a command."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum

    @property
    def exit_code(self) -> int:
        """As shells have it: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""
        return 128 + self.signum


def listen() -> None:
    """Let every such signal end the command from now on."""
    for signum in SIGNALS:
        signal.signal(signum, _stop)


def _stop(signum: int, frame: FrameType | None) -> NoReturn:
    raise Stopped(signum)


@contextmanager
def deferred() -> Iterator[threading.Event]:
    """While the block runs, a signal sets the event and does nothing else.

    The first of them is raised when the block ends, unless an error ends it.
    """
    stop, seen = threading.Event(), list[int]()

    def note(signum: int, frame: FrameType | None) -> None:
        seen.append(signum)
        stop.set()

    if threading.current_thread() is not threading.main_thread():  # only that one has signals
        yield stop
        return
    earlier = {signum: signal.signal(signum, note) for signum in SIGNALS}
    try:
        yield stop
    except KeyboardInterrupt as interruption:  # the block gave up, since it was asked to
        raise Stopped(seen[0] if seen else signal.SIGINT) from interruption
    finally:
        for signum, handler in earlier.items():
            signal.signal(signum, handler)
    if seen:
        raise Stopped(seen[0])
