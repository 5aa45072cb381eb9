"""Walkers and riders, with limbs.

Contract: see `model.data.scenery`.
"""

from __future__ import annotations

import math

import numpy as np

from model import categories
from model.data.scenery.canvas import Canvas, Stand
from model.data.scenery.light import Color, brighten
from model.data.scenery.vehicles import FLAT, VEHICLE, paint_bicycle

HUMAN = categories.NAMES.index("human")

_CLOTHES: tuple[Color, ...] = (
    (40, 44, 58),
    (92, 94, 98),
    (150, 44, 44),
    (196, 190, 176),
    (58, 82, 120),
    (84, 96, 60),
    (178, 140, 84),
    (120, 70, 110),
)
_TROUSERS: tuple[Color, ...] = ((38, 42, 60), (52, 52, 54), (96, 88, 74), (66, 82, 112))
_SKIN: tuple[Color, ...] = ((224, 178, 148), (196, 146, 112), (134, 92, 66), (92, 62, 48))
_HAIR: tuple[Color, ...] = ((38, 30, 26), (82, 58, 38), (150, 118, 70), (130, 128, 126))


def paint_walker(canvas: Canvas, across: float, ahead: float, rng: np.random.Generator) -> None:
    """Paint a person walking, legs and arms in stride, some with a bag."""
    stand = canvas.camera.stand(across, ahead)
    tall = rng.uniform(1.5, 1.9) if rng.random() < 0.9 else rng.uniform(1.0, 1.3)
    wear = _Outfit(canvas, stand, tall, rng)
    _ground_shadow(canvas, stand)
    stride = rng.uniform(0.05, 0.24)
    way = int(rng.integers(2)) * 2 - 1
    for foot in (-stride, stride):
        knee = (foot * 0.6 + 0.04 * way, 0.27)
        wear.limb((foot * 0.25, 0.5), knee, (0.1, 0.075), wear.trousers)
        wear.limb(knee, (foot, 0.03), (0.075, 0.05), wear.trousers)
        wear.limb((foot, 0.015), (foot + 0.06 * way, 0.012), (0.045, 0.035), (30, 28, 28))
    swing = stride * 0.8
    _torso(wear, lean=0.0)
    for arm, side in ((-swing, -1), (swing, 1)):
        elbow = (side * 0.115 + arm * 0.3, 0.62)
        wear.limb((side * 0.1, 0.79), elbow, (0.065, 0.052), brighten(wear.coat, 0.84))
        wear.limb(elbow, (side * 0.12 + arm * 0.7, 0.49), (0.052, 0.04), brighten(wear.coat, 0.84))
        wear.disc((side * 0.12 + arm * 0.75, 0.475), 0.024, wear.skin)
    _head(wear, 0.0)


def paint_rider(canvas: Canvas, across: float, ahead: float, rng: np.random.Generator) -> None:
    """Paint a cyclist, seen from the side or from behind."""
    stand = canvas.camera.stand(across, ahead)
    wear = _Outfit(canvas, stand, 1.75, rng)
    if rng.random() < 0.5:
        _rider_from_side(canvas, stand, wear, rng)
    else:
        _rider_from_behind(canvas, stand, wear)


def _ground_shadow(canvas: Canvas, stand: Stand) -> None:
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    flat = max(0.02, canvas.camera.height / stand.ahead * 0.28)
    shadow = np.stack([stand.x + 0.3 * stand.scale * np.cos(turn), stand.y + flat * stand.scale * np.sin(turn)], axis=1)
    canvas.fill(shadow, (46, 46, 48), FLAT, ahead=stand.ahead)


class _Outfit:
    """One person's colours, and strokes in shares of the person's height."""

    def __init__(self, canvas: Canvas, stand: Stand, tall: float, rng: np.random.Generator) -> None:
        self.canvas = canvas
        self.stand = stand
        self.tall = tall
        self.coat = brighten(_CLOTHES[rng.integers(len(_CLOTHES))], rng.uniform(0.8, 1.15))
        self.trousers = brighten(_TROUSERS[rng.integers(len(_TROUSERS))], rng.uniform(0.8, 1.15))
        self.skin = _SKIN[rng.integers(len(_SKIN))]
        self.faces_us = rng.random() < 0.5
        self.hair = _HAIR[rng.integers(len(_HAIR))]

    def at(self, point: tuple[float, float]) -> tuple[float, float]:
        return self.stand.at(point[0] * self.tall, point[1] * self.tall)

    def limb(
        self, start: tuple[float, float], end: tuple[float, float], widths: tuple[float, float], color: Color
    ) -> None:
        unit = self.tall * self.stand.scale
        pixels = (widths[0] * unit, widths[1] * unit)
        self.canvas.limb([self.at(start), self.at(end)], pixels, color, HUMAN, ahead=self.stand.ahead)

    def disc(self, centre: tuple[float, float], radius: float, color: Color) -> None:
        unit = self.tall * self.stand.scale
        self.canvas.disc(self.at(centre), radius * unit, color, HUMAN, ahead=self.stand.ahead)

    def fill(self, corners: list[tuple[float, float]], color: Color) -> None:
        self.canvas.fill([self.at(corner) for corner in corners], color, HUMAN, ahead=self.stand.ahead)


def _torso(wear: _Outfit, *, lean: float) -> None:
    shoulders, hips = 0.115, 0.085
    wear.fill([(-hips, 0.47), (hips, 0.47), (shoulders + lean, 0.8), (-shoulders + lean, 0.8)], wear.coat)
    wear.limb((lean - 0.085, 0.795), (lean + 0.085, 0.795), (0.06, 0.06), wear.coat)
    wear.fill([(0.01, 0.48), (hips, 0.48), (shoulders + lean, 0.8), (0.03 + lean, 0.8)], brighten(wear.coat, 0.88))


def _head(wear: _Outfit, lean: float) -> None:
    wear.limb((lean, 0.8), (lean, 0.88), (0.05, 0.05), brighten(wear.skin, 0.85))
    wear.disc((lean, 0.915), 0.06, wear.skin)
    if wear.faces_us:
        wear.limb((lean - 0.025, 0.955), (lean + 0.025, 0.955), (0.05, 0.05), wear.hair)
    else:
        wear.disc((lean, 0.925), 0.062, wear.hair)


def _rider_from_side(canvas: Canvas, stand: Stand, wear: _Outfit, rng: np.random.Generator) -> None:
    way = int(rng.integers(2)) * 2 - 1
    paint_bicycle(canvas, stand, way, rng)
    hip = (-0.13 * way, 0.53)
    for knee, foot in (((0.1, 0.4), (-0.02, 0.1)), ((0.12, 0.46), (0.0, 0.24))):
        wear.limb(hip, (knee[0] * way, knee[1]), (0.1, 0.08), wear.trousers)
        wear.limb((knee[0] * way, knee[1]), (foot[0] * way, foot[1]), (0.075, 0.05), wear.trousers)
    shoulder = (0.06 * way, 0.82)
    wear.limb(hip, shoulder, (0.15, 0.13), wear.coat)
    wear.limb(shoulder, (0.2 * way, 0.56), (0.06, 0.045), brighten(wear.coat, 0.85))
    wear.limb(shoulder, (0.09 * way, 0.9), (0.055, 0.05), wear.skin)
    wear.disc((0.1 * way, 0.93), 0.058, wear.skin)
    wear.limb((0.08 * way, 0.955), (0.12 * way, 0.955), (0.08, 0.08), wear.hair)


def _rider_from_behind(canvas: Canvas, stand: Stand, wear: _Outfit) -> None:
    tyre = max(0.07 * stand.scale, 0.7)
    canvas.limb([stand.at(0, 0.02), stand.at(0, 0.68)], (tyre, tyre), (28, 28, 30), VEHICLE, ahead=stand.ahead)
    bar = max(0.05 * stand.scale, 0.7)
    canvas.limb([stand.at(-0.3, 1.0), stand.at(0.3, 1.0)], (bar, bar), (40, 40, 44), VEHICLE, ahead=stand.ahead)
    for side, foot in ((-1, 0.1), (1, 0.2)):
        wear.limb((side * 0.06, 0.54), (side * 0.085, 0.34), (0.1, 0.08), wear.trousers)
        wear.limb((side * 0.085, 0.34), (side * 0.07, foot), (0.075, 0.05), wear.trousers)
        elbow = (side * 0.17, 0.68)
        wear.limb((side * 0.1, 0.82), elbow, (0.065, 0.055), brighten(wear.coat, 0.85))
        wear.limb(elbow, (side * 0.15, 0.58), (0.055, 0.04), brighten(wear.coat, 0.85))
    wear.canvas.disc(stand.at(0, 0.72), 0.06 * stand.scale, (190, 26, 22), VEHICLE, ahead=stand.ahead)
    _torso(wear, lean=math.copysign(0.01, wear.tall))
    _head(wear, 0.0)
