"""The weather and the hour: how a colour looks at a distance, and the sky above it.

Contract: see `model.data.scenery`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

Color = tuple[float, float, float]

_HOURS: dict[str, dict] = {
    "noon": dict(
        zenith=(78, 134, 205), low=(190, 214, 234), ambient=(1.06, 1.04, 0.99), sun=0.42, haze=420, clouds=0.3
    ),
    "morning": dict(
        zenith=(120, 160, 205), low=(236, 222, 200), ambient=(1.02, 0.96, 0.86), sun=0.5, haze=260, clouds=0.4
    ),
    "overcast": dict(
        zenith=(196, 204, 212), low=(226, 229, 231), ambient=(0.84, 0.87, 0.89), sun=0.0, haze=230, clouds=0.9
    ),
    "wet": dict(zenith=(140, 150, 162), low=(192, 198, 204), ambient=(0.76, 0.80, 0.85), sun=0.0, haze=150, clouds=0.9),
    "dusk": dict(zenith=(74, 92, 146), low=(238, 176, 132), ambient=(0.80, 0.72, 0.76), sun=0.2, haze=300, clouds=0.5),
}
_FREQUENCY = {"noon": 0.3, "morning": 0.2, "overcast": 0.2, "wet": 0.15, "dusk": 0.15}


@dataclass(frozen=True)
class Light:
    """One hour of one day.

    Attributes:
        name: noon, morning, overcast, wet or dusk.
        zenith: the sky's colour overhead.
        low: the sky's colour at the horizon, into which far things fade.
        ambient: what white looks like, as shares of 255 by channel.
        sun: how much brighter the sunny side is; 0 without sun.
        sun_side: -1 where the sun stands left of the street, 1 right.
        haze: metres after which two thirds of a colour are lost.
        clouds: share of the sky they cover, 0 to 1.
    """

    name: str
    zenith: Color
    low: Color
    ambient: Color
    sun: float
    sun_side: int
    haze: float
    clouds: float

    @property
    def lamps(self) -> bool:
        """Whether windows and lamps are lit."""
        return self.name in ("dusk", "wet")

    @property
    def wet(self) -> bool:
        """Whether the road mirrors what stands on it."""
        return self.name == "wet"

    def shade(self, color: Color, ahead: float) -> Color:
        """Return how `color` looks `ahead` metres away, 0 to 255."""
        clear = math.exp(-ahead / self.haze)
        fog = 1 - clear
        (red, green, blue), (white_red, white_green, white_blue), low = color, self.ambient, self.low
        return (
            min(255.0, red * white_red) * clear + low[0] * fog,
            min(255.0, green * white_green) * clear + low[1] * fog,
            min(255.0, blue * white_blue) * clear + low[2] * fog,
        )

    def shade_all(self, colors: np.ndarray, ahead: float) -> np.ndarray:
        """Shade many colours, (n, 3), at one distance."""
        clear = math.exp(-ahead / self.haze)
        return np.clip(colors * np.array(self.ambient), 0, 255) * clear + np.array(self.low) * (1 - clear)

    def on_side(self, color: Color, side: int) -> Color:
        """Return `color` on a wall of the street's `side`: the sun lights the wall across from it."""
        return brighten(color, 1 + self.sun * (0.35 if side != self.sun_side else -0.75))


def draw_light(rng: np.random.Generator) -> Light:
    """Draw an hour and its weather."""
    name = str(rng.choice(list(_FREQUENCY), p=list(_FREQUENCY.values())))
    hour = _HOURS[name]
    tint = rng.normal(1.0, 0.03, 3) * rng.normal(1.0, 0.06)
    ambient = tuple(float(part) for part in np.array(hour["ambient"]) * tint)
    return Light(
        name,
        zenith=brighten(hour["zenith"], rng.uniform(0.9, 1.1)),
        low=brighten(hour["low"], rng.uniform(0.94, 1.05)),
        ambient=ambient,
        sun=hour["sun"],
        sun_side=int(rng.integers(2)) * 2 - 1,
        haze=hour["haze"] * rng.uniform(0.7, 1.3),
        clouds=float(np.clip(hour["clouds"] + rng.normal(0, 0.15), 0, 1)),
    )


def brighten(color: Color, factor: float) -> Color:
    """Return `color` times `factor`; more than 255 shines even in the dark."""
    red, green, blue = color
    return float(red) * factor, float(green) * factor, float(blue) * factor


def smooth_noise(rng: np.random.Generator, size: tuple[int, int], cells: tuple[int, int]) -> np.ndarray:
    """Return float32 `size` of smooth noise with unit deviation and `cells` (rows, columns) of detail."""
    coarse = rng.standard_normal(cells, np.float32)
    return cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)


def paint_sky(pixels: np.ndarray, horizon: float, light: Light, rng: np.random.Generator, *, category: int) -> None:
    """Paint a graded sky with clouds from the top down to the row `horizon` of `pixels`, uint8 (height, width, 4)."""
    height = int(np.clip(math.ceil(horizon), 1, pixels.shape[0]))
    width = pixels.shape[1]
    small = (max(2, height // 4), max(2, width // 4))
    fall = np.linspace(0, 1, small[0], dtype=np.float32)[:, None, None] ** 1.4
    sky = np.float32(light.zenith) * (1 - fall) + np.float32(light.low) * fall
    sky = sky + _clouds(rng, small, light)[..., None] * (np.float32(light.low) * 0.45 + 140 - sky)
    sky = sky + _sun_glow(small, light) * np.float32((60, 46, 26))
    painted = np.dstack([np.clip(sky, 0, 255).astype(np.uint8), np.full(small, category, np.uint8)])
    cv2.resize(painted, (width, height), dst=pixels[:height])


def _clouds(rng: np.random.Generator, size: tuple[int, int], light: Light) -> np.ndarray:
    shape = smooth_noise(rng, size, (4, 5)) + smooth_noise(rng, size, (9, 12)) * 0.5
    shape = shape + smooth_noise(rng, size, (20, 26)) * 0.22
    return np.clip((shape + 2.6 * light.clouds - 1.3) * 0.7, 0, 1) * (0.5 if light.name == "dusk" else 0.85)


def _sun_glow(size: tuple[int, int], light: Light) -> np.ndarray:
    rows, columns = np.ogrid[: size[0], : size[1]]
    x = size[1] * (0.5 + 0.4 * light.sun_side)
    distance = ((columns - x) / size[1]) ** 2 * 3 + ((rows / size[0] - 0.9) ** 2) * 0.6
    return (np.exp(-distance * 4) * min(1.0, 2.5 * light.sun))[..., None].astype(np.float32)
