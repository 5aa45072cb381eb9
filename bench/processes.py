"""A contender's processes: all of them, their memory, their processor time, and their end.

Some contenders start dozens, in sessions of their own, that outlive the one we started. Each inherits a variable with a
token, by which it is found in /proc, and else by who started it. Linux only.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

TOKEN = "STREETSEG_BENCH_TOKEN"

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_MEGABYTE = 1_000_000


class Process(NamedTuple):
    """A process; the number of one that ended is used again, its start time is not."""

    number: int
    started: int


class Memory(NamedTuple):
    """Megabytes of 1,000,000 bytes: `rss` counts what processes share once for each, `pss` once in all."""

    rss: float
    pss: float


def family(token: str, root: int) -> set[Process]:
    """Return the processes that hold the token, or that one of these or `root` started, directly or not."""
    parents, found = {}, set()
    for number in _numbers():
        status = _status(number)
        if status is None:
            continue
        parents[number] = status
        if number == root or _holds(number, token):
            found.add(number)
    while more := {number for number, (parent, _) in parents.items() if parent in found and number not in found}:
        found |= more
    return {Process(number, parents[number][1]) for number in found if number in parents}


def memory(processes: set[Process]) -> Memory:
    """Add up the resident memory of processes."""
    rss = pss = 0
    for process in processes:
        try:
            lines = (_PROC / str(process.number) / "smaps_rollup").read_text("ascii").splitlines()
        except (OSError, ValueError):  # it ended meanwhile
            continue
        sizes = {line.split()[0]: int(line.split()[1]) for line in lines[1:]}
        rss, pss = rss + sizes.get("Rss:", 0), pss + sizes.get("Pss:", 0)
    return Memory(rss * 1024 / _MEGABYTE, pss * 1024 / _MEGABYTE)


def processor_seconds(processes: set[Process]) -> float:
    """Add up the processor time that processes have used."""
    total = 0
    for process in processes:
        fields = _fields(process.number)
        if fields is not None:
            total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def end(processes: set[Process], *, patience: float) -> None:
    """Ask processes to end, and kill those that have not done so after `patience` seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = {process for process in processes if _alive(process)}
        for process in left:
            try:
                os.kill(process.number, number)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + patience
        while any(map(_alive, left)) and time.monotonic() < deadline:
            time.sleep(0.05)


def _alive(process: Process) -> bool:
    fields = _fields(process.number)
    return fields is not None and int(fields[19]) == process.started and fields[0] != "Z"


def _numbers() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal()]


def _status(number: int) -> tuple[int, int] | None:
    fields = _fields(number)
    return None if fields is None else (int(fields[1]), int(fields[19]))


def _fields(number: int) -> list[str] | None:
    """Return the fields of /proc/N/stat after the name, which may hold spaces: state, parent, ... (man 5 proc)."""
    try:
        return (_PROC / str(number) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None


def _holds(number: int, token: str) -> bool:
    try:
        return f"{TOKEN}={token}".encode() in (_PROC / str(number) / "environ").read_bytes()
    except OSError:
        return False
