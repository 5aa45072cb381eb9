"""The one way through: bytes -> decode -> segment -> render, inside a place of the queue."""

from __future__ import annotations

from flask import current_app

from app import headers, service
from app.config import MILLION
from app.errors import from_image_error
from app.representations import Answer, Options, Representation
from model.inference import images


def segment(
    segmenter: service.Segmenter, uploads: list[bytes], representation: Representation, options: Options
) -> list[Answer]:
    """Answer for each image of a request.

    Args:
        segmenter: the network.
        uploads: the files' bytes.
        representation: what to make of each.
        options: how.

    Returns:
        As many answers, in order. Their stages are counted towards this response's `Server-Timing`.

    Raises:
        Refused: the queue is full, or the wait was too long.
        Problem: an image is refused; the first that is ends the request.
    """
    with service.current().admission.place() as waited:
        headers.add_timings({"queue": waited * 1000})
        answers = []
        for number, upload in enumerate(uploads, start=1):
            try:
                answers.append(_one(upload, segmenter, representation, options))
            except images.ImageError as error:
                raise from_image_error(error, number=number if len(uploads) > 1 else None) from error
    return answers


def _one(upload: bytes, segmenter: service.Segmenter, representation: Representation, options: Options) -> Answer:
    timings: dict[str, float] = {}
    with headers.stage(timings, "decode"):
        image = images.decode(upload, max_pixels=int(current_app.config["MAX_MEGAPIXELS"] * MILLION))
    segmentation = segmenter.segment(image, void=options.void, confidence=representation.needs_confidence)
    timings |= segmentation.timings
    with headers.stage(timings, "render"):
        content = representation.content(image, segmentation, options)
    headers.add_timings(timings)
    return Answer(content, segmentation.version, timings)
