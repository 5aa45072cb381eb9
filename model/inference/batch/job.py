"""Many images through one network, on all processors, to files: what is done stays done, whatever happens.

Each of a few threads takes an image all the way, from its bytes to the files of its answers: decoding, the network and
encoding of different images then overlap, and no more images are in memory than there are threads.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path

from model.inference import images, positions
from model.inference.batch import formats, merging, tables, video, videos
from model.inference.batch.inputs import Item
from model.inference.batch.manifest import Manifest
from model.inference.batch.output import Output
from model.inference.options import Options
from model.inference.render import PictureTooLong
from model.inference.segmenter import Segmenter

_Answer = tuple[dict, dict] | str

FAILED = "failed.csv"
"""In the folder of answers: the images that have none, and why."""


@dataclass(frozen=True)
class Job:
    """What to make of each image.

    Attributes:
        formats: words out of `formats.FORMATS`.
        options: how an image is segmented and shown.
        tables: kinds of table, out of `tables.KINDS`.
        max_pixels: largest height x width of an image.
        every: of a video, the network sees each such frame, and those between have its labels.
    """

    formats: tuple[str, ...] = ("mask",)
    options: Options = field(default_factory=Options)
    tables: tuple[str, ...] = tables.KINDS
    max_pixels: int = images.DEFAULT_MAX_PIXELS
    every: int = 1


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
    folder: Path,
    *,
    job: Job | None = None,
    threads: int = 1,
    restart: bool = False,
    say: Callable[[str | None], None] = lambda failed: None,
    say_frames: Callable[[int], None] = lambda frames: None,
) -> Outcome:
    """Make the answers of images that are not there yet, and the tables of all.

    Killed at any moment and run again, it ends with the same bytes as unbroken.

    Args:
        items: the images.
        segmenter: the network; its engine should have as many streams as there are processors.
        folder: receives the answers.
        job: what to make; None for masks and tables.
        threads: that take an image each.
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
    with Output(folder).opened() as output:
        manifest = Manifest(output, _setting(segmenter, job), restart=restart)
        try:
            outcome = _all(items, segmenter, output, manifest, job, threads=threads, say=say, say_frames=say_frames)
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
    segmenter: Segmenter,
    output: Output,
    manifest: Manifest,
    job: Job,
    *,
    threads: int,
    say: Callable[[str | None], None],
    say_frames: Callable[[int], None],
) -> Outcome:
    made, failed, kept = 0, [], 0
    waiting = []
    for item in items:
        wanted = videos.formats() if item.is_video else list(job.formats)
        missing = manifest.missing(item.name, item.source, wanted)
        if missing or not manifest.is_known(item.name, item.source):
            waiting.append((item, tuple(missing)))
        else:
            kept += 1
            say(None)
    make = partial(_one, segmenter=segmenter, output=output, job=job)
    pictures = [each for each in waiting if not each[0].is_video]
    # One after the other: each keeps all threads busy by itself.
    films = (
        (item, videos.answer(item, segmenter, output, job.options, every=job.every, threads=threads, say=say_frames))
        for item, _ in waiting
        if item.is_video
    )
    with closing(_answered(pictures, make, threads)) as answered:
        for item, answer in chain(answered, films):
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
    return Outcome(made, kept, tuple(sorted(failed)))


def _answered(
    waiting: Sequence[tuple[Item, tuple[str, ...]]], make: Callable[[Item, tuple[str, ...]], _Answer], threads: int
) -> Iterator[tuple[Item, _Answer]]:
    """Yield each image with its entry and outputs, or with why it failed, as they come."""
    todo, done = iter(waiting), queue.Queue(maxsize=2 * threads)
    lock, stop = threading.Lock(), threading.Event()

    def work() -> None:
        while not stop.is_set():
            with lock:
                item, missing = next(todo, (None, ()))
            if item is None:
                break
            try:
                done.put((item, make(item, missing)))
            except BaseException as error:  # noqa: BLE001 - of any kind, it belongs to the thread that waits
                done.put((item, error))
                break
        done.put(None)

    workers = [threading.Thread(target=work, name=f"image-{number}", daemon=True) for number in range(threads)]
    for worker in workers:
        worker.start()
    try:
        left = threads
        while left:
            result = done.get()
            if result is None:
                left -= 1
                continue
            if isinstance(result[1], BaseException):
                raise result[1]
            yield result
    finally:
        stop.set()
        # Those that wait to hand something over find room.
        while any(worker.is_alive() for worker in workers):
            try:
                done.get(timeout=0.05)
            except queue.Empty:
                continue


def _one(item: Item, missing: tuple[str, ...], *, segmenter: Segmenter, output: Output, job: Job) -> _Answer:
    """Make those answers of an image that are missing; return its entry and where they are, or why there are none."""
    try:
        data = item.read()
        image = images.decode(data, max_pixels=job.max_pixels)
    except (OSError, ValueError) as error:
        return str(error)
    try:
        answers, summary = formats.answers(
            image, segmenter, missing, job.options, name=item.name, position=lambda: positions.read(data)
        )
    except PictureTooLong as error:
        return str(error)
    outputs = {}
    for word, content in answers.items():
        path = formats.path(word, item.stem)
        output.write(path, content)
        outputs[word] = [path, len(content)]
    return {"file": item.name, "source": list(item.source), **summary}, outputs


def _setting(segmenter: Segmenter, job: Job) -> dict:
    options = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(job.options).items()}
    engine = {"name": segmenter.engine.name, "precision": segmenter.engine.precision}
    return {"model": segmenter.artifact.version, "engine": engine, "every": job.every, "options": options}


def _write_failed(output: Output, failed: Sequence[tuple[str, str]]) -> None:
    if failed:
        output.write(FAILED, tables.csv_bytes([("file", "reason"), *failed]))
    else:
        (output.folder / FAILED).unlink(missing_ok=True)
