"""What is done: one line of JSON for each image, appended as soon as its answers are whole, sorted in the end.

A file of lines, because a process that is killed can spoil no more than the last one, and because a million of them
need not be in memory at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from model.inference.batch.output import JOURNAL, Output

NAME = "manifest.jsonl"
"""In the folder of answers, once all that could be done is done."""


class _Known(NamedTuple):
    """Where a line lies, and what decides whether it still holds."""

    path: Path
    offset: int
    source: tuple[int, int | str]
    outputs: dict[str, list]


class Manifest:
    """Reads what earlier runs did, and writes what this one does.

    Args:
        output: opened.
        setting: what all answers have in common, ready for JSON: the network, the precision, the options.
        restart: forget what earlier runs did.

    Raises:
        ValueError: earlier runs had another setting, or wrote a manifest that cannot be read.
    """

    def __init__(self, output: Output, setting: dict, *, restart: bool = False) -> None:
        self._output = output
        self._setting = {"streetseg": 1, **setting}
        self._known: dict[str, _Known] = {}
        self._journal_path = output.work / JOURNAL
        if restart:
            output.remove(NAME)
            output.forget()
        for path in (output.fetch(NAME), *output.journals()):
            self._read(path)
        for path in output.claim(_line(self._setting)):
            self._read(path)
        self._journal = self._journal_path.open("ab")
        if not self._journal.tell():
            self._append(_line(self._setting))

    def missing(self, name: str, source: tuple[int, int | str], formats: list[str]) -> list[str]:
        """Say which answers an image still needs: none, or those whose files are not there as they were written.

        Args:
            name: of the image.
            source: that its file has now.
            formats: that are asked for.
        """
        known = self._known.get(name)
        if known is None or known.source != source:
            return formats
        return [each for each in formats if each not in known.outputs or not self._is_there(known.outputs[each])]

    def is_known(self, name: str, source: tuple[int, int | str]) -> bool:
        """Tell whether an image has a line."""
        return name in self._known and self._known[name].source == source

    def add(self, entry: dict, outputs: dict[str, list]) -> None:
        """Note that an image's answers are whole.

        Args:
            entry: ready for JSON, `file` and `source` among it.
            outputs: path and bytes of each answer that was written now, by format.
        """
        source = tuple(entry["source"])
        known = self._known.get(entry["file"])
        if known is not None and known.source == source:
            outputs = known.outputs | outputs
        outputs = dict(sorted(outputs.items()))
        line = _line(entry | {"outputs": outputs})
        offset = self._append(line)
        self._output.keep(line)
        self._known[entry["file"]] = _Known(self._journal_path, offset, source, outputs)

    def forget(self, name: str) -> None:
        """Drop an image that can no longer be read, and the answers to what it was before.

        Args:
            name: of the image.
        """
        known = self._known.pop(name, None)
        for path, _ in known.outputs.values() if known else ():
            self._output.remove(path)

    def entries(self) -> Iterator[dict]:
        """Read the lines of all images, by rising name."""
        self._journal.flush()
        files = {}
        try:
            for _, known in sorted(self._known.items()):
                if known.path not in files:
                    files[known.path] = known.path.open("rb")
                files[known.path].seek(known.offset)
                yield json.loads(files[known.path].readline())
        finally:
            for file in files.values():
                file.close()

    def finish(self) -> None:
        """Put the sorted manifest into the folder of answers: equal answers give an equal one."""
        new = self._output.new_path()
        with new.open("wb") as file:
            file.write(_line(self._setting))
            for entry in self.entries():
                file.write(_line(entry))
        self._output.place(new, NAME)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    def _append(self, line: bytes) -> int:
        offset = self._journal.tell()
        self._journal.write(line)
        # To the system, which keeps it when this process is killed.
        self._journal.flush()
        return offset

    def _read(self, path: Path) -> None:
        if not path.is_file():
            return
        with path.open("rb") as file:
            offset = 0
            for number, line in enumerate(file):
                if not line.endswith(b"\n"):
                    # Cut off by a kill. What comes next must begin on a line of its own.
                    break
                if number == 0:
                    self._check_setting(self._parsed(path, line))
                else:
                    entry = self._parsed(path, line)
                    self._known[entry["file"]] = _Known(path, offset, tuple(entry["source"]), entry["outputs"])
                offset += len(line)
        if path == self._journal_path and path.stat().st_size > offset:
            with path.open("r+b") as file:
                file.truncate(offset)

    def _check_setting(self, found: dict) -> None:
        differing = [
            f"{key} {json.dumps(old.get(key))} (now {json.dumps(value)})"
            for old, new in ((found, self._setting), (found.get("options", {}), self._setting["options"]))
            for key, value in new.items()
            if key != "options" and old.get(key) != value
        ]
        if differing:
            raise ValueError(
                f"{self._output.folder} holds answers made with {', '.join(differing)}. Expected the same, so that all "
                "answers in a folder go together: name another folder, or say --restart to make them anew."
            )

    def _is_there(self, output: list) -> bool:
        path, size = output
        return self._output.size(path) == size

    def _parsed(self, path: Path, line: bytes) -> dict:
        try:
            return json.loads(line)
        except ValueError as error:
            shown = self._output.shown(path)
            raise ValueError(
                f"{shown} cannot be read. Expected a line of JSON for each image: remove it, and all is made anew."
            ) from error


def _line(entry: dict) -> bytes:
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"
