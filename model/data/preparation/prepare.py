"""What `python -m model prepare` does from end to end: list, divide, look whether it is done, then read every image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from model.data.preparation import cache, journal, manifest, reading, splits, work
from model.data.preparation.changes import changed_files, differences_of
from model.data.preparation.frames import Frame
from model.data.preparation.problems import ADVICE, PLACEHOLDER
from model.data.preparation.sources import Source, open_source

_GLANCE = 10


@dataclass(frozen=True)
class Settings:
    """What decides a prepared folder, beside its source.

    Attributes:
        size: (height, width) of the cache in pixels.
        cached: write it at all.
        limit: at most so many images of each split, evenly spread over it; None for all.
        wishes: which cities go where.

    Raises:
        ValueError: a number is below 1; the message names its flag.
    """

    size: tuple[int, int] = (320, 640)
    cached: bool = True
    limit: int | None = None
    wishes: splits.Wishes = field(default_factory=splits.Wishes)

    def __post_init__(self) -> None:
        for name, value in zip(("height", "width", "limit"), (*self.size, self.limit), strict=True):
            if value is not None and value < 1:
                raise ValueError(f"--{name} is {value}. Expected at least 1.")


class Prepared(NamedTuple):
    """A finished manifest, and how many of its images runs before this one had read."""

    manifest: dict
    before: int


def prepare(
    given: Sequence[str | Path],
    out: Path,
    settings: Settings,
    *,
    workers: int = 2,
    anew: bool = False,
    say: Callable[[str], None] = print,
) -> Prepared:
    """Prepare a data set, or go on where a run was broken off.

    Args:
        given: as in `sources.open_source`.
        out: folder that receives manifest and cache; made when absent.
        settings: what decides the result.
        workers: threads that read.
        anew: forget what `out` holds of runs before.
        say: receives lines for the user.

    Returns:
        The manifest, which lies in `out` too.

    Raises:
        ValueError: something is wrong with the source or the flags, or `out` holds something else. Of each kind of
            problem, the message names up to ten and the total.
    """
    if workers < 1:
        raise ValueError(f"--workers is {workers}. Expected at least 1.")
    with open_source(given, synthetic_size=settings.size) as source:
        job = _planned(source, out, settings)
        _refuse_placeholders(job)
        _tell(job, say)
        _claim(out)
        finished = None if anew else _finished(job)
        if finished is not None:
            return Prepared(finished, len(finished["samples"]))
        return Prepared(*work.run(job, workers=workers, anew=anew, say=say))


def _planned(source: Source, out: Path, settings: Settings) -> work.Job:
    assignment = splits.assign(source.frames, settings.wishes, source.problems)
    source.problems.refuse()
    chosen = {split: _limited(frames, settings.limit) for split, frames in assignment.splits.items()}
    plan = manifest.plan(
        layout=source.layout, paths=source.paths, size=settings.size, cached=settings.cached, limit=settings.limit
    )
    names = {split: [frame.name for frame in frames] for split, frames in chosen.items()}
    return work.Job(source, chosen, plan | {"rule": assignment.rule, "samples": names}, assignment.notices, out)


def _limited(frames: list[Frame], limit: int | None) -> list[Frame]:
    if limit is None or len(frames) <= limit:
        return frames
    return [frames[index * len(frames) // limit] for index in range(limit)]


def _tell(job: work.Job, say: Callable[[str], None]) -> None:
    say(f"{job.source.layout}: {', '.join(map(str, job.source.paths)) or 'streets that this program draws'}")
    for split, frames in job.chosen.items():
        cities = sorted({frame.city for frame in frames} - {None})
        say(f"  {split}: {len(frames)} images" + (f" of {', '.join(cities)}" if cities else ""))
    for notice in job.notices:
        say(f"  {notice}")


def _claim(out: Path) -> None:
    """Make the folder, or see that it holds nothing of anyone else's."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out} is a file. Expected a folder, or the name of a new one: name another --out.")
    out.mkdir(parents=True, exist_ok=True)
    begun = (out / journal.FILE).exists()
    if (out / manifest.FILE).exists() and not begun:
        manifest.read(out)
    elif not begun and any(out.iterdir()):
        raise ValueError(f"{out} is not empty and was not made by prepare. Expected a new folder: name another --out.")


def _finished(job: work.Job) -> dict | None:
    """Return the manifest where the folder is prepared already, from this source and as these flags ask."""
    if (job.out / journal.FILE).exists() or not (job.out / manifest.FILE).exists():
        return None
    found = manifest.read(job.out)
    differences = differences_of(manifest.planned(found), job.plan) + changed_files(found["samples"], job.chosen)
    if differences:
        raise ValueError(
            f"{job.out} is prepared from something else:\n  " + "\n  ".join(differences) + "\n"
            "Expected the same source and flags: name another --out, or add --anew to prepare it again."
        )
    gone = cache.gone(job.out, job.chosen) if job.plan["cache"] else []
    if gone:
        raise ValueError(
            f"{job.out} is not whole any more:\n  " + "\n  ".join(gone) + "\n"
            "Expected what prepare wrote: put it back, or add --anew to prepare it again."
        )
    return found


def _refuse_placeholders(job: work.Job) -> None:
    """Look at some masks of the official test before all is read: they are known for having no truth."""
    frames = [frame for chosen in job.chosen.values() for frame in chosen]
    asked = [frame for frame in frames if frame.origin == "test" and frame.city is not None]
    looked_at, found = asked[:_GLANCE], []
    for frame in looked_at:
        try:
            reading.describe(frame, reading.read(frame), job.source.to_categories)
        except reading.Unusable as error:
            found += [str(error)] if error.kind == PLACEHOLDER else []
    if found:
        raise ValueError(
            f"{len(asked)} images of the official test are asked for, whose masks are placeholders. Of the first "
            f"{len(looked_at)}, these are:\n  " + "\n  ".join(found) + f"\n{ADVICE[PLACEHOLDER]}"
        )
