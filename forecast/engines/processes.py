"""Beside here: a process for each core of this machine, with memory of its own.

Each is an interpreter begun anew: libraries that compute hold locks and threads, which a fork would
break.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from queue import SimpleQueue
from socket import socketpair
from threading import Thread
from typing import Any

from forecast import machine
from forecast.engines.crew import Crew, Lost, News, Present
from forecast.engines.engine import LOOK, Work, refuse_address
from forecast.engines.worker import Answer, PieceError, Worker

_PROGRAM = "from forecast.engines.processes import serve; serve({})"


@dataclass(frozen=True, eq=False)
class _Hand:
    """A worker, as the process that hired it knows it."""

    process: subprocess.Popen[bytes]
    connection: Connection
    begun: list[int]
    """The numbers of the works that it has been sent."""


class Processes(Crew[_Hand]):
    """Does pieces in as many processes as there are cores."""

    def end(self) -> None:
        """See `Engine.end`."""
        self.dismiss()

    def _size(self) -> int:
        return machine.cores()

    def _announce(self, work: Work[Any, Any]) -> None:
        self._work = work

    def _hire(self) -> _Hand:
        ours, theirs = socketpair()
        with theirs:
            program = _PROGRAM.format(theirs.fileno())
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and program
                [sys.executable, "-P", "-c", program],
                env={
                    **os.environ,
                    **self._settings.threads,
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=None if self._asked.console.verbose else subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        connection = Connection(ours.detach())
        hand = _Hand(process, connection, [])
        _send(hand, self._settings)
        return hand

    def _give(self, hand: _Hand, piece: Any) -> None:
        work = None
        if self._number not in hand.begun:
            hand.begun.append(self._number)
            work = self._work
        _send(hand, (self._number, work, piece))

    def _news(self, hands: Sequence[_Hand]) -> list[tuple[_Hand, News]]:
        by_connection = {hand.connection: hand for hand in hands}
        ready = wait(list(by_connection), timeout=LOOK)
        return [(hand, _heard_of(hand)) for own, hand in by_connection.items() if own in ready]

    def _let_go(self, hand: _Hand) -> None:
        hand.process.kill()
        hand.process.wait()
        hand.connection.close()


def _send(hand: _Hand, message: object) -> None:
    """A worker that is lost by now is noticed where it is to be heard."""
    try:
        hand.connection.send(message)
    except OSError:
        return


def _heard_of(hand: _Hand) -> News:
    try:
        heard: News = hand.connection.recv()
    except (EOFError, OSError):
        return Lost()
    return heard


def serve(descriptor: int) -> None:
    """Be a worker of the process at the other end, for as long as it lives.

    A person's Ctrl-C reaches all processes of a terminal: who hired the worker ends it.
    """
    for signum in (signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    connection = Connection(descriptor)
    worker = Worker(connection.recv())
    work: Any = None
    connection.send(Present(worker.version()))
    tasks: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_listen, args=(connection, tasks), daemon=True).start()
    while True:
        try:
            number, new, piece = ForkingPickler.loads(tasks.get())
        except Exception:  # noqa: BLE001 - as whatever is to be unpickled raises
            connection.send(Answer(error=PieceError.now()))
            continue
        if new is not None:
            work = new
        connection.send(worker.do(number, work, piece))


def _listen(connection: Connection, tasks: SimpleQueue[bytes]) -> None:
    """Take tasks, and end the process with whoever gave them, while it computes too."""
    try:
        while True:
            tasks.put(connection.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)


ENGINE, check = Processes, refuse_address
