"""Processes kept to so many processors and so much memory by control groups of Linux, version 1 or 2. Needs root.

The groups lie inside this process's own (version 1) or at the top (version 2, where a group that holds processes may
have no groups with limits below it), and are gone when the block ends.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import time
import uuid
from pathlib import Path
from typing import NamedTuple

MOUNT = Path("/sys/fs/cgroup")
_PERIOD = 100_000  # microseconds
_END_LIMIT = 10.0  # seconds


class Memory(NamedTuple):
    """Bytes and counts since the group was made.

    Attributes:
        resident: what processes hold at this moment and files do not back.
        peak: the most there ever was, files that were read included; 0 where the kernel does not tell.
        reclaimed: how often there was no room and files were let go of, which is not wrong.
        killed: processes that were killed for memory.
    """

    resident: int
    peak: int
    reclaimed: int
    killed: int


class Group:
    """A context manager: a control group with limits.

    Args:
        cores: processors, parts allowed.
        memory: in bytes, without swap.
        mount: where control groups are mounted.
        own: the file that says which ones this process is in.

    Raises:
        RuntimeError: on entering; neither version can be written here, and the message says what is missing.
    """

    def __init__(
        self, *, cores: float, memory: int, mount: Path = MOUNT, own: Path = Path("/proc/self/cgroup")
    ) -> None:
        self._cores, self._memory, self._mount, self._own = cores, memory, mount, own
        self._name = f"streetseg-bench-{uuid.uuid4().hex[:8]}"
        self._folders: dict[str, Path] = {}
        self.version = 0

    def __enter__(self) -> Group:
        try:
            self._make()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *reason: object) -> None:
        self._remove()

    def starter(self, command: list[str], path: Path) -> Path:
        """Write a script that enters the group and becomes a command; return its path."""
        enter = [f"echo $$ > {shlex.quote(str(folder / 'cgroup.procs'))}" for folder in self._folders.values()]
        path.write_text("\n".join(["#!/bin/sh -e", *enter, f"exec {shlex.join(command)}", ""]), "utf-8")
        path.chmod(0o755)
        return path

    def read(self) -> Memory:
        """Return what was used."""
        folder = self._folders["memory"]
        events, held = _table(folder / "memory.events"), _table(folder / "memory.stat")
        if self.version == 2:
            peak = folder / "memory.peak"  # since Linux 5.19
            most = int(peak.read_text("ascii")) if peak.exists() else 0
            return Memory(held["anon"], most, events["max"], events["oom_kill"])
        most, failures = (
            int((folder / f"memory.{name}").read_text("ascii")) for name in ("max_usage_in_bytes", "failcnt")
        )
        # How many were killed is there since Linux 4.13.
        return Memory(held["total_rss"], most, failures, _table(folder / "memory.oom_control")["oom_kill"])

    def _make(self) -> None:
        missing = []
        for make in (self._version_1, self._version_2):
            try:
                make()
            except OSError as error:
                missing.append(f"{make.__doc__}: {error.strerror} ({error.filename})")
                self._remove()
            else:
                return
        raise RuntimeError(
            f"No control group can be made here. Received: {'; '.join(missing)}. Expected root, and the controllers "
            f"cpu and memory under {self._mount}, writable; in a container, one that may (docker run --privileged)."
        )

    def _version_1(self) -> None:
        """version 1"""
        for controller in ("cpu", "memory"):
            top = self._mount / controller
            own = top / _own_group(self._own, controller)
            # A container sees its own group as the topmost, under a path that it does not see.
            folder = (own if own.is_dir() else top) / self._name
            _make_folder(folder)
            self._folders[controller] = folder
        self.version = 1
        cpu, memory = self._folders["cpu"], self._folders["memory"]
        _write(cpu / "cpu.cfs_period_us", _PERIOD)
        _write(cpu / "cpu.cfs_quota_us", round(self._cores * _PERIOD))
        _write(memory / "memory.limit_in_bytes", self._memory)
        if (memory / "memory.memsw.limit_in_bytes").exists():
            _write(memory / "memory.memsw.limit_in_bytes", self._memory)

    def _version_2(self) -> None:
        """version 2"""
        _write(self._mount / "cgroup.subtree_control", "+cpu +memory")
        folder = self._mount / self._name
        _make_folder(folder)
        self._folders["memory"] = folder
        self.version = 2
        _write(folder / "cpu.max", f"{round(self._cores * _PERIOD)} {_PERIOD}")
        _write(folder / "memory.max", self._memory)
        if (folder / "memory.swap.max").exists():
            _write(folder / "memory.swap.max", 0)

    def _remove(self) -> None:
        """End what is left in the group, which is ours alone, and take the group away."""
        for folder in self._folders.values():
            ends = time.monotonic() + _END_LIMIT
            while folder.is_dir():
                for number in (folder / "cgroup.procs").read_text("ascii").split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(number), signal.SIGKILL)
                try:
                    folder.rmdir()
                except OSError:  # busy until the last process is gone
                    if time.monotonic() > ends:
                        raise
                    time.sleep(0.05)
        self._folders = {}


def _own_group(file: Path, controller: str) -> str:
    """Return the path, without the leading slash, of the group of version 1 that this process is in."""
    for line in file.read_text("utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path.lstrip("/")
    return ""


def _make_folder(folder: Path) -> None:
    folder.mkdir()


def _write(path: Path, value: object) -> None:
    # Never made anew: in a folder that is no control group it would be a file like any other.
    with path.open("r+", encoding="ascii") as file:
        file.write(f"{value}\n")


def _table(path: Path) -> dict[str, int]:
    if not path.exists():
        return {}
    return {line.split()[0]: int(line.split()[1]) for line in path.read_text("ascii").splitlines()}
