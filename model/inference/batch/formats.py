"""The answers that are files: the same bytes as `/predict` gives for one image.

The JSON is that of its zip, without timings, so that equal images give equal bytes. GeoJSON is of folders alone: the
service neither reads nor tells where a photograph was taken.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from model.inference.batch.tables import wide_record
from model.inference.options import Options
from model.inference.positions import Position
from model.inference.representations import REPRESENTATIONS, Answer, Representation, by_void, json_file
from model.inference.segmenter import Segmenter


class _Format(NamedTuple):
    """Where its files go, how they end, and what makes them."""

    folder: str
    ending: str
    representation: Representation | None


def _of(format: str, media_type: str) -> Representation:
    (found,) = (each for each in REPRESENTATIONS if (each.format, each.media_type) == (format, media_type))
    return found


_FORMATS = MappingProxyType(
    {
        "overlay": _Format("overlay", ".png", _of("overlay", "image/png")),
        "overlay-jpeg": _Format("overlay", ".jpg", _of("overlay", "image/jpeg")),
        "overlay-webp": _Format("overlay", ".webp", _of("overlay", "image/webp")),
        "mask": _Format("mask", ".png", _of("mask", "image/png")),
        "cityscapes": _Format("cityscapes", ".png", _of("cityscapes", "image/png")),
        "confidence": _Format("confidence", ".png", _of("confidence", "image/png")),
        "json": _Format("json", ".json", _of("json", "application/json")),
        "csv": _Format("csv", ".csv", _of("csv", "text/csv")),
        "coco": _Format("coco", ".json", _of("coco", "application/json")),
        "zip": _Format("zip", ".zip", _of("zip", "application/zip")),
        "geojson": _Format("geojson", ".json", None),
    }
)

FORMATS = tuple(_FORMATS)
"""What an image can be answered with, in words."""


def path(format: str, stem: str) -> str:
    """Return where an image's answer goes, below the folder of answers.

    Args:
        format: out of `FORMATS`.
        stem: of the image, see `inputs.Item`.
    """
    found = _FORMATS[format]
    return f"{found.folder}/{stem}{found.ending}"


def answers(
    image: np.ndarray,
    segmenter: Segmenter,
    formats: Sequence[str],
    options: Options,
    *,
    name: str,
    position: Callable[[], Position | None],
) -> tuple[dict[str, bytes], dict]:
    """Segment an image, once for each way to treat void, and make files of it.

    Args:
        image: uint8 (height, width, 3) RGB.
        segmenter: the network.
        formats: out of `FORMATS`.
        options: how.
        name: of the image's file.
        position: tells where it was taken; called for GeoJSON alone.

    Returns:
        The files' bytes by format, and what `counting.summary` says, where void is shown unless the options say
        otherwise, with the network's `model`.

    Raises:
        PictureTooLong: a WebP cannot hold the overlay.
    """
    size = segmenter.artifact.size if options.size == "network" else options.size
    wanted = {format: _FORMATS[format].representation for format in formats if _FORMATS[format].representation}
    parts = dict.fromkeys(part for each in (*wanted.values(), _TABLE) for part in each.parts or (each,))
    contents = {}
    for void, alike in by_void(list(parts), options).items():
        confidence = any(part.needs_confidence for part in alike)
        segmentation = segmenter.segment(image, void=void, size=size, confidence=confidence)
        contents |= {part: part.content(image, segmentation, options) for part in alike}
    files = {}
    for format, each in wanted.items():
        content = {part.format: contents[part] for part in each.parts} if each.parts else contents[each]
        answer = Answer(content, segmenter.artifact.version, {}, posixpath.basename(name), options)
        files[format] = json_file(answer) if format == "json" else each.body([answer])
    summary = {"model": segmenter.artifact.version, **contents[_TABLE]}
    if "geojson" in formats:
        files["geojson"] = _feature(name, summary, position())
    return files, summary


_TABLE = _FORMATS["csv"].representation


def _feature(name: str, summary: dict, position: Position | None) -> bytes:
    """Write an image as a GeoJSON feature (RFC 7946, section 3.2): a point, or no geometry where none is known."""
    coordinates = position and [value for value in position if value is not None]
    geometry = coordinates and {"type": "Point", "coordinates": coordinates}
    properties = {"file": name, **wide_record(summary)}
    return json.dumps({"type": "Feature", "geometry": geometry, "properties": properties}, ensure_ascii=False).encode()
