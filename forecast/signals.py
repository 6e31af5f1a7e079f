"""What happens when a command is asked to stop: Ctrl-C, SIGTERM, or a closed terminal (SIGHUP).

A command ends where it stands: an exception that travelled through libraries might be swallowed by
one of them, or strike while locks are held. So the handler does what has to be done, once, and ends
the process; a second signal finds that under way. Where the main thread does not come to it, since
it is inside a library, a thread that the operating system wakes does the same a second later.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Seconds that the main thread has to come to the handler, and then to be done with it.
_GRACE, _LONGEST = 1.0, 10.0


def exit_code(signum: int) -> int:
    """As shells have it: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""
    return 128 + signum


class Stop:
    """What is to be done when a signal asks the process to stop."""

    def __init__(self) -> None:
        self._keep: Callable[[], str] = _nothing
        self._cleanups: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._is_listening = False

    def listen(self) -> None:
        """End the process on every such signal from now on; to be called by the main thread."""
        self._is_listening = True
        ours, theirs = socket.socketpair()
        theirs.settimeout(0)
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        for signum in SIGNALS:
            if signal.getsignal(signum) is not signal.SIG_IGN:  # as `nohup` wants it
                signal.signal(signum, self._handle)
        threading.Thread(target=self._watch, args=(ours, theirs), daemon=True).start()

    @contextmanager
    def keeping(self, keep: Callable[[], str]) -> Iterator[None]:
        """While the block runs, a signal has `keep` called first; it gives what is to be said."""
        earlier, self._keep = self._keep, keep
        try:
            yield
        finally:
            with self._lock:  # not while it is being kept
                self._keep = earlier

    @contextmanager
    def cleaning(self, clean: Callable[[], None]) -> Iterator[None]:
        """While the block runs, and at its end, a signal has `clean` called."""
        self._cleanups.append(clean)
        try:
            yield
        finally:
            self._cleanups.remove(clean)
            clean()

    def ignore(self) -> None:
        """What is left to do is short, and is done to its end.

        Where nobody listens, the signals are those of whoever calls.
        """
        if not self._is_listening:
            return
        for signum in SIGNALS:
            signal.signal(signum, signal.SIG_IGN)

    def _watch(self, ours: socket.socket, theirs: socket.socket) -> None:
        """Wait for a signal that the main thread does not come to.

        `theirs` is what the operating system writes to, for as long as this thread lives.
        """
        numbers = {int(signum) for signum in SIGNALS}
        signum = next(number for number in iter(lambda: ours.recv(1)[0], None) if number in numbers)
        time.sleep(_GRACE)
        self._end(signum)
        time.sleep(_LONGEST)  # the main thread is at it, and may not come to an end
        os._exit(exit_code(signum))

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        self._end(signum)

    def _end(self, signum: int) -> None:
        """Keep what there is, say so, and end the process; once, whoever comes first."""
        if not self._lock.acquire(blocking=False):
            return  # it is being done, by the other thread or by this one further up
        with suppress(Exception):  # nothing may hold the process back now
            # Past Python's own buffer, which the main thread may be writing to.
            os.write(sys.stderr.fileno(), f"\n{self._keep()}\n".encode(errors="replace"))
        for clean in reversed(self._cleanups):
            with suppress(Exception):
                clean()
        os._exit(exit_code(signum))


def _nothing() -> str:
    return "interrupted: nothing is kept."
