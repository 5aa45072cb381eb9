"""From a segmentation to what people and programs read: overlay, masks, numbers.

Array contract: `image` uint8 (height, width, 3) RGB; `labels` uint8 (height, width) category ids 0 to 7. Equal input
gives equal bytes.
"""

from __future__ import annotations

import io
import json

import numpy as np
from PIL import Image, PngImagePlugin

from model import categories
from model.inference.segmenter import Segmentation

SOFTWARE = "streetseg"

# The fastest level: higher ones take several times as long and save little on a photograph.
_COMPRESS_LEVEL = 1
# Pixels counted at a time: np.bincount widens its input to eight bytes a pixel.
_COUNT_PIXELS = 1 << 20


def overlay(
    image: np.ndarray,
    segmentation: Segmentation,
    *,
    opacity: float = 0.5,
    palette: np.ndarray = categories.PALETTE,
) -> np.ndarray:
    """Lay the colours of the categories over a photograph.

    Args:
        image: uint8 (height, width, 3) RGB.
        segmentation: of the same size.
        opacity: 0 (photograph only) to 1 (colours only).
        palette: uint8 (8, 3), RGB colour by category id.

    Returns:
        uint8 (height, width, 3): image x (1 - opacity) + colour x opacity, to the nearest integer, halves up.

    Raises:
        ValueError: `opacity` out of range, or the sizes differ.
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"Received the opacity {opacity}. Expected a number from 0 to 1, such as 0.5.")
    if image.shape[:2] != segmentation.size:
        raise ValueError(
            f"The image is {image.shape[:2]}, its segmentation {segmentation.size}. Expected equal (height, width): "
            "use model.preprocessing.resize_image."
        )
    values = np.arange(256) * (1 - opacity)
    rows_of_table = segmentation.labels.astype(np.uint16) << 8
    result = np.empty_like(image)
    for channel in range(3):
        # There are only 8 x 256 results: a table of them, looked up by category id and pixel value.
        table = np.floor(values + palette[:, channel, np.newaxis] * opacity + 0.5).astype(np.uint8)
        result[..., channel] = np.take(table, rows_of_table | image[..., channel])
    return result


def overlay_png(image: np.ndarray, segmentation: Segmentation, *, opacity: float = 0.5) -> bytes:
    """Encode the overlay as PNG; its text chunks name the model and the categories.

    Args:
        image: uint8 (height, width, 3) RGB.
        segmentation: of the same size.
        opacity: 0 to 1.

    Returns:
        The file.

    Raises:
        ValueError: as `overlay`.
    """
    return _png(Image.fromarray(overlay(image, segmentation, opacity=opacity)), version=segmentation.version)


def mask_png(segmentation: Segmentation) -> bytes:
    """Encode the labels as an 8-bit palette PNG: a pixel is a category id, the palette its colours."""
    picture = Image.fromarray(segmentation.labels)
    palette = np.zeros((256, 3), np.uint8)
    palette[: categories.COUNT] = categories.PALETTE
    # A shorter palette would make Pillow write four bits a pixel.
    picture.putpalette(palette.tobytes())
    return _png(picture, version=segmentation.version)


def label_ids_png(labels: np.ndarray) -> bytes:
    """Encode labels as the 8-bit grey PNG of official label ids that the Cityscapes scripts score.

    Args:
        labels: uint8 (height, width), category ids 0 to 7.

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
    return _png(Image.fromarray(categories.to_label_ids(labels)), version=None)


def summary(segmentation: Segmentation) -> dict:
    """Count a segmentation.

    Args:
        segmentation: what to count.

    Returns:
        Ready for JSON: `categories`, a list of `id`, `name`, `color`, `pixels`, `coverage` (share of all pixels, 0 to
        1) and `mean_confidence` (0 to 1, None where no pixel is); `image` with `height` and `width`; and
        `mean_confidence` of all pixels.
    """
    counts = _joint_counts(segmentation)
    pixels = counts.sum(axis=1)
    confidences = counts @ np.arange(256)
    return {
        "categories": [
            {
                **entry,
                "pixels": int(pixels[entry["id"]]),
                "coverage": float(pixels[entry["id"]] / pixels.sum()),
                "mean_confidence": _mean_confidence(confidences[entry["id"]], pixels[entry["id"]]),
            }
            for entry in _category_table()
        ],
        "image": {"height": segmentation.size[0], "width": segmentation.size[1]},
        "mean_confidence": _mean_confidence(confidences.sum(), pixels.sum()),
    }


def _joint_counts(segmentation: Segmentation) -> np.ndarray:
    """Return int64 (8, 256): pixels by category id and confidence."""
    counts = np.zeros(categories.COUNT * 256, np.int64)
    rows = max(1, _COUNT_PIXELS // segmentation.size[1])
    for start in range(0, segmentation.size[0], rows):
        strip = slice(start, start + rows)
        joint = segmentation.labels[strip].astype(np.uint16) << 8 | segmentation.confidence[strip]
        counts += np.bincount(joint.ravel(), minlength=counts.size)
    return counts.reshape(categories.COUNT, 256)


def _mean_confidence(total: int, pixels: int) -> float | None:
    return float(total / pixels / 255) if pixels else None


def _category_table() -> list[dict]:
    return [
        {"id": category.id, "name": category.name, "color": list(category.color)} for category in categories.CATEGORIES
    ]


def _png(picture: Image.Image, *, version: str | None) -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Software", SOFTWARE)
    if version is not None:
        text.add_text("streetseg:model", version)
    text.add_text("streetseg:categories", json.dumps(_category_table(), separators=(",", ":")))
    file = io.BytesIO()
    picture.save(file, "PNG", pnginfo=text, compress_level=_COMPRESS_LEVEL)
    return file.getvalue()
