"""What the machine has, as far as this process may use it."""

import os
from pathlib import Path


def cores() -> int:
    """Of the processor."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_memory() -> int:
    """Bytes that this process could take from the host: without what only caches files."""
    page = os.sysconf("SC_PAGE_SIZE")
    free = page * os.sysconf("SC_PHYS_PAGES")
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) * 1024
    limit = Path("/sys/fs/cgroup/memory.max")  # of a container
    if limit.exists():
        text = limit.read_text().strip()
        free = min(free, int(text)) if text.isdigit() else free
    return free
