"""The folder of answers in an object store, which can neither append to an object nor rename one at once.

Objects appear whole by themselves. What is done is noted on this disk and goes into the store in parts, each with the
setting at its head; a further run reads them, and the manifest takes their place in the end.
"""

from __future__ import annotations

import functools
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from model.inference.batch import stores
from model.inference.batch.output import WORK, Output

# A kill costs the answers since the last part: at most so many images, or those of so many seconds and the next one.
_IMAGES = 1000
_SECONDS = 10.0
_JOURNAL = f"{WORK}/journal"
_FIRST = f"{_JOURNAL}/00000000.jsonl"
# Small objects that are fetched or removed at a time.
_REQUESTS = 16
# Folders of answers whose listings are kept at once: an image's are in one for each format.
_FOLDERS = 64
# Theirs is a whole object or none; elsewhere, it is written aside and moved.
_WHOLE = ("s3", "s3a", "abfs", "abfss", "az", "gs", "gcs")


def output(folder: Path | stores.StorePath) -> Output:
    """Return what writes into a folder, on a disk or in a store."""
    return StoreOutput(folder) if stores.is_stored(folder) else Output(folder)


class StoreOutput(Output):
    """A folder in a store. Several processes may write the same answers into it, but not those of another setting.

    Args:
        folder: holds the answers.
    """

    def __init__(self, folder: stores.StorePath) -> None:
        super().__init__(folder)
        self._store, self._root = folder.fs, folder.path.rstrip("/")
        self._listing = functools.lru_cache(_FOLDERS)(self._list)
        self._head, self._lines, self._parts, self._since = b"", [], 0, 0.0
        self._copies: dict[Path, str] = {}

    @contextmanager
    def opened(self) -> Iterator[Output]:
        """Have a folder on this disk for what is being written, until the block ends.

        Raises:
            Unreachable: the store does not answer.
        """
        with tempfile.TemporaryDirectory(prefix="streetseg-") as work:
            self.work = Path(work)
            (self.work / "new").mkdir()
            self._since = time.monotonic()
            try:
                yield self
            finally:
                # After a fault: what cannot be noted is made again, and the fault is what has to be shown.
                with suppress(OSError):
                    self._put_part()

    def write(self, path: str, content: bytes) -> None:
        """Put an object into the folder, whole, whenever the process is killed."""
        with stores.reached(self.folder / path, "written"), self._placing(path) as target:
            self._store.pipe_file(target, content)

    def place(self, new: Path, path: str) -> None:
        """Put a file from where `new_path` said to its place in the store."""
        with stores.reached(self.folder / path, "written"), self._placing(path) as target:
            self._store.put_file(str(new), target)
        new.unlink()

    def read(self, path: str) -> bytes:
        """Return the content of an object."""
        return stores.read(self.folder / path)

    def size(self, path: str) -> int | None:
        """Return how many bytes an object had when its folder was looked at; None where there was none."""
        folder, _, name = path.rpartition("/")
        return self._listing(folder).get(name)

    def remove(self, path: str) -> None:
        """Remove an object, if it is there."""
        with stores.reached(self.folder / path, "removed"), suppress(FileNotFoundError):
            self._store.rm_file(self._key(path))

    def fetch(self, path: str) -> Path:
        """Return where a copy of an object is on this disk, if it is in the store."""
        copy = self.work / path.replace("/", "-")
        with stores.reached(self.folder / path, "read"), suppress(FileNotFoundError):
            self._store.get_file(self._key(path), str(copy))
        self._copies[copy] = str(self.folder / path)
        return copy

    def shown(self, path: Path) -> str:
        """Return what a file that `fetch` or `journals` gave is called."""
        return self._copies.get(path, str(path))

    def journals(self) -> list[Path]:
        """Return copies of the parts that earlier runs noted, from the first to the last."""
        names = [name for name in self._below(_JOURNAL) if name.endswith(".jsonl")]
        self._parts = max((int(name.partition("-")[0].removesuffix(".jsonl")) for name in names), default=0)
        with ThreadPoolExecutor(_REQUESTS) as pool:
            return list(pool.map(self.fetch, [f"{_JOURNAL}/{name}" for name in names]))

    def forget(self) -> None:
        """Remove what earlier runs noted."""
        with ThreadPoolExecutor(_REQUESTS) as pool:
            list(pool.map(self.remove, [f"{WORK}/{name}" for name in self._below(WORK)]))

    def claim(self, head: bytes) -> list[Path]:
        """Put a setting into the folder, where none is; of two runs that begin together, one finds the other's.

        Args:
            head: the line that tells it.

        Returns:
            A copy of that of a run that was there before.
        """
        self._head = head
        with stores.reached(self.folder):
            try:
                self._store.pipe_file(self._key(_FIRST), head, mode="create")
            except FileExistsError:
                return [self.fetch(_FIRST)]
        return []

    def keep(self, line: bytes) -> None:
        """Note a line in the store, with others, soon."""
        self._lines.append(line)
        if len(self._lines) >= _IMAGES or time.monotonic() - self._since > _SECONDS:
            self._put_part()

    def finish(self) -> None:
        """Remove what is only needed to go on."""
        self._lines = []
        self.forget()

    def _put_part(self) -> None:
        if self._lines:
            self._parts += 1
            # Another process may have as many.
            self.write(f"{_JOURNAL}/{self._parts:08}-{self._process}.jsonl", b"".join([self._head, *self._lines]))
            self._lines = []
        self._since = time.monotonic()

    @contextmanager
    def _placing(self, path: str) -> Iterator[str]:
        target = self._key(path)
        if self.folder.protocol in _WHOLE:
            yield target
            return
        aside = self._key(f"{WORK}/new/{self._process}-{next(self._numbers)}")
        for each in (aside, target):
            self._store.makedirs(each.rpartition("/")[0], exist_ok=True)
        yield aside
        self._store.mv(aside, target)

    def _key(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _below(self, path: str) -> list[str]:
        """List the names of all that is below a folder."""
        key = self._key(path) + "/"
        with stores.reached(self.folder):
            self._store.invalidate_cache()
            found = self._store.find(key.rstrip("/"))
        return sorted(name.removeprefix(key) for name in found if name.startswith(key))

    def _list(self, folder: str) -> dict[str, int]:
        key = self._key(folder).rstrip("/")
        with stores.reached(self.folder):
            self._store.invalidate_cache()
            with suppress(FileNotFoundError):
                found = self._store.ls(key, detail=True)
                return {each["name"].rpartition("/")[2]: each["size"] for each in found if each["type"] == "file"}
        return {}
