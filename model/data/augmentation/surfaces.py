"""What weather does to the ground: wet roads that mirror, snow that lies.

Array contract: `pixels` as in `model.data.augmentation.weather`; `labels` uint8 (height, width).
"""

from __future__ import annotations

import cv2
import numpy as np

from model.categories import NAMES
from model.data.augmentation.depth import FLAT, Viewpoint, ground_distances

_NATURE = NAMES.index("nature")


def reflected(
    pixels: np.ndarray,
    ground: np.ndarray,
    *,
    viewpoint: Viewpoint,
    share: float,
    random: np.random.Generator,
) -> np.ndarray:
    """Make the ground wet: darker, and a mirror of what stands on it.

    Args:
        pixels: float32 (height, width, 3).
        ground: bool (height, width).
        viewpoint: of the camera.
        share: of the light that wet ground mirrors at its most level, 0 to 1.
        random: draws where water stands.

    Returns:
        New pixels.
    """
    height, width = ground.shape
    rows = np.arange(height, dtype=np.float32)[:, None]
    # What is seen in the mirror lies as far above the foot of what stands there as the mirror's pixel below it.
    foot = np.maximum.accumulate(np.where(ground, np.float32(-1), rows), axis=0)
    source = np.abs(2 * foot - rows)
    columns = np.broadcast_to(np.arange(width, dtype=np.float32), (height, width))
    mirror = cv2.remap(pixels, columns, source, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    # Ripples smear upright.
    mirror = cv2.blur(mirror, (3, 2 * (height // 24) + 1))
    below = np.maximum(rows - np.float32(viewpoint.horizon), 0) / np.float32(height)
    # Mirrors are better where one looks along them.
    grazing = np.float32(share) * (0.3 + 0.7 * np.exp(-below * 4))
    puddles = 0.5 + _on_ground(_texture(random), ground.shape, viewpoint, cell=(0.25, 1.2))
    wet = cv2.blur(ground.astype(np.float32), (3, 3))[..., None]
    mixed = (grazing * puddles)[..., None] * wet
    return pixels * (1 - np.float32(0.25) * wet) * (1 - mixed) + mirror * mixed


def snowed_in(
    pixels: np.ndarray,
    labels: np.ndarray,
    *,
    white: np.ndarray,
    viewpoint: Viewpoint,
    random: np.random.Generator,
) -> np.ndarray:
    """Let snow lie on the ground and some on plants.

    Args:
        pixels: float32 (height, width, 3).
        labels: uint8 (height, width).
        white: float32 (3,); the colour of the scene's light, as bright as snow gets in it.
        viewpoint: of the camera.
        random: draws how much lies, and where.

    Returns:
        New pixels.
    """
    height = labels.shape[0]
    # Wheels clear tracks along the street, so snow lies in long stripes.
    stripes = _on_ground(_texture(random), labels.shape, viewpoint, cell=(0.35, 12.0))
    patches = _on_ground(_texture(random), labels.shape, viewpoint, cell=(0.1, 0.3))
    lying = np.clip(random.uniform(0.0, 1.1) + 1.5 * (stripes - 0.5) + 0.8 * (patches - 0.5), 0, 1)
    on = np.where(labels == FLAT, np.float32(0.95), np.float32(0))
    lying *= cv2.blur(on, (3, 3))
    # On plants it lies where they are lit from above: on what is bright.
    grey = pixels.mean(axis=-1)
    lying += np.where(labels == _NATURE, np.clip((grey - 60) / 120, 0, 0.7), np.float32(0)).astype(np.float32)
    # Snow keeps the shadows of what it covers, weakly.
    side = 2 * (height // 12) + 1
    local = cv2.blur(grey, (side, side))
    shade = np.clip(0.9 + 0.7 * (grey - local) / 255 + 0.3 * (local - 90) / 255, 0.6, 1.08)[..., None]
    return pixels + lying[..., None] * (white * shade - pixels)


def _texture(random: np.random.Generator) -> np.ndarray:
    """Draw a tile of smooth noise that repeats without a seam, float32, 0 to 1, a value a pixel."""
    tile = random.random((96, 96), np.float32)
    wide = cv2.GaussianBlur(np.tile(tile, (2, 2)), (0, 0), 1.2)[48:144, 48:144]
    return cv2.normalize(wide, None, 0, 1, cv2.NORM_MINMAX)


def _on_ground(
    texture: np.ndarray, size: tuple[int, int], viewpoint: Viewpoint, *, cell: tuple[float, float]
) -> np.ndarray:
    """Lay a texture on the street, its pixels `cell` metres (across, along); float32 of `size`."""
    ahead = ground_distances(size[0], viewpoint)
    across = (np.arange(size[1], dtype=np.float32) - np.float32(size[1] / 2)) * (ahead / np.float32(viewpoint.focal))
    along = np.broadcast_to(ahead / np.float32(cell[1]), size)
    return cv2.remap(texture, across / np.float32(cell[0]), along, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
