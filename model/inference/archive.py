"""Files -> a zip, the same bytes whenever and wherever it is packed."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterable

# Where CVAT and Datumaro look for COCO annotations in a folder or a zip.
COCO_PATH = "annotations/instances_default.json"

# The first day that a zip can say.
_DAY_ONE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_READABLE = 0o644 << 16


def folders(names: Iterable[str]) -> list[str]:
    """Return a folder for each file: its name without the ending, numbered where that is taken.

    Args:
        names: of files, each plain: without folders.
    """
    taken = {posixpath.dirname(COCO_PATH)}
    found = []
    for name in names:
        stem = posixpath.splitext(name)[0]
        folder, number = stem, 1
        # Many systems take upper and lower case for the same.
        while folder.casefold() in taken:
            number += 1
            folder = f"{stem}-{number}"
        taken.add(folder.casefold())
        found.append(folder)
    return found


def pack(entries: Iterable[tuple[str, bytes]]) -> bytes:
    """Pack files.

    Args:
        entries: path and content of each, in order.

    Returns:
        The zip.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as bundle:
        for path, content in entries:
            entry = zipfile.ZipInfo(path, _DAY_ONE)
            entry.create_system, entry.external_attr = _UNIX, _READABLE
            # Pictures are compressed already.
            entry.compress_type = zipfile.ZIP_STORED if path.endswith(".png") else zipfile.ZIP_DEFLATED
            bundle.writestr(entry, content)
    return file.getvalue()
