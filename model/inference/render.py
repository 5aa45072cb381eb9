"""From a segmentation to what people and programs read: overlay, masks, numbers.

Array contract: `image` uint8 (height, width, 3) RGB; `labels` uint8 (height, width) category ids 0 to 7. Equal input
gives equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from model import categories
from model.inference import png, processors
from model.inference.segmenter import Segmentation

SOFTWARE = "streetseg"

# Pixels blended or counted at a time: what is made on the way stays in the processor's cache.
_STRIP_PIXELS = 1 << 18

# (image, labels) of some rows -> those rows of the overlay.
_Blend = Callable[[np.ndarray, np.ndarray], np.ndarray]


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
    blend = _checked_blend(image, segmentation, opacity, palette)
    result = np.empty_like(image)

    def fill(rows: slice) -> None:
        result[rows] = blend(image[rows], segmentation.labels[rows])

    processors.parallel(fill, _strips(segmentation.size))
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
    blend = _checked_blend(image, segmentation, opacity, categories.PALETTE)

    def pixels(rows: slice) -> np.ndarray:
        return blend(image[rows], segmentation.labels[rows])

    return png.encode(pixels, segmentation.size, channels=3, text=_text(segmentation.version))


def mask_png(segmentation: Segmentation) -> bytes:
    """Encode the labels as an 8-bit palette PNG: a pixel is a category id, the palette its colours."""
    palette = np.zeros((256, 3), np.uint8)
    palette[: categories.COUNT] = categories.PALETTE
    return png.encode(
        segmentation.labels.__getitem__,
        segmentation.size,
        channels=1,
        palette=palette,
        text=_text(segmentation.version),
    )


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
    return png.encode(
        lambda rows: categories.to_label_ids(labels[rows]), labels.shape, channels=1, text=_text(version=None)
    )


def summary(segmentation: Segmentation) -> dict:
    """Count a segmentation.

    Args:
        segmentation: what to count.

    Returns:
        Ready for JSON: `categories`, a list of `id`, `name`, `color`, `pixels`, `coverage` (share of all pixels, 0 to
        1) and `mean_confidence` (0 to 1, None where no pixel is); `image` with `height` and `width`; and
        `mean_confidence` of all pixels.

    Raises:
        ValueError: the segmentation has no confidence.
    """
    if segmentation.confidence is None:
        raise ValueError(
            "Received a segmentation without confidence. Expected one with it: segment with confidence=True."
        )
    counts = _joint_counts(segmentation.labels, segmentation.confidence)
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


def _joint_counts(labels: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Return int64 (8, 256): pixels by category id and confidence."""
    bins, ranges = [categories.COUNT, 256], [0, categories.COUNT, 0, 256]

    def count(rows: slice) -> np.ndarray:
        # OpenCV counts in float32, which is exact for as many pixels as a strip has.
        return cv2.calcHist([labels[rows], confidence[rows]], [0, 1], None, bins, ranges)

    return np.sum(processors.parallel(count, _strips(labels.shape)), axis=0, dtype=np.float64).astype(np.int64)


def _mean_confidence(total: int, pixels: int) -> float | None:
    return float(total / pixels / 255) if pixels else None


def _category_table() -> list[dict]:
    return [
        {"id": category.id, "name": category.name, "color": list(category.color)} for category in categories.CATEGORIES
    ]


def _text(version: str | None) -> dict[str, str]:
    """Return what a file says about itself, by PNG keyword."""
    model = {} if version is None else {"streetseg:model": version}
    table = json.dumps(_category_table(), separators=(",", ":"))
    return {"Software": SOFTWARE, **model, "streetseg:categories": table}


def _checked_blend(image: np.ndarray, segmentation: Segmentation, opacity: float, palette: np.ndarray) -> _Blend:
    if not 0 <= opacity <= 1:
        raise ValueError(f"Received the opacity {opacity}. Expected a number from 0 to 1, such as 0.5.")
    if image.shape[:2] != segmentation.size:
        raise ValueError(
            f"The image is {image.shape[:2]}, its segmentation {segmentation.size}. Expected equal (height, width): "
            "use model.preprocessing.resize_image."
        )
    return _mean_blend(palette) if opacity == 0.5 else _table_blend(_tables(opacity, palette))


def _tables(opacity: float, palette: np.ndarray) -> np.ndarray:
    """Return uint8 (categories, 3, 256): the overlay by category id, channel and pixel value."""
    return np.floor(np.arange(256) * (1 - opacity) + palette[:, :, np.newaxis] * opacity + 0.5).astype(np.uint8)


def _table_blend(tables: np.ndarray) -> _Blend:
    """Blend by look-up in `tables`, uint8 (categories, 3, 256)."""
    # OpenCV wants a table of 65,536 for the numbers that are made of a category, a channel and a pixel value.
    table = np.zeros((1, 1 << 16), np.uint8)
    table[0, : tables.size] = tables.ravel()

    def blend(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
        height, width = labels.shape
        of_red = labels * np.uint8(3)
        upper = cv2.merge([of_red, of_red + np.uint8(1), of_red + np.uint8(2)])
        # Two bytes side by side are one number of 16 bits, the lower byte first.
        numbers = cv2.merge([image.reshape(height, -1), upper.reshape(height, -1)]).view("<u2")
        return cv2.LUT(numbers.reshape(height, -1), table).reshape(height, width, 3)

    return blend


def _mean_blend(palette: np.ndarray) -> _Blend:
    """Blend half and half, the default, at half the cost of a table: the mean of two bytes, halves up.

    Half the sum, rounded up, is (a | b) - ((a ^ b) >> 1), which needs no more than eight bits (H. S. Warren, Hacker's
    Delight, 2nd edition, section 2-5).
    """
    # One look-up of four bytes is faster than three of one.
    colors = np.zeros((256, 4), np.uint8)
    colors[: len(palette), :3] = palette
    table = colors.view(np.int32).reshape(1, 256)

    def blend(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
        four_bytes = cv2.LUT(labels, table).view(np.uint8).reshape(*labels.shape, 4)
        result = cv2.cvtColor(four_bytes, cv2.COLOR_RGBA2RGB)
        halves = image ^ result
        halves >>= 1
        result |= image
        result -= halves
        return result

    return blend


def _strips(size: tuple[int, int]) -> Iterator[slice]:
    """Cut (height, width) into slices of rows."""
    rows = max(1, _STRIP_PIXELS // size[1])
    return (slice(start, start + rows) for start in range(0, size[0], rows))
