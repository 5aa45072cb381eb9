"""From clean paint to something like a photograph: texture, reflections, glow, lens, sensor, JPEG.

Contract: `image` uint8 (height, width, 3) RGB; `labels` uint8 (height, width). Labels are read, never changed.
"""

from __future__ import annotations

import cv2
import numpy as np

from model import categories
from model.data.scenery.light import Light, smooth_noise

_GRAIN = {
    "void": 0.02,
    "flat": 0.03,
    "construction": 0.03,
    "object": 0.02,
    "nature": 0.2,
    "human": 0.04,
    "vehicle": 0.02,
}
_MOTTLE = {"flat": 0.012, "construction": 0.025, "nature": 0.12, "human": 0.05}


def photograph(
    image: np.ndarray, labels: np.ndarray, light: Light, horizon: float, rng: np.random.Generator
) -> np.ndarray:
    """Turn painted surfaces into a photograph.

    Args:
        image: uint8 (height, width, 3).
        labels: uint8 (height, width), decides each pixel's texture.
        light: the hour; wet roads mirror, lamps glow.
        horizon: row of the horizon, about which wet roads mirror.
        rng: draws texture, sensor noise and JPEG quality.

    Returns:
        uint8 (height, width, 3).
    """
    scene = image.astype(np.float32)
    if light.wet:
        scene = _mirror(scene, labels, horizon)
    scene *= _texture(labels, rng)[..., None]
    if light.lamps:
        scene += _glow(scene)
    scene *= _lens(scene.shape[:2])[..., None]
    scene += np.float32(rng.normal(0, 2.0))
    scene += smooth_noise(rng, scene.shape[:2], scene.shape[:2])[..., None] * np.float32(rng.uniform(1.0, 2.6))
    return _jpeg(np.clip(scene, 0, 255).astype(np.uint8), int(rng.integers(82, 96)))


def _texture(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    size = labels.shape
    grain = np.array([_GRAIN.get(name, 0.0) for name in categories.NAMES], np.float32)
    mottle = np.array([_MOTTLE.get(name, 0.0) for name in categories.NAMES], np.float32)
    fine = smooth_noise(rng, size, (max(2, size[0] // 2), max(2, size[1] // 2)))
    coarse = smooth_noise(rng, size, (max(2, size[0] // 7), max(2, size[1] // 7)))
    return 1 + cv2.LUT(labels, _table(grain)) * fine + cv2.LUT(labels, _table(mottle)) * coarse


def _table(values: np.ndarray) -> np.ndarray:
    table = np.zeros(256, np.float32)
    table[: len(values)] = values
    return table


def _mirror(scene: np.ndarray, labels: np.ndarray, horizon: float) -> np.ndarray:
    height = scene.shape[0]
    rows = np.clip(np.round(2 * horizon - np.arange(height)), 0, height - 1).astype(int)
    blurred = cv2.blur(scene[rows], (5, max(3, height // 18)))
    share = np.where(labels == categories.NAMES.index("flat"), np.float32(0.42), np.float32(0))
    return scene + (blurred - scene) * share[..., None]


def _glow(scene: np.ndarray) -> np.ndarray:
    bright = np.clip(scene - 205, 0, 50)
    small = cv2.resize(bright, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    halo = cv2.GaussianBlur(small, (0, 0), 3)
    return cv2.resize(halo, (scene.shape[1], scene.shape[0])) * 1.3


def _lens(size: tuple[int, int]) -> np.ndarray:
    rows = np.linspace(-1, 1, size[0], dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, size[1], dtype=np.float32)[None]
    return 1 - np.float32(0.1) * (rows**2 + columns**2)


def _jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    written, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not written:
        raise ValueError(f"OpenCV could not encode a generated image of shape {image.shape} as JPEG.")
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].copy()
