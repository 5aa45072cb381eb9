"""What the command line names -> the images and videos in it: files, folders, globs and zip archives, or URLs."""

from __future__ import annotations

import glob
import os
import posixpath
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from model.inference.batch import stores

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Of files that are looked at within a folder or an archive; a file that is named itself may have any."""

VIDEO_SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")
"""Of files that are taken for videos."""

MOST_BYTES = 1 << 29
"""Of one file: an archive can say that a few bytes are many."""


@dataclass(frozen=True)
class Item:
    """One image or video that is there to be read; another process can read it too.

    Attributes:
        name: its path below what was named, with `/` and with its ending: what the answers call it.
        stem: path of its answers, without an ending; no two items share one.
        source: bytes, and nanoseconds of its last change, in an archive its CRC, in a store its ETag: other ones are
            another image.
        path: of its file or object, or of the archive that it is in.
        entry: what the archive calls it; None for a file.
    """

    name: str
    stem: str
    source: tuple[int, int | str]
    path: Path | stores.StorePath
    entry: str | None = None

    @property
    def is_video(self) -> bool:
        """Whether it is a video, by its ending."""
        return self.name.lower().endswith(VIDEO_SUFFIXES)

    def read(self) -> bytes:
        """Return its bytes.

        Raises:
            OSError: the file cannot be read.
            ValueError: it has more than `MOST_BYTES`, or the archive is damaged.
        """
        stored = stores.is_stored(self.path)
        size = self.source[0] if stored or self.entry is not None else self.path.stat().st_size
        if size > MOST_BYTES:
            raise ValueError(f"{self.name} has {size:,} bytes. Expected {MOST_BYTES:,} at most. Scale it down.")
        if stored:
            return stores.read(self.path)
        if self.entry is None:
            return self.path.read_bytes()
        try:
            return _opened(self.path, self.path.stat().st_mtime_ns).read(self.entry)
        except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
            # Damaged, encrypted, or compressed by a scheme that Python lacks.
            raise ValueError(f"{self.path} holds it in a way that cannot be read: {error}. Pack it anew.") from error


@cache
def _opened(path: Path, changed: int) -> zipfile.ZipFile:
    """Open an archive once in a process, until it is `changed`.

    Threads may read at once: it locks where they share the file's position.
    """
    return zipfile.ZipFile(path)


def on_disk(item: Item, make: Callable[[Item], Any]) -> Any:
    """Return what a function makes of an item, whose file is copied to this disk for as long as that takes.

    Args:
        item: an image or a video.
        make: takes it with a path on a disk.

    Returns:
        What it returns; or why the item cannot be read.
    """
    if not stores.is_stored(item.path):
        return make(item)
    with tempfile.TemporaryDirectory(prefix="streetseg-") as folder:
        copy = Path(folder) / posixpath.basename(item.name)
        try:
            stores.download(item.path, copy)
        except OSError as error:
            return str(error)
        return make(replace(item, path=copy))


def find(words: Sequence[str | Path], *, besides: Path | stores.StorePath | None = None) -> list[Item]:
    """List the images and videos of files, folders, globs and zip archives, or of URLs.

    Args:
        words: paths, URLs, or patterns as `glob` takes them, `**` included. Within folders and archives, files with
            one of `SUFFIXES` or `VIDEO_SUFFIXES` are taken, at any depth, and hidden ones are not.
        besides: a folder that is left out, because answers are written there.

    Returns:
        They by rising name. Of several words, names begin with the word's last part. Two images of one stem,
        `a.jpg` and `a.png`, keep their endings in it.

    Raises:
        ValueError: nothing is there, an archive is damaged or in a store, or two images have one name.
        OSError: a store does not answer.
    """
    found: list[Item] = []
    for word in words:
        items = list(_of(str(word), besides and besides.resolve()))
        if not items:
            raise ValueError(
                f"Found no image and no video in {word}. Expected a file, a folder, a pattern or a zip archive with "
                f"{', '.join(SUFFIXES + VIDEO_SUFFIXES)}: check the path."
            )
        named = Path(stores.address(str(word)))
        many = len(words) > 1 and not (len(items) == 1 and items[0].name == named.name)
        found += [_below(named.stem, item) for item in items] if many else items
    return _named_apart(found)


def _of(word: str, besides: Path | stores.StorePath | None) -> Iterator[Item]:
    path = stores.path(word)
    if stores.is_stored(path):
        yield from _stored(path, besides)
    elif path.is_dir():
        yield from _folder(path, besides)
    elif path.is_file():
        yield from _archive(path) if zipfile.is_zipfile(path) else [_file(path, path.name)]
    elif glob.has_magic(word):
        yield from _pattern(str(path), besides)
    else:
        raise ValueError(f"{word} does not exist. Expected a file, a folder, a pattern or a zip archive of images.")


def _stored(place: stores.StorePath, besides: Path | stores.StorePath | None) -> Iterator[Item]:
    found = list(stores.find(place, besides=besides))
    named = [each for each in found if each.path.path.rstrip("/") == place.path.rstrip("/")]
    for path, name, source in named or found:
        # What is hidden is left out, a name with `..` in it with them.
        if named or (_is_taken(name) and not any(part.startswith(".") for part in name.split("/"))):
            yield Item(name, _stem(name), source, path)
    if not found:
        raise ValueError(
            f"{place} does not exist. Expected an image, a folder or a pattern of images: check the bucket."
        )


def _folder(root: Path, besides: Path | stores.StorePath | None) -> Iterator[Item]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (Path(folder) / name).resolve() != besides
        )
        for name in sorted(files):
            path = Path(folder) / name
            if _is_taken(name):
                yield _file(path, path.relative_to(root).as_posix())


def _pattern(word: str, besides: Path | stores.StorePath | None) -> Iterator[Item]:
    """Take the files that a pattern finds, by their paths below its part without wildcards."""
    parts = Path(word).parts
    fixed = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    root = Path(*parts[:fixed])
    for text in sorted(glob.glob(word, recursive=True)):
        path = Path(text)
        if path.is_file() and _is_taken(path.name) and besides not in path.resolve().parents:
            yield _file(path, path.relative_to(root).as_posix())


def _file(path: Path, name: str) -> Item:
    status = path.stat()
    # A name that is no UTF-8 is shown by its bytes: it has to stand in JSON and in tables.
    name = os.fsencode(name).decode("utf-8", "backslashreplace")
    return Item(name, _stem(name), (status.st_size, status.st_mtime_ns), path)


def _archive(path: Path) -> Iterator[Item]:
    for entry in sorted(_opened(path, path.stat().st_mtime_ns).infolist(), key=lambda entry: entry.filename):
        parts = PurePosixPath(entry.filename).parts
        if entry.is_dir() or not _is_taken(parts[-1]):
            continue
        if entry.filename.startswith("/") or ".." in parts:
            raise ValueError(
                f"{path}: {entry.filename} leads out of the archive. Expected paths below it: pack it anew."
            )
        if any(part.startswith((".", "__MACOSX")) for part in parts):
            continue
        name = posixpath.join(*parts)
        yield Item(name, _stem(name), (entry.file_size, entry.CRC), path, entry.filename)


def _is_taken(name: str) -> bool:
    return name.lower().endswith(SUFFIXES + VIDEO_SUFFIXES) and not name.startswith(".")


def _stem(name: str) -> str:
    return posixpath.splitext(name)[0]


def _below(folder: str, item: Item) -> Item:
    return replace(item, name=f"{folder}/{item.name}", stem=f"{folder}/{item.stem}")


def _named_apart(items: Iterable[Item]) -> list[Item]:
    items = sorted(items, key=lambda item: item.name)
    names = Counter(item.name for item in items)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise ValueError(
            f"{len(twice)} images have the name of another, {twice[0]} first. Expected names that differ: segment "
            "their folders apart, into two folders."
        )
    # Many file systems take upper and lower case for the same.
    stems = Counter(item.stem.casefold() for item in items)
    return [item if stems[item.stem.casefold()] == 1 else replace(item, stem=item.name) for item in items]
