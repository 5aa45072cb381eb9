"""The one way through: bytes -> decode -> segment -> render, inside a place of the queue."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from flask import current_app, g, request

from app import bodies, headers, metrics, presence, service
from app.config import MILLION
from app.errors import Problem, from_image_error
from app.presence import ClientLeft
from model.inference import images
from model.inference.options import Options
from model.inference.render import PictureTooLong
from model.inference.representations import Answer, Representation, by_void
from model.inference.segmenter import Segmentation

# How many times the largest body the answers to several images may have together. In a zip, photographs of streets have
# 5 to 14 times their JPEG; but a small WebP may repeat noise so far apart that no PNG of it is small.
_MOST_GROWTH = 10


def segment(
    segmenter: service.Segmenter,
    uploads: list[bytes],
    representation: Representation,
    options: Options,
    *,
    names: Sequence[str] = (),
) -> list[Answer]:
    """Answer for each image of a request.

    Args:
        segmenter: the network.
        uploads: the files' bytes.
        representation: what to make of each.
        options: how.
        names: what the client calls the files, where it matters.

    Returns:
        As many answers, in order. Their stages are counted towards this response's `Server-Timing`.

    Raises:
        Refused: the queue is full, or the wait was too long.
        Problem: an image is refused; the first that is ends the request. 413: the answers together are too large.
        ClientLeft: nobody waits for the answer.
    """
    g.format = representation.format
    g.left = presence.watch(request.environ)
    with service.current().admission.place(gone=g.left) as waited:
        headers.add_timings({"queue": waited * 1000})
        bodies.require_room_for_answer()
        answers, kept = [], 0
        for number, (upload, name) in enumerate(zip_longest(uploads, names, fillvalue="image"), start=1):
            try:
                answers.append(_one(upload, segmenter, representation, options)._replace(name=name))
            except images.ImageError as error:
                raise from_image_error(error, number=number if len(uploads) > 1 else None) from error
            kept += _bytes_in(answers[-1].content)
            if len(uploads) > 1:
                _check_kept(kept, number)
    return answers


def _bytes_in(content: object) -> int:
    """Return how large the files in an answer are; what else there is never is large."""
    if isinstance(content, dict):
        return sum(map(_bytes_in, content.values()))
    return len(content) if isinstance(content, bytes) else 0


def _check_kept(kept: int, number: int) -> None:
    limit = _MOST_GROWTH * current_app.config["MAX_CONTENT_LENGTH"]
    if kept > limit:
        detail = (
            f"The answers to the first {number} images have {kept:,} bytes. Expected {limit:,} at most for all: send "
            "fewer images in one request."
        )
        raise Problem(413, "answer-too-large", detail, limit=limit)


def _one(upload: bytes, segmenter: service.Segmenter, representation: Representation, options: Options) -> Answer:
    timings: dict[str, float] = {}
    with headers.stage(timings, "decode"):
        image = images.decode(upload, max_pixels=int(current_app.config["MAX_MEGAPIXELS"] * MILLION))
    content, version = _contents(image, segmenter, representation, options, timings)
    headers.add_timings(timings)
    return Answer(content, version, timings, options=options)


def _contents(
    image: np.ndarray,
    segmenter: service.Segmenter,
    representation: Representation,
    options: Options,
    timings: dict[str, float],
) -> tuple[object, str]:
    """Return the content, of a bundle by format, and the version of the network, which runs once for each `void`."""
    size = segmenter.artifact.size if options.size == "network" else options.size
    parts = representation.parts or (representation,)
    contents = {}
    rendering = 0.0
    for void, alike in by_void(parts, options).items():
        if g.left():
            raise ClientLeft
        confidence = any(part.needs_confidence for part in alike)
        segmentation = segmenter.segment(image, void=void, size=size, confidence=confidence)
        for name, milliseconds in segmentation.timings.items():
            timings[name] = timings.get(name, 0) + milliseconds
        if not contents:
            headers.add_familiarity(segmentation.familiarity)
            metrics.current().count_image(segmentation)
        with headers.stage(timings, "render"):
            contents |= {part.format: _content(part, image, segmentation, options) for part in alike}
        rendering += timings["render"]
    timings["render"] = rendering
    return contents if representation.parts else contents[representation.format], segmentation.version


def _content(part: Representation, image: np.ndarray, segmentation: Segmentation, options: Options) -> object:
    try:
        return part.content(image, segmentation, options)
    except PictureTooLong as error:
        raise Problem(406, "not-acceptable", str(error), allowed=("image/png", "image/jpeg")) from error
