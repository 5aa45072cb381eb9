"""How far a street is away and where its sky is, guessed without labels: weather and night need no more.

Array contract: see `model.data.corruption`. Distances are float32 (height, width) in metres. Guessed from the picture,
because an answer key that leads to the test picture would lead a network as well: fog that ends exactly at a car's
outline tells where the car is.
"""

from __future__ import annotations

import cv2
import numpy as np

from model.data.corruption import light as lights

HORIZON = 0.43
"""Row of the horizon as a share of the height, about where the cameras of Cityscapes have it."""

FOCAL = 1.1
"""Focal length as a share of the width: 49 degrees from left to right, as Cityscapes' cameras."""

CAMERA_HEIGHT = 1.3
FARTHEST = 400.0

# A street with houses on both sides and, since few streets are straight for long, at its end. Metres from the middle
# to the houses, and to the end.
_HALF_STREET = 10.0
_END = 80.0


def rows_and_columns(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return what each row lies below the horizon, (height, 1), and each column right of the middle, (width,).

    Both in focal lengths, so that a distance times either is metres.
    """
    height, width = size
    focal = FOCAL * width
    rows = (np.arange(height, dtype=np.float32)[:, None] + 0.5 - np.float32(HORIZON * height)) / np.float32(focal)
    columns = (np.arange(width, dtype=np.float32) + 0.5 - np.float32(width / 2)) / np.float32(focal)
    return rows, columns


def distances(light: np.ndarray) -> np.ndarray:
    """Guess how far away everything is: a street between two rows of houses, its borders moved to the picture's edges.

    The box that a street makes around its vanishing point is the model of Horry, Anjyo and Arai, "Tour into the
    picture" (SIGGRAPH 1997).
    """
    rows, columns = rows_and_columns(light.shape[:2])
    ground = CAMERA_HEIGHT / np.maximum(rows, CAMERA_HEIGHT / FARTHEST)
    houses = _HALF_STREET / np.maximum(np.abs(columns), _HALF_STREET / _END)
    logarithms = np.log(np.minimum(ground, houses)).astype(np.float32)
    logarithms += sky(light) * (np.float32(np.log(FARTHEST)) - logarithms)
    guide = np.sqrt(np.clip(lights.luminance(light), 0, 1))
    followed = lights.guided(guide, logarithms, radius=lights.pixels(16, light.shape[1]))
    return np.exp(np.clip(followed, np.float32(0.7), np.float32(np.log(FARTHEST))))


def sky(light: np.ndarray) -> np.ndarray:
    """Guess where the sky is: above the horizon, bright for this picture, even, and neither green nor warm.

    Returns:
        float32 (height, width), 0 to 1.
    """
    height, width = light.shape[:2]
    grey = np.sqrt(np.clip(lights.luminance(light), 0, 1))
    rows, _ = rows_and_columns((height, width))
    brightest = float(np.percentile(grey[: max(1, round(HORIZON * height))], 98))
    uneven = np.abs(grey - lights.blurred(grey, lights.pixels(3, width)))
    even = np.exp(-((lights.blurred(uneven, lights.pixels(2, width)) / 0.06) ** 2))
    bluish = np.clip(1 + 6 * (light[..., 2] - np.maximum(light[..., 0], light[..., 1])), 0, 1)
    above = np.clip(-rows / 0.05, 0, 1)
    certain = above * even * bluish * np.clip((grey - 0.75 * brightest) / (0.15 * brightest + 1e-3), 0, 1)
    # Beside what is certainly sky, what is bright is sky too: between leaves, along roofs.
    beside = np.clip(6 * lights.blurred(certain.astype(np.float32), lights.pixels(12, width)) - 0.3, 0, 1)
    bright = np.clip((grey - 0.5 * brightest) / (0.2 * brightest + 1e-3), 0, 1)
    return np.maximum(certain, beside * bright * above).astype(np.float32)


def road(light: np.ndarray) -> np.ndarray:
    """Guess where the road is: below the horizon, and of the colour that lies before the car.

    Returns:
        float32 (height, width), 0 to 1.
    """
    height, width = light.shape[:2]
    seen = cv2.GaussianBlur(np.sqrt(np.clip(light, 0, 1)), (0, 0), max(0.6, lights.pixels(2, width)))
    ahead = seen[int(0.62 * height) : int(0.78 * height) + 1, int(0.3 * width) : int(0.7 * width) + 1].reshape(-1, 3)
    apart = seen - np.median(ahead, axis=0)
    brightness = apart.mean(axis=2)
    tint = np.sqrt(((apart - brightness[..., None]) ** 2).sum(axis=2))
    rows, _ = rows_and_columns((height, width))
    alike = np.exp(-((brightness / 0.14) ** 2) - (tint / 0.05) ** 2)
    found = (alike * np.clip(rows / 0.03, 0, 1)).astype(np.float32)
    guide = np.sqrt(np.clip(lights.luminance(light), 0, 1))
    return np.clip(lights.guided(guide, found, radius=lights.pixels(8, width)), 0, 1)
