"""What an image can be answered with. A further format is one more entry of `REPRESENTATIONS`.

Over HTTP and on the command line: the same image gives the same bytes.
"""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from model.categories import PALETTES
from model.inference import annotations, archive, counting, render
from model.inference.blending import Style
from model.inference.blurring import blurred
from model.inference.options import Options
from model.inference.segmenter import Segmentation

_COLUMNS = ("image", "file", "width", "height", "id", "name", "color", "pixels", "coverage", "mean_confidence")
_OF_IMAGE = ("familiarity", "model")


class Answer(NamedTuple):
    """One image's answer.

    Attributes:
        content: what `Representation.content` made of it; of a representation with parts, by their format.
        version: the model's.
        timings: ms by stage.
        name: what the client calls the image's file.
        options: how it was asked for.
    """

    content: Any
    version: str
    timings: dict[str, float]
    name: str = "image"
    options: Options = Options()


@dataclass(frozen=True)
class Representation:
    """One way to answer.

    Attributes:
        media_type: of the whole answer.
        takes_several: whether it can hold more than one image.
        needs_confidence: whether `content` reads the segmentation's confidence, which is not computed otherwise.
        content: makes one image's part; run while the image is at hand, so that only one is in memory at a time. None
            where `parts` do.
        body: puts the images together.
        format: what a client calls it; other for what is not of `/predict`.
        void: what it does with void where the client does not say.
        parts: the representations that it bundles.
    """

    media_type: str
    takes_several: bool
    needs_confidence: bool
    content: Callable[[np.ndarray, Segmentation, Options], Any] | None
    body: Callable[[list[Answer]], bytes]
    format: str = "other"
    void: Literal["shown", "never"] = "shown"
    parts: tuple[Representation, ...] = ()


def by_void(parts: Sequence[Representation], options: Options) -> dict[str, list[Representation]]:
    """Group representations by what they do with void: an image is segmented once for each."""
    grouped: dict[str, list[Representation]] = {}
    for part in parts:
        grouped.setdefault(options.void or part.void, []).append(part)
    return grouped


def style(options: Options) -> Style:
    """Return how the overlay is drawn."""
    return Style(options.opacity, PALETTES[options.palette], frozenset(options.categories), options.outline)


def counted(row: dict) -> tuple:
    """Return the columns that a category of `counting.summary` fills: id, name, color as #rrggbb, and its figures."""
    color = "#{:02x}{:02x}{:02x}".format(*row["color"])
    return row["id"], row["name"], color, row["pixels"], row["coverage"], row["mean_confidence"]


def json_file(answer: Answer) -> bytes:
    """Write one image's JSON without timings, so that equal images give equal bytes."""
    return _dumped({"model": answer.version, **answer.content})


def json_record(answer: Answer) -> dict:
    """Return one image's JSON object."""
    timings = {stage: round(milliseconds, 1) for stage, milliseconds in answer.timings.items()}
    return {"model": answer.version, **answer.content, "timings": timings}


def record(image: np.ndarray, segmentation: Segmentation, options: Options) -> dict:
    """Count an image's categories, and carry its mask as asked."""
    chosen = options.categories
    summary = counting.summary(segmentation, palette=PALETTES[options.palette], chosen=chosen)
    if options.mask == "none":
        return summary
    if options.mask == "png":
        carried = {"data": base64.b64encode(mask(image, segmentation, options)).decode("ascii")}
    elif options.mask == "rle":
        carried = {"segments": annotations.rle_segments(segmentation.labels, chosen=chosen)}
    else:
        carried = {"segments": annotations.polygon_segments(segmentation.labels, chosen=chosen)}
    return {**summary, "mask": {"encoding": options.mask, **carried}}


def overlay(image: np.ndarray, segmentation: Segmentation, options: Options) -> bytes:
    """Draw the overlay as PNG."""
    return render.overlay_png(_photograph(image, segmentation, options), segmentation, style(options))


def mask(image: np.ndarray, segmentation: Segmentation, options: Options) -> bytes:
    """Write the mask as PNG."""
    return render.mask_png(segmentation, palette=PALETTES[options.palette], chosen=options.categories)


def _photograph(image: np.ndarray, segmentation: Segmentation, options: Options) -> np.ndarray:
    """Return what lies under the colours."""
    return blurred(render.fitted(image, segmentation), segmentation.labels, chosen=options.blur)


def _overlay_jpeg(image: np.ndarray, segmentation: Segmentation, options: Options) -> bytes:
    return render.overlay_jpeg(_photograph(image, segmentation, options), segmentation, style(options))


def _overlay_webp(image: np.ndarray, segmentation: Segmentation, options: Options) -> bytes:
    return render.overlay_webp(_photograph(image, segmentation, options), segmentation, style(options))


def _cityscapes(image: np.ndarray, segmentation: Segmentation, options: Options) -> bytes:
    return render.label_ids_png(segmentation.labels, version=segmentation.version, chosen=options.categories)


def _confidence(image: np.ndarray, segmentation: Segmentation, options: Options) -> bytes:
    return render.confidence_png(segmentation, chosen=options.categories)


def _summary(image: np.ndarray, segmentation: Segmentation, options: Options) -> dict:
    return counting.summary(segmentation, palette=PALETTES[options.palette], chosen=options.categories)


def _annotated(image: np.ndarray, segmentation: Segmentation, options: Options) -> annotations.Annotated:
    found = annotations.coco_annotations(segmentation.labels, chosen=options.categories)
    return annotations.Annotated("", segmentation.size, found)


def _only(answers: list[Answer]) -> bytes:
    (answer,) = answers
    return answer.content


def _json(answers: list[Answer]) -> bytes:
    records = [json_record(answer) for answer in answers]
    return _dumped(records if len(records) > 1 else records[0])


def _csv(answers: list[Answer]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS + _OF_IMAGE)
    for number, answer in enumerate(answers, start=1):
        size = answer.content["image"]
        for row in answer.content["categories"]:
            of_image = answer.content["familiarity"], answer.version
            writer.writerow([number, answer.name, size["width"], size["height"], *counted(row), *of_image])
    return text.getvalue().encode("utf-8")


def _coco(answers: list[Answer]) -> bytes:
    _, version, _, _, options = answers[0]
    images = [answer.content._replace(file_name=answer.name) for answer in answers]
    palette = PALETTES[options.palette]
    return _dumped(annotations.coco_document(images, version=version, palette=palette, chosen=options.categories))


def _zip(answers: list[Answer]) -> bytes:
    """Bundle pictures and JSON of each image in a folder of its own, and one CSV and one COCO document of all."""
    entries = []
    for answer, folder in zip(answers, archive.folders([answer.name for answer in answers]), strict=True):
        entries += [(f"{folder}/{name}.png", answer.content[name]) for name in _PICTURES]
        record = json_file(answer._replace(content=answer.content["json"]))
        entries.append((f"{folder}/segmentation.json", record))
    for format, path in (("csv", "categories.csv"), ("coco", archive.COCO_PATH)):
        (part,) = (part for part in _BUNDLED if part.format == format)
        entries.append((path, part.body([answer._replace(content=answer.content[format]) for answer in answers])))
    return archive.pack(entries)


def _dumped(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-8")


# What a zip holds; its overlays are PNG, and its JSON has no timings, so that equal requests give equal bytes.
_BUNDLED = (
    Representation("image/png", False, False, overlay, _only, "overlay"),
    Representation("image/png", False, False, mask, _only, "mask"),
    # The official score has no void.
    Representation("image/png", False, False, _cityscapes, _only, "cityscapes", void="never"),
    Representation("image/png", False, True, _confidence, _only, "confidence"),
    Representation("application/json", True, True, record, _json, "json"),
    Representation("text/csv", True, True, _summary, _csv, "csv"),
    Representation("application/json", True, False, _annotated, _coco, "coco"),
)
_PICTURES = ("overlay", "mask", "cityscapes", "confidence")

# The first of a media type is the one that type alone asks for, the first of a format the one that format alone asks
# for, and the first of all is the default.
REPRESENTATIONS: tuple[Representation, ...] = (
    _BUNDLED[0],
    Representation("image/jpeg", False, False, _overlay_jpeg, _only, "overlay"),
    Representation("image/webp", False, False, _overlay_webp, _only, "overlay"),
    *_BUNDLED[1:],
    Representation("application/zip", True, True, None, _zip, "zip", parts=_BUNDLED),
)
