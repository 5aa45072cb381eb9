"""The street itself: road, markings, kerbs, pavements, verges and the shadows of houses.

Contract: see `model.data.scenery`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from model import categories
from model.data.scenery.canvas import SUPERSAMPLING, Canvas
from model.data.scenery.light import Color, brighten

FLAT = categories.NAMES.index("flat")
NATURE = categories.NAMES.index("nature")

NEAREST = 1.0
FARTHEST = 260.0
_STEPS = np.geomspace(NEAREST, FARTHEST, 40)
_WHITE: Color = (222, 222, 214)
_KERB_HEIGHT = 0.12


@dataclass(frozen=True)
class Street:
    """The cross-section of a street, in metres across.

    Attributes:
        road: left and right edge of the carriageway.
        walk: outer edges of the two pavements.
        front: where the houses begin, left and right; a verge lies between pavement and house.
        lane: width of one lane.
        asphalt: colour of the road.
        paving: colour of the pavements.
        grass: whether each verge (left, right) is grass.
    """

    road: tuple[float, float]
    walk: tuple[float, float]
    front: tuple[float, float]
    lane: float
    asphalt: Color
    paving: Color
    grass: tuple[bool, bool]

    def edge(self, side: int) -> float:
        """Return the carriageway's edge on `side`, -1 left or 1 right."""
        return self.road[(side + 1) // 2]

    def house_line(self, side: int) -> float:
        """Return where the houses of `side` begin."""
        return self.front[(side + 1) // 2]

    def walk_width(self, side: int) -> float:
        """Return the width of the pavement on `side`."""
        return abs(self.walk[(side + 1) // 2] - self.edge(side))


def draw_street(rng: np.random.Generator) -> Street:
    """Draw a cross-section with the camera in the right-hand lane."""
    lane = rng.uniform(2.9, 3.6)
    lanes_left, lanes_right = int(rng.integers(1, 3)), int(rng.integers(1, 3))
    parking = rng.uniform(1.8, 2.4, 2) * (rng.random(2) < 0.75)
    left = -lane * (lanes_left + 0.5) - parking[0]
    right = lane * (lanes_right - 0.5) + parking[1]
    walks = rng.uniform(2.0, 4.5, 2)
    verges = rng.uniform(0.5, 6.0, 2) * (rng.random(2) < 0.45)
    grey = rng.uniform(84, 122)
    return Street(
        road=(left, right),
        walk=(left - walks[0], right + walks[1]),
        front=(left - walks[0] - verges[0], right + walks[1] + verges[1]),
        lane=lane,
        asphalt=(grey, grey, grey * rng.uniform(0.96, 1.06)),
        paving=tuple(grey * rng.uniform(1.15, 1.45) * np.array([1.03, 1.0, rng.uniform(0.9, 1.0)])),
        grass=(bool(rng.random() < 0.8), bool(rng.random() < 0.8)),
    )


def paint_ground(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    """Paint everything that lies on the ground."""
    for side in (-1, 1):
        verge = (92, 116, 56) if street.grass[(side + 1) // 2] else brighten(street.paving, 0.93)
        category = NATURE if street.grass[(side + 1) // 2] else FLAT
        _strip(canvas, (side * 90, street.walk[(side + 1) // 2]), verge, category)
        _strip(canvas, (street.walk[(side + 1) // 2], street.edge(side)), street.paving, FLAT)
    _paving_joints(canvas, street)
    _strip(canvas, street.road, street.asphalt, FLAT)
    _wheel_tracks(canvas, street, rng)
    _patches(canvas, street, rng)
    _kerbs(canvas, street)
    _markings(canvas, street, rng)
    _house_shadow(canvas, street, rng)
    _haze(canvas)


def _strip(canvas: Canvas, edges: tuple[float, float], color: Color, category: int) -> None:
    left = canvas.camera.project(edges[0], 0, _STEPS)
    right = canvas.camera.project(edges[1], 0, _STEPS[::-1])
    canvas.fill(np.concatenate([left, right]), color, category)


def _rectangles(canvas: Canvas, across: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Return pixels (n, 4, 2) of rectangles on the ground from `across` (n, 2) and `ahead` (n, 2)."""
    return canvas.camera.project(across[:, [0, 1, 1, 0]], 0, ahead[:, [0, 0, 1, 1]])


def _paving_joints(canvas: Canvas, street: Street) -> None:
    starts = np.geomspace(2.5, 40, 26)
    ahead = np.stack([starts, starts + 0.04 + starts * 0.002], axis=1)
    for side in (-1, 1):
        edges = sorted((street.edge(side), street.walk[(side + 1) // 2]))
        rectangles = _rectangles(canvas, np.broadcast_to(edges, ahead.shape), ahead)
        canvas.fill(rectangles, brighten(street.paving, 0.82), FLAT)


def _wheel_tracks(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    """Where wheels run, asphalt is polished or dark; between them it is oily."""
    tone = brighten(street.asphalt, rng.uniform(0.9, 1.07))
    for lane in np.arange(-2, 3) * street.lane:
        for track, width in ((-0.75, 0.5), (0.75, 0.5), (0.0, 0.25)):
            across = lane + track + rng.normal(0, 0.06)
            if street.road[0] + 0.3 < across < street.road[1] - 0.3:
                shown = brighten(street.asphalt, 0.92) if track == 0.0 else tone
                _strip(canvas, (across - width / 2, across + width / 2), shown, FLAT)


def _patches(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(2, 7))):
        near, start = rng.uniform(4, 40), rng.uniform(*street.road)
        width, length = rng.uniform(0.5, 2.2), rng.uniform(1.0, 9.0)
        across = np.clip([[start, start + width]], *street.road)
        tone = brighten(street.asphalt, rng.uniform(0.82, 1.1))
        canvas.fill(_rectangles(canvas, across, np.array([[near, near + length]])), tone, FLAT)
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    for _ in range(int(rng.integers(1, 4))):
        across, ahead = rng.uniform(*street.road), rng.uniform(6, 25)
        cover = canvas.camera.project(across + 0.33 * np.cos(turn), 0, ahead + 0.33 * np.sin(turn))
        canvas.fill(cover, brighten(street.asphalt, 0.6), FLAT)


def _kerbs(canvas: Canvas, street: Street) -> None:
    ahead = _STEPS[:32]
    for side in (-1, 1):
        foot = canvas.camera.project(street.edge(side), 0, ahead)
        top = canvas.camera.project(street.edge(side) + side * 0.05, _KERB_HEIGHT, ahead[::-1])
        back = canvas.camera.project(street.edge(side) + side * 0.3, _KERB_HEIGHT, ahead)
        canvas.fill(np.concatenate([top, back]), brighten(street.paving, 1.15), FLAT)
        canvas.fill(np.concatenate([foot, top]), brighten(street.paving, 0.72), FLAT)


def _markings(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    wear = rng.uniform(0.78, 1.05)
    white = brighten(_WHITE, wear)
    dash, gap = rng.uniform(2, 4), rng.uniform(3, 6)
    starts = np.arange(rng.uniform(1.5, 5), 150, dash + gap)
    crossing = rng.uniform(7, 26) if rng.random() < 0.45 else None
    if crossing is not None:
        starts = starts[(starts + dash < crossing - 2) | (starts > crossing + 3.5)]
        _crossing(canvas, street, crossing, white)
    lines = np.arange(-street.lane / 2 - street.lane, street.road[1] - 2, street.lane)
    for across in lines[lines > street.road[0] + 2]:
        ahead = np.stack([starts, starts + dash], axis=1)
        if crossing is None and rng.random() < 0.25:
            cuts = np.geomspace(NEAREST, 150, 24)
            ahead = np.stack([cuts[:-1], cuts[1:]], axis=1)
        edges = np.broadcast_to([across - 0.07, across + 0.07], ahead.shape)
        canvas.fill(_rectangles(canvas, edges, ahead), white, FLAT)


def _crossing(canvas: Canvas, street: Street, near: float, white: Color) -> None:
    starts = np.arange(street.road[0] + 0.4, street.road[1] - 0.5, 1.0)
    across = np.stack([starts, starts + 0.5], axis=1)
    ahead = np.broadcast_to([near, near + 3.2], across.shape)
    canvas.fill(_rectangles(canvas, across, ahead), white, FLAT)
    stop = np.array([[-street.lane / 2, street.road[1] - 0.2]])
    canvas.fill(_rectangles(canvas, stop, np.array([[near - 1.6, near - 1.2]])), white, FLAT)


def _house_shadow(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    """Darken the sunny side's ground in blocks, as the houses there cast their shadow across."""
    if canvas.light.sun < 0.2:
        return
    reach = rng.uniform(3, 12)
    side = canvas.light.sun_side
    cuts = np.cumsum(np.concatenate([[NEAREST], rng.uniform(6, 20, 9)]))
    veil = Canvas(canvas.size, canvas.camera, canvas.light)
    for near, far in pairwise(cuts):
        edge = street.house_line(side) - side * reach * rng.uniform(0.35, 1.0)
        across = np.array([[side * 60, edge]])
        veil.fill(_rectangles(veil, across, np.array([[near, far]])), (0, 0, 0), 1)
    _darken(canvas.pixels, cv2.blur(veil.pixels[..., 3] * 255, (5, 3)))


def _darken(pixels: np.ndarray, shadow: np.ndarray) -> None:
    """Darken `pixels` uint8 (height, width, 4) where `shadow` uint8 (height, width) is 255, less where it is less."""
    top = int(np.argmax(shadow.any(axis=1)))
    depth = np.arange(256)
    kept = [cv2.LUT(shadow[top:], (255 - depth * share).astype(np.uint8)) for share in (0.44, 0.42, 0.36, 0.0)]
    # The fourth channel is the category: times 255 / 255, it stays as it is.
    cv2.multiply(pixels[top:], cv2.merge(kept), dst=pixels[top:], scale=1 / 255)


def _haze(canvas: Canvas) -> None:
    """Fade the ground into the distance, row by row: a row of level ground lies at one distance."""
    camera, light = canvas.camera, canvas.light
    nearest_hazy = 0.05 * light.haze
    top = max(0, SUPERSAMPLING * math.ceil(camera.horizon + camera.focal * camera.height / FARTHEST))
    bottom = SUPERSAMPLING * int(camera.horizon + camera.focal * camera.height / nearest_hazy)
    rows = np.arange(top, min(bottom, len(canvas.pixels)))
    if not rows.size:
        return
    ahead = camera.focal * camera.height / ((rows + 0.5) / SUPERSAMPLING - camera.horizon)
    clear = np.exp(-(ahead - nearest_hazy) / light.haze, dtype=np.float32)[:, None, None]
    ground = canvas.pixels[rows[0] : rows[-1] + 1, :, :3]
    ground[:] = ground * clear + np.float32(light.low) * (1 - clear)
