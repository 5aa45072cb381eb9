"""The same street at night, from the picture alone.

Array contract: see `model.data.corruption`. Nothing here comes from `model.data.augmentation.night`, on which networks
may have been trained: light is made another way, lamps hang elsewhere, and no label is read.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from model.data.corruption import layout
from model.data.corruption import light as lights
from model.data.corruption.camera import with_noise


class _Night(NamedTuple):
    """How light it is: light from everywhere, from street lamps and from the own headlamps; electrons of white."""

    ambient: float
    lamps: float
    headlamps: float
    electrons: float


_NIGHTS = (_Night(0.06, 0.3, 0.15, 2500), _Night(0.012, 0.24, 0.22, 900), _Night(0.003, 0.05, 0.3, 350))
_COLOURS = np.array([(1.0, 0.58, 0.22), (1.0, 0.78, 0.5), (0.9, 0.97, 1.0)], np.float32)
_HEADLAMP = np.array([1.0, 0.97, 0.9], np.float32)
# Metres: how high lamps hang, how far from the middle, how far apart, and how far the last one is seen.
_HANGS, _ASIDE, _APART, _LAST = 7.0, 6.5, 28.0, 190.0
# Light on the street changes slowly from place to place: it is counted for every fourth pixel of each direction.
_COARSE = 4


def night(image: np.ndarray, *, strength: int, random: np.random.Generator) -> np.ndarray:
    """Take the daylight away and light the street by lamps and headlamps.

    The picture by day is split into what surfaces reflect and what the day sheds on them (Land and McCann's Retinex,
    1971), and the first is lit anew. The sky is dark; what is red or strongly coloured shines, since rear lamps,
    traffic lights and signs do, and so do bright spots, as of shop windows. Then the camera: glow around lamps, little
    light and hence noise, its denoising.

    Args:
        image: uint8 (height, width, 3), taken by day.
        strength: 1 to 3: a town's bright street at nightfall, a lit street by night, a dark road.
        random: draws the lamps, their colour, and the noise.
    """
    kind = _NIGHTS[strength - 1]
    light = lights.to_light(image)
    width = image.shape[1]
    colour = _COLOURS[int(random.integers(len(_COLOURS)))] * random.uniform(0.92, 1.08, 3).astype(np.float32)
    places = _lamps(random)
    away = layout.distances(light)
    sky = layout.sky(light)[..., None]
    shed = kind.ambient * (0.5 * colour + np.array([0.4, 0.47, 0.6], np.float32))
    shed = shed + kind.lamps * _under_lamps(away, places) * colour + kind.headlamps * _headlamps(away)
    shed = shed * (1 + 0.25 * np.tanh(lights.clouds(image.shape[:2], random=random)))[..., None]
    seen = _reflectance(light) * shed * (1 - sky) + sky * _night_sky(image.shape[:2], kind, colour)
    seen += _shining(light) * (1 - sky) * np.float32(0.12 + 0.2 * kind.headlamps)
    bulbs = _bulbs(image.shape[:2], places, colour)
    seen += (
        bulbs
        + 1.6 * lights.blurred(bulbs, lights.pixels(4, width))
        + 2.5 * lights.blurred(bulbs, lights.pixels(22, width))
    )
    electrons = kind.electrons * (lights.REFERENCE_WIDTH / width) ** 2
    noisy = with_noise(seen.astype(np.float32), electrons=electrons, random=random)
    return lights.to_image(cv2.GaussianBlur(noisy, (0, 0), max(0.45, lights.pixels(0.6, width))))


def _reflectance(light: np.ndarray) -> np.ndarray:
    """Even out the day's light: shadows and sunlit fronts come nearer to one another."""
    return np.clip(light * (0.35 / lights.around(light)) ** np.float32(0.55), 0, 1)


def _night_sky(size: tuple[int, int], kind: _Night, colour: np.ndarray) -> np.ndarray:
    """A town's glow, brightest over the roofs; (height, 1, 3)."""
    rows, _ = layout.rows_and_columns(size)
    low = np.exp(np.minimum(rows, 0) / 0.15)[..., None]
    return kind.ambient * (np.array([0.05, 0.06, 0.10], np.float32) + 0.2 * low * colour)


def _headlamps(away: np.ndarray) -> np.ndarray:
    """The low beam on the road: wide, cut off at the horizon, weaker by the square of the distance."""
    rows, columns = layout.rows_and_columns(away.shape)
    beam = np.exp(-(np.abs(columns / 0.34) ** 2.5)) * (0.04 + 0.96 / (1 + np.exp(-(rows - 0.004) / 0.008)))
    return (beam * 400 / (away + 12) ** 2)[..., None] * _HEADLAMP


def _shining(light: np.ndarray) -> np.ndarray:
    """What is strongly red, strongly coloured and bright, or brighter than all around: lamps, signs, shop windows."""
    red = np.clip(light[..., 0] - 2.2 * np.maximum(light[..., 1], light[..., 2]) - 0.02, 0, None)
    vivid = np.clip(light.max(axis=2) - 3.5 * light.min(axis=2) - 0.15, 0, None)
    grey = lights.luminance(light)
    spots = np.clip(grey - 2.5 * lights.blurred(grey, lights.pixels(30, light.shape[1])) - 0.25, 0, None)
    rows, _ = layout.rows_and_columns(grey.shape)
    # Bright spots on the road are paint.
    return light * np.clip(9 * red + 1.5 * vivid + 4 * spots * (rows < 0.03), 0, 4)[..., None]


def _lamps(random: np.random.Generator) -> list[tuple[float, float, float]]:
    """Hang lamps on both sides of the street: metres (right of its middle, above the camera, away), far ones first."""
    aside, hangs = _ASIDE * random.uniform(0.6, 1.2), _HANGS * random.uniform(0.85, 1.2)
    return [
        (side * aside, hangs - layout.CAMERA_HEIGHT, float(away + (_APART / 2 if side > 0 else 0)))
        for away in np.arange(_LAST, 0, -_APART) + random.uniform(-10, 10)
        for side in (-1, 1)
        if away > 4
    ]


def _under_lamps(away: np.ndarray, places: list[tuple[float, float, float]]) -> np.ndarray:
    """How much light lamps shed on each place, by the square of the distance, 1 under a lamp; (height, width, 1)."""
    height, width = away.shape
    rows, columns = layout.rows_and_columns(away.shape)
    away, rows, columns = away[::_COARSE, ::_COARSE], rows[::_COARSE], columns[::_COARSE]
    total = np.zeros(away.shape, np.float32)
    for aside, above, there in places:
        below = away * rows + np.float32(above)
        square = (away * columns - aside) ** 2 + below**2 + (away - there) ** 2 + np.float32(0.1 * _HANGS**2)
        # Lamps shine downwards, so that what is higher than they stays dark.
        total += np.float32(_HANGS**2) / square * np.clip(below / np.sqrt(square), np.float32(0.03), 1)
    return cv2.resize(np.minimum(total, 2), (width, height), interpolation=cv2.INTER_LINEAR)[..., None]


def _bulbs(size: tuple[int, int], places: list[tuple[float, float, float]], colour: np.ndarray) -> np.ndarray:
    """Draw the lamps themselves, far brighter than a camera can show."""
    height, width = size
    focal = layout.FOCAL * width
    bulbs = np.zeros((*size, 3), np.float32)
    for aside, above, there in places:
        # OpenCV takes coordinates in sixteenths of a pixel.
        column, row = width / 2 + focal * aside / there, layout.HORIZON * height - focal * above / there
        radius = max(lights.pixels(0.8, width), 0.16 * focal / there)
        level = min(5.0, 0.6 + 60 / there)
        centre = (round(16 * column), round(16 * row))
        cv2.circle(bulbs, centre, round(16 * radius), [level * float(part) for part in colour], -1, cv2.LINE_8, 4)
    return bulbs
