"""Masks that do not lie on their images: brought together by moving the image.

A mask that was reduced by nearest neighbour from the upper left pixel of each cell, as OpenCV's INTER_NEAREST does,
shows at each pixel what the image shows half a cell further up and to the left; flipped half of the time, no network
can learn on which side of an edge its label lies.

Array contract: see `model.data.samples`. An offset is in pixels: how far right of and below its image a mask lies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import cv2
import numpy as np

from model.data.samples import Example, Sample

MOST = 8.0
"""Pixels; what is further off was not reduced but paired wrongly."""


def registered(samples: Sequence[Sample], offset: float) -> list[Sample]:
    """Return samples whose images are moved under their masks when they are read.

    Args:
        samples: whose masks lie `offset` too far right and below.
        offset: in pixels of the masks, -8 to 8; 0 leaves the samples as they are. A reduction by a factor f from the
            upper left pixel of each cell makes (f - 1) / (2 f), but for what f leaves of whole pixels: masks of
            640x320 that were taken from 2048x1024 so lie 0.47 off.

    Raises:
        ValueError: the offset is out of range.
    """
    if not -MOST <= offset <= MOST:
        raise ValueError(f"Received a label offset of {offset:g}. Expected pixels from {-MOST:g} to {MOST:g}.")
    if not offset:
        return list(samples)
    return [replace(sample, load=partial(_load, sample.load, offset)) for sample in samples]


def _load(load: Callable[[], Example], offset: float) -> Example:
    example = load()
    # Of the common filters, half a pixel aside, Lanczos's blurs least.
    by = np.array([[1, 0, offset], [0, 1, offset]], np.float32)
    image = cv2.warpAffine(
        example.image, by, example.image.shape[1::-1], flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT_101
    )
    return example._replace(image=image)
