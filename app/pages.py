"""The page: a form, and its result for browsers that run no script."""

from __future__ import annotations

import base64
from pathlib import PurePath
from typing import Any, NamedTuple

from flask import Blueprint, Response, current_app, make_response, render_template

from app import options, processing, service, uploads
from app.errors import Problem
from model.categories import CATEGORIES, CITYSCAPES_LABELS, NAMES, PALETTES
from model.inference.familiarity import LEAST, WARNING
from model.inference.representations import REPRESENTATIONS, Answer, Representation, json_record

blueprint = Blueprint("pages", __name__)

SCENES = tuple(f"scene-{seed}.jpg" for seed in (103, 111, 113))
"""Files of static/scenes, drawn by `model.data.synthetic` from the seeds in their names."""

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
        "scenes": SCENES,
        "setup": {
            "names": NAMES,
            "palettes": {name: palette.tolist() for name, palette in PALETTES.items()},
            "limits": {"bytes": current_app.config["MAX_CONTENT_LENGTH"], "images": current_app.config["MAX_IMAGES"]},
            "strange": {"below": LEAST, "words": WARNING},
            "guarded": bool(current_app.config["API_KEY"]),
        },
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
    answers = processing.segment(segmenter, submission.images, _PAGE, wanted, names=submission.names)
    response = make_response(_PAGE.body(answers))
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    """Answer browsers that ask here because they look at an image or JSON, which cannot name an icon."""
    return current_app.send_static_file("favicon.svg")


class _File(NamedTuple):
    """A download of the page: what it is called on disk and in words, and what is in it as data: URI."""

    name: str
    words: str
    data: str


# By format: the end of the file's name, and the words on the page.
_FILES = {
    "mask": (".mask.png", "Palette mask"),
    "cityscapes": (".cityscapes.png", "Cityscapes label ids"),
    "confidence": (".confidence.png", "Confidence"),
    "json": (".json", "JSON"),
    "csv": (".csv", "CSV"),
    "coco": (".coco.json", "COCO"),
    "zip": (".zip", "Zip of all"),
}
(_ZIP,) = (each for each in REPRESENTATIONS if each.format == "zip")


def _body(answers: list[Answer]) -> bytes:
    (answer,) = answers
    record = json_record(answer._replace(content=answer.content["json"]))
    page = render_template(
        "result.html",
        overlay=_data_uri(answer.content["overlay"], "image/png"),
        files=[_file(answer, part) for part in (*_ZIP.parts, _ZIP) if part.format in _FILES],
        record=record,
        rows=sorted(record["categories"], key=lambda row: -row["coverage"]),
        options=answer.options,
    )
    return page.encode("utf-8")


def _file(answer: Answer, part: Representation) -> _File:
    end, words = _FILES[part.format]
    content = answer.content if part is _ZIP else answer.content[part.format]
    data = part.body([answer._replace(content=content)])
    return _File(PurePath(answer.name).stem + end, words, _data_uri(data, part.media_type))


def _data_uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


# All of a zip's parts, which are every representation.
_PAGE = Representation("text/html", False, True, None, _body, parts=_ZIP.parts)
