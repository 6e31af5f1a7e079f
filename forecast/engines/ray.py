"""On other machines too: a worker for each core of a Ray cluster (https://docs.ray.io).

Without an address Ray is started on this machine, for as long as the command runs.
"""

import logging
import os
import signal
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from importlib import import_module
from io import StringIO
from socket import create_connection
from tempfile import TemporaryDirectory
from threading import current_thread, main_thread
from typing import Any

from forecast import machine
from forecast.engines.crew import Crew, Lost, News, Present
from forecast.engines.engine import LOOK, Asked, Work
from forecast.engines.worker import Worker
from forecast.errors import Problem, UsageError, reason, require_extra
from forecast.signals import SIGNALS

# Seconds after which it is an error that no worker has begun: a cluster may have no core free.
_PATIENCE = 300.0
# Seconds that a cluster has to answer.
_LONGEST = 10.0
# It would tell its makers of each cluster, and of accelerators that it will no longer hide.
_ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}

# Where its files are: sockets have short paths.
_SHORT: dict[str, Any] = {"prefix": "ray-", "dir": "/tmp", "ignore_cleanup_errors": True}  # noqa: S108


class Ray(Crew[Any]):
    """Does pieces in actors of one core each; its hands are their handles."""

    way_out = (
        "Each machine of the cluster needs `pip install 'keras-forecast[ray]'`, with the same "
        "versions. Or try --engine threads."
    )

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._ray: Any = None
        self._held = ExitStack()
        self._expected: dict[Any, Any] = {}
        self._last_heard = 0.0

    def end(self) -> None:
        """See `Engine.end`."""
        self._held.close()
        self._ray = None

    def _connected(self) -> Any:
        """Ray, with a cluster, until the end. Raises `UsageError` where there is none."""
        os.environ.update(_ENVIRONMENT)
        address, verbose, hold = self._asked.address, self._asked.console.verbose, self._held
        options: dict[str, Any] = {"log_to_driver": verbose, "logging_level": logging.CRITICAL}
        # Its threads tell on stdout of workers that are lost.
        hold.enter_context(redirect_stdout(sys.stderr if verbose else StringIO()))
        if address is None:
            folder = hold.enter_context(TemporaryDirectory(**_SHORT))
            options |= {"num_cpus": machine.cores(), "include_dashboard": False}
            options |= {"_temp_dir": folder, "_node_ip_address": "127.0.0.1"}
        with warnings.catch_warnings(), _own_signals():
            warnings.simplefilter("ignore")  # of what its own code does
            ray = import_module("ray")
            hold.callback(ray.shutdown)
            try:
                ray.init(address or "local", **options)
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise _no_cluster(address, error) from error
        return ray

    def _size(self) -> int:
        return int(self._ray.cluster_resources().get("CPU", 0))

    def _announce(self, work: Work[Any, Any]) -> None:
        if self._ray is None:
            self._ray = self._connected()
        self._last_heard = time.monotonic()
        self._work = self._ray.put(work)

    def _hire(self) -> Any:
        actor = self._ray.remote(num_cpus=1)(Worker)
        hand = actor.remote(self._settings)
        self._expected[hand] = hand.version.remote()
        return hand

    def _give(self, hand: Any, piece: Any) -> None:
        self._expected[hand] = hand.do.remote(self._number, self._work, piece)

    def _news(self, hands: Sequence[Any]) -> list[tuple[Any, News]]:
        by_result = {self._expected[hand]: hand for hand in hands}
        ready: list[Any] = []
        if by_result:
            ready, _ = self._ray.wait(list(by_result), timeout=LOOK)
        else:
            time.sleep(LOOK)
        if ready or self._busy:
            self._last_heard = time.monotonic()
        elif time.monotonic() - self._last_heard > _PATIENCE:
            message = f"no worker of the Ray cluster has begun within {_PATIENCE:.0f} s."
            raise UsageError(Problem(message, "It may have no core free: ray status."))
        return [(by_result[result], self._heard_of(result)) for result in ready]

    def _heard_of(self, result: Any) -> News:
        errors = self._ray.exceptions
        try:
            heard = self._ray.get(result)
        except errors.RayTaskError:  # a bug: what the piece itself raises is in its answer
            raise
        except errors.RayError:
            return Lost()
        return Present(heard) if isinstance(heard, str) else heard

    def _let_go(self, hand: Any) -> None:
        self._expected.pop(hand, None)
        self._ray.kill(hand)


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep what is done on signals: Ray has handlers of its own, which print where it stands."""
    if current_thread() is not main_thread():
        yield
        return
    earlier = {signum: signal.getsignal(signum) for signum in SIGNALS}
    try:
        yield
    finally:
        for signum, handler in earlier.items():
            signal.signal(signum, handler)


def check(address: str | None) -> None:
    """See `check_engine`. Raises `UsageError` where nobody is at the address."""
    require_extra("ray", "ray")
    host, _, port = (address or "").rpartition(":")
    if not (host and port.isdecimal()):
        return  # there is none, or Ray knows what is meant
    try:  # Ray would try for minutes
        create_connection((host.rpartition("/")[2], int(port)), _LONGEST).close()
    except OSError as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str | None, error: Exception) -> UsageError:
    message = f"there is no Ray cluster at {address or 'this machine'}: {reason(error)}"
    advice = (
        "Start one, which says its address: ray start --head. Where it has a token, each machine "
        "needs it, and RAY_AUTH_MODE=token."
    )
    return UsageError(Problem(message, advice))


ENGINE = Ray
