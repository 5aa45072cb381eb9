"""Object storage by URL, through fsspec: what is there, its bytes, and what goes wrong in one sentence.

fsspec knows S3, Azure Blob and some forty others by one interface, and universal_pathlib gives it the words of
`pathlib`; a path of it can be sent to another process, which connects by itself. Neither is loaded before a URL is
named.
"""

from __future__ import annotations

import glob
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

INSTALL = "pip install -r requirements-storage.txt"

StorePath = Any
"""A `upath.UPath`, which has the words of `pathlib.Path`; not imported, because few need it."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
# Errors of what lies below fsspec which are neither an OSError nor a ValueError.
_FAILURES = {
    "aiohttp": ("ClientError",),
    "azure.core.exceptions": ("AzureError",),
    "botocore.exceptions": ("BotoCoreError", "ClientError"),
    "gcsfs.retry": ("HttpError",),
    "google.auth.exceptions": ("GoogleAuthError",),
}
# What stores call the mark that changes with an object; those that have none tell when it changed.
_MARKS = ("ETag", "etag", "md5Hash")
_TIMES = ("mtime", "LastModified", "last_modified", "modified", "created")


class Unreachable(OSError):
    """A store that does not do what was asked. The message is fit for the person who named it."""


class Found(NamedTuple):
    """An object: its path, its name below what was named, and its size and mark, which another object has not."""

    path: StorePath
    name: str
    source: tuple[int, str]


def path(word: str | Path | StorePath) -> Path | StorePath:
    """Return the path of a file or folder on a disk, or in a store by its URL.

    Args:
        word: a path, or a URL of a protocol that fsspec knows, such as `s3://bucket/photos`.

    Raises:
        ValueError: the protocol is not known, or its library is not installed.
        Unreachable: the store wants what the environment does not say.
    """
    if not isinstance(word, str):
        return word
    if not _URL.match(word) or word.startswith(("file://", "local://")):
        return Path(word.removeprefix("file://").removeprefix("local://"))
    if importlib.util.find_spec("upath") is None:
        raise ValueError(f"{word} needs fsspec and universal_pathlib, which are not installed: `{INSTALL}`.")
    protocol, _, rest = word.partition("://")
    protocol = protocol.lower()
    if protocol not in importlib.import_module("fsspec").available_protocols():
        raise ValueError(f"{word} has the protocol {protocol!r}. Expected s3, abfs, gs or another that fsspec knows.")
    with reached(word):
        found = importlib.import_module("upath").UPath(f"{protocol}://{rest}")
        # What is missing in the environment shows here, before a network is loaded.
        found.fs.invalidate_cache()
    return found


def is_stored(path: Path | StorePath) -> bool:
    """Tell whether a path leads into a store rather than to a disk."""
    return not isinstance(path, Path)


@contextmanager
def reached(what: object, done: str = "reached") -> Iterator[None]:
    """Turn what goes wrong with a store, in any library, into one error.

    Args:
        what: the URL that is shown.
        done: what was to be done with it.

    Raises:
        ValueError: a library is not installed.
        Unreachable: all else.
    """
    try:
        yield
    except Unreachable:
        raise
    except ImportError as error:
        raise ValueError(
            f"{what} needs a library that is not installed: {error}. `{INSTALL}` brings those of s3:// and abfs://."
        ) from error
    except (OSError, ValueError, *_failures()) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".!")
        raise Unreachable(
            f"{what} cannot be {done}: {said}. Expected a bucket or container that is there, credentials in the "
            "environment that allow it, and a network: docs/segment.md says which variables are read."
        ) from error


def read(path: StorePath) -> bytes:
    """Return the bytes of an object.

    Raises:
        Unreachable: it cannot be read.
    """
    with reached(path, "read"):
        return path.fs.cat_file(path.path)


def download(path: StorePath, target: Path) -> None:
    """Copy an object to a disk.

    Raises:
        Unreachable: it cannot be read.
    """
    with reached(path, "read"):
        path.fs.get_file(path.path, str(target))


def find(place: StorePath, *, besides: Path | StorePath | None = None) -> Iterator[Found]:
    """List the objects of a URL: itself, those below it, or those of its pattern. Nothing where nothing is.

    Args:
        place: where to look.
        besides: a folder that is left out.

    Raises:
        ValueError: it is an archive.
        Unreachable: the store cannot be asked.
    """
    store, word = place.fs, place.path.rstrip("/")
    with reached(place):
        # What another process put there since is to be seen.
        store.invalidate_cache()
        try:
            about = store.info(word)
        except FileNotFoundError:
            about = {}
        if about.get("type") == "file":
            root, found = address(word).rpartition("/")[0], {word: about}
        elif about:
            root, found = word, store.find(word, detail=True)
        elif glob.has_magic(word):
            root, found = _fixed(word), store.glob(word, detail=True)
        else:
            return
        # What was listed would stay in memory.
        store.invalidate_cache()
    if list(found) == [word] and address(word).lower().endswith(".zip"):
        raise ValueError(f"{place} is an archive in a store. Expected images: copy it to a disk, or unpack it there.")
    shared = besides is not None and is_stored(besides) and besides.fs == store
    # Photographs may lie below the folder of answers, as they may on a disk.
    left_out = besides.path.rstrip("/") + "/" if shared and besides.path.startswith(root + "/") else None
    for key, about in sorted(found.items()):
        # A key may hold empty parts, and even `..`, which the caller leaves out.
        name = "/".join(filter(None, address(key).removeprefix(root).split("/")))
        if about["type"] == "file" and not (left_out and key.startswith(left_out)):
            yield Found(type(place)(store.unstrip_protocol(key), **place.storage_options), name, _source(about))


def address(word: str) -> str:
    """Return what of a path or URL names it: of one on the web neither the query, which may sign it, nor a fragment."""
    return re.split("[?#]", word, maxsplit=1)[0] if word.lower().startswith(("http://", "https://")) else word


def _fixed(pattern: str) -> str:
    """Return what of a pattern is before its first part with a wildcard."""
    parts = pattern.split("/")
    return "/".join(parts[: next(number for number, part in enumerate(parts) if glob.has_magic(part))])


def _source(about: dict[str, Any]) -> tuple[int, str]:
    """Return size and mark: with and without quotes, stores mean the same by it."""
    mark = next((about[key] for key in _MARKS if about.get(key)), None)
    if mark is None:
        mark = next((about[key] for key in _TIMES if about.get(key)), "")
    if isinstance(mark, datetime):
        mark = mark.astimezone(UTC).isoformat()
    return int(about.get("size") or 0), str(mark).removeprefix("W/").strip('"')


def _failures() -> tuple[type[Exception], ...]:
    loaded = ((sys.modules.get(module), names) for module, names in _FAILURES.items())
    return tuple(getattr(module, name) for module, names in loaded if module for name in names)
