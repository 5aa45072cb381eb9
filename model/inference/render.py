"""From a segmentation to pictures: overlay, mask, official label ids, confidence.

Array contract: `image` uint8 (height, width, 3) RGB; `labels` uint8 (height, width) category ids 0 to 7. Equal input
gives equal bytes. Every file says which network made it and what its categories are: a PNG in text chunks, a JPEG or
WebP in EXIF.

Where only some categories are chosen, a pixel of another one is photograph in the overlay, and 0 in the rest.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Collection

import cv2
import numpy as np
import simplejpeg
from PIL import ExifTags, Image

from model import categories, preprocessing
from model.inference import png, processors
from model.inference.blending import EVERY, Blend, Style, blend, outlined
from model.inference.counting import category_table, strips
from model.inference.segmenter import Segmentation

SOFTWARE = "streetseg"

# Longest side of a WebP, in pixels.
WEBP_MAX_SIDE = 16_383

# Of 100. Colours are not thinned out in a JPEG ("444"), because borders between categories are borders of colour.
_QUALITY = 90
# Of 0 to 6. Higher ones take longer and save little.
_WEBP_EFFORT = 2

# What the pixels of each picture mean.
_OVERLAY = "photograph under the colours of its categories"
_MASK = "pixel = category id"
_LABEL_IDS = "pixel = Cityscapes label id"
_CONFIDENCE = "pixel = round(255 x probability of the chosen category)"


class PictureTooLong(ValueError):
    """A picture longer than its file format holds. The message is fit for the person who asked for it."""


def overlay(image: np.ndarray, segmentation: Segmentation, style: Style | None = None) -> np.ndarray:
    """Lay the colours of the categories over a photograph.

    Args:
        image: uint8 (height, width, 3) RGB.
        segmentation: of the same size.
        style: opacity, palette, which categories, and whether with borders; None for `Style()`.

    Returns:
        uint8 (height, width, 3): image x (1 - opacity) + colour x opacity, to the nearest integer, halves up.

    Raises:
        ValueError: the sizes differ.
    """
    mix, labels = _prepared(image, segmentation, style or Style())
    result = np.empty_like(image)

    def fill(rows: slice) -> None:
        result[rows] = mix(image[rows], labels[rows])

    processors.parallel(fill, strips(segmentation.size))
    return result


def overlay_png(image: np.ndarray, segmentation: Segmentation, style: Style | None = None) -> bytes:
    """Encode the overlay as PNG; arguments and errors as `overlay`."""
    style = style or Style()
    mix, labels = _prepared(image, segmentation, style)

    def pixels(rows: slice) -> np.ndarray:
        return mix(image[rows], labels[rows])

    text = _text(_OVERLAY, segmentation.version, style.palette)
    return png.encode(pixels, segmentation.size, channels=3, text=text)


def overlay_jpeg(image: np.ndarray, segmentation: Segmentation, style: Style | None = None) -> bytes:
    """Encode the overlay as JPEG, quality 90 without chroma subsampling; arguments and errors as `overlay`."""
    style = style or Style()
    colors = overlay(image, segmentation, style)
    data = simplejpeg.encode_jpeg(colors, quality=_QUALITY, colorspace="RGB", colorsubsampling="444")
    exif = _exif(segmentation.version, style.palette)
    # Behind the file's first two bytes, where EXIF wants to be; JFIF, which wants that too, is found behind it as well.
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]


def overlay_webp(image: np.ndarray, segmentation: Segmentation, style: Style | None = None) -> bytes:
    """Encode the overlay as WebP, lossy, quality 90; arguments as `overlay`.

    Raises:
        PictureTooLong: a side is longer than `WEBP_MAX_SIDE`.
        ValueError: the sizes differ.
    """
    style = style or Style()
    height, width = segmentation.size
    if max(height, width) > WEBP_MAX_SIDE:
        raise PictureTooLong(
            f"Received a picture of {width:,} x {height:,} pixels. Expected {WEBP_MAX_SIDE:,} at most along each side, "
            "because a WebP holds no more. Ask for PNG or JPEG, or a smaller size."
        )
    picture = Image.fromarray(overlay(image, segmentation, style))
    exif = _exif(segmentation.version, style.palette)
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=_QUALITY, method=_WEBP_EFFORT, exif=exif)
    return file.getvalue()


def fitted(image: np.ndarray, segmentation: Segmentation) -> np.ndarray:
    """Return a photograph, uint8 (height, width, 3), stretched to the size of its segmentation."""
    return preprocessing.resize_image(image, segmentation.size)


def mask_png(
    segmentation: Segmentation, *, palette: np.ndarray = categories.PALETTE, chosen: Collection[int] = EVERY
) -> bytes:
    """Encode the labels as an 8-bit palette PNG: a pixel is a category id, the palette its colours.

    Args:
        segmentation: what to encode.
        palette: uint8 (8, 3), RGB colour by category id.
        chosen: ids of categories; pixels of others are 0.

    Returns:
        The file.
    """
    colors = np.zeros((256, 3), np.uint8)
    colors[: categories.COUNT] = palette
    return png.encode(
        _replaced(segmentation.labels, _chosen_ids(chosen)),
        segmentation.size,
        channels=1,
        palette=colors,
        text=_text(_MASK, segmentation.version, palette),
    )


def label_ids_png(labels: np.ndarray, *, version: str | None = None, chosen: Collection[int] = EVERY) -> bytes:
    """Encode labels as the 8-bit grey PNG of official label ids that the Cityscapes scripts score.

    Args:
        labels: uint8 (height, width), category ids 0 to 7.
        version: of the network that made them; None for labels that no network made.
        chosen: ids of categories; pixels of others are 0, which Cityscapes calls unlabeled.

    Returns:
        The file.

    Raises:
        ValueError: an id above 7.
    """
    if labels.size and labels.max() >= categories.COUNT:
        raise ValueError(
            f"Received the category id {labels.max()}. Expected 0 to {categories.COUNT - 1}: "
            "pixels without ground truth have no label id to export."
        )
    label_ids = categories.to_label_ids(_chosen_ids(chosen))
    return png.encode(
        _replaced(labels, label_ids), labels.shape, channels=1, text=_text(_LABEL_IDS, version, categories.PALETTE)
    )


def confidence_png(segmentation: Segmentation, *, chosen: Collection[int] = EVERY) -> bytes:
    """Encode the confidence as an 8-bit grey PNG: round(255 x probability of the chosen category).

    Args:
        segmentation: with confidence.
        chosen: ids of categories; pixels of others are 0.

    Returns:
        The file.

    Raises:
        ValueError: the segmentation has no confidence.
    """
    confidence, labels = segmentation.confidence, segmentation.labels
    if confidence is None:
        raise ValueError(
            "Received a segmentation without confidence. Expected one with it: segment with confidence=True."
        )
    kept = np.isin(np.arange(categories.COUNT), list(chosen)) * np.uint8(255)

    def some(rows: slice) -> np.ndarray:
        return confidence[rows] & kept[labels[rows]]

    pixels = confidence.__getitem__ if kept.all() else some
    text = _text(_CONFIDENCE, segmentation.version, categories.PALETTE)
    return png.encode(pixels, segmentation.size, channels=1, text=text)


def _prepared(image: np.ndarray, segmentation: Segmentation, style: Style) -> tuple[Blend, np.ndarray]:
    if image.shape[:2] != segmentation.size:
        raise ValueError(
            f"The image is {image.shape[:2]}, its segmentation {segmentation.size}. Expected equal (height, width): "
            "use model.inference.render.fitted."
        )
    return blend(style), outlined(segmentation.labels) if style.outline else segmentation.labels


def _chosen_ids(chosen: Collection[int]) -> np.ndarray:
    """Return uint8 (8,): each category's id, but 0 for those not chosen."""
    ids = np.arange(categories.COUNT, dtype=np.uint8)
    return np.where(np.isin(ids, list(chosen)), ids, 0).astype(np.uint8)


def _replaced(labels: np.ndarray, values: np.ndarray) -> Callable[[slice], np.ndarray]:
    """Return what gives rows of `values`, uint8 (8,), by label."""
    if np.array_equal(values, np.arange(categories.COUNT)):
        return labels.__getitem__
    table = np.zeros(256, np.uint8)
    table[: categories.COUNT] = values
    return lambda rows: cv2.LUT(labels[rows], table)


def _text(description: str, version: str | None, palette: np.ndarray) -> dict[str, str]:
    """Return what a file says about itself, by PNG keyword."""
    model = {} if version is None else {"streetseg:model": version}
    table = category_table(palette)
    if description == _LABEL_IDS:
        table = [entry | {"label_id": categories.CATEGORIES[entry["id"]].export_label_id} for entry in table]
    return {
        "Software": SOFTWARE,
        "Description": description,
        **model,
        "streetseg:categories": json.dumps(table, separators=(",", ":")),
    }


def _exif(version: str, palette: np.ndarray) -> bytes:
    """Return the same as EXIF: the software, and the rest as JSON in the image's description."""
    description = {"model": version, "description": _OVERLAY, "categories": category_table(palette)}
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = SOFTWARE
    exif[ExifTags.Base.ImageDescription] = json.dumps(description, separators=(",", ":"))
    return exif.tobytes()
