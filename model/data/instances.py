"""Single people and vehicles in a mask: from the official instance files or, where there are none, connected regions.

Array contract: `instances` int32 (height, width). 1000 and more is one thing, `label * 1000 + number`, as Cityscapes
writes it; below 1000 the pixel has its label but belongs to no single thing (a crowd, or a label that is not counted).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from model.data.samples import Sample, read_instance_mask

COUNTED = tuple(range(24, 34))
"""Official label ids that come in single things: person, rider, car, truck, bus, caravan, trailer, train, motorcycle,
bicycle (`hasInstances` in cityscapesScripts, `cityscapesscripts/helpers/labels.py`)."""

FIRST = 1000
_LARGEST_NUMBER = FIRST - 1


def read_instances(sample: Sample) -> np.ndarray | None:
    """Read the official instances of a sample.

    Args:
        sample: of any data set.

    Returns:
        int32 (height, width) of the module's contract, or None where the sample has no instance file.

    Raises:
        ValueError: the file can't be read or holds no instance ids; the message names it.
    """
    return None if sample.instances_path is None else read_instance_mask(sample.instances_path)


def connected_instances(labels: np.ndarray, *, counted: Sequence[int] = COUNTED) -> np.ndarray:
    """Take every 8-connected region of a label for one thing.

    People who touch become one, and a car behind a pole two. Of more than 1,000 regions of a label the last share a
    number.

    Args:
        labels: uint8 (height, width) of official label ids, or of category ids with `counted` to match.
        counted: labels whose regions are things.

    Returns:
        int32 (height, width) of the module's contract.
    """
    instances = labels.astype(np.int32)
    for label in counted:
        mask = labels == label
        if mask.any():
            _, regions = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
            # Region 0 is the background, so numbers begin one lower.
            numbers = np.minimum(regions[mask] - 1, _LARGEST_NUMBER)
            instances[mask] = label * FIRST + numbers
    return instances


def sizes(instances: np.ndarray) -> np.ndarray:
    """Measure every single thing.

    Args:
        instances: of the module's contract.

    Returns:
        int64 (things, 3): label, pixels, and height of the bounding box in pixels, ordered by id.
    """
    rows, columns = np.nonzero(instances >= FIRST)
    found = instances[rows, columns]
    pixels = np.bincount(found)
    # Rows come in order, so what is written last is the lowest row of a thing, and backwards the highest.
    bottom, top = np.zeros_like(pixels), np.zeros_like(pixels)
    bottom[found] = rows
    top[found[::-1]] = rows[::-1]
    ids = np.flatnonzero(pixels)
    return np.stack([ids // FIRST, pixels[ids], bottom[ids] - top[ids] + 1], axis=1)
