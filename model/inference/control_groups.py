"""What this process may use by its control groups, in which containers keep it. Linux; versions 1 and 2."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

SYSTEM = Path("/")

# Without a limit, version 1 says the largest whole number of pages.
_NO_LIMIT = 1 << 60


def processor_quota(system: Path = SYSTEM) -> float | None:
    """Return the tightest CPU quota of the process's control groups, in processors.

    Args:
        system: the root of the file system.

    Returns:
        Processors, over 0; None without a quota, or where there are no control groups.

    Linux: Documentation/admin-guide/cgroup-v2.rst (`cpu.max`), scheduler/sched-bwc.rst (`cpu.cfs_quota_us`).
    """
    quotas = [_quota_v1(folder) if version == 1 else _quota_v2(folder) for version, folder in _folders("cpu", system)]
    return min((quota for quota in quotas if quota is not None), default=None)


def memory(system: Path = SYSTEM) -> int | None:
    """Return how many bytes this process may use: what the machine has, or its control groups' tightest limit.

    Args:
        system: the root of the file system.

    Returns:
        Bytes; None on systems that do not tell.

    Linux: Documentation/admin-guide/cgroup-v2.rst (`memory.max`), cgroup-v1/memory.rst (`memory.limit_in_bytes`).
    """
    found = [
        int(words[0])
        for version, folder in _folders("memory", system)
        if (words := _words(folder / ("memory.limit_in_bytes" if version == 1 else "memory.max"))) and words[0] != "max"
    ]
    # MemTotal:       16384 kB
    words = _words(system / "proc/meminfo")
    found += [int(words[1]) * 1024] if words else []
    return min((limit for limit in found if limit < _NO_LIMIT), default=None)


def _folders(controller: str, system: Path) -> Iterator[tuple[int, Path]]:
    """Yield version and folder of the process's group, and of those above it: each may hold a limit."""
    try:
        entries = (system / "proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        return
    for entry in entries:
        _, controllers, path = entry.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        version, mounts = (1, (controllers, controller)) if controllers else (2, ("", "unified"))
        for mount in dict.fromkeys(mounts):
            for folder in _up(system / "sys/fs/cgroup" / mount, path):
                yield version, folder


def _up(mount: Path, path: str) -> list[Path]:
    """List a group's folder and those above it. A container sees its own as the topmost."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [mount.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]


def _quota_v2(folder: Path) -> float | None:
    words = _words(folder / "cpu.max")
    return None if len(words) != 2 or words[0] == "max" else int(words[0]) / int(words[1])


def _quota_v1(folder: Path) -> float | None:
    quota, period = _words(folder / "cpu.cfs_quota_us"), _words(folder / "cpu.cfs_period_us")
    return None if not quota or not period or int(quota[0]) <= 0 else int(quota[0]) / int(period[0])


def _words(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").split()
    except OSError:
        return []
