"""How far away a pixel is, guessed from its label: what fog, rain and headlamps need to know.

A street is a plane on which everything stands upright, which stixels (H. Badino, U. Franke, D. Pfeiffer, "The Stixel
World", 2009) made a representation of: ground is as far away as its row below the horizon says, and what stands on it
is as far away as the ground at its foot.

Array contract: see `model.data.augmentation`; distances are float32, in metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from model.categories import NAMES

FLAT, SKY = NAMES.index("flat"), NAMES.index("sky")
_FAR_BEHIND = [NAMES.index(name) for name in ("construction", "nature")]
_IN_FRONT = [NAMES.index(name) for name in ("vehicle", "human", "void")]
SKYWARD = 400.0
"""Metres that the sky is given."""

# A camera behind a windscreen, looking ahead: as Cityscapes' is, and nearly every dashboard camera.
_HORIZON = 0.43
_FOCAL = 1.1
_CAMERA_HEIGHT = 1.25
# Distances vary slowly: a quarter of the resolution does, and costs a sixteenth.
_STRIDE = 4
# Metres: streets bend or end before their ground meets the horizon, so what stands there is no farther than this.
_FARTHEST = 150.0
# Columns, and one row.
_NEIGHBOURS = (41, 1)
# What stands on nothing that a crop shows: a front of houses, mostly.
_GROUNDLESS = 40.0


@dataclass(frozen=True)
class Viewpoint:
    """Where the camera stood, in pixels of a crop.

    Attributes:
        horizon: row of the horizon, which may lie outside the crop.
        focal: focal length.
    """

    horizon: float
    focal: float

    @classmethod
    def of(cls, size: tuple[int, int], *, top: int) -> Viewpoint:
        """Return the viewpoint of a crop whose first row is row `top` of a whole image of `size` (height, width)."""
        return cls(horizon=_HORIZON * size[0] - top, focal=_FOCAL * size[1])


def distances(labels: np.ndarray, viewpoint: Viewpoint) -> np.ndarray:
    """Guess distances.

    Args:
        labels: uint8 (height, width).
        viewpoint: of the camera.

    Returns:
        float32 (height, width), metres, at most `SKYWARD`.
    """
    small = labels[_STRIDE // 2 :: _STRIDE, _STRIDE // 2 :: _STRIDE]
    ground = ground_distances(small.shape[0], viewpoint, stride=_STRIDE)
    # From the bottom up, ground only gets farther; what stands in between has the distance of the last ground below it.
    foot = np.maximum.accumulate(np.where(small == FLAT, ground, 0)[::-1], axis=0)[::-1]
    foot = np.where(foot == 0, min(float(ground[-1, 0]), _GROUNDLESS), foot)
    guess = np.where(np.isin(small, _FAR_BEHIND), _behind(small, foot), foot)
    guess = np.where(small == SKY, np.float32(SKYWARD), np.where(small == FLAT, ground, guess))
    guess = cv2.blur(guess.astype(np.float32), (3, 3))
    return cv2.resize(guess, (labels.shape[1], labels.shape[0]), interpolation=cv2.INTER_LINEAR)


def _behind(labels: np.ndarray, foot: np.ndarray) -> np.ndarray:
    # The foot of a house is hidden where something stands before it, and then the neighbouring columns tell. Averaged
    # as logarithms, so that the near is not lost in the far.
    hidden = np.logical_or.accumulate(np.isin(labels, _IN_FRONT)[::-1], axis=0)[::-1]
    weights = np.where(hidden, np.float32(0.01), np.float32(1))
    logarithms = cv2.GaussianBlur(np.log(foot.astype(np.float32)) * weights, _NEIGHBOURS, 0)
    return np.exp(logarithms / cv2.GaussianBlur(weights, _NEIGHBOURS, 0))


def ground_distances(rows: int, viewpoint: Viewpoint, *, stride: int = 1) -> np.ndarray:
    """Return float32 (rows, 1): metres to level ground seen in the middle of every `stride` rows."""
    below = np.arange(rows, dtype=np.float32)[:, None] * stride + stride // 2 - np.float32(viewpoint.horizon)
    distance = np.float32(viewpoint.focal * _CAMERA_HEIGHT) / np.maximum(below, np.float32(1e-3))
    return np.where(below > 0, np.minimum(distance, np.float32(_FARTHEST)), np.float32(_FARTHEST))
