"""Pictures that are no streets, made from streets and from chance: what familiarity is learnt against.

No collection of other people's photographs is needed for it, and such collections stay what it is tested on.

Array contract: `image` uint8 (height, width, 3) RGB.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

# (height, width) of what is drawn from nothing.
_SIZE = (320, 640)
_PAGE = (900, 640)
_LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]


def mosaic(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Cut a street into 4 to 36 tiles and shuffle them."""
    count = int(random.integers(2, 7))
    height, width = (side // count for side in _SIZE)
    # OpenCV has the width first.
    whole = cv2.resize(image, (width * count, height * count), interpolation=cv2.INTER_AREA)
    tiles = [row for band in np.split(whole, count) for row in np.split(band, count, axis=1)]
    order = random.permutation(len(tiles))
    return np.vstack([np.hstack([tiles[place] for place in row]) for row in order.reshape(count, count)])


def turned(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Turn a street by a quarter, by half or by three quarters: a photograph whose orientation was lost."""
    return np.ascontiguousarray(np.rot90(image, int(random.integers(1, 4))))


def detail(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Show a 25th to a fifth of a street's height and width: a leaf, a window, a hub cap."""
    share = random.uniform(0.04, 0.2)
    height, width = (max(2, round(side * share)) for side in image.shape[:2])
    top, left = (
        int(random.integers(0, whole - part + 1)) for whole, part in zip(image.shape[:2], (height, width), strict=True)
    )
    window = np.ascontiguousarray(image[top : top + height, left : left + width])
    return cv2.resize(window, _SIZE[::-1], interpolation=cv2.INTER_CUBIC)


def overlaid(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Lay a street over itself, upside down and moved: nothing is where it was."""
    other = np.roll(image[::-1], int(random.integers(0, image.shape[1])), axis=1)
    share = random.uniform(0.35, 0.65)
    return cv2.addWeighted(image, share, np.ascontiguousarray(other), 1 - share, 0)


def noise(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw coloured noise, from single pixels to large clouds; the street is not looked at."""
    cells = [max(2, round(side ** random.uniform(0.15, 1))) for side in _SIZE]
    grain = random.integers(0, 256, (*cells, 3), np.uint8)
    return cv2.resize(grain, _SIZE[::-1], interpolation=cv2.INTER_CUBIC)


def document(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Print a page of letters; the street is not looked at."""
    paper, ink = int(random.integers(200, 256)), int(random.integers(0, 90))
    page = np.full((*_PAGE, 3), paper, np.uint8)
    scale = random.uniform(0.3, 1.4)
    for row in range(40, _PAGE[0] - 20, round(40 * scale) + 6):
        if random.random() < 0.85:
            line = "".join(random.choice(_LETTERS, int(random.integers(8, 60))))
            cv2.putText(page, line, (20, row), cv2.FONT_HERSHEY_SIMPLEX, scale, (ink, ink, ink), 1, cv2.LINE_AA)
    return page


def shapes(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw none to thirty discs and boxes on one colour or a gradient; the street is not looked at."""
    ends = random.integers(0, 256, (2, 1, 1, 3)).astype(np.float32)
    ends[1] = ends[1] if random.random() < 0.6 else ends[0]
    picture = cv2.resize(np.concatenate(ends), (_SIZE[1], _SIZE[0]), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    for _ in range(int(random.integers(0, 31))):
        color = random.integers(0, 256, 3).tolist()
        first, second = (tuple(random.integers(0, _SIZE[::-1]).tolist()) for _ in range(2))
        if random.random() < 0.5:
            cv2.circle(picture, first, int(random.integers(4, 160)), color, -1, cv2.LINE_AA)
        else:
            cv2.rectangle(picture, first, second, color, -1)
    return picture


KINDS: tuple[Callable[[np.ndarray, np.random.Generator], np.ndarray], ...] = (
    mosaic,
    turned,
    detail,
    overlaid,
    noise,
    document,
    shapes,
)
"""All of them."""
