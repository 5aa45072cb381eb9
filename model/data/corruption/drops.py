"""Drops of rain: falling through the air, and lying on the windscreen.

Array contract: see `model.data.corruption`.
"""

from __future__ import annotations

import cv2
import numpy as np

from model.data.corruption import layout
from model.data.corruption import light as lights

# Seconds that the shutter is open, and metres a second that the car drives.
_SHUTTER, _SPEED = 1 / 120, 6.0
# Farther drops are too thin and faint to see singly; nearer ones too blurred. Metres.
_NEAREST, _FARTHEST = 0.4, 5.0
_MOST = 6000
# Smaller drops, in millimetres, are as good as invisible.
_LEAST_DIAMETER, _GREATEST_DIAMETER = 1.0, 5.0


def falling(size: tuple[int, int], *, rate: float, random: np.random.Generator) -> np.ndarray:
    """Draw the streaks of falling drops.

    Diameters: N(D) = 8000 exp(-4.1 R^-0.21 D) per cubic metre and millimetre (Marshall and Palmer 1948). Speed:
    3.778 D^0.67 m/s (Atlas and Ulbrich 1977). A drop covers each place of its streak for a share of the shutter's time
    alone, D / (v T) (Garg and Nayar 2007), so that streaks are thin veils.

    Args:
        size: (height, width) of the photograph.
        rate: R, in mm an hour.
        random: draws the drops.

    Returns:
        float32 (height, width), the share of light that comes from drops, 0 to 1.
    """
    height, width = size
    slope = 4.1 * rate**-0.21
    density = 8000 / slope * np.exp(-slope * _LEAST_DIAMETER)
    focal = layout.FOCAL * width
    volume = height * width / focal**2 * (_FARTHEST**3 - _NEAREST**3) / 3
    number = min(_MOST, round(density * volume))
    away = np.cbrt(random.uniform(_NEAREST**3, _FARTHEST**3, number))
    diameter = np.minimum(_LEAST_DIAMETER + random.exponential(1 / slope, number), _GREATEST_DIAMETER)
    speed = 3.778 * diameter**0.67
    start = random.uniform((-0.05, -0.25), (1.05, 1.05), (number, 2)) * (width, height)
    end = _ends(start, away, speed, size, wind=random.normal(0, 1.2))
    thick = focal * diameter / 1000 / away
    share = diameter / 1000 / (speed * _SHUTTER) * np.minimum(thick, 1)
    return _drawn(size, start, end, np.maximum(1, np.rint(thick)), share)


def on_windscreen(light: np.ndarray, *, number: int, random: np.random.Generator) -> np.ndarray:
    """Put drops on the windscreen: each shows the whole scene upside down, small, and blurred as it is out of focus.

    A drop is a short lens: Roser and Geiger, "Video-based raindrop detection" (ICCV Workshops 2009).

    Args:
        light: float32 (height, width, 3).
        number: of drops; the first ones of more are the same.
        random: draws where and how large they are.

    Returns:
        A new array.
    """
    height, width = light.shape[:2]
    rows, columns = (grid.astype(np.float32) for grid in np.mgrid[:height, :width])
    cover = np.zeros((height, width), np.float32)
    for across, down, size, long in random.random((number, 4)):
        radius = lights.pixels(3.0 + 9.0 * size**2.5, width)
        _add_drop(cover, rows, columns, (down * height, across * width), (radius * (1 + 0.3 * long), radius))
    soft = lights.blurred(light, lights.pixels(4, width))
    inside = cv2.remap(soft, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    # Thick middles pass the scene, thin rims bend it away and look dark.
    seen = inside * (0.65 + 0.4 * lights.blurred(np.clip(2 * cover, 0, 1), lights.pixels(1, width)))[..., None]
    share = lights.blurred(np.clip(3 * cover, 0, 1), lights.pixels(2, width))[..., None]
    return light + share * np.float32(0.92) * (seen - light)


def _ends(start: np.ndarray, away: np.ndarray, speed: np.ndarray, size: tuple[int, int], *, wind: float) -> np.ndarray:
    """Where drops are when the shutter closes: fallen, blown aside, and nearer, because the car drives."""
    height, width = size
    middle = np.array([width / 2, layout.HORIZON * height])
    fallen = np.stack([np.full(len(speed), wind), speed], axis=1) * _SHUTTER * layout.FOCAL * width / away[:, None]
    nearer = away / np.maximum(away - _SPEED * _SHUTTER, 0.1)
    return middle + (start - middle + fallen) * nearer[:, None]


def _drawn(
    size: tuple[int, int], start: np.ndarray, end: np.ndarray, thick: np.ndarray, share: np.ndarray
) -> np.ndarray:
    # OpenCV smooths lines in bytes alone, and takes coordinates in sixteenths of a pixel.
    level = np.rint(255 * np.clip(4 * share, 0, 1)).astype(int)
    ends = np.rint(np.stack([start, end], axis=1) * 16).astype(np.int32)
    total = np.zeros(size, np.float32)
    for width in np.unique(thick):
        layer = np.zeros(size, np.uint8)
        for line, grey in zip(ends[thick == width], level[thick == width], strict=True):
            cv2.line(layer, line[0].tolist(), line[1].tolist(), int(grey), int(width), cv2.LINE_AA, 4)
        # Wide streaks are near, and out of focus.
        total += lights.blurred(layer.astype(np.float32), 0.25 * (width - 1) + 0.3)
    return np.clip(total / (4 * 255), 0, 1)


def _add_drop(
    cover: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    place: tuple[float, float],
    radii: tuple[float, float],
) -> None:
    """Add one drop: its thickness to `cover`, and to `rows` and `columns` the place of the scene that it shows."""
    height, width = cover.shape
    top, left = (max(0, int(middle - radius)) for middle, radius in zip(place, radii, strict=True))
    bottom, right = (int(middle + radius) + 2 for middle, radius in zip(place, radii, strict=True))
    window = np.s_[top:bottom, left:right]
    down = (np.arange(top, min(bottom, height), dtype=np.float32)[:, None] - place[0]) / radii[0]
    across = (np.arange(left, min(right, width), dtype=np.float32) - place[1]) / radii[1]
    thickness = np.clip(1 - down**2 - across**2, 0, None)
    inside = thickness > 0
    cover[window] = np.maximum(cover[window], thickness)
    # Upside down and shrunk: the drop's rim sees what lies far to the other side.
    rows[window] = np.where(inside, place[0] - down * 0.45 * height, rows[window])
    columns[window] = np.where(inside, place[1] - across * 0.35 * width, columns[window])
