"""The page: a form, and its result for browsers that run no script."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
from flask import Blueprint, Response, current_app, make_response, render_template

from app import options, processing, representations, service, uploads
from app.errors import Problem
from app.options import Options
from app.representations import Answer, Representation, json_record
from model.categories import CATEGORIES, CITYSCAPES_LABELS
from model.inference.segmenter import Segmentation

blueprint = Blueprint("pages", __name__)

# Each category with the labels that it is scored on.
_LEGEND = [
    (category, [label.name for label in CITYSCAPES_LABELS if label.category == category.name and not label.ignored])
    for category in CATEGORIES
]


@blueprint.app_context_processor
def _shared() -> dict[str, Any]:
    """What every template may use."""
    return {
        "artifact": service.current().artifact,
        "legend": _LEGEND,
        "limits": {"bytes": current_app.config["MAX_CONTENT_LENGTH"], "types": ",".join(uploads.IMAGE_TYPES)},
    }


@blueprint.get("/")
def index() -> str:
    """Show the form."""
    return render_template("index.html")


@blueprint.post("/")
def result() -> Response:
    """Segment the one image of the form, and show the result."""
    segmenter = service.current().segmenter
    submission = uploads.read()
    wanted = options.parse(submission.parameters)
    if len(submission.images) > 1:
        detail = f"The page shows one image, and {len(submission.images)} were sent. Choose one."
        raise Problem(406, "one-image-only", detail)
    answers = processing.segment(segmenter, submission.images, _PAGE, wanted)
    response = make_response(_PAGE.body(answers))
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    """Answer browsers that ask here because they look at an image or JSON, which cannot name an icon."""
    return current_app.send_static_file("favicon.svg")


def _content(image: np.ndarray, segmentation: Segmentation, wanted: Options) -> dict:
    return {
        "overlay": representations.overlay(image, segmentation, wanted),
        "mask": representations.mask(image, segmentation, wanted),
        "record": representations.record(image, segmentation, wanted),
    }


def _body(answers: list[Answer]) -> bytes:
    (answer,) = answers
    record = json_record(answer._replace(content=answer.content["record"]))
    rows = sorted((row for row in record["categories"] if row["pixels"]), key=lambda row: -row["coverage"])
    page = render_template(
        "result.html",
        overlay=_data_uri(answer.content["overlay"], "image/png"),
        mask=_data_uri(answer.content["mask"], "image/png"),
        json=_data_uri(json.dumps(record).encode(), "application/json"),
        record=record,
        rows=rows,
        options=answer.options,
    )
    return page.encode("utf-8")


def _data_uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


_PAGE = Representation("text/html", False, True, _content, _body)
