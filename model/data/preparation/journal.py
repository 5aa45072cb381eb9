"""What is done already, one line a frame, so that a run that was killed goes on and ends as an unbroken one.

The first line tells what is being prepared and how; the others are the records of `reading.describe` with their split
and row. A line is written only after its row of the cache is on the disk, so whatever a line names is there.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import BinaryIO

from model.data.preparation.changes import differences_of

FILE = "preparing.jsonl"


class Journal:
    """The journal of one prepared folder, locked against a second run."""

    def __init__(self, root: Path, plan: dict, *, anew: bool) -> None:
        """Open the journal of a run that was broken off, or begin one.

        Args:
            root: the prepared folder.
            plan: what is to be done, JSON-ready; see `manifest.plan`.
            anew: forget what was done before.

        Raises:
            ValueError: another run is at work there, or was broken off with another plan.
        """
        self._pending: list[bytes] = []
        self.done: dict[tuple[str, int], dict] = {}
        self._file = _locked(root / FILE)
        try:
            lines = [] if anew else self._whole_lines()
            if len(lines) == 1:
                # Nothing was done by that plan, so another one takes its place.
                lines = []
            if lines:
                _refuse_other_plan(root, json.loads(lines[0]), plan)
                records = [json.loads(line) for line in lines[1:]]
                self.done = {(record["split"], record["row"]): record for record in records}
            # Cuts off what a kill left of a last line.
            self._file.truncate(sum(map(len, lines)))
            self._file.seek(0, os.SEEK_END)
            if not lines:
                self._file.write(_line(plan))
                self._flush()
        except BaseException:
            self._file.close()
            raise

    def add(self, record: dict) -> None:
        """Note that a frame is done; `sync` writes it."""
        self._pending.append(_line(record))
        self.done[record["split"], record["row"]] = record

    def sync(self) -> None:
        """Write what was added. To be called when the rows of the cache are on the disk."""
        self._file.write(b"".join(self._pending))
        self._pending.clear()
        self._flush()

    def close(self) -> None:
        """Let go of the file and its lock."""
        self._file.close()

    def _whole_lines(self) -> list[bytes]:
        lines = self._file.read().splitlines(keepends=True)
        return lines[:-1] if lines and not lines[-1].endswith(b"\n") else lines

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def _locked(path: Path) -> BinaryIO:
    # Not at the top: Windows has none, and can still read what was prepared elsewhere.
    import fcntl

    # Nothing is cut off before the lock is held: the file may be of a run that began a moment ago.
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
    try:
        # The kernel lets go of it when the process ends, however it ends.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise ValueError(f"Another run is preparing {path.parent}. Expected one at a time: wait for it.") from error
    return file


def _refuse_other_plan(root: Path, before: dict, now: dict) -> None:
    differences = differences_of(before, now)
    if differences:
        raise ValueError(
            f"{root} holds a run that was broken off and was of something else:\n  " + "\n  ".join(differences) + "\n"
            "Expected the same source and flags to go on with it: repeat them, name another --out, or add --anew to "
            "start from the beginning."
        )


def _line(value: dict) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
