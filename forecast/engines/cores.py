"""Which core of a machine a worker computes on."""

import os
import sys
from socket import AF_UNIX, SOCK_DGRAM, socket


def own_core(group: str = "forecast") -> socket | None:
    """Compute on a core that no other of a group has, for as long as the process lives.

    For workers of which there are as many as cores, whoever begins them. What is returned is a name
    of the core that one process of a machine can have at a time. Threads that are there already
    compute where they did. None where all cores are taken, and on systems other than Linux.
    """
    if sys.platform != "linux":
        return None
    for core in sorted(os.sched_getaffinity(0)):
        name = socket(AF_UNIX, SOCK_DGRAM)
        try:
            name.bind(f"\0{group}-core-{core}")
        except OSError:
            name.close()
            continue
        os.sched_setaffinity(0, {core})
        return name
    return None
