"""Resize and normalise: the one definition, for serving and for training.

Array contract: `image` uint8 (height, width, 3) RGB; `images` float32 (batch, height, width, 3) as the network takes
them; `labels` uint8 (height, width). Sizes are (height, width) in pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

MOST_STRETCH = 1.5
"""How much a photograph's aspect may change when it is fitted to the network's frame."""

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


def window(image_size: tuple[int, int], size: tuple[int, int]) -> tuple[slice, slice]:
    """Say where a photograph lies in the network's frame.

    Most photographs are stretched over the whole frame. One whose aspect would change by more than `MOST_STRETCH`, such
    as a telephone's held upright, is stretched by that much and lies in the middle.

    Args:
        image_size: (height, width) of the photograph.
        size: (height, width) of the frame.

    Returns:
        Rows and columns of the frame, at least one of each.
    """
    wider = (image_size[1] / image_size[0]) / (size[1] / size[0])
    shares = min(1.0, MOST_STRETCH / wider), min(1.0, MOST_STRETCH * wider)
    return tuple(_middle(side, share) for side, share in zip(size, shares, strict=True))


def fit_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bring a photograph into the network's frame; around its `window` it is mirrored.

    Mirrored, because the network takes a grey border for a thing of its own: upright photographs (3:4) cut from the
    validation cities had a mean category IoU of 0.74 on grey, 0.76 mirrored, and 0.67 stretched over the frame.

    Args:
        image: uint8 (height, width, 3).
        size: (height, width) of the frame.

    Returns:
        uint8 (size[0], size[1], 3); `image` itself where it has that size already.
    """
    rows, columns = window(image.shape[:2], size)
    inside = resize_image(image, (rows.stop - rows.start, columns.stop - columns.start))
    around = rows.start, size[0] - rows.stop, columns.start, size[1] - columns.stop
    return cv2.copyMakeBorder(inside, *around, cv2.BORDER_REFLECT) if any(around) else inside


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


def _middle(side: int, share: float) -> slice:
    length = max(1, round(side * share))
    start = (side - length) // 2
    return slice(start, start + length)
