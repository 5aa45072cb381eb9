"""Everything that is measured on one image, so that each is read and decoded once.

Array contract: see `model.data.samples`. `cells` uint32 (9, 40, 80) counts the pixels of each category, and last of
those without ground truth, in each cell of a grid that is laid over the frame; their sum is exact whatever the size.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from model import categories
from model.data.exploration.alignment import edge_sums
from model.data.instances import connected_instances, read_instances, sizes
from model.data.samples import Sample

GRID = (40, 80)
SMALL = (48, 96)
"""Size of the grey copy that near-duplicates are looked for in."""

LIGHT_WIDTH = 640
"""Wider images are reduced to this before light and sharpness are measured, so that those of all sizes compare."""

COUNTED = tuple(categories.NAMES.index(name) for name in ("human", "vehicle"))
_CATEGORY_BY_LABEL_ID = {label.id: categories.NAMES.index(label.category) for label in categories.CITYSCAPES_LABELS}


class Measurement(NamedTuple):
    """What is known of one image.

    Attributes:
        size: (height, width) in pixels.
        cells: of the module's contract.
        brightness: mean grey value, 0 to 255 (ITU-R BT.601 luma).
        contrast: standard deviation of the same.
        sharpness: variance of the Laplacian of the grey values, 0 and more.
        small: uint8 (48, 96) grey copy.
        things: int64 (things, 3): category, pixels and height in pixels of every single human and vehicle.
        edges: int64 (2, 9), see `model.data.exploration.alignment`.
        official: whether `things` come from an official instance file, and not from connected regions.
    """

    size: tuple[int, int]
    cells: np.ndarray
    brightness: float
    contrast: float
    sharpness: float
    small: np.ndarray
    things: np.ndarray
    edges: np.ndarray
    official: bool


def measure(sample: Sample) -> Measurement:
    """Read a sample and measure it.

    Raises:
        ValueError: a file is missing or unreadable, or the sizes differ; the message names it.
    """
    image, labels, _ = sample.read()
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    # The small copy comes from the reduced one: two steps by area give what one gives, in a fraction of the time.
    light = reduced(grey)
    official = read_instances(sample)
    if official is not None and official.shape != labels.shape:
        raise ValueError(
            f"{sample.instances_path} has (height, width) {official.shape}, its mask {labels.shape}. Expected the same."
        )
    brightness, contrast = cv2.meanStdDev(light)
    _, roughness = cv2.meanStdDev(cv2.Laplacian(light, cv2.CV_32F))
    return Measurement(
        size=labels.shape,
        cells=count_cells(labels),
        brightness=float(brightness.item()),
        contrast=float(contrast.item()),
        sharpness=float(roughness.item() ** 2),
        small=cv2.resize(light, SMALL[::-1], interpolation=cv2.INTER_AREA),
        things=sizes(connected_instances(labels, counted=COUNTED)) if official is None else _by_category(official),
        edges=edge_sums(grey, labels),
        official=official is not None,
    )


def count_cells(labels: np.ndarray) -> np.ndarray:
    """Count the pixels of each category in each cell of the grid.

    Args:
        labels: uint8 (height, width) category ids, 255 where there is no ground truth.

    Returns:
        uint32 (9, 40, 80); a pixel at row y of h is in grid row floor(40 y / h), likewise for columns.
    """
    kinds = categories.COUNT + 1
    places = _places(labels.shape) + np.minimum(labels, categories.COUNT)
    counts = np.bincount(places.ravel(), minlength=kinds * GRID[0] * GRID[1])
    return counts.astype(np.uint32).reshape(*GRID, kinds).transpose(2, 0, 1)


def reduced(image: np.ndarray, *, width: int = LIGHT_WIDTH) -> np.ndarray:
    """Reduce an image of any number of channels to a width; a narrower one comes back as it is."""
    if image.shape[1] <= width:
        return image
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


@lru_cache(maxsize=8)
def _places(size: tuple[int, int]) -> np.ndarray:
    """int32 (height, width): first bin of the cell that a pixel lies in."""
    rows, columns = (np.arange(length) * cells // length for length, cells in zip(size, GRID, strict=True))
    return ((rows[:, None] * GRID[1] + columns) * (categories.COUNT + 1)).astype(np.int32)


def _by_category(instances: np.ndarray) -> np.ndarray:
    things = sizes(instances)
    things[:, 0] = [_CATEGORY_BY_LABEL_ID.get(label, categories.VOID) for label in things[:, 0].tolist()]
    return things[np.isin(things[:, 0], COUNTED)]
