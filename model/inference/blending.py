"""How the colours of the categories are laid over a photograph.

Array contract: `image` uint8 (height, width, 3) RGB; `labels` uint8 (height, width) category ids 0 to 7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from model import categories

EVERY = frozenset(range(categories.COUNT))

# (image, labels) of some rows -> those rows of the overlay.
Blend = Callable[[np.ndarray, np.ndarray], np.ndarray]

# Added to the category id of a pixel on a border.
_OUTLINED = 8
# A border takes one pixel on each of its sides for this many of the picture's longer side.
_SIDE_PER_BORDER_PIXEL = 1000


@dataclass(frozen=True)
class Style:
    """How categories are shown.

    Attributes:
        opacity: strength of the colours over the photograph, 0 (photograph only) to 1 (colours only).
        palette: uint8 (8, 3), RGB colour by category id.
        chosen: ids of the categories that are coloured and outlined; the others stay photograph.
        outline: whether borders of chosen categories are drawn, each in its category's colour at full strength.

    Raises:
        ValueError: `opacity` out of range.
    """

    opacity: float = 0.5
    palette: np.ndarray = field(default_factory=lambda: categories.PALETTE)
    chosen: frozenset[int] = EVERY
    outline: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise ValueError(f"Received the opacity {self.opacity}. Expected a number from 0 to 1, such as 0.5.")


def blend(style: Style) -> Blend:
    """Return what makes rows of the overlay: image x (1 - opacity) + colour x opacity, to the nearest, halves up.

    Args:
        style: how.

    Returns:
        A function of image and labels of some rows, where a label is a category id or what `outlined` made of it.
    """
    plain = style.chosen == EVERY and not style.outline
    return _mean_blend(style.palette) if plain and style.opacity == 0.5 else _table_blend(_tables(style))


def outlined(labels: np.ndarray) -> np.ndarray:
    """Mark the pixels on borders between categories, on both sides of each, for `blend`.

    Args:
        labels: uint8 (height, width), category ids.

    Returns:
        uint8 (height, width), the same but for a higher number on borders.
    """
    reach = max(1, round(max(labels.shape) / _SIDE_PER_BORDER_PIXEL))
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    border = cv2.dilate(labels, kernel) != cv2.erode(labels, kernel)
    return labels + border.view(np.uint8) * np.uint8(_OUTLINED)


def _tables(style: Style) -> np.ndarray:
    """Return uint8 (categories, inside and on a border, as `outlined` numbers them; 3; 256): overlay by pixel value."""
    tables = np.empty((2 * _OUTLINED, 3, 256), np.uint8)
    tables[:] = np.arange(256)
    for category in style.chosen:
        color = style.palette[category][:, np.newaxis]
        tables[category] = np.floor(np.arange(256) * (1 - style.opacity) + color * style.opacity + 0.5)
        tables[category + _OUTLINED] = color
    return tables


def _table_blend(tables: np.ndarray) -> Blend:
    """Blend by look-up in `tables`, uint8 (categories, 3, 256)."""
    # OpenCV wants a table of 65,536 for the numbers that are made of a category, a channel and a pixel value.
    table = np.zeros((1, 1 << 16), np.uint8)
    table[0, : tables.size] = tables.ravel()

    def rows(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
        height, width = labels.shape
        of_red = labels * np.uint8(3)
        upper = cv2.merge([of_red, of_red + np.uint8(1), of_red + np.uint8(2)])
        # Two bytes side by side are one number of 16 bits, the lower byte first.
        numbers = cv2.merge([image.reshape(height, -1), upper.reshape(height, -1)]).view("<u2")
        return cv2.LUT(numbers.reshape(height, -1), table).reshape(height, width, 3)

    return rows


def _mean_blend(palette: np.ndarray) -> Blend:
    """Blend half and half, the default, at half the cost of a table: the mean of two bytes, halves up.

    Half the sum, rounded up, is (a | b) - ((a ^ b) >> 1), which needs no more than eight bits (H. S. Warren, Hacker's
    Delight, 2nd edition, section 2-5).
    """
    # One look-up of four bytes is faster than three of one.
    colors = np.zeros((256, 4), np.uint8)
    colors[: len(palette), :3] = palette
    table = colors.view(np.int32).reshape(1, 256)

    def rows(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
        four_bytes = cv2.LUT(labels, table).view(np.uint8).reshape(*labels.shape, 4)
        result = cv2.cvtColor(four_bytes, cv2.COLOR_RGBA2RGB)
        halves = image ^ result
        halves >>= 1
        result |= image
        result -= halves
        return result

    return rows
