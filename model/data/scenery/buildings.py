"""Houses in perspective, garden walls, fences, and the skyline where the street ends.

Contract: see `model.data.scenery`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model import categories
from model.data.scenery.canvas import Canvas
from model.data.scenery.light import Color, brighten

CONSTRUCTION = categories.NAMES.index("construction")
NATURE = categories.NAMES.index("nature")

_WALLS: tuple[Color, ...] = (
    (206, 194, 170),
    (178, 160, 134),
    (150, 92, 74),
    (122, 78, 66),
    (168, 168, 166),
    (212, 208, 200),
    (196, 166, 122),
    (142, 148, 152),
    (186, 150, 138),
)
_ROOFS: tuple[Color, ...] = ((112, 62, 48), (84, 80, 80), (96, 70, 60), (70, 74, 82))
_AWNINGS: tuple[Color, ...] = ((150, 40, 42), (40, 84, 62), (44, 62, 110), (196, 158, 70), (90, 90, 94))
_GLASS: tuple[Color, ...] = ((58, 66, 76), (84, 98, 112), (132, 150, 166))
_LIT: Color = (465, 350, 190)
_STOREY = 3.2
_DEPTH = 11.0


@dataclass(frozen=True)
class _House:
    """One house: the street's side, where its front stands, what it spans ahead, its heights to eaves and above."""

    side: int
    line: float
    span: tuple[float, float]
    height: float
    pitch: float

    @property
    def middle(self) -> float:
        """The distance whose haze the front takes."""
        return (self.span[0] * self.span[1]) ** 0.5


def paint_house(
    canvas: Canvas, side: int, line: float, span: tuple[float, float], height: float, rng: np.random.Generator
) -> None:
    """Paint a house on `side` whose front stands on `line`, from `span[0]` to `span[1]` metres ahead."""
    house = _House(side, line, span, height, rng.uniform(2.0, 4.5) if rng.random() < 0.6 else 0.0)
    wall = brighten(_WALLS[rng.integers(len(_WALLS))], rng.uniform(0.82, 1.1))
    _gable(canvas, house, wall, rng)
    _roof(canvas, house, rng)
    front = canvas.light.on_side(wall, side)
    _slab(canvas, line, span, (0, height), front)
    if span[0] < 110:
        _cornices(canvas, house, front)
        _windows(canvas, house, front, rng)
        _ground_floor(canvas, house, front, rng)


def paint_fence(
    canvas: Canvas, line: float, span: tuple[float, float], height: float, rng: np.random.Generator
) -> None:
    """Paint a garden wall or a railing along `line`."""
    wall = brighten(_WALLS[rng.integers(len(_WALLS))], 0.9)
    _slab(canvas, line, span, (0, height * 0.35), wall)
    if rng.random() < 0.4:
        _slab(canvas, line, span, (0, height), wall)
        _slab(canvas, line, span, (height, height + 0.1), brighten(wall, 1.2))
        return
    bars = np.arange(span[0], span[1], max(0.16, span[0] * 0.02))
    thick = 0.02 + span[0] * 0.0012
    ahead = np.stack([bars, bars + thick, bars + thick, bars], axis=1)
    up = np.array([height * 0.3, height * 0.3, height, height])
    canvas.fill(canvas.camera.project(line, up, ahead), (44, 50, 48), CONSTRUCTION, ahead=span[0])
    _slab(canvas, line, span, (height * 0.93, height), (44, 50, 48))


def paint_skyline(canvas: Canvas, ahead: float, rng: np.random.Generator) -> None:
    """Close the street's end with far houses and tree tops across the whole width."""
    reach = 1.2 * canvas.size[1] / canvas.camera.focal * ahead
    across = -reach + canvas.camera.bend * -ahead * ahead
    while across < reach:
        width, height = rng.uniform(8, 24), rng.uniform(5, 16)
        base = canvas.camera.project([across, across + width], 0, ahead)
        top = canvas.camera.project([across + width, across], height, ahead)
        canvas.fill(np.concatenate([base, top]), _WALLS[rng.integers(len(_WALLS))], CONSTRUCTION, ahead=ahead)
        for _ in range(5):
            crown = canvas.camera.project(across + rng.uniform(0, width), rng.uniform(1, 7), ahead - 5)
            radius = rng.uniform(2, 4.5) * canvas.camera.focal / ahead
            canvas.disc(crown, radius, brighten((70, 96, 48), rng.uniform(0.8, 1.2)), NATURE, ahead=ahead - 5)
        across += width * rng.uniform(0.8, 1.3)


def _slab(canvas: Canvas, line: float, span: tuple[float, float], heights: tuple[float, float], color: Color) -> None:
    low, high = heights
    near, far = span
    corners = canvas.camera.project(line, [low, high, high, low], [near, near, far, far])
    canvas.fill(corners, color, CONSTRUCTION, ahead=(near * far) ** 0.5)


def _grid(starts: np.ndarray, size: float, floors: np.ndarray, height: float) -> tuple[np.ndarray, np.ndarray]:
    """Return (n, 4) corners along the wall and (n, 4) heights of one window per bay and floor."""
    along = starts[None, :, None] + np.array([0, size, size, 0])
    up = floors[:, None, None] + np.array([0, 0, height, height])
    along, up = np.broadcast_arrays(along, up)
    return along.reshape(-1, 4), up.reshape(-1, 4)


def _windows(canvas: Canvas, house: _House, wall: Color, rng: np.random.Generator) -> None:
    bay, width, tall = rng.uniform(2.0, 3.4), rng.uniform(0.9, 1.5), rng.uniform(1.3, 1.9)
    floors = np.arange(_STOREY + 1.0, house.height - 1.8, _STOREY)
    starts = np.arange(house.span[0] + bay / 2 - width / 2, house.span[1] - width, bay)
    if not (floors.size and starts.size):
        return
    frame = brighten(wall, 1.28 if rng.random() < 0.7 else 0.72)
    _openings(canvas, house, _grid(starts - 0.12, width + 0.24, floors - 0.12, tall + 0.24), frame)
    along, up = _grid(starts, width, floors, tall)
    kind = rng.integers(0, len(_GLASS), len(along))
    lit = rng.random(len(along)) < (0.3 if canvas.light.lamps else 0.0)
    for index, glass in enumerate(_GLASS):
        chosen = (kind == index) & ~lit
        _openings(canvas, house, (along[chosen], up[chosen]), glass)
    _openings(canvas, house, (along[lit], up[lit]), _LIT)
    if house.span[0] < 60:
        _openings(canvas, house, _grid(starts + width / 2 - 0.04, 0.08, floors, tall), frame)
        _openings(canvas, house, _grid(starts - 0.2, width + 0.4, floors - 0.25, 0.13), brighten(wall, 0.62))


def _openings(canvas: Canvas, house: _House, corners: tuple[np.ndarray, np.ndarray], color: Color) -> None:
    """Fill rectangles of the front, given as (n, 4) metres along it and (n, 4) metres up."""
    along, up = corners
    canvas.fill(canvas.camera.project(house.line, up, along), color, CONSTRUCTION, ahead=house.middle)


def _cornices(canvas: Canvas, house: _House, wall: Color) -> None:
    eaves = house.height
    for low, high, tone in ((eaves - 0.55, eaves, 1.18), (eaves - 0.7, eaves - 0.55, 0.66),
                            (_STOREY + 0.25, _STOREY + 0.45, 1.14), (0, 0.5, 0.62)):  # fmt: skip
        _slab(canvas, house.line, house.span, (low, high), brighten(wall, tone))


def _ground_floor(canvas: Canvas, house: _House, wall: Color, rng: np.random.Generator) -> None:
    if rng.random() < 0.55:
        _shops(canvas, house, wall, rng)
    else:
        _entrance(canvas, house, rng)


def _shops(canvas: Canvas, house: _House, wall: Color, rng: np.random.Generator) -> None:
    """Panes with goods before them, a sign along the front, and sometimes an awning."""
    near, far = house.span
    starts = np.arange(near + 0.4, far - 2.2, 3.0)
    glass = _LIT if canvas.light.lamps else _GLASS[0]
    _openings(canvas, house, _grid(starts, 2.6, np.array([0.45]), 2.1), brighten(glass, 0.85))
    _openings(canvas, house, _grid(starts + 0.2, 2.2, np.array([0.5]), 0.7), brighten(wall, 0.45))
    sign = _AWNINGS[rng.integers(len(_AWNINGS))]
    _slab(canvas, house.line, (near + 0.3, far - 0.3), (2.65, 3.3), sign)
    if rng.random() < 0.5:
        ahead = [near + 0.5, near + 0.5, far - 0.5, far - 0.5]
        across = house.line - house.side * np.array([0, 1.3, 1.3, 0])
        awning = canvas.camera.project(across, [2.8, 2.3, 2.3, 2.8], ahead)
        canvas.fill(awning, brighten(sign, 1.15), CONSTRUCTION, ahead=house.middle)


def _entrance(canvas: Canvas, house: _House, rng: np.random.Generator) -> None:
    """A door between small windows."""
    near, far = house.span
    door = rng.uniform(near + 0.5, max(near + 0.6, far - 2))
    _slab(canvas, house.line, (door, door + 1.1), (0, 2.3), (70, 50, 40))
    starts = np.arange(near + 1.0, far - 1.2, 2.8)
    _openings(canvas, house, _grid(starts[np.abs(starts - door) > 1.3], 1.1, np.array([1.1]), 1.4), _GLASS[1])


def _gable(canvas: Canvas, house: _House, wall: Color, rng: np.random.Generator) -> None:
    """The end of the house that faces the camera."""
    near, depth = house.span[0], house.side * _DEPTH
    across = house.line + depth * np.array([0, 0, 0.5, 1, 1])
    up = np.array([0, house.height, house.height + house.pitch, house.height, 0])
    tone = brighten(wall, 0.86 if canvas.light.sun else 0.95)
    canvas.fill(canvas.camera.project(across, up, near), tone, CONSTRUCTION, ahead=near)
    if near < 60 and rng.random() < 0.6:
        starts = np.sort(house.line + depth * np.array([0.18, 0.5, 0.78]))
        along, up = _grid(starts, 0.9, np.arange(_STOREY + 1, house.height - 1.8, _STOREY), 1.3)
        canvas.fill(canvas.camera.project(along, up, near), _GLASS[0], CONSTRUCTION, ahead=near)


def _roof(canvas: Canvas, house: _House, rng: np.random.Generator) -> None:
    if not house.pitch:
        return
    color = brighten(_ROOFS[rng.integers(len(_ROOFS))], rng.uniform(0.85, 1.15))
    near, far = house.span
    ridge, top = house.line + house.side * _DEPTH / 2, house.height + house.pitch
    eaves = house.line - house.side * 0.3
    slope = canvas.camera.project(
        [eaves, ridge, ridge, eaves], [house.height, top, top, house.height], [near, near, far, far]
    )
    canvas.fill(slope, canvas.light.on_side(color, house.side), CONSTRUCTION, ahead=near)
    for start in rng.uniform(near, far - 1, int(rng.integers(0, 3))):
        chimney = canvas.camera.project(
            ridge, top + np.array([-1.5, 1.2, 1.2, -1.5]), start + np.array([0, 0, 0.8, 0.8])
        )
        canvas.fill(chimney, brighten(color, 1.2), CONSTRUCTION, ahead=near)
