"""One image of a job, from its bytes to the files of its answers; wherever it is done, the files are the same."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from model.inference import images, positions
from model.inference.batch import formats, tables
from model.inference.batch.inputs import Item
from model.inference.batch.output import Output
from model.inference.options import Options
from model.inference.render import PictureTooLong
from model.inference.segmenter import Segmenter

Answer = tuple[dict, dict] | str
"""An entry of the manifest, and path and bytes of each file by format; or why there is none."""


_FREE = nullcontext()


@dataclass(frozen=True)
class Job:
    """What to make of each image.

    Attributes:
        formats: words out of `formats.FORMATS`.
        options: how an image is segmented and shown.
        tables: kinds of table, out of `tables.KINDS`.
        max_pixels: largest height x width of an image.
        every: of a video, the network sees each such frame, and those between have its labels; None as in
            `video.Pace`.
    """

    formats: tuple[str, ...] = ("mask",)
    options: Options = field(default_factory=Options)
    tables: tuple[str, ...] = tables.KINDS
    max_pixels: int = images.DEFAULT_MAX_PIXELS
    every: int | None = None


def answer(
    item: Item,
    missing: tuple[str, ...],
    *,
    segmenter: Segmenter,
    output: Output,
    job: Job,
    seat: AbstractContextManager = _FREE,
) -> Answer:
    """Make those answers of an image that are missing.

    Args:
        item: the image.
        missing: formats.
        segmenter: the network.
        output: receives the files.
        job: how.
        seat: held while there is something to compute, not while the image is read or its files are written.

    Returns:
        What the manifest needs, or why there is nothing.
    """
    try:
        data = item.read()
    except (OSError, ValueError) as error:
        return str(error)
    with seat:
        computed = _computed(data, missing, item=item, segmenter=segmenter, job=job)
    if isinstance(computed, str):
        return computed
    answers, summary = computed
    outputs = {}
    for word, content in answers.items():
        path = formats.path(word, item.stem)
        output.write(path, content)
        outputs[word] = [path, len(content)]
    return {"file": item.name, "source": list(item.source), **summary}, outputs


def _computed(
    data: bytes, missing: tuple[str, ...], *, item: Item, segmenter: Segmenter, job: Job
) -> tuple[dict[str, bytes], dict] | str:
    """Return files by format and the summary; or why there is nothing."""
    try:
        image = images.decode(data, max_pixels=job.max_pixels)
    except (OSError, ValueError) as error:
        return str(error)
    try:
        return formats.answers(
            image, segmenter, missing, job.options, name=item.name, position=lambda: positions.read(data)
        )
    except PictureTooLong as error:
        return str(error)
