"""The same street at night: little light from above, headlamps ahead, lamps and cars that shine. Labels stay.

Array contract: see `model.data.augmentation`. Light is float32 (height, width, 3), linear, 1 where a camera saturates.
"""

from __future__ import annotations

import cv2
import numpy as np

from model.categories import NAMES
from model.data.augmentation.depth import SKY, Viewpoint, distances

_OBJECT, _VEHICLE = NAMES.index("object"), NAMES.index("vehicle")
_GAMMA = 2.2
_TO_LINEAR = ((np.arange(256) / 255) ** _GAMMA).astype(np.float32)
# Fine enough for the darkest pixels, where a step of light is many of grey.
_STEPS = 4096
_TO_PIXELS = np.rint(255 * (np.arange(_STEPS) / (_STEPS - 1)) ** (1 / _GAMMA)).astype(np.uint8)

_MOONLIGHT, _SODIUM = np.array([0.75, 0.9, 1.25], np.float32), np.array([1.35, 0.95, 0.55], np.float32)
_HEADLAMP = np.array([1.0, 0.95, 0.85], np.float32)
_WHITE, _RED = (1.0, 0.95, 0.85), (1.0, 0.09, 0.05)
_LAMPS = ((1.0, 0.72, 0.38), (1.0, 0.9, 0.75), (0.85, 0.93, 1.0))
_STRIDE = 4
# Cars under this many cells of 4x4 pixels show their lamps as part of the haze only.
_SMALLEST_CAR = 12


def darkened(image: np.ndarray, labels: np.ndarray, *, viewpoint: Viewpoint, random: np.random.Generator) -> np.ndarray:
    """Turn day to night.

    Args:
        image: uint8 (height, width, 3), taken by day.
        labels: uint8 (height, width); tells where sky, poles and cars are.
        viewpoint: of the camera.
        random: draws how dark it is and what shines.

    Returns:
        A new uint8 image.
    """
    scene = cv2.LUT(image, _TO_LINEAR)
    # Shadows and the sun's own light are of the day: night has less contrast before its own lamps are lit.
    scene = np.minimum(scene, 0.6)
    lamps, sky = _lamps(labels, viewpoint, random), _sky(labels)
    above = _from_above(random)
    lit = scene * (above + _headlamps(labels, viewpoint, random) + _spread(lamps, random))
    light = lit + sky * (_night_sky(scene, above, viewpoint, random) - lit)
    light += _glow(lamps)
    coarseness = np.float32(np.exp(random.uniform(np.log(0.0005), np.log(0.006))))
    grain = random.standard_normal(labels.shape, np.float32)[..., None] * coarseness
    light += grain * (1 + 3 * np.sqrt(np.maximum(light, 0)))
    if random.random() < 0.5:
        # Cameras take their noise out again, and fine texture with it.
        light = cv2.GaussianBlur(light, (0, 0), random.uniform(0.3, 0.9))
    return _TO_PIXELS[np.clip(light * (_STEPS - 1), 0, _STEPS - 1).astype(np.int32)]


def _from_above(random: np.random.Generator) -> np.ndarray:
    """What lights everything: the moon, or the town's lamps; (3,)."""
    # Log-uniform, from a dark road, where little but the lamps is seen, to a bright street at nightfall.
    level = np.float32(np.exp(random.uniform(np.log(0.012), np.log(0.25))))
    return level * _town(random)


def _town(random: np.random.Generator) -> np.ndarray:
    return _MOONLIGHT + np.float32(random.random()) * (_SODIUM - _MOONLIGHT)


def _sky(labels: np.ndarray) -> np.ndarray:
    """Where the sky is, 0 to 1, (height, width, 1)."""
    # Between leaves and along roofs, pixels labelled otherwise still hold the bright sky of the day.
    sky = cv2.dilate((labels == SKY).astype(np.float32), np.ones((5, 5), np.uint8))
    return cv2.blur(sky, (3, 3))[..., None]


def _night_sky(scene: np.ndarray, above: np.ndarray, viewpoint: Viewpoint, random: np.random.Generator) -> np.ndarray:
    """The sky: from brighter than an unlit roof to black, some clouds of the day's, and a town's glow low down."""
    level = np.float32(np.exp(random.uniform(np.log(0.004), np.log(0.15))))
    clouds = np.float32(random.random())
    rows = np.arange(scene.shape[0], dtype=np.float32)[:, None, None] - np.float32(viewpoint.horizon)
    reach = np.float32(random.uniform(0.1, 0.4) * scene.shape[0])
    glow = np.float32(random.uniform(0, 3)) * np.exp(np.minimum(rows, 0) / reach) * _town(random)
    return level * above * ((1 - clouds) * np.float32(0.6) + clouds * scene) * (1 + glow)


def _headlamps(labels: np.ndarray, viewpoint: Viewpoint, random: np.random.Generator) -> np.ndarray:
    """The own car's low beam: wide, cut off above, and weaker the farther it has to go."""
    height, width = labels.shape
    rows = (np.arange(height, dtype=np.float32)[:, None] - np.float32(viewpoint.horizon)) / np.float32(viewpoint.focal)
    columns = (np.arange(width, dtype=np.float32) - np.float32(width / 2)) / np.float32(viewpoint.focal)
    aim = np.exp(-((columns / 0.28) ** 2)) * (0.15 + 0.85 / (1 + np.exp(-(rows - 0.005) / 0.02)))
    reach = 1 / (1 + (distances(labels, viewpoint) / random.uniform(12, 25)) ** 2)
    return (np.float32(random.uniform(0.4, 1.4)) * aim * reach)[..., None] * _HEADLAMP


def _lamps(labels: np.ndarray, viewpoint: Viewpoint, random: np.random.Generator) -> np.ndarray:
    """Draw what shines itself: street lamps on the tops of poles, lamps of cars; linear light, far above 1."""
    lamps = np.zeros((*labels.shape, 3), np.float32)
    small = labels[_STRIDE // 2 :: _STRIDE, _STRIDE // 2 :: _STRIDE]
    colour = _LAMPS[int(random.integers(len(_LAMPS)))]
    for row, column in _pole_tops(small, viewpoint, random):
        radius = max(1, round(labels.shape[0] / 110 * random.uniform(0.5, 1.2)))
        cv2.circle(lamps, (column * _STRIDE, row * _STRIDE), radius, [8 * part for part in colour], -1, cv2.LINE_AA)
    _, _, boxes, _ = cv2.connectedComponentsWithStats((small == _VEHICLE).astype(np.uint8), connectivity=8)
    for left, top, wide, high, cells in boxes[1:]:
        if cells >= _SMALLEST_CAR and cells > 0.4 * wide * high and random.random() < 0.8:
            _light_car(lamps, np.array([left, top, wide, high]) * float(_STRIDE), random)
    return lamps


def _pole_tops(labels: np.ndarray, viewpoint: Viewpoint, random: np.random.Generator) -> list[tuple[int, int]]:
    tall = labels == _OBJECT
    first = np.argmax(tall, axis=0)
    # A lamp hangs well above eye level.
    high = tall.any(axis=0) & (first * _STRIDE < viewpoint.horizon - 0.12 * labels.shape[0] * _STRIDE)
    columns = np.flatnonzero(high)
    chosen = random.permutation(columns)[: int(random.integers(2, 7))]
    return [(int(first[column]), int(column)) for column in chosen]


def _light_car(lamps: np.ndarray, box: np.ndarray, random: np.random.Generator) -> None:
    left, top, wide, high = box
    oncoming = random.random() < 0.5
    colour, strength = (_WHITE, 6.0) if oncoming else (_RED, 2.0)
    radius = max(1, round(high * 0.045))
    # Seen from ahead or behind a car is about as wide as high; of a longer box, the lamps are at one end.
    broad = min(wide, 1.3 * high)
    start = left if random.random() < 0.5 else left + wide - broad
    for side in (0.16, 0.84):
        place = (round(start + side * broad), round(top + 0.58 * high))
        cv2.circle(lamps, place, radius, [strength * part for part in colour], -1, cv2.LINE_AA)


def _spread(lamps: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """What lamps throw on their surroundings."""
    return _wide_blur(lamps, 0.13) * np.float32(random.uniform(4, 10))


def _glow(lamps: np.ndarray) -> np.ndarray:
    """Lamps as the lens shows them: a disc, a halo close by, and a faint wide one."""
    near = cv2.GaussianBlur(lamps, (0, 0), lamps.shape[0] / 80)
    return 0.6 * cv2.GaussianBlur(lamps, (0, 0), 0.8) + 0.3 * near + 0.6 * _wide_blur(lamps, 0.06)


def _wide_blur(light: np.ndarray, share: float) -> np.ndarray:
    # Blurred at an eighth of the resolution: the same to the eye, at a fraction of the time.
    height, width = light.shape[:2]
    small = cv2.resize(light, (max(1, width // 8), max(1, height // 8)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), share * height / 8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
