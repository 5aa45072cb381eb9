"""Zip archives, read in place: nothing is ever unpacked, and hostile or damaged ones are refused in words."""

from __future__ import annotations

import threading
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath

from model.data.preparation.files import File, refuse_size

_ENCRYPTED = 0x1
# What a damaged member raises, depending on where it is damaged; RuntimeError is zipfile's for a password.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


class Archive:
    """One zip archive. Threads may read at the same time: each has a handle of its own."""

    def __init__(self, path: Path) -> None:
        """Read the list of members.

        Args:
            path: of the archive.

        Raises:
            ValueError: it is no whole zip archive, or has members that no data set has; the message names them.
        """
        self._path = path
        self._own = threading.local()
        self._handles: list[zipfile.ZipFile] = []
        self._lock = threading.Lock()
        self._members = [member for member in self._handle().infolist() if not member.is_dir()]
        _refuse_names(path, self._members)

    def files(self, wanted: Callable[[str], bool]) -> list[File]:
        """List the members whose names are wanted, in the archive's order.

        Raises:
            ValueError: one of them is encrypted.
        """
        chosen = [member for member in self._members if wanted(member.filename)]
        encrypted = [member.filename for member in chosen if member.flag_bits & _ENCRYPTED]
        if encrypted:
            raise ValueError(
                f"{self._path}: {len(encrypted)} members are encrypted, {encrypted[0]} first. Expected an archive "
                "without a password, as cityscapes-dataset.com gives it: unpack it and name the folder instead."
            )
        return [self._file(member) for member in chosen]

    def close(self) -> None:
        """Close every thread's handle."""
        for handle in self._handles:
            handle.close()

    def _file(self, member: zipfile.ZipInfo) -> File:
        name = f"{self._path.name}/{member.filename}"
        path = self._path / member.filename
        return File(name, path, member.file_size, f"crc32 {member.CRC:08x}", partial(self._read, member, path))

    def _read(self, member: zipfile.ZipInfo, path: Path) -> bytes:
        # zipfile never gives more than the size that the list of members states, so this holds off bombs too.
        refuse_size(path, member.file_size)
        try:
            return self._handle().read(member)
        except _DAMAGE as error:
            raise ValueError(f"{path} can't be read: {error}. Expected a whole archive: download it again.") from error

    def _handle(self) -> zipfile.ZipFile:
        if not hasattr(self._own, "handle"):
            try:
                self._own.handle = zipfile.ZipFile(self._path)
            except _DAMAGE as error:
                raise ValueError(
                    f"{self._path} is no whole zip archive: {error}. Expected one that was downloaded to its end: "
                    "compare its size with the site's, then download it again."
                ) from error
            with self._lock:
                self._handles.append(self._own.handle)
        return self._own.handle


def _refuse_names(path: Path, members: list[zipfile.ZipInfo]) -> None:
    outside = [member.filename for member in members if not _stays_inside(member.filename)]
    if outside:
        raise ValueError(
            f"{path}: {len(outside)} members lead out of the archive's folder, {outside[0]!r} first. No data set has "
            "such: don't unpack it, get it from its source."
        )
    twice = [name for name, count in Counter(member.filename for member in members).items() if count > 1]
    if twice:
        raise ValueError(
            f"{path}: {len(twice)} names stand twice, {twice[0]!r} first. Expected every member once: download it "
            "again."
        )


def _stays_inside(name: str) -> bool:
    pure = PurePosixPath(name)
    return not (pure.is_absolute() or ".." in pure.parts or "\\" in name or ":" in pure.parts[0])
