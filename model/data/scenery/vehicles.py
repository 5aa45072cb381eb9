"""Cars, vans and buses as extruded side profiles, and bicycles.

Contract: see `model.data.scenery`. A profile runs over the vehicle from the front bumper's foot to the rear bumper's,
as (metres behind the front, metres up).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from model import categories
from model.data.scenery.canvas import Canvas, Stand
from model.data.scenery.light import Color, brighten

VEHICLE = categories.NAMES.index("vehicle")
FLAT = categories.NAMES.index("flat")

_PAINTS: tuple[Color, ...] = (
    (34, 36, 40),
    (78, 82, 88),
    (150, 154, 158),
    (214, 216, 216),
    (140, 34, 34),
    (38, 58, 108),
    (60, 84, 70),
    (182, 160, 116),
)
_GLASS: Color = (44, 52, 60)
_TYRE: Color = (26, 26, 28)
_RIM: Color = (140, 142, 146)
_BODY, _WINDOW = "body", "window"


@dataclass(frozen=True)
class _Shape:
    """One kind of vehicle: its profile, what lies between its points, its side windows, wheels and width."""

    profile: tuple[tuple[float, float], ...]
    skin: tuple[str, ...]
    panes: tuple[tuple[tuple[float, float], ...], ...]
    wheels: tuple[float, float]
    radius: float
    width: float
    belt: float


_HATCHBACK = _Shape(
    profile=((0.05, 0.22), (0.0, 0.62), (0.25, 0.8), (1.15, 0.95), (1.85, 1.44), (3.3, 1.48), (3.95, 1.0),
             (4.05, 0.7), (4.0, 0.24)),
    skin=(_BODY, _BODY, _BODY, _WINDOW, _BODY, _WINDOW, _BODY, _BODY),
    panes=(((1.4, 0.98), (1.95, 1.36), (2.5, 1.4), (2.5, 0.98)), ((2.6, 0.98), (2.6, 1.4), (3.25, 1.4), (3.6, 1.02))),
    wheels=(0.8, 3.3), radius=0.32, width=1.75, belt=0.95,
)  # fmt: skip
_SALOON = _Shape(
    profile=((0.05, 0.22), (0.0, 0.6), (0.3, 0.76), (1.4, 0.92), (2.1, 1.4), (3.3, 1.42), (4.0, 1.0),
             (4.7, 0.95), (4.8, 0.6), (4.75, 0.25)),
    skin=(_BODY, _BODY, _BODY, _WINDOW, _BODY, _WINDOW, _BODY, _BODY, _BODY),
    panes=(((1.65, 0.96), (2.2, 1.33), (2.75, 1.35), (2.75, 0.96)),
           ((2.85, 0.96), (2.85, 1.35), (3.25, 1.35), (3.75, 0.99))),
    wheels=(0.9, 3.8), radius=0.33, width=1.82, belt=0.95,
)  # fmt: skip
_VAN = _Shape(
    profile=((0.05, 0.25), (0.0, 0.75), (0.2, 1.0), (0.8, 1.2), (1.45, 1.95), (4.7, 2.05), (4.85, 1.2), (4.9, 0.28)),
    skin=(_BODY, _BODY, _BODY, _WINDOW, _BODY, _WINDOW, _BODY),
    panes=(((1.1, 1.18), (1.6, 1.82), (2.2, 1.84), (2.2, 1.18)), ((2.3, 1.2), (2.3, 1.84), (3.4, 1.86), (3.4, 1.2))),
    wheels=(0.95, 3.85), radius=0.35, width=1.95, belt=1.2,
)  # fmt: skip
_BUS = _Shape(
    profile=((0.05, 0.3), (0.0, 1.1), (0.15, 2.7), (0.4, 3.0), (11.3, 3.05), (11.45, 2.5), (11.5, 1.4), (11.5, 0.35)),
    skin=(_BODY, _WINDOW, _BODY, _BODY, _BODY, _WINDOW, _BODY),
    panes=tuple(((at, 1.2), (at, 2.4), (at + 1.6, 2.4), (at + 1.6, 1.2)) for at in np.arange(0.5, 10, 1.75)),
    wheels=(2.3, 8.6), radius=0.48, width=2.5, belt=3.5,
)  # fmt: skip
_SHAPES = {"hatchback": _HATCHBACK, "saloon": _SALOON, "van": _VAN, "bus": _BUS}
KINDS = tuple(_SHAPES)


def paint_vehicle(
    canvas: Canvas, kind: str, across: float, near: float, rng: np.random.Generator, *, heading: float = 0.0
) -> None:
    """Paint a vehicle.

    Args:
        canvas: painted on.
        kind: one of `KINDS`.
        across: of its middle, metres.
        near: of its nearest end, metres ahead of the camera.
        rng: draws its paint.
        heading: 0 drives away, pi comes towards the camera, pi / 2 crosses to the right.
    """
    shape = _SHAPES[kind]
    length = max(point[0] for point in shape.profile)
    reach = abs(math.cos(heading)) * length / 2 + abs(math.sin(heading)) * shape.width / 2
    body = _Placed(canvas, shape, (across, near + reach), heading, length)
    paint = brighten(_PAINTS[rng.integers(len(_PAINTS))], rng.uniform(0.85, 1.15))
    if kind == "bus":
        paint = ((196, 168, 60), (170, 40, 38), (206, 206, 200), (52, 92, 130))[rng.integers(4)]
    _contact_shadow(body)
    _skin(body, paint)
    if body.side_that_shows():
        _side(body, body.side_that_shows(), paint)
    _ends(body, kind)


@dataclass(frozen=True)
class _Placed:
    """A shape somewhere in the street."""

    canvas: Canvas
    shape: _Shape
    middle: tuple[float, float]
    heading: float
    length: float

    def world(self, right: object, up: object, behind: object) -> tuple[np.ndarray, object, np.ndarray]:
        """Turn vehicle coordinates, metres, into (across, up, ahead)."""
        forward = self.length / 2 - np.asarray(behind, float)
        right = np.asarray(right, float)
        sine, cosine = math.sin(self.heading), math.cos(self.heading)
        across = self.middle[0] + right * cosine + forward * sine
        return across, up, np.maximum(0.6, self.middle[1] - right * sine + forward * cosine)

    def project(self, right: object, up: object, behind: object) -> np.ndarray:
        return self.canvas.camera.project(*self.world(right, up, behind))

    def fill(self, right: object, up: object, behind: object, color: Color, category: int = VEHICLE) -> None:
        self.canvas.fill(self.project(right, up, behind), color, category, ahead=self.middle[1])

    def half(self, up: object) -> np.ndarray:
        """Return half the width at a height: cabins lean inwards above the belt line."""
        return self.shape.width / 2 * (1 - 0.22 * np.maximum(0, np.asarray(up, float) - self.shape.belt))

    def distance(self, right: float, behind: float) -> float:
        across, _, ahead = self.world(right, 0.0, behind)
        return math.hypot(float(across), float(ahead))

    def side_that_shows(self) -> int:
        """Return -1 for the left side, 1 for the right, 0 where the camera looks along between both."""
        across, ahead = self.middle
        seen_across = across + self.canvas.camera.bend * ahead**2
        camera_right = ahead * math.sin(self.heading) - seen_across * math.cos(self.heading)
        return int(math.copysign(1, camera_right)) if abs(camera_right) > self.shape.width / 2 else 0

    @property
    def front_shows(self) -> bool:
        return self.distance(0, 0) < self.distance(0, self.length)


def _contact_shadow(body: _Placed) -> None:
    half = body.shape.width / 2 + 0.12
    right = [-half, half, half, -half]
    body.fill(right, 0.0, [-0.2, -0.2, body.length + 0.2, body.length + 0.2], (34, 35, 38), FLAT)


def _skin(body: _Placed, paint: Color) -> None:
    """Front, bonnet, windscreen, roof and tail: each a band across the vehicle, farthest first."""
    points = body.shape.profile
    bands = list(zip(points[:-1], points[1:], body.shape.skin, strict=True))
    for start, end, material in sorted(bands, key=lambda band: -body.distance(0, (band[0][0] + band[1][0]) / 2)):
        behind = np.array([start[0], start[0], end[0], end[0]])
        up = np.array([start[1], start[1], end[1], end[1]])
        right = body.half(up) * [-1, 1, 1, -1]
        slope = abs(end[0] - start[0]) / (abs(end[0] - start[0]) + abs(end[1] - start[1]))
        tone = brighten(paint, 0.72 + 0.55 * slope)
        body.fill(right, up, behind, tone)
        if material == _WINDOW:
            centre_behind, centre_up = behind.mean(), up.mean()
            inner_behind = centre_behind + (behind - centre_behind) * 0.86
            inner_up = centre_up + (up - centre_up) * 0.86
            body.fill(right * 0.86, inner_up, inner_behind, brighten(_GLASS, 1 + 0.6 * slope))


def _side(body: _Placed, side: int, paint: Color) -> None:
    profile = np.array(body.shape.profile)
    lit = body.canvas.light.on_side(paint, -side)
    body.fill(side * body.half(profile[:, 1]), profile[:, 1], profile[:, 0], brighten(lit, 0.86))
    shoulder = min(body.shape.belt, 1.1)
    gleam = np.array([[0.5, shoulder - 0.17], [0.5, shoulder - 0.1], [body.length - 0.3, shoulder - 0.08]])
    body.fill(side * body.half(gleam[:, 1]) * 1.002, gleam[:, 1], gleam[:, 0], brighten(lit, 1.12))
    sill = np.array([[0.1, 0.24], [0.1, 0.42], [body.length - 0.1, 0.42], [body.length - 0.1, 0.26]])
    body.fill(side * body.half(0), sill[:, 1], sill[:, 0], brighten(paint, 0.5))
    for pane in body.shape.panes:
        corners = np.array(pane)
        body.fill(side * body.half(corners[:, 1]), corners[:, 1], corners[:, 0], _GLASS)
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    for axle in body.shape.wheels:
        for size, color in ((1.18, (20, 20, 22)), (1.0, _TYRE), (0.62, _RIM), (0.2, _TYRE)):
            radius = body.shape.radius * size
            up = np.maximum(0.0, body.shape.radius + radius * np.sin(turn))
            body.fill(side * body.half(0) * 1.01, up, axle + radius * np.cos(turn), color)


def _ends(body: _Placed, kind: str) -> None:
    """Lamps, number plate and the far wheels of the end that shows."""
    if abs(math.cos(body.heading)) < 0.5:
        return
    front = body.front_shows
    behind = -0.01 if front else body.length + 0.01
    half = body.shape.width / 2
    low = 0.5 if kind != "bus" else 0.7
    glow = 2.2 if body.canvas.light.lamps else 1.0
    lamp = brighten((236, 236, 220), glow) if front else (min(255, 168 * glow), 22, 18)
    for side in (-1, 1):
        inner, outer = side * (half - 0.36), side * (half - 0.04)
        body.fill([inner, outer, outer, inner], [low + 0.12, low + 0.12, low + 0.32, low + 0.28], behind, lamp)
        wheel_in, wheel_out = side * (half - 0.24), side * (half - 0.02)
        body.fill([wheel_in, wheel_out, wheel_out, wheel_in], [0, 0, 0.26, 0.26], behind, _TYRE)
    body.fill([-0.26, 0.26, 0.26, -0.26], [low - 0.08, low - 0.08, low + 0.05, low + 0.05], behind, (210, 208, 190))
    bumper = [-half + 0.1, half - 0.1, half - 0.1, -half + 0.1]
    body.fill(bumper, [0.22, 0.22, 0.34, 0.34], behind, (40, 41, 44))


def paint_bicycle(canvas: Canvas, stand: Stand, way: int, rng: np.random.Generator) -> None:
    """Paint a bicycle seen from its side, its front towards `way`, -1 left or 1 right."""
    frame = brighten(_PAINTS[rng.integers(len(_PAINTS))], 0.9)
    turn = np.linspace(0, 2 * np.pi, 24)
    tube = max(0.04 * stand.scale, 0.7)
    for hub in (-0.52, 0.52):
        rim = [stand.at(hub + 0.34 * math.cos(angle), 0.34 + 0.34 * math.sin(angle)) for angle in turn]
        for start, end in pairwise(rim):
            canvas.limb([start, end], (tube, tube), _TYRE, VEHICLE, ahead=stand.ahead)
    joints = {
        "rear": (-0.52, 0.34),
        "front": (0.52, 0.34),
        "crank": (-0.08, 0.32),
        "seat": (-0.24, 0.86),
        "bar": (0.38, 0.92),
    }
    for start, end in (
        ("rear", "crank"),
        ("crank", "seat"),
        ("rear", "seat"),
        ("crank", "bar"),
        ("seat", "bar"),
        ("bar", "front"),
    ):
        ends = [stand.at(way * joints[name][0], joints[name][1]) for name in (start, end)]
        canvas.limb(ends, (tube, tube), frame, VEHICLE, ahead=stand.ahead)
