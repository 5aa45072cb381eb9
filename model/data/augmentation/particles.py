"""What is in the air: streaks of rain, flakes of snow, drops on the windscreen.

Array contract: masks are float32 (height, width), 0 (nothing) to 1; `pixels` as in `model.data.augmentation.weather`.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np


class _Layer(NamedTuple):
    """Particles that are about equally far away: how many, how long (of the height), how thick, opaque and blurred."""

    count: int
    length: float
    thickness: int
    level: int
    blur: float


# Far ones are dense, short and faint; near ones are few, long and out of focus.
_RAIN = (_Layer(1500, 0.05, 1, 60, 0.5), _Layer(420, 0.12, 1, 85, 0.6), _Layer(40, 0.3, 2, 60, 1.4))
_SNOW = (_Layer(1600, 0.004, 1, 150, 0.5), _Layer(300, 0.008, 2, 190, 0.7), _Layer(36, 0.02, 5, 170, 2.0))
# Pixels of the crop that the counts are for.
_COUNTED_ON = 256 * 512
# OpenCV takes coordinates in sixteenths of a pixel.
_SHIFT = 4


def streaks(size: tuple[int, int], *, strength: float, random: np.random.Generator) -> np.ndarray:
    """Draw falling rain.

    Args:
        size: (height, width) in pixels.
        strength: 0 (drizzle) to 1 (downpour).
        random: draws where they fall, and how slanted.

    Returns:
        The mask.
    """
    height, width = size
    slant = random.normal(0, 0.15)
    mask = np.zeros(size, np.uint8)
    for layer in _RAIN:
        number = int(layer.count * strength * height * width / _COUNTED_ON)
        heads = random.uniform((-0.1 * width, -0.3 * height), (1.1 * width, height), (number, 2))
        falls = layer.length * height * random.uniform(0.5, 1.4, number)
        across = falls * (slant + random.normal(0, 0.015, number))
        mask = cv2.max(mask, _drawn(size, heads, heads + np.stack([across, falls], axis=1), layer))
    return mask.astype(np.float32) * np.float32(1 / 255)


def flakes(size: tuple[int, int], *, strength: float, random: np.random.Generator) -> np.ndarray:
    """Draw falling snow; arguments and result as for `streaks`."""
    height, width = size
    wind = random.normal(0, 0.6)
    mask = np.zeros(size, np.uint8)
    for layer in _SNOW:
        number = int(layer.count * strength * height * width / _COUNTED_ON)
        heads = random.uniform((0, 0), (width, height), (number, 2))
        falls = layer.length * height * random.uniform(0.2, 1.4, (number, 1))
        mask = cv2.max(mask, _drawn(size, heads, heads + falls * np.array([wind, 1.0]), layer))
    return mask.astype(np.float32) * np.float32(1 / 255)


def seen_through_drops(pixels: np.ndarray, *, random: np.random.Generator) -> np.ndarray:
    """Put drops on the windscreen: each bends the light as a small lens, out of focus at its edge."""
    height, width = pixels.shape[:2]
    relief = np.zeros((height, width), np.float32)
    for _ in range(int(random.integers(6, 30))):
        radius = height * 0.04 * random.beta(1.3, 4) + 2
        place = (int(random.uniform(0, width)), int(random.uniform(0, height)))
        axes = (int(radius), int(radius * random.uniform(1.0, 1.5)))
        cv2.ellipse(relief, place, axes, 0, 0, 360, float(radius), -1, cv2.LINE_AA)
    relief = cv2.GaussianBlur(relief, (0, 0), 2.0)
    slope_x, slope_y = cv2.Sobel(relief, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(relief, cv2.CV_32F, 0, 1, ksize=3)
    columns = np.arange(width, dtype=np.float32) + 4 * slope_x
    rows = np.arange(height, dtype=np.float32)[:, None] + 4 * slope_y
    bent = cv2.remap(
        cv2.GaussianBlur(pixels, (0, 0), 1.5), columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    inside = np.clip(relief, 0, 1)[..., None]
    # The upper edge is in shadow, the lower one gathers the light of the sky.
    shade = 1 - 0.012 * np.clip(slope_y, -12, 12)[..., None]
    return pixels + inside * (bent * shade - pixels)


def _drawn(size: tuple[int, int], heads: np.ndarray, tails: np.ndarray, layer: _Layer) -> np.ndarray:
    drawn = np.zeros(size, np.uint8)
    ends = np.rint(np.stack([heads, tails], axis=1) * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(drawn, list(ends), False, layer.level, layer.thickness, cv2.LINE_AA, _SHIFT)
    return cv2.GaussianBlur(drawn, (0, 0), layer.blur)
