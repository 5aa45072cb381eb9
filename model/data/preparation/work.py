"""The pass over all images: several threads read, one journal notes what is done, and a few pictures are in memory.

Array contract: see `model.data.preparation.cache`.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from model.data.preparation import cache, journal, manifest, reading
from model.data.preparation.changes import changed_files
from model.data.preparation.frames import Frame
from model.data.preparation.problems import Problems
from model.data.preparation.progress import Progress
from model.data.preparation.sources import Source

# Often enough that a kill costs seconds, seldom enough that waiting for the disk does not count.
_SYNC_IMAGES = 64
_SYNC_SECONDS = 3.0


@dataclass(frozen=True)
class Job:
    """What is to be done, decided in full.

    Attributes:
        source: that the frames are of.
        chosen: frames by split, in the order of their rows.
        plan: as in `manifest.plan`, with rule and samples.
        notices: for the manifest.
        out: the prepared folder.
    """

    source: Source
    chosen: Mapping[str, Sequence[Frame]]
    plan: dict
    notices: Sequence[str]
    out: Path

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the cache in pixels."""
        return self.plan["height"], self.plan["width"]

    @property
    def counts(self) -> dict[str, int]:
        """Frames by split."""
        return {split: len(frames) for split, frames in self.chosen.items()}


class _Row(NamedTuple):
    split: str
    row: int
    frame: Frame


def run(job: Job, *, workers: int, anew: bool, say: Callable[[str], None]) -> tuple[dict, int]:
    """Read all that is not done yet, and write the manifest.

    Args:
        job: what to do.
        workers: threads that read.
        anew: forget what was done before.
        say: receives lines for the user.

    Returns:
        The manifest, and how many images a run before had done.

    Raises:
        ValueError: images can't be used, `out` holds something else, or the disk is too small. What could be read is
            kept for the next run.
    """
    if job.plan["cache"]:
        # Before anything of a run before is given up.
        cache.refuse_without_room(job.out, job.counts, job.size)
    with ExitStack() as stack:
        log = stack.enter_context(closing(journal.Journal(job.out, job.plan, anew=anew)))
        before = len(log.done)
        _refuse_changes(job, log)
        (job.out / manifest.FILE).unlink(missing_ok=True)
        if before:
            say(f"going on after {before} of {sum(job.counts.values())} images")
        writer = cache.Writer(job.out, job.counts, job.size) if job.plan["cache"] else None
        if writer is not None:
            stack.enter_context(closing(writer))
        problems = _read(job, log, writer, workers=workers)
        if problems:
            say(f"{len(log.done)} of {sum(job.counts.values())} images are good and kept; mend the others, then go on")
        problems.refuse()
        records = {split: [log.done[split, row] for row in range(count)] for split, count in job.counts.items()}
        notices = [*job.notices, *_same_twice(records)]
        found = manifest.compose(job.plan, records, terms=job.source.terms, notices=notices)
        manifest.write(job.out, found)
        (job.out / journal.FILE).unlink()
    return found, before


def _refuse_changes(job: Job, log: journal.Journal) -> None:
    if not log.done:
        # Rows of another shape may lie there if a run was killed while it began anew.
        cache.remove(job.out)
        return
    changed = changed_files(log.done.values(), job.chosen)
    if job.plan["cache"]:
        changed += cache.gone(job.out, job.chosen)
    if changed:
        raise ValueError(
            f"{job.out} can't be gone on with:\n  " + "\n  ".join(changed) + "\nExpected what the run before read and "
            "wrote: put it back, or add --anew to start from the beginning."
        )


def _read(job: Job, log: journal.Journal, writer: cache.Writer | None, *, workers: int) -> Problems:
    """Do every frame that the journal does not have; return what is wrong with some."""

    def one(row: _Row) -> dict:
        found = reading.read(row.frame)
        record = reading.describe(row.frame, found, job.source.to_categories)
        if writer is not None:
            writer.write(row.split, row.row, reading.resized(found, job.size, job.source.to_categories))
        return {"split": row.split, "row": row.row} | record

    def sync() -> None:
        if writer is not None:
            writer.sync()
        log.sync()

    rows = [_Row(split, row, frame) for split, frames in job.chosen.items() for row, frame in enumerate(frames)]
    todo = [row for row in rows if (row.split, row.row) not in log.done]
    problems = Problems()
    synced, last = 0, time.monotonic()
    with ExitStack() as stack:
        # Whatever ends this, what is done is kept.
        stack.callback(sync)
        progress = stack.enter_context(Progress(len(rows), done=len(rows) - len(todo)))
        for index, future in enumerate(_in_order(one, todo, workers), 1):
            try:
                log.add(future.result())
            except reading.Unusable as error:
                problems.add(error.kind, str(error))
            progress.step()
            if index - synced >= _SYNC_IMAGES or time.monotonic() - last >= _SYNC_SECONDS:
                sync()
                synced, last = index, time.monotonic()
    return problems


def _in_order(one: Callable[[_Row], dict], todo: Sequence[_Row], workers: int) -> Iterator[Future]:
    """Yield finished work in its order, never holding more than a few pictures however many there are."""
    waiting: deque[Future] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for row in todo:
                waiting.append(pool.submit(one, row))
                if len(waiting) > 4 * workers:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            for future in waiting:
                future.cancel()


def _same_twice(records: Mapping[str, Sequence[dict]]) -> list[str]:
    """Tell of one and the same photograph in two splits, which flatters every score."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for split, rows in records.items():
        for record in rows:
            found[record["image"]["sha256"]].setdefault(split, record["name"])
    return [
        "the same photograph is in " + " and in ".join(f"{split} ({name})" for split, name in places.items())
        for places in found.values()
        if len(places) > 1
    ]
