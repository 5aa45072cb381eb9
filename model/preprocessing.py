"""Resize and normalise: the one definition, for serving and for training.

Array contract: `image` uint8 (height, width, 3) RGB; `images` float32 (batch, height, width, 3) as the network takes
them; `labels` uint8 (height, width). Sizes are (height, width) in pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

# MobileNetV2's ImageNet weights expect RGB in [-1, 1].
MEAN = 127.5
STD = 127.5


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a photograph: area averaging along a side that shrinks, bilinear along one that grows.

    Args:
        image: uint8 (height, width, 3).
        size: target (height, width).

    Returns:
        uint8 (size[0], size[1], 3); `image` itself where it has that size already.
    """
    height, width = image.shape[:2]
    smaller = min(height, size[0]), min(width, size[1])
    # Plain bilinear reads only four pixels of the source for each of the target, so a thin pole may fall between them.
    # INTER_AREA does not grow, so what shrinks goes first.
    if smaller != (height, width):
        image = cv2.resize(image, (smaller[1], smaller[0]), interpolation=cv2.INTER_AREA)
    if smaller != tuple(size):
        image = cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return image


def resize_labels(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a mask by nearest neighbour: ids are names, not amounts.

    Args:
        labels: uint8 (height, width).
        size: target (height, width).

    Returns:
        uint8 (size[0], size[1]).
    """
    # INTER_NEAREST takes the upper left of each cell; the exact variant takes its centre, as INTER_AREA does.
    return cv2.resize(labels, (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT)


def normalise(image: np.ndarray, *, mean: float = MEAN, std: float = STD) -> np.ndarray:
    """Map pixel values to the range the network was trained on.

    Args:
        image: uint8, any shape.
        mean: subtracted first, in pixel values.
        std: divided by next, in pixel values.

    Returns:
        float32 of the same shape; [-1, 1] with the defaults.
    """
    return (image.astype(np.float32) - np.float32(mean)) / np.float32(std)
