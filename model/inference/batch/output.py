"""The folder of answers: files that are whole or not there, and one run at a time. In a store: `on_store`."""

from __future__ import annotations

import itertools
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

WORK = ".streetseg"
"""Folder of what is being written; gone when all is done."""

JOURNAL = "journal.jsonl"
"""In the folder `Output.work`: what this run did, see `manifest`."""


class Output:
    """A folder that one process at a time writes into.

    Args:
        folder: holds the answers.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / WORK
        self._numbers = itertools.count()
        # Several processes, on several machines, may write for the one that holds the folder.
        self._process = uuid.uuid4().hex[:12]

    @contextmanager
    def opened(self) -> Iterator[Output]:
        """Make the folder and hold it against other runs, until the block ends; half-written files are removed.

        Raises:
            ValueError: another run writes into it, or it is a file.
        """
        try:
            self.work.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise ValueError(f"{self.folder} is a file. Expected a folder for the answers, or a new name.") from error
        with (self.work / "lock").open("w") as lock:
            _hold(lock, self.folder)
            shutil.rmtree(self.work / "new", ignore_errors=True)
            (self.work / "new").mkdir()
            yield self

    def write(self, path: str, content: bytes) -> None:
        """Put a file into the folder, whole, whenever the process is killed.

        Args:
            path: below the folder.
            content: of the file.
        """
        new = self.new_path()
        new.write_bytes(content)
        self.place(new, path)

    def new_path(self) -> Path:
        """Return a path to write a file to that `place` then puts in its place."""
        return self.work / "new" / f"{self._process}-{next(self._numbers)}"

    def place(self, new: Path, path: str) -> None:
        """Move a file from where `new_path` said to its place below the folder."""
        target = self.folder / path
        try:
            os.replace(new, target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(new, target)

    def read(self, path: str) -> bytes:
        """Return the content of a file below the folder."""
        return (self.folder / path).read_bytes()

    def size(self, path: str) -> int | None:
        """Return how many bytes a file below the folder has; None where there is none."""
        try:
            return (self.folder / path).stat().st_size
        except OSError:
            return None

    def remove(self, path: str) -> None:
        """Remove a file below the folder, if it is there."""
        (self.folder / path).unlink(missing_ok=True)

    def fetch(self, path: str) -> Path:
        """Return where a file below the folder can be opened, if it is there."""
        return self.folder / path

    def shown(self, path: Path) -> str:
        """Return what a file that `fetch` or `journals` gave is called."""
        return str(path)

    def journals(self) -> list[Path]:
        """Return what earlier runs noted, from the first to the last."""
        return [self.work / JOURNAL]

    def forget(self) -> None:
        """Remove what earlier runs noted."""
        (self.work / JOURNAL).unlink(missing_ok=True)

    def claim(self, head: bytes) -> list[Path]:
        """Put the line of this run's setting where another run sees it; return what another one put there before.

        Nothing here: the folder is held.
        """
        return []

    def keep(self, line: bytes) -> None:
        """Hear of a line of the journal: here it lasts where it is."""

    def finish(self) -> None:
        """Remove what is only needed to go on."""
        shutil.rmtree(self.work)


def _hold(lock: TextIO, folder: Path) -> None:
    """Lock a file until it is closed; the system lets go of it however the process ends."""
    # Windows has no such lock: there nothing stands between two runs into one folder.
    if os.name != "posix":
        return
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ValueError(
            f"Another run writes into {folder}. Expected it to be free: wait for the other one, or name another folder."
        ) from error
