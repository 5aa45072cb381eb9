"""A camera and a canvas whose every stroke writes colour and category together, so that masks are exact.

Contract: see `model.data.scenery`. `pixels` is uint8 (2 height, 2 width, 4): red, green, blue, category id.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from model.data.scenery.light import Color, Light

SUPERSAMPLING = 2
_SUBPIXEL_BITS = 4
_FARTHEST_PIXEL = 60_000.0


@dataclass(frozen=True)
class Camera:
    """A pinhole camera above a level street.

    Attributes:
        focal: focal length in pixels.
        vanishing_x: column in which the street ahead vanishes.
        horizon: row of the horizon.
        height: of the lens above the road, in metres.
        bend: sideways metres per squared metre ahead; positive bends to the right.
    """

    focal: float
    vanishing_x: float
    horizon: float
    height: float
    bend: float

    def project(self, across: object, up: object, ahead: object) -> np.ndarray:
        """Project positions in the street, numbers or arrays that broadcast, to pixels: float64 (..., 2)."""
        across, up, ahead = np.asarray(across, float), np.asarray(up, float), np.asarray(ahead, float)
        x = self.vanishing_x + self.focal * (across / ahead + self.bend * ahead)
        y = self.horizon + self.focal * (self.height - up) / ahead
        points = np.empty((*np.broadcast_shapes(x.shape, y.shape), 2))
        points[..., 0], points[..., 1] = x, y
        return points

    def stand(self, across: float, ahead: float) -> Stand:
        """Return the picture's scale and origin at one spot of the street."""
        x = self.vanishing_x + self.focal * (across / ahead + self.bend * ahead)
        return Stand(x, self.horizon + self.focal * self.height / ahead, self.focal / ahead, ahead)


@dataclass(frozen=True)
class Stand:
    """A spot on the ground seen in the picture: its pixel, the pixels per metre there, its distance in metres."""

    x: float
    y: float
    scale: float
    ahead: float

    def at(self, right: float, up: float) -> tuple[float, float]:
        """Return the pixel `right` and `up` metres from the spot."""
        return self.x + right * self.scale, self.y - up * self.scale


class Canvas:
    """What is painted so far. Nearer things are painted later.

    Attributes:
        size: (height, width) of the finished picture.
        camera: where it is seen from.
        light: how colours look.
        pixels: uint8 (2 height, 2 width, 4).
    """

    def __init__(self, size: tuple[int, int], camera: Camera, light: Light) -> None:
        self.size = size
        self.camera = camera
        self.light = light
        self.pixels = np.zeros((SUPERSAMPLING * size[0], SUPERSAMPLING * size[1], 4), np.uint8)

    def fill(self, points: object, color: Color, category: int, *, ahead: float = 0.0) -> None:
        """Fill one polygon, pixels (corners, 2), or many that do not overlap, (polygons, corners, 2)."""
        corners = np.asarray(points, float)
        if corners.size == 0:
            return
        fixed = _fixed_point(corners)
        polygons = [fixed] if fixed.ndim == 2 else list(fixed)
        cv2.fillPoly(self.pixels, polygons, (*self.light.shade(color, ahead), category), cv2.LINE_8, _SUBPIXEL_BITS)

    def disc(self, centre: Sequence[float], radius: float, color: Color, category: int, *, ahead: float = 0.0) -> None:
        """Fill a circle; `centre` and `radius` in pixels."""
        if not (-radius < centre[0] < self.size[1] + radius and -radius < centre[1] < self.size[0] + radius):
            return
        x, y = (int((SUPERSAMPLING * value - 0.5) * (1 << _SUBPIXEL_BITS)) for value in centre)
        fixed_radius = max(1, int(SUPERSAMPLING * radius * (1 << _SUBPIXEL_BITS)))
        ink = (*self.light.shade(color, ahead), category)
        cv2.circle(self.pixels, (x, y), fixed_radius, ink, cv2.FILLED, cv2.LINE_8, _SUBPIXEL_BITS)

    def discs(self, centres: np.ndarray, radii: np.ndarray, colors: np.ndarray, category: int, *, ahead: float) -> None:
        """Fill circles one over another; pixels `centres` (n, 2) and `radii` (n,), `colors` (n, 3)."""
        inks = np.column_stack([self.light.shade_all(colors, ahead), np.full(len(colors), category)]).tolist()
        fixed_centres = _fixed_point(centres).tolist()
        fixed_radii = np.maximum(1, SUPERSAMPLING * radii * (1 << _SUBPIXEL_BITS)).astype(int).tolist()
        for centre, radius, ink in zip(fixed_centres, fixed_radii, inks, strict=True):
            cv2.circle(self.pixels, centre, radius, ink, cv2.FILLED, cv2.LINE_8, _SUBPIXEL_BITS)

    def limb(
        self,
        joints: Sequence[Sequence[float]],
        widths: tuple[float, float],
        color: Color,
        category: int,
        *,
        ahead: float = 0.0,
    ) -> None:
        """Fill a tapered bar with round ends between two pixels; `widths` in pixels at either end."""
        (x0, y0), (x1, y1) = joints
        length = math.hypot(x1 - x0, y1 - y0) or 1.0
        side_x, side_y = -(y1 - y0) / length / 2, (x1 - x0) / length / 2
        start, end = widths
        corners = [
            (x0 + side_x * start, y0 + side_y * start),
            (x1 + side_x * end, y1 + side_y * end),
            (x1 - side_x * end, y1 - side_y * end),
            (x0 - side_x * start, y0 - side_y * start),
        ]
        self.fill(corners, color, category, ahead=ahead)
        if max(widths) > 1.5:
            self.disc(joints[0], start / 2, color, category, ahead=ahead)
            self.disc(joints[1], end / 2, color, category, ahead=ahead)

    def resolve(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the picture at its own size: colours averaged, of each four categories the commonest.

        Returns:
            image uint8 (height, width, 3) and labels uint8 (height, width).
        """
        averaged = cv2.resize(self.pixels, (self.size[1], self.size[0]), interpolation=cv2.INTER_AREA)
        category = self.pixels[..., 3]
        first, second = category[::2, ::2], category[::2, 1::2]
        third, fourth = category[1::2, ::2], category[1::2, 1::2]
        # Any two that agree are at least half of the four; where none agree, any of them is as common as the rest.
        labels = np.where((second == third) | (second == fourth), second, np.where(third == fourth, third, first))
        return np.ascontiguousarray(averaged[..., :3]), labels


def _fixed_point(corners: np.ndarray) -> np.ndarray:
    # Pixel centres lie at whole numbers in OpenCV: the left edge of the picture is at -0.5.
    reached = np.clip(SUPERSAMPLING * corners - 0.5, -_FARTHEST_PIXEL, _FARTHEST_PIXEL)
    return np.round(reached * (1 << _SUBPIXEL_BITS)).astype(np.int32)
