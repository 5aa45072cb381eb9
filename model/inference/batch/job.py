"""Many images through one network, on all processors, to files: what is done stays done, whatever happens.

Who makes them is a crew: threads of this process (`crew.threads`), or actors of a Ray cluster (`on_ray.actors`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from model.inference.batch import merging, on_store, stores, tables, video, videos
from model.inference.batch.crew import Crew, Tasks
from model.inference.batch.crew import threads as threads_of
from model.inference.batch.inputs import Item, on_disk
from model.inference.batch.manifest import Manifest
from model.inference.batch.one import Answer, Job
from model.inference.batch.output import Output
from model.inference.segmenter import Segmenter

FAILED = "failed.csv"
"""In the folder of answers: the images that have none, and why."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        made: images whose answers were made.
        kept: images whose answers were there.
        failed: (name, why) of the others, by rising name.
    """

    made: int
    kept: int
    failed: tuple[tuple[str, str], ...]


def run(
    items: Sequence[Item],
    segmenter: Segmenter,
    folder: Path | stores.StorePath,
    *,
    job: Job | None = None,
    crew: Crew | None = None,
    threads: int = 1,
    restart: bool = False,
    say: Callable[[str | None], None] = lambda failed: None,
    say_frames: Callable[[int], None] = lambda frames: None,
) -> Outcome:
    """Make the answers of images that are not there yet, and the tables of all.

    Killed at any moment and run again, it ends with the same bytes as unbroken.

    Args:
        items: the images.
        segmenter: the network.
        folder: receives the answers.
        job: what to make; None for masks and tables.
        crew: makes the answers of images; None for `threads` of this process.
        threads: that take an image, or a frame of a video, each.
        restart: make all answers anew.
        say: hears of each image when it is done: None, or why it failed, with its name.
        say_frames: hears how many frames of a video are written.

    Returns:
        What became of the images. One that failed does not stop the others.

    Raises:
        ValueError: the folder holds answers made otherwise, another run writes into it, or a library is missing.
        OSError: the answers cannot be written.
    """
    job = job or Job()
    tables.check(job.tables)
    if any(item.is_video for item in items):
        video.check()
    crew = crew or threads_of(segmenter, threads)
    with on_store.output(folder).opened() as output:
        manifest = Manifest(output, _setting(segmenter, job), restart=restart)

        def answered(tasks: Tasks) -> Iterator[tuple[Item, Answer]]:
            yield from crew([each for each in tasks if not each[0].is_video], output, job)
            make = partial(videos.answer, segmenter=segmenter, output=output, job=job, threads=threads, say=say_frames)
            # One after the other: each keeps all threads busy by itself.
            for item in (item for item, _ in tasks if item.is_video):
                yield item, on_disk(item, make)

        try:
            outcome = _all(items, manifest, answered, job, say)
            tables.write(job.tables, manifest.entries, output, chosen=job.options.categories)
            if "coco" in job.formats:
                merging.write_coco(manifest.entries, output)
            if "geojson" in job.formats:
                merging.write_geojson(manifest.entries, output)
            _write_failed(output, outcome.failed)
            manifest.finish()
        finally:
            manifest.close()
        output.finish()
    return outcome


def _all(
    items: Sequence[Item],
    manifest: Manifest,
    answered: Callable[[Tasks], Iterator[tuple[Item, Answer]]],
    job: Job,
    say: Callable[[str | None], None],
) -> Outcome:
    made, failed, tasks = 0, [], []
    for item in items:
        missing = manifest.missing(item.name, item.source, videos.formats() if item.is_video else list(job.formats))
        if missing or not manifest.is_known(item.name, item.source):
            tasks.append((item, tuple(missing)))
        else:
            say(None)
    with closing(answered(tasks)) as answers:
        for item, answer in answers:
            if isinstance(answer, str):
                # Its file is another now; of one that only cannot be read today, nothing is lost.
                if not manifest.is_known(item.name, item.source):
                    manifest.forget(item.name)
                failed.append((item.name, answer))
                say(f"{item.name}: {answer}")
            else:
                manifest.add(*answer)
                made += 1
                say(None)
    return Outcome(made, len(items) - len(tasks), tuple(sorted(failed)))


def _setting(segmenter: Segmenter, job: Job) -> dict:
    options = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(job.options).items()}
    engine = {"name": segmenter.engine.name, "precision": segmenter.engine.precision}
    return {"model": segmenter.artifact.version, "engine": engine, "every": job.every or "auto", "options": options}


def _write_failed(output: Output, failed: Sequence[tuple[str, str]]) -> None:
    if failed:
        output.write(FAILED, tables.csv_bytes([("file", "reason"), *failed]))
    else:
        output.remove(FAILED)
