"""A file of a data set, wherever it lies: its name, its size, and how to get its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from model.data.samples import refuse_name

LARGEST_BYTES = 256 * 2**20
"""More than any image here takes; what claims more is no image, and would fill the memory."""


class File(NamedTuple):
    """A file that is read when asked for.

    Attributes:
        name: with forward slashes, from the data set's folder on; a member's begins with the name of its archive.
        path: where it lies; that of a member leads on from the archive's own, and only names it.
        size: in bytes.
        stamp: differs when the content may differ: the time of the last change, or the checksum an archive keeps.
        read: returns the bytes; raises ValueError that names the file.
        inside: the name without an archive's: that is whatever it was saved as, and tells nothing of what it holds.
    """

    name: str
    path: Path
    size: int
    stamp: str
    read: Callable[[], bytes]
    inside: str


def in_folder(root: Path, patterns: Iterable[str]) -> list[File]:
    """List the files of a folder.

    Args:
        root: the data set's folder.
        patterns: globs from there on.

    Returns:
        Those that match, hidden ones left out, sorted by name.

    Raises:
        ValueError: a name is not UTF-8.
    """
    paths = {path for pattern in patterns for path in root.glob(pattern) if not path.name.startswith(".")}
    return [_file(root, path) for path in sorted(paths) if path.is_file()]


def _file(root: Path, path: Path) -> File:
    refuse_name(path)
    status = path.stat()
    name = path.relative_to(root).as_posix()
    read = partial(_read, path, status.st_size)
    return File(name, path, status.st_size, f"mtime_ns {status.st_mtime_ns}", read, name)


def _read(path: Path, size: int) -> bytes:
    refuse_size(path, size)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}.") from error


def refuse_size(path: Path, size: int) -> None:
    """Go on where a file can be held in memory.

    Raises:
        ValueError: it is larger than any image.
    """
    if size > LARGEST_BYTES:
        raise ValueError(f"{path} takes {size} bytes. Expected an image, at most {LARGEST_BYTES}.")
