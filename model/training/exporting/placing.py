"""Files and folders that were just made take the place of those that were there."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from model import artifact as artifacts


def put_in_place(made: Path, path: Path) -> None:
    """Replace an exported file by one that was just made and checked, on the same file system.

    Args:
        made: an OpenVINO `.xml` with its `.bin` beside it, a folder, or a plain file; gone afterwards.
        path: takes its place. A reader sees the old file or the new one; of a folder and of OpenVINO's two files it
            sees nothing for a moment, and for good where this is killed in between: export again.
    """
    if made.suffix == ".xml":
        # New weights under the old graph would be a network that nobody made; without a graph there is none.
        path.unlink(missing_ok=True)
        os.replace(made.with_suffix(".bin"), path.with_suffix(".bin"))
    if made.is_dir() and path.is_dir():
        # A folder cannot be renamed onto one that is not empty.
        old = made.with_name(f"old-{path.name}")
        os.replace(path, old)
        os.replace(made, path)
        shutil.rmtree(old)
    else:
        os.replace(made, path)


def parts(path: Path) -> list[Path]:
    """List the files that make an exported one, by name: both of OpenVINO, all in a folder, or the file itself."""
    if path.is_dir():
        return sorted(inner for inner in path.rglob("*") if inner.is_file())
    return sorted({path, path.with_suffix(".bin")}) if path.suffix == ".xml" else [path]


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of an exported file.

    Where it is several files: of what `sha256sum` prints for them in order of their names, relative to the folder.
    """
    files = parts(path)
    if files == [path]:
        return artifacts.sha256(path)
    folder = path if path.is_dir() else path.parent
    lines = [f"{artifacts.sha256(file)}  {file.relative_to(folder).as_posix()}\n" for file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
