"""Poles, lamps, signs, traffic lights, litter bins, and the camera car's own bonnet.

Contract: see `model.data.scenery`.
"""

from __future__ import annotations

import math

import numpy as np

from model import categories
from model.data.scenery.canvas import Canvas, Stand
from model.data.scenery.light import Color, brighten

OBJECT = categories.NAMES.index("object")
VOID = categories.VOID

_STEEL: tuple[Color, ...] = ((110, 114, 116), (70, 76, 78), (52, 66, 58), (150, 150, 148))


def paint_lamp(canvas: Canvas, across: float, ahead: float, side: int, rng: np.random.Generator) -> None:
    """Paint a street lamp whose arm reaches over the road from `side`."""
    stand = canvas.camera.stand(across, ahead)
    steel = _STEEL[rng.integers(len(_STEEL))]
    tall, reach = rng.uniform(6.5, 9.0), -side * rng.uniform(1.0, 2.2)
    _bar(canvas, stand, (0, 0), (0, tall), (0.2, 0.12), steel)
    _bar(canvas, stand, (0, tall), (reach, tall + 0.5), (0.11, 0.09), steel)
    head = (500, 430, 300) if canvas.light.lamps else (196, 196, 190)
    _bar(canvas, stand, (reach, tall + 0.5), (reach * 1.35, tall + 0.48), (0.22, 0.16), head)


def paint_sign(canvas: Canvas, across: float, ahead: float, rng: np.random.Generator) -> None:
    """Paint a traffic sign on its pole: a disc, a warning triangle, a parking square or a give-way triangle."""
    stand = canvas.camera.stand(across, ahead)
    tall = rng.uniform(2.3, 2.9)
    _bar(canvas, stand, (0, 0), (0, tall + 0.3), (0.1, 0.1), _STEEL[0])
    kind = int(rng.integers(5))
    if kind == 0:
        _disc(canvas, stand, (0, tall), 0.34, (186, 28, 32))
        _disc(canvas, stand, (0, tall), 0.25, (236, 236, 232))
        _bar(canvas, stand, (-0.1, tall), (0.1, tall), (0.12, 0.12), (40, 40, 42))
    elif kind == 1:
        _disc(canvas, stand, (0, tall), 0.34, (28, 74, 150))
        _bar(canvas, stand, (0, tall - 0.18), (0, tall + 0.18), (0.1, 0.1), (240, 240, 240))
    elif kind == 2:
        _plate(
            canvas,
            stand,
            [(-0.32, tall - 0.32), (0.32, tall - 0.32), (0.32, tall + 0.32), (-0.32, tall + 0.32)],
            (30, 84, 160),
        )
        _bar(canvas, stand, (-0.06, tall - 0.2), (-0.06, tall + 0.2), (0.09, 0.09), (240, 240, 240))
    else:
        point = 1 if kind == 3 else -1
        for size, color in ((0.42, (190, 30, 34)), (0.26, (238, 236, 226))):
            corners = [(-size, tall - point * size * 0.6), (size, tall - point * size * 0.6), (0, tall + point * size)]
            _plate(canvas, stand, corners, color)


def paint_direction_board(canvas: Canvas, across: float, ahead: float, rng: np.random.Generator) -> None:
    """Paint a board with place names, as over city streets, on two posts."""
    stand = canvas.camera.stand(across, ahead)
    color = ((214, 176, 38), (34, 84, 156), (226, 226, 220))[rng.integers(3)]
    ink = (30, 30, 32) if color[2] < 100 or color[0] > 200 else (236, 236, 236)
    for post in (-0.8, 0.8):
        _bar(canvas, stand, (post, 0), (post, 3.4), (0.1, 0.1), _STEEL[0])
    for row in range(2):
        low = 2.3 + row * 0.62
        _plate(canvas, stand, [(-1.1, low), (1.1, low), (1.1, low + 0.56), (-1.1, low + 0.56)], color)
        _bar(canvas, stand, (-0.7, low + 0.28), (rng.uniform(0.1, 0.8), low + 0.28), (0.14, 0.14), ink)


def paint_traffic_light(canvas: Canvas, across: float, ahead: float, side: int, rng: np.random.Generator) -> None:
    """Paint a traffic light on a post or, half the time, on an arm over the road too."""
    stand = canvas.camera.stand(across, ahead)
    shining = int(rng.integers(3))
    tall = 2.6
    heads = [0.0]
    if rng.random() < 0.5:
        tall, reach = 5.2, -side * rng.uniform(2.5, 4.5)
        _bar(canvas, stand, (0, tall + 0.7), (reach, tall + 0.8), (0.14, 0.1), _STEEL[1])
        heads.append(reach)
    _bar(canvas, stand, (0, 0), (0, tall + 0.8), (0.16, 0.14), _STEEL[1])
    for right in heads:
        _signal(canvas, stand, right, tall if right else 2.6, shining)


def paint_bollard(canvas: Canvas, across: float, ahead: float) -> None:
    """Paint a bollard with a white ring."""
    stand = canvas.camera.stand(across, ahead)
    _bar(canvas, stand, (0, 0), (0, 0.9), (0.13, 0.13), _STEEL[2])
    _bar(canvas, stand, (0, 0.72), (0, 0.78), (0.13, 0.13), (210, 210, 206))


def paint_bin(canvas: Canvas, across: float, ahead: float, rng: np.random.Generator) -> None:
    """Paint a wheeled litter bin: movable clutter, which Cityscapes counts as void."""
    stand = canvas.camera.stand(across, ahead)
    color = ((54, 58, 60), (46, 74, 56), (110, 78, 42))[rng.integers(3)]
    corners = [stand.at(*corner) for corner in ((-0.24, 0.03), (0.24, 0.03), (0.3, 0.95), (-0.3, 0.95))]
    canvas.fill(corners, color, VOID, ahead=ahead)
    lid = [stand.at(*corner) for corner in ((-0.33, 0.95), (0.33, 0.95), (0.28, 1.08), (-0.28, 1.08))]
    canvas.fill(lid, brighten(color, 1.35), VOID, ahead=ahead)


def paint_bonnet(canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint the camera car's own bonnet along the lower edge: void, as in Cityscapes."""
    height, width = canvas.size
    top, dip = height * (1 - rng.uniform(0.05, 0.11)), height * rng.uniform(0.015, 0.04)
    paint = ((30, 32, 36), (52, 56, 62), (96, 100, 104), (40, 46, 60))[rng.integers(4)]
    x = np.linspace(-0.02 * width, 1.02 * width, 41)
    curve = top + dip * (2 * x / width - 1) ** 2 * 1.6
    layers = np.linspace(0, 1, 7)
    for share in layers[:-1]:
        edge = np.stack([x, curve + share * (height - curve)], axis=1)
        border = np.concatenate([edge, [[1.02 * width, height + 2], [-0.02 * width, height + 2]]])
        canvas.fill(border, brighten(paint, 1.4 - 0.85 * math.sqrt(share)), VOID)
    ridge = np.stack([x, curve], axis=1)
    below = np.stack([x, curve + 0.006 * height], axis=1)
    rim = np.concatenate([ridge, below[::-1]])
    canvas.fill(rim, brighten(paint, 1.6), VOID)


def paint_border(canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint the black rim that straightening a lens leaves: void, as in Cityscapes."""
    height, width = canvas.size
    x = np.linspace(0, width, 17)
    bottom = height * (1 - 0.012 - 0.02 * rng.random() * (2 * x / width - 1) ** 2)
    canvas.fill(
        np.concatenate([np.stack([x, bottom], axis=1), [[width, height + 2], [0, height + 2]]]), (4, 4, 5), VOID
    )
    for edge, inward in ((0, 1), (width, -1)):
        depth = inward * width * rng.uniform(0.004, 0.012)
        canvas.fill([(edge - inward * 2, -2), (edge + depth, -2), (edge + depth * 0.6, height / 2),
                     (edge + depth, height + 2), (edge - inward * 2, height + 2)], (4, 4, 5), VOID)  # fmt: skip


def _bar(
    canvas: Canvas,
    stand: Stand,
    start: tuple[float, float],
    end: tuple[float, float],
    widths: tuple[float, float],
    color: Color,
) -> None:
    # Half a pixel at least, or a far pole would break into dots.
    pixels = tuple(max(width * stand.scale, 0.7) for width in widths)
    canvas.limb([stand.at(*start), stand.at(*end)], pixels, color, OBJECT, ahead=stand.ahead)


def _disc(canvas: Canvas, stand: Stand, centre: tuple[float, float], radius: float, color: Color) -> None:
    canvas.disc(stand.at(*centre), radius * stand.scale, color, OBJECT, ahead=stand.ahead)


def _plate(canvas: Canvas, stand: Stand, corners: list[tuple[float, float]], color: Color) -> None:
    canvas.fill([stand.at(*corner) for corner in corners], color, OBJECT, ahead=stand.ahead)


def _signal(canvas: Canvas, stand: Stand, right: float, low: float, shining: int) -> None:
    _plate(
        canvas,
        stand,
        [(right - 0.2, low), (right + 0.2, low), (right + 0.2, low + 1.0), (right - 0.2, low + 1.0)],
        (28, 30, 30),
    )
    for index, color in enumerate(((60, 235, 120), (250, 200, 60), (255, 60, 50))):
        tone = 1.6 if index == shining else 0.25
        _disc(canvas, stand, (right, low + 0.18 + 0.32 * index), 0.12, brighten(color, tone))
