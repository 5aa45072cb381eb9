"""Make what some categories show unrecognisable: people and vehicles in a photograph that is passed on.

Array contract: `image` uint8 (height, width, 3) RGB; `labels` uint8 (height, width) category ids 0 to 7.
"""

from __future__ import annotations

from collections.abc import Collection

import cv2
import numpy as np

# Of the picture's longer side, one cell of colour takes a 64th, and what is blurred reaches a 100th further than its
# labels. A face as wide as an eighth of the picture is then eight cells wide, one of Cityscapes a single one.
_CELLS = 64
_MARGINS = 100


def blurred(image: np.ndarray, labels: np.ndarray, *, chosen: Collection[int]) -> np.ndarray:
    """Blur the pixels of some categories, and those near them.

    Pixels are averaged in cells, and the cells blended: unlike a Gaussian blur, which can be sharpened, that throws
    pixels away. It is as good as the labels: who is not found is not hidden.

    Args:
        image: uint8 (height, width, 3) RGB.
        labels: uint8 (height, width), of the same size.
        chosen: ids of the categories.

    Returns:
        uint8 (height, width, 3); `image` itself where no pixel is of these categories.

    Raises:
        ValueError: the sizes differ.
    """
    if image.shape[:2] != labels.shape:
        raise ValueError(f"The image is {image.shape[:2]}, its labels {labels.shape}. Expected equal (height, width).")
    hidden = np.isin(labels, list(chosen)).view(np.uint8)
    if not hidden.any():
        return image
    height, width = labels.shape
    longer = max(height, width)
    reach = -(-longer // _MARGINS)
    hidden = cv2.dilate(hidden, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    cell = max(2, longer / _CELLS)
    few = max(1, round(width / cell)), max(1, round(height / cell))
    coarse = cv2.resize(cv2.resize(image, few, interpolation=cv2.INTER_AREA), (width, height))
    return np.where(hidden[..., np.newaxis].view(bool), coarse, image)
