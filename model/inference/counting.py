"""From a segmentation to numbers: how much of each category there is, and how sure the network was of it.

Array contract: `labels` uint8 (height, width) category ids 0 to 7; `confidence` uint8 (height, width), 0 to 255.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import cv2
import numpy as np

from model import categories
from model.inference import processors
from model.inference.familiarity import LEAST, WARNING
from model.inference.segmenter import Segmentation

# Pixels blended or counted at a time: what is made on the way stays in the processor's cache.
_STRIP_PIXELS = 1 << 18


def summary(
    segmentation: Segmentation,
    *,
    palette: np.ndarray = categories.PALETTE,
    chosen: Collection[int] = range(categories.COUNT),
) -> dict:
    """Count a segmentation.

    Args:
        segmentation: what to count.
        palette: uint8 (8, 3), the colours to name.
        chosen: ids of the categories to count.

    Returns:
        Ready for JSON: `categories`, a list of `id`, `name`, `color`, `pixels`, `coverage` (share of all pixels, 0 to
        1) and `mean_confidence` (0 to 1, None where no pixel is), one for each chosen category by rising id; `image`
        with `height` and `width`; `mean_confidence` of all pixels counted; `familiarity` of the photograph; and
        `warnings`, a list of sentences.

    Raises:
        ValueError: the segmentation has no confidence.
    """
    if segmentation.confidence is None:
        raise ValueError(
            "Received a segmentation without confidence. Expected one with it: segment with confidence=True."
        )
    counts = _joint_counts(segmentation.labels, segmentation.confidence)
    ids = sorted(chosen)
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
            for entry in category_table(palette, chosen=ids)
        ],
        "image": {"height": segmentation.size[0], "width": segmentation.size[1]},
        "mean_confidence": _mean_confidence(confidences[ids].sum(), pixels[ids].sum()),
        "familiarity": segmentation.familiarity,
        "warnings": warnings(segmentation.familiarity),
    }


def warnings(familiarity: float | None) -> list[str]:
    """Return what a user must be told before the numbers, in sentences.

    Args:
        familiarity: of the photograph, 0 to 1, or None.
    """
    return [WARNING] if familiarity is not None and familiarity < LEAST else []


def category_table(palette: np.ndarray, *, chosen: Collection[int] = range(categories.COUNT)) -> list[dict]:
    """Return `id`, `name` and `color` of the chosen categories, ready for JSON.

    Args:
        palette: uint8 (8, 3), RGB colour by category id.
        chosen: ids of categories.
    """
    return [{"id": id, "name": categories.NAMES[id], "color": palette[id].tolist()} for id in sorted(chosen)]


def strips(size: tuple[int, int]) -> Iterator[slice]:
    """Cut (height, width) into slices of rows, each few enough to stay in a processor's cache."""
    rows = max(1, _STRIP_PIXELS // size[1])
    return (slice(start, start + rows) for start in range(0, size[0], rows))


def _joint_counts(labels: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Return int64 (8, 256): pixels by category id and confidence."""
    bins, ranges = [categories.COUNT, 256], [0, categories.COUNT, 0, 256]

    def count(rows: slice) -> np.ndarray:
        # OpenCV counts in float32, which is exact for as many pixels as a strip has.
        return cv2.calcHist([labels[rows], confidence[rows]], [0, 1], None, bins, ranges)

    return np.sum(processors.parallel(count, strips(labels.shape)), axis=0, dtype=np.float64).astype(np.int64)


def _mean_confidence(total: int, pixels: int) -> float | None:
    return float(total / pixels / 255) if pixels else None
