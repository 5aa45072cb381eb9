"""A generator of street scenes with exact masks: what every command runs on where there is no data.

Array contract: see `model.data.samples`. A scene is painted from the far end of the street to the near one, and every
stroke writes colour and category together (`model.data.scenery.canvas`), so mask and image cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from model import categories
from model.data.samples import Example, Sample
from model.data.scenery import buildings, finish, furniture, people, plants, vehicles
from model.data.scenery.canvas import SUPERSAMPLING, Camera, Canvas
from model.data.scenery.ground import Street, draw_street, paint_ground
from model.data.scenery.light import draw_light, paint_sky

SIZE = (320, 640)
TERMS = "None: the scenes are drawn by this program."
SMALLEST_SIDE = 64
COUNTS = {"train": 200, "val": 40}

# Far apart, so that no count a caller may ask for makes two splits meet.
_FIRST_SEED = {"train": 1_000_000, "val": 2_000_000}
_LARGEST_COUNT = 1_000_000
# A category that is drawn may end up behind another; the scene is then drawn anew from the seed's next stream.
_ATTEMPTS = 32
_LEAST_SHARE = 1 / 2500

# What stands in the street: how far away it begins, and what paints it.
_Thing = tuple[float, Callable[[], None]]


def samples(split: str, *, count: int | None = None, size: tuple[int, int] = SIZE) -> list[Sample]:
    """List generated samples.

    Args:
        split: `train` or `val`; they share no seed.
        count: how many, at most a million; default 200 for train, 40 for val.
        size: (height, width) of each in pixels.

    Returns:
        Samples named like `synthetic_001000000`, each drawn when it is read.

    Raises:
        ValueError: the split is unknown or the count out of range.
    """
    if split not in COUNTS:
        raise ValueError(f"The generated streets have no split {split!r}. Expected one of {', '.join(COUNTS)}.")
    chosen = COUNTS[split] if count is None else count
    if not 1 <= chosen <= _LARGEST_COUNT:
        raise ValueError(f"Received a count of {chosen}. Expected 1 to {_LARGEST_COUNT} generated samples.")
    seeds = range(_FIRST_SEED[split], _FIRST_SEED[split] + chosen)
    return [Sample(f"synthetic_{seed:09d}", None, None, partial(_load, seed, size)) for seed in seeds]


def scene(seed: int, *, size: tuple[int, int] = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Draw a street.

    Args:
        seed: 0 or more; the same seed and size give the same bytes on the same machine.
        size: (height, width) in pixels, neither under 64; a street looks best about twice as wide as high.

    Returns:
        image uint8 (height, width, 3) RGB and labels uint8 (height, width); all eight categories occur.

    Raises:
        ValueError: the size is too small.
    """
    if min(size) < SMALLEST_SIDE:
        raise ValueError(f"Received a size of {tuple(size)}. Expected a height and width of {SMALLEST_SIDE} or more.")
    for attempt in range(_ATTEMPTS):
        image, labels = _draw(np.random.default_rng((seed, attempt)), size)
        pixels = np.bincount(labels.ravel(), minlength=categories.COUNT)
        if (pixels >= _LEAST_SHARE * labels.size).all():
            return image, labels
    raise ValueError(f"Seed {seed} at size {tuple(size)} hides a category in every attempt. Use another seed or size.")


def _load(seed: int, size: tuple[int, int]) -> Example:
    image, labels = scene(seed, size=size)
    return Example(image, labels, labels != categories.VOID)


def _draw(rng: np.random.Generator, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    camera = _draw_camera(rng, size)
    canvas = Canvas(size, camera, draw_light(rng))
    street = draw_street(rng)
    sky_rows = SUPERSAMPLING * (camera.horizon + 2)
    paint_sky(canvas.pixels, sky_rows, canvas.light, rng, category=categories.NAMES.index("sky"))
    paint_ground(canvas, street, rng)
    buildings.paint_skyline(canvas, 200.0, rng)
    things = [*_houses(canvas, street, rng), *_kerbside(canvas, street, rng), *_traffic(canvas, street, rng)]
    things += _passers_by(canvas, street, rng)
    for _, paint in sorted(things, key=lambda thing: -thing[0]):
        paint()
    rim = furniture.paint_bonnet if rng.random() < 0.75 else furniture.paint_border
    rim(canvas, rng)
    image, labels = canvas.resolve()
    return finish.photograph(image, labels, canvas.light, camera.horizon, rng), labels


def _draw_camera(rng: np.random.Generator, size: tuple[int, int]) -> Camera:
    height, width = size
    return Camera(
        focal=width * rng.uniform(0.75, 1.1),
        vanishing_x=width * rng.uniform(0.36, 0.64),
        horizon=height * rng.uniform(0.38, 0.48),
        height=rng.uniform(1.25, 1.75),
        bend=rng.normal(0, 0.0007),
    )


def _houses(canvas: Canvas, street: Street, rng: np.random.Generator) -> Iterator[_Thing]:
    """Rows of houses with gaps, where gardens lie behind a fence, a wall or a hedge."""
    for side in (-1, 1):
        line = street.house_line(side)
        near, usual = rng.uniform(2, 9), rng.uniform(7, 17)
        while near < 170:
            far = near + rng.uniform(8, 22)
            if rng.random() < 0.75:
                height = max(5.0, usual * rng.uniform(0.7, 1.35))
                yield far, partial(buildings.paint_house, canvas, side, line, (near, far), height, rng)
            else:
                yield from _garden(canvas, side, line, (near, far), rng)
            near = far


def _garden(
    canvas: Canvas, side: int, line: float, span: tuple[float, float], rng: np.random.Generator
) -> Iterator[_Thing]:
    for _ in range(int(rng.integers(2, 5))):
        ahead = rng.uniform(*span)
        across, tall = line + side * rng.uniform(3, 10), rng.uniform(6, 12)
        yield span[1] + 1, partial(plants.paint_tree, canvas, across, ahead, tall, rng)
    bound = plants.paint_hedge if rng.random() < 0.45 else buildings.paint_fence
    yield span[1], partial(bound, canvas, line, span, rng.uniform(1.0, 1.9), rng)


def _kerbside(canvas: Canvas, street: Street, rng: np.random.Generator) -> Iterator[_Thing]:
    """Trees, lamps, signs, traffic lights, bollards and bins along both pavements."""
    for side in (-1, 1):
        kerb = street.edge(side) + side * 0.6
        if rng.random() < 0.65:
            row = np.arange(rng.uniform(9, 22), 150, rng.uniform(8, 18))
            for ahead in row:
                tall = rng.uniform(5.5, 11)
                yield ahead, partial(plants.paint_tree, canvas, kerb + side * 0.5, float(ahead), tall, rng)
        for ahead in np.arange(rng.uniform(10, 24), 130, rng.uniform(22, 34)):
            yield ahead, partial(furniture.paint_lamp, canvas, kerb, float(ahead), side, rng)
        for ahead in rng.uniform(7, 45, int(rng.integers(1, 4))):
            yield ahead, partial(furniture.paint_sign, canvas, kerb + side * rng.uniform(0, 0.6), float(ahead), rng)
        if rng.random() < 0.4:
            ahead = rng.uniform(9, 32)
            yield ahead, partial(furniture.paint_traffic_light, canvas, kerb, ahead, side, rng)
        if rng.random() < 0.25:
            start = rng.uniform(7, 20)
            for ahead in np.arange(start, start + rng.uniform(5, 14), 1.8):
                yield ahead, partial(furniture.paint_bollard, canvas, kerb, float(ahead))
        if rng.random() < 0.3:
            ahead = rng.uniform(7, 25)
            across = street.house_line(side) - side * 0.8
            yield ahead, partial(furniture.paint_bin, canvas, across, ahead, rng)
    if rng.random() < 0.2:
        ahead = rng.uniform(12, 30)
        yield ahead, partial(furniture.paint_direction_board, canvas, street.edge(1) + 1.8, ahead, rng)


def _traffic(canvas: Canvas, street: Street, rng: np.random.Generator) -> Iterator[_Thing]:
    """Parked cars, cars ahead, oncoming cars, and now and then one that crosses."""
    for side in (-1, 1):
        ahead = rng.uniform(4, 14)
        busy = rng.uniform(0.1, 0.9)
        while ahead < 90:
            kind = str(rng.choice(vehicles.KINDS[:3], p=(0.5, 0.3, 0.2)))
            if rng.random() < busy:
                across = street.edge(side) - side * rng.uniform(1.0, 1.2)
                heading = 0.0 if side == 1 else float(np.pi)
                yield ahead, partial(vehicles.paint_vehicle, canvas, kind, across, ahead, rng, heading=heading)
            ahead += rng.uniform(5.6, 8.5)
    lane_cars = [(0.0, rng.uniform(9, 40), 0.0)]
    for _ in range(int(rng.integers(0, 4))):
        lane_cars.append((-street.lane, rng.uniform(9, 110), float(np.pi)))
    for across, ahead, heading in lane_cars:
        kind = str(rng.choice(vehicles.KINDS, p=(0.42, 0.32, 0.16, 0.1)))
        place = across + rng.normal(0, 0.2)
        yield ahead, partial(vehicles.paint_vehicle, canvas, kind, place, ahead, rng, heading=heading)
    if rng.random() < 0.2:
        ahead, across = rng.uniform(18, 40), rng.uniform(street.road[0] + 1, street.road[1] - 1)
        heading = float(np.pi / 2) * (1 if rng.random() < 0.5 else -1)
        yield ahead, partial(vehicles.paint_vehicle, canvas, "saloon", across, ahead, rng, heading=heading)


def _passers_by(canvas: Canvas, street: Street, rng: np.random.Generator) -> Iterator[_Thing]:
    """Walkers on both pavements and at the kerb, and cyclists at the side of the road."""
    for side in (-1, 1):
        for _ in range(int(rng.integers(1, 6))):
            ahead = float(np.exp(rng.uniform(np.log(6), np.log(50))))
            across = street.edge(side) + side * rng.uniform(0.3, max(0.4, street.walk_width(side) - 0.3))
            yield ahead, partial(people.paint_walker, canvas, across, ahead, rng)
    if rng.random() < 0.35:
        ahead, across = rng.uniform(8, 24), rng.uniform(*street.road)
        yield ahead, partial(people.paint_walker, canvas, across, ahead, rng)
    for _ in range(int(rng.integers(0, 3))):
        ahead, side = rng.uniform(8, 32), int(rng.integers(2)) * 2 - 1
        across = street.edge(side) - side * rng.uniform(0.6, 2.8)
        yield ahead, partial(people.paint_rider, canvas, across, ahead, rng)
