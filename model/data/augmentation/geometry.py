"""Scale, stretch, crop and flip: what moves image and labels together.

Array contract: see `model.data.augmentation`.
"""

from __future__ import annotations

import numpy as np

from model.categories import COUNT, IGNORE, NAMES
from model.preprocessing import resize_image, resize_labels

RARE = ("object", "human")
"""Categories that few pixels have: 1.8 and 1.1 % of Cityscapes."""

_IS_RARE = np.isin(np.arange(256), [NAMES.index(name) for name in RARE])
_GREY = 127
# Every fourth pixel in both directions tells how much of a window is rare well enough to choose between windows.
_STRIDE = 4


def fitted(image: np.ndarray, labels: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Show the whole of an image, resized as serving resizes it."""
    return resize_image(image, size), resize_labels(labels, size)


def scaled(
    image: np.ndarray,
    labels: np.ndarray,
    *,
    reference: tuple[int, int],
    scale: tuple[float, float],
    stretch: float,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Resize by a random factor.

    Args:
        image: uint8 (height, width, 3).
        labels: uint8 (height, width).
        reference: (height, width) that a factor of 1 gives.
        scale: smallest and largest factor.
        stretch: largest logarithm of the factor by which the width grows and the height shrinks, or the reverse.
        random: draws the factors.

    Returns:
        Image and labels of the new size.
    """
    # Log-uniform: half and double are equally far from one. The stretch stands for cameras of another aspect, which
    # serving fits to the network's own.
    factor = np.exp(random.uniform(*np.log(scale)))
    wider = np.exp(random.uniform(-stretch, stretch))
    return fitted(image, labels, (round(reference[0] * factor / wider), round(reference[1] * factor * wider)))


def cropped(
    image: np.ndarray, labels: np.ndarray, crop: tuple[int, int], *, random: np.random.Generator, candidates: int = 1
) -> tuple[np.ndarray, np.ndarray, int]:
    """Cut a random window; where the image is smaller, it lands at random on a grey, unlabelled ground.

    Args:
        image: uint8 (height, width, 3).
        labels: uint8 (height, width).
        crop: (height, width) of the window.
        random: draws where it lies.
        candidates: windows that are drawn; of several, the one with most pixels of `RARE` categories is taken.

    Returns:
        Image and labels of size `crop`, and the row of `image` that is the window's first, below 0 where that is
        padding.
    """
    short = np.maximum(0, np.array(crop) - image.shape[:2])
    above = 0
    if short.any():
        above, left = (int(random.integers(0, missing + 1)) for missing in short)
        around = ((above, short[0] - above), (left, short[1] - left))
        image = np.pad(image, (*around, (0, 0)), constant_values=_GREY)
        labels = np.pad(labels, around, constant_values=IGNORE)
    places = [_place(labels.shape, crop, random) for _ in range(candidates)]
    window, top = places[0] if candidates == 1 else max(places, key=lambda place: _rare_pixels(labels[place[0]]))
    return image[window], labels[window], top - above


def _place(
    size: tuple[int, ...], crop: tuple[int, int], random: np.random.Generator
) -> tuple[tuple[slice, slice], int]:
    top, left = (int(random.integers(0, side - wanted + 1)) for side, wanted in zip(size, crop, strict=True))
    return np.s_[top : top + crop[0], left : left + crop[1]], top


def _rare_pixels(labels: np.ndarray) -> int:
    counts = np.bincount(labels[::_STRIDE, ::_STRIDE].ravel(), minlength=COUNT)
    return int(counts[_IS_RARE[: len(counts)]].sum())
