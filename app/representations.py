"""What `/predict` can answer with. A further format is one more entry of `REPRESENTATIONS`."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from model.inference import render
from model.inference.segmenter import Segmentation


@dataclass(frozen=True)
class Options:
    """How an image is segmented and shown.

    Attributes:
        opacity: strength of the colours over the photograph, 0 to 1.
        void: whether a pixel may be void, or always takes the best of the seven.
        mask: how JSON carries the mask.
    """

    opacity: float = 0.5
    void: Literal["shown", "never"] = "shown"
    mask: Literal["none", "png"] = "none"


class Answer(NamedTuple):
    """One image's answer: what `Representation.content` made of it, the model's version, and its stages in ms."""

    content: Any
    version: str
    timings: dict[str, float]


@dataclass(frozen=True)
class Representation:
    """One way to answer.

    Attributes:
        media_type: of the whole answer.
        takes_several: whether it can hold more than one image.
        needs_confidence: whether `content` reads the segmentation's confidence, which is not computed otherwise.
        content: makes one image's part; run while the image is at hand, so that only one is in memory at a time.
        body: puts the parts together.
    """

    media_type: str
    takes_several: bool
    needs_confidence: bool
    content: Callable[[np.ndarray, Segmentation, Options], Any]
    body: Callable[[list[Answer]], bytes]


def _overlay(image: np.ndarray, segmentation: Segmentation, options: Options) -> bytes:
    return render.overlay_png(image, segmentation, opacity=options.opacity)


def _mask(image: np.ndarray, segmentation: Segmentation, options: Options) -> bytes:
    return render.mask_png(segmentation)


def _record(image: np.ndarray, segmentation: Segmentation, options: Options) -> dict:
    record = render.summary(segmentation)
    if options.mask == "png":
        data = base64.b64encode(render.mask_png(segmentation)).decode("ascii")
        record["mask"] = {"encoding": "png", "data": data}
    return record


def _only(answers: list[Answer]) -> bytes:
    (answer,) = answers
    return answer.content


def _json(answers: list[Answer]) -> bytes:
    records = [json_record(answer) for answer in answers]
    return json.dumps(records if len(records) > 1 else records[0], ensure_ascii=False).encode("utf-8")


def json_record(answer: Answer) -> dict:
    """Return one image's JSON object."""
    timings = {stage: round(milliseconds, 1) for stage, milliseconds in answer.timings.items()}
    return {"model": answer.version, **answer.content, "timings": timings}


# The first of a media type is the one that type alone asks for, and the first of all is the default.
REPRESENTATIONS: dict[str, Representation] = {
    "overlay": Representation("image/png", False, False, _overlay, _only),
    "mask": Representation("image/png", False, False, _mask, _only),
    "json": Representation("application/json", True, True, _record, _json),
}
