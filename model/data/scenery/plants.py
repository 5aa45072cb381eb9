"""Trees and hedges.

Contract: see `model.data.scenery`.
"""

from __future__ import annotations

import numpy as np

from model import categories
from model.data.scenery.canvas import Canvas
from model.data.scenery.light import Color, brighten

NATURE = categories.NAMES.index("nature")

_LEAVES: tuple[Color, ...] = ((66, 92, 42), (82, 104, 50), (54, 82, 44), (98, 110, 54), (132, 106, 48))
_BARK: Color = (74, 62, 52)


def paint_tree(canvas: Canvas, across: float, ahead: float, height: float, rng: np.random.Generator) -> None:
    """Paint a tree `height` metres tall: trunk, two boughs, and a crown of overlapping leaf clumps."""
    stand = canvas.camera.stand(across, ahead)
    leaf = _LEAVES[int(rng.choice(len(_LEAVES), p=(0.3, 0.25, 0.25, 0.15, 0.05)))]
    radius = height * rng.uniform(0.24, 0.36)
    centre = height - radius
    trunk = max(0.12, height * 0.03) * stand.scale
    fork = stand.at(rng.normal(0, 0.1), centre * 0.75)
    canvas.limb([stand.at(0, 0), fork], (trunk * 1.3, trunk), _BARK, NATURE, ahead=ahead)
    for lean in (-0.5, 0.5):
        canvas.limb([fork, stand.at(lean * radius, centre)], (trunk * 0.7, trunk * 0.4), _BARK, NATURE, ahead=ahead)
    _crown(canvas, stand.at(0, centre), radius * stand.scale, leaf, ahead, rng)


def paint_hedge(
    canvas: Canvas, line: float, span: tuple[float, float], height: float, rng: np.random.Generator
) -> None:
    """Paint a hedge along `line` from `span[0]` to `span[1]` metres ahead."""
    near, far = span
    leaf = _LEAVES[rng.integers(3)]
    corners = canvas.camera.project(line, [0, height, height, 0], [near, near, far, far])
    canvas.fill(corners, brighten(leaf, 0.8), NATURE, ahead=near)
    aheads = np.geomspace(far, near, 48)
    points = canvas.camera.project(line, rng.uniform(0.4, 1.0, aheads.size) * height, aheads)
    sizes = rng.uniform(0.08, 0.24, aheads.size) * height * canvas.camera.focal / aheads
    canvas.discs(points, sizes, np.outer(rng.uniform(0.75, 1.3, aheads.size), leaf), NATURE, ahead=near)


def _crown(
    canvas: Canvas, centre: tuple[float, float], radius: float, leaf: Color, ahead: float, rng: np.random.Generator
) -> None:
    """Clumps on a few overlapping boughs, from the dark inside to the bright top, smaller towards the rim."""
    clumps = int(np.clip(radius * 2.0, 7, 240))
    boughs = rng.normal(0, 0.34, (7, 2)) * (1.15, 0.85)
    turn, reach = rng.uniform(0, 2 * np.pi, clumps), np.sqrt(rng.random(clumps)) * 0.54
    offsets = boughs[rng.integers(0, len(boughs), clumps)] + reach[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1)
    sizes = np.clip(0.27 - 0.17 * np.hypot(*offsets.T), 0.07, 0.27) * rng.uniform(0.6, 1.15, clumps)
    sun = -offsets[:, 1] + 0.5 * canvas.light.sun_side * offsets[:, 0] * (canvas.light.sun > 0)
    tones = 0.84 + 0.2 * sun + rng.normal(0, 0.07, clumps)
    order = np.argsort(sun)
    offsets = np.concatenate([boughs, offsets[order]])
    sizes = np.concatenate([np.full(len(boughs), 0.4), sizes[order]])
    tones = np.concatenate([np.full(len(boughs), 0.64), tones[order]])
    canvas.discs(centre + offsets * radius, sizes * radius, np.outer(tones, leaf), NATURE, ahead=ahead)
