"""Zip archives, read in place: nothing is ever unpacked, and hostile or damaged ones are refused in words."""

from __future__ import annotations

import os
import queue
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path, PurePosixPath

from model.data.preparation.files import File, refuse_size

_ENCRYPTED = 0x1
_STAMP = "crc32 "
# What a damaged member raises, depending on where it is damaged; RuntimeError is zipfile's for a password.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


class Archive:
    """One zip archive. Threads may read at the same time: each borrows a handle for as long as it reads."""

    def __init__(self, path: Path) -> None:
        """Read the list of members.

        Args:
            path: of the archive.

        Raises:
            ValueError: it is no whole zip archive, or has members that no data set has; the message names them.
        """
        self._path = path
        self._new_pool()
        with self._borrowed() as handle:
            self._members = [member for member in handle.infolist() if not member.is_dir()]
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
        """Close the handles that nobody reads from; reading again opens another."""
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def _file(self, member: zipfile.ZipInfo) -> File:
        name = f"{self._path.name}/{member.filename}"
        path = self._path / member.filename
        read = partial(self._read, member, path)
        return File(name, path, member.file_size, f"{_STAMP}{member.CRC:08x}", read, member.filename)

    def _read(self, member: zipfile.ZipInfo, path: Path) -> bytes:
        # zipfile never gives more than the size that the list of members states, so this holds off bombs too.
        refuse_size(path, member.file_size)
        with self._borrowed() as handle:
            try:
                return handle.read(member)
            except _DAMAGE as error:
                raise ValueError(
                    f"{path} can't be read: {error}. Expected a whole archive: download it again."
                ) from error

    def _new_pool(self) -> None:
        self._idle: queue.LifoQueue[zipfile.ZipFile] = queue.LifoQueue()
        self._process = os.getpid()

    @contextmanager
    def _borrowed(self) -> Iterator[zipfile.ZipFile]:
        """Lend a handle: there are never more than read at once, however many threads come and go."""
        if self._process != os.getpid():
            # A forked process has its parent's handles, and would move the place in the file under its parent's reads.
            self._new_pool()
        try:
            handle = self._idle.get_nowait()
        except queue.Empty:
            handle = self._opened()
        try:
            yield handle
        finally:
            self._idle.put(handle)

    def _opened(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self._path)
        except _DAMAGE as error:
            raise ValueError(
                f"{self._path} is no whole zip archive: {error}. Expected one that was downloaded to its end: "
                "compare its size with the site's, then download it again."
            ) from error


def is_member(stamp: str) -> bool:
    """Tell by a file's stamp whether it lies in an archive."""
    return stamp.startswith(_STAMP)


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
