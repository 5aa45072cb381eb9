"""Fog, rain and a low sun, from the picture alone.

Array contract: see `model.data.corruption`. Nothing here comes from `model.data.augmentation.weather` or its particles,
on which networks may have been trained: drops fall by other laws, distances are guessed from the picture, and no label
is read. What the air takes and adds is Koschmieder's law in both, because it is so in nature.
"""

from __future__ import annotations

import cv2
import numpy as np

from model.data.corruption import layout
from model.data.corruption import light as lights
from model.data.corruption.drops import falling, on_windscreen

# Per metre, as in Foggy Cityscapes: one sees 600, 300 and 150 metres far.
_FOG = (0.005, 0.01, 0.02)
# Millimetres an hour.
_RAIN = (10.0, 35.0, 90.0)
_GLARE = (0.25, 0.6, 1.3)
_SUN_CELLS = 48


def fog(image: np.ndarray, *, strength: int, random: np.random.Generator) -> np.ndarray:
    """Fill the street with fog.

    L = J t + A (1 - t), t = exp(-beta d) with the distance d (Koschmieder 1924), beta as in Foggy Cityscapes
    (Sakaridis, Dai and Van Gool 2018, arXiv 1708.07819); denser here and thinner there, as in ImageNet-C's fog
    (Hendrycks and Dietterich 2019, arXiv 1903.12261). What is far is blurred, since fog scatters light onto neighbours
    (Narasimhan and Nayar 2003).

    Args:
        image: uint8 (height, width, 3).
        strength: 1 to 3: sight of about 600, 300 or 150 metres.
        random: draws the fog's patches and its brightness.
    """
    light = lights.to_light(image)
    patches = np.exp(0.22 * lights.clouds(image.shape[:2], random=random, coarsest=0.8))
    passed = np.exp(-np.float32(_FOG[strength - 1]) * patches * layout.distances(light))[..., None]
    airlight = _airlight(light) * np.float32(random.uniform(0.9, 1.05))
    # Under fog there is no sun: shadows fill, colours pale a little even close by.
    light = lights.evened(light, power=0.3)
    grey = lights.luminance(light)[..., None]
    light = light + np.float32(0.12 * strength) * (grey - light)
    spread = lights.blurred(light, lights.pixels(2.0 + strength, image.shape[1]))
    scattered = spread + (light - spread) * passed
    return lights.to_image(scattered * passed + airlight * (1 - passed))


def rain(image: np.ndarray, *, strength: int, random: np.random.Generator) -> np.ndarray:
    """Let it rain: a dull light, a wet road that mirrors, haze, falling drops, and drops on the windscreen.

    Haze: exp(-0.312 R^0.67 d) with R in mm/h and d in km (Halder, Lalonde and de Charette 2019, arXiv 1908.10335).

    Args:
        image: uint8 (height, width, 3).
        strength: 1 to 3: 10, 35 or 90 mm an hour; steady rain, heavy rain, a downpour.
        random: draws the drops.
    """
    rate = _RAIN[strength - 1]
    light = lights.evened(lights.to_light(image), power=0.4)
    airlight = _airlight(light) * np.float32(0.62)
    grey = lights.luminance(light)[..., None]
    light = (grey + (light - grey) * np.float32(0.95 - 0.1 * strength)) * np.float32(0.85 - 0.07 * strength)
    light = np.minimum(light, 1.4 * airlight)
    light = _wet(light, share=0.3 + 0.17 * strength)
    passed = np.exp(np.float32(-0.312e-3 * rate**0.67) * layout.distances(light))[..., None]
    light = light * passed + airlight * (1 - passed)
    covered = falling(image.shape[:2], rate=rate, random=random)[..., None]
    light = light + covered * (1.25 * airlight - light)
    return lights.to_image(on_windscreen(light, number=(8, 22, 60)[strength - 1], random=random))


def glare(image: np.ndarray, *, strength: int, random: np.random.Generator) -> np.ndarray:
    """Drive towards a low sun: it blinds around itself and veils the rest.

    Light scattered in a lens, and behind a dusty windscreen, falls with about the square of the angle, as Stiles and
    Holladay found for the eye (CIE 146:2002). The camera then shortens its exposure, so that what is not lit sinks.

    Args:
        image: uint8 (height, width, 3).
        strength: 1 to 3: the sun behind haze, the sun, the sun on a dirty windscreen.
        random: draws where the sun stands, within or just above the brightest part of the upper picture.
    """
    light = lights.to_light(image)
    height, width = image.shape[:2]
    power = np.float32(_GLARE[strength - 1])
    row, column = _sun(light, random)
    rows = (np.arange(height, dtype=np.float32)[:, None] - row) / np.float32(width)
    columns = (np.arange(width, dtype=np.float32) - column) / np.float32(width)
    angle = np.degrees(np.sqrt(rows**2 + columns**2) / layout.FOCAL)
    halo = 9 * power / (angle**2 + 4) + 0.5 * np.exp(-((angle / 9) ** 2)) * power
    rays = _rays(np.arctan2(rows, columns), random) * 3 * power / (angle + 3) ** 1.2
    veil = 0.07 * power * (1 + 0.3 * np.tanh(lights.clouds((height, width), random=random, coarsest=0.3)))
    warm = np.array([1.0, 0.9, 0.72], np.float32)
    lit = light * np.float32(0.75 - 0.13 * strength) * _towards(rows, columns)
    lit += _glitter(light, rows, columns, column / width) * power * warm
    added = (halo + rays + veil).astype(np.float32)[..., None] * (warm + np.float32(0.1) * (1 - warm))
    return lights.to_image(lit + added)


def _airlight(light: np.ndarray) -> np.ndarray:
    """How bright the air is: as the brightest part of the picture, its tint half of the picture's; (3,)."""
    few = light[::4, ::4].reshape(-1, 3)
    # Never quite black, so that there is a tint to take.
    brightest, mean = np.percentile(few, 97, axis=0) + 1e-3, few.mean(axis=0) + 1e-3
    tinted = 0.4 * brightest + 0.2 * mean * (brightest.mean() / mean.mean()) + 0.4 * brightest.mean()
    return (tinted * (np.clip(tinted.mean(), 0.3, 0.75) / tinted.mean())).astype(np.float32)


def _wet(light: np.ndarray, *, share: float) -> np.ndarray:
    """Wet the road: it is darker (Lekner and Dorf 1988) and mirrors what stands beyond it, most at a flat angle."""
    height, width = light.shape[:2]
    rows, _ = layout.rows_and_columns((height, width))
    horizon = layout.HORIZON * height
    source = np.clip(np.rint(2 * horizon - np.arange(height)), 0, height - 1).astype(np.intp)
    # Rough ground smears what it mirrors, far more from top to bottom.
    smear = (lights.pixels(3.5, width), lights.pixels(14, width))
    mirrored = cv2.GaussianBlur(light[source], (0, 0), sigmaX=smear[0], sigmaY=smear[1])
    # Schlick's approximation of Fresnel, for water, at the angle under which each row meets the road.
    steep = np.clip(rows / np.sqrt(1 + rows**2), 0, 1)
    mirrors = (0.02 + 0.98 * (1 - steep) ** 5)[..., None]
    road = layout.road(light)[..., None] * np.float32(share)
    return light * (1 - 0.45 * road) + road * mirrors * (mirrored - 0.3 * light)


def _sun(light: np.ndarray, random: np.random.Generator) -> tuple[np.float32, np.float32]:
    """Choose a place: a bright one of the upper picture, as sky is, a little above the horizon."""
    height, width = light.shape[:2]
    # On a grid of few cells, which is the same for a photograph of any size.
    upper = lights.luminance(light)[: max(1, int(0.36 * height))]
    cells = cv2.resize(upper, (_SUN_CELLS, _SUN_CELLS // 4), interpolation=cv2.INTER_AREA)
    chance = cv2.blur(cells, (3, 3)).ravel().astype(np.float64) ** 4 + 1e-9
    place = int(np.searchsorted(np.cumsum(chance), random.random() * chance.sum()))
    row, column = divmod(min(place, cells.size - 1), _SUN_CELLS)
    return np.float32((row + 0.5) * 4 / _SUN_CELLS * len(upper)), np.float32((column + 0.5) / _SUN_CELLS * width)


def _rays(direction: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The star around a bright source, from the blades of the shutter and the wiper's scratches."""
    phases = random.uniform(0, 2 * np.pi, 3)
    waves = sum(np.cos(count * direction + phase) for count, phase in zip((6, 14, 23), phases, strict=True))
    return np.clip(waves / 3, 0, 1) ** 3


def _towards(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """What is seen against the sun is in shadow, most near its direction; (height, width, 1)."""
    return (1 - 0.35 * np.exp(-(rows**2 + columns**2) / 0.12))[..., None]


def _glitter(light: np.ndarray, rows: np.ndarray, columns: np.ndarray, middle: float) -> np.ndarray:
    """The sun's path on the road, below it; (height, width, 1)."""
    below, _ = layout.rows_and_columns(light.shape[:2])
    path = np.exp(-((columns / (0.05 + 0.2 * np.maximum(below, 0))) ** 2)) * np.exp(-np.maximum(below, 0) / 0.15)
    return (path * layout.road(light))[..., None].astype(np.float32) * np.float32(0.8)
