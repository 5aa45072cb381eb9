"""What a lens, a hand or a small sensor takes from a photograph: defocus, motion, resolution.

Array contract: see `model.data.corruption`.
"""

from __future__ import annotations

import cv2
import numpy as np

from model.data.corruption import light as lights

# In pixels of a photograph 640 wide, by strength.
_DEFOCUS_SIGMA = (1.0, 2.0, 3.5)
_MOTION_LENGTH = (5.0, 10.0, 18.0)
_LOWRES_FACTOR = (2, 3, 4)
# Taken by a sensor, light is a sum over the shutter's time; finer steps than this do not show.
_STEPS_A_PIXEL = 4


def blur(image: np.ndarray, *, strength: int, random: np.random.Generator) -> np.ndarray:
    """Put a photograph out of focus by an even disc, as ImageNet-C does, but on light.

    `defocus_blur` of Hendrycks and Dietterich 2019 (arXiv 1903.12261); its discs, for 224 pixels, are larger.

    Args:
        image: uint8 (height, width, 3).
        strength: 1 to 3: a disc with a standard deviation of 1, 2 or 3.5 pixels at a width of 640, whose radius is
            twice that.
        random: is not used.
    """
    radius = 2 * lights.pixels(_DEFOCUS_SIGMA[strength - 1], image.shape[1])
    side = int(np.ceil(radius))
    rows, columns = np.mgrid[-side : side + 1, -side : side + 1]
    # The rim's pixels count by the share of them that lies in the disc.
    disc = np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1).astype(np.float32)
    return _filtered(image, disc)


def motion(image: np.ndarray, *, strength: int, random: np.random.Generator) -> np.ndarray:
    """Move the camera while its shutter is open: along a line, mostly to the side, as a car turns and a hand shakes.

    `motion_blur` of Hendrycks and Dietterich 2019 (arXiv 1903.12261), on light.

    Args:
        image: uint8 (height, width, 3).
        strength: 1 to 3: 5, 10 or 18 pixels at a width of 640.
        random: draws the direction.
    """
    length = lights.pixels(_MOTION_LENGTH[strength - 1], image.shape[1])
    angle = random.normal(0, 0.4)
    side = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * side + 1, 2 * side + 1), np.float32)
    for place in np.linspace(-length / 2, length / 2, max(2, round(_STEPS_A_PIXEL * length))):
        _add(kernel, side + place * np.sin(angle), side + place * np.cos(angle))
    return _filtered(image, kernel)


def lowres(image: np.ndarray, *, strength: int, random: np.random.Generator) -> np.ndarray:
    """Shrink a photograph and enlarge it again, as a thumbnail or a cheap camera's picture is.

    A wide photograph is left with as many pixels as one 640 wide: half, a third or a quarter of 640. ImageNet-C's
    `pixelate` enlarges by blocks, which nobody does to a photograph; this is smooth.

    Args:
        image: uint8 (height, width, 3).
        strength: 1 to 3: shrunk by 2, 3 or 4 from a width of 640, or from its own where that is less.
        random: is not used.
    """
    height, width = image.shape[:2]
    factor = _LOWRES_FACTOR[strength - 1] * max(1.0, width / lights.REFERENCE_WIDTH)
    small = max(1, round(width / factor)), max(1, round(height / factor))
    shrunk = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_CUBIC)


def _add(kernel: np.ndarray, row: float, column: float) -> None:
    """Add one, shared by the four pixels around a place."""
    top, left = int(np.floor(row)), int(np.floor(column))
    down, across = row - top, column - left
    weights = np.outer((1 - down, down), (1 - across, across))
    kernel[top : top + 2, left : left + 2] += weights.astype(np.float32)


def _filtered(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    light = lights.to_light(image)
    # Repeated, not mirrored: of a picture smaller than the kernel OpenCV can't mirror enough.
    return lights.to_image(cv2.filter2D(light, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))
