"""The image-segmentation task of Hugging Face's Inference API, so that its clients work unchanged.

Source: the task's schema in @huggingface/tasks, and the client in huggingface_hub: without parameters it sends the file
itself, with them JSON of `inputs` (base64) and `parameters`. It fetches addresses itself; here nothing is fetched.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from flask import Blueprint, Response, request

from app import ops, processing, service, uploads
from app.errors import Problem
from model import categories
from model.inference import counting, png, render
from model.inference.options import Options
from model.inference.representations import Answer, Representation
from model.inference.segmenter import Segmentation

blueprint = Blueprint("huggingface", __name__, url_prefix="/compat/huggingface")

VOID = ("shown", "never")
THRESHOLDS = ("threshold", "mask_threshold", "overlap_mask_area_threshold")
PARAMETERS = (*THRESHOLDS, "subtask")
SUBTASK = "semantic"

_EXPECTED = 'Expected {"inputs": "<base64 or data: URI>", "parameters": {...}}, or the file itself as the body.'


class Wanted(NamedTuple):
    """What a client asks.

    Attributes:
        threshold: lowest mean confidence of a mask, 0 to 1.
        mask_threshold: lowest confidence of a pixel in a mask, 0 to 1.
        void: as `Segmenter.segment` takes it.
    """

    threshold: float = 0
    mask_threshold: float = 0
    void: Literal["shown", "never"] = "shown"


@blueprint.post("")
def image_segmentation() -> Response:
    """Answer with one mask for each category that the picture has."""
    # First, so that no upload is read by a service that cannot answer yet.
    segmenter = service.current().segmenter
    upload, parameters = _read()
    wanted = _wanted(parameters, request.args.to_dict())
    segments = Representation(
        media_type="application/json",
        takes_several=False,
        needs_confidence=True,
        content=partial(_segments, wanted=wanted),
        body=_body,
    )
    answers = processing.segment(segmenter, [upload], segments, Options(void=wanted.void))
    return Response(segments.body(answers), content_type=segments.media_type)


@blueprint.get("/health")
def health() -> Response:
    """Answer as `/readyz`; `InferenceClient.health_check` asks here."""
    return ops.readyz()


@blueprint.after_request
def _forbid_caching(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _read() -> tuple[bytes, dict]:
    """Return the file and the parameters. A file may come under any content type, or none: its first bytes tell."""
    if request.mimetype == "multipart/form-data":
        allowed = ("application/json", *uploads.IMAGE_TYPES)
        detail = "The body is a form. Expected the file itself, or JSON."
        raise Problem(415, "unsupported-content-type", detail, allowed=allowed)
    if request.mimetype != "application/json":
        body = uploads.whole_body()
        if not body:
            raise Problem(400, "no-image", "The body is empty. Send an image.")
        return body, {}
    document = uploads.json_body(expected=_EXPECTED)
    if not isinstance(document, dict) or not isinstance(document.get("inputs"), str):
        raise Problem(400, "no-image", f"The JSON has no text member named inputs. {_EXPECTED}")
    # Other clients write the member without a value.
    parameters = {} if document.get("parameters") is None else document["parameters"]
    if not isinstance(parameters, dict):
        raise Problem(422, "parameter-out-of-range", f"The member parameters is no object. {_EXPECTED}")
    return uploads.decode_base64(document["inputs"], member="inputs"), parameters


def _wanted(parameters: Mapping[str, object], query: Mapping[str, str]) -> Wanted:
    given = {name: value for name, value in parameters.items() if value is not None}
    _check_known(given, PARAMETERS, "a parameter of image segmentation")
    _check_known(query, ("void",), "a parameter of this address")
    for name in THRESHOLDS:
        _check(name, given.get(name, 0), "a number from 0 to 1", _is_fraction(given.get(name, 0)))
    subtask = given.get("subtask", SUBTASK)
    _check("subtask", subtask, f"{SUBTASK}: this network tells categories apart, not objects", subtask == SUBTASK)
    void = query.get("void", "shown")
    _check("void", void, " or ".join(VOID), void in VOID)
    # Masks that never overlap lose no area to each other, so the third threshold leaves them all.
    return Wanted(given.get("threshold", 0), given.get("mask_threshold", 0), void)


def _check_known(given: Mapping[str, object], known: tuple[str, ...], what: str) -> None:
    for name in given:
        if name not in known:
            detail = f"{name[:64]!r} is not {what}. Expected {', '.join(known)}."
            raise Problem(422, "unknown-parameter", detail, allowed=known)


def _check(name: str, value: object, expected: str, fits: bool) -> None:
    if not fits:
        shown = repr(value[:64]) if isinstance(value, str) else "something else"
        shown = str(value) if isinstance(value, float) else shown
        raise Problem(422, "parameter-out-of-range", f"{name} is {shown}. Expected {expected}.")


def _is_fraction(value: object) -> bool:
    # Written so that NaN fails it.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _segments(image: np.ndarray, segmentation: Segmentation, options: Options, *, wanted: Wanted) -> list[dict]:
    """Return label, score (mean confidence, 0 to 1) and mask (PNG in base64) of each category, by its id."""
    return [
        {
            "label": entry["name"],
            "score": entry["mean_confidence"],
            "mask": base64.b64encode(_mask(segmentation, entry["id"], wanted.mask_threshold)).decode("ascii"),
        }
        for entry in counting.summary(segmentation)["categories"]
        if _is_wanted(entry, segmentation, wanted)
    ]


def _is_wanted(entry: Mapping[str, object], segmentation: Segmentation, wanted: Wanted) -> bool:
    if not entry["pixels"] or entry["mean_confidence"] < wanted.threshold:
        return False
    return not wanted.mask_threshold or bool(_chosen(segmentation, entry["id"], wanted.mask_threshold).any())


def _chosen(segmentation: Segmentation, category: int, mask_threshold: float, rows: slice = slice(None)) -> np.ndarray:
    """Return bool (rows, width): where the category is, and sure enough."""
    chosen = segmentation.labels[rows] == category
    return chosen & (segmentation.confidence[rows] >= mask_threshold * 255) if mask_threshold else chosen


def _mask(segmentation: Segmentation, category: int, mask_threshold: float) -> bytes:
    """Encode an 8-bit grey PNG: 255 where the category is, 0 elsewhere."""

    def pixels(rows: slice) -> np.ndarray:
        return _chosen(segmentation, category, mask_threshold, rows) * np.uint8(255)

    text = {
        "Software": render.SOFTWARE,
        "streetseg:model": segmentation.version,
        "streetseg:category": categories.NAMES[category],
    }
    return png.encode(pixels, segmentation.size, channels=1, text=text)


def _body(answers: list[Answer]) -> bytes:
    (answer,) = answers
    return json.dumps(answer.content).encode("ascii")
