"""Things of rare categories, copied from another sample: G. Ghiasi et al., "Simple Copy-Paste is a Strong Data
Augmentation Method for Instance Segmentation", 2021, with feet that stay on the ground.

Array contract: see `model.data.augmentation`. Of images and labels of any two sizes, positions are shares of the sides.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from model.categories import NAMES
from model.data.samples import Example

COPIED = ("object", "human", "vehicle")
"""Categories whose things are copied."""

_OBJECT, _HUMAN, _VEHICLE = (NAMES.index(name) for name in COPIED)
_FLAT, _CONSTRUCTION, _NATURE = (NAMES.index(name) for name in ("flat", "construction", "nature"))
# What a thing may stand on. Poles rise behind walls and hedges too; a person on a roof would teach nonsense.
_GROUND = {_OBJECT: (_FLAT, _CONSTRUCTION, _NATURE), _HUMAN: (_FLAT,), _VEHICLE: (_FLAT,)}
# Share of the image that a thing covers: smaller ones are hardly seen, larger ones hide the street.
_LEAST, _MOST = 0.0004, 0.06
# Rare things come first: how often one is drawn against another.
_WEIGHTS = {_OBJECT: 2.0, _HUMAN: 3.0, _VEHICLE: 1.0}
_BORDER = 3


class _Thing(NamedTuple):
    category: int
    pixels: np.ndarray
    mask: np.ndarray
    left: int
    top: int


def copied(
    image: np.ndarray, labels: np.ndarray, donor: Example, *, most: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Copy things of `COPIED` categories from `donor`, each to about where it was.

    Args:
        image: uint8 (height, width, 3).
        labels: uint8 (height, width).
        donor: another sample, of any size; its void and unlabelled pixels are never copied.
        most: how many things at most.
        random: draws which, their size and their place.

    Returns:
        New image and labels; soft edges in the image, hard ones in the labels.
    """
    things = _things(donor)
    if not things:
        return image, labels
    image, labels = image.copy(), labels.copy()
    weights = np.array([_WEIGHTS[thing.category] for thing in things])
    number = min(len(things), int(random.integers(1, most + 1)))
    # Its light should be that of the street it comes to.
    gain = np.float32(np.clip(image[::8, ::8].mean() / max(donor.image[::8, ::8].mean(), 1), 0.6, 1.6))
    chosen = random.choice(len(things), number, replace=False, p=weights / weights.sum())
    # The higher in the image a thing stands, the farther away: those are painted first.
    for index in sorted(chosen, key=lambda each: things[each].top + len(things[each].mask)):
        _paste(image, labels, things[index], donor.labels.shape, gain=gain, random=random)
    return image, labels


def _things(donor: Example) -> list[_Thing]:
    """Cut out the connected things of a sample that are whole, that is, do not touch its border."""
    height, width = donor.labels.shape
    found = []
    for category in (_OBJECT, _HUMAN, _VEHICLE):
        mask = (donor.labels == category).astype(np.uint8)
        _, marks, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        for mark, (left, top, wide, high, area) in enumerate(boxes[1:], start=1):
            inside = left > 0 and top > 0 and left + wide < width and top + high < height
            if inside and _LEAST <= area / mask.size <= _MOST:
                first_row, first_column = max(0, top - _BORDER), max(0, left - _BORDER)
                part = np.s_[first_row : top + high + _BORDER, first_column : left + wide + _BORDER]
                found.append(_Thing(category, donor.image[part], marks[part] == mark, first_column, first_row))
    return found


def _paste(
    image: np.ndarray,
    labels: np.ndarray,
    thing: _Thing,
    size: tuple[int, int],
    *,
    gain: np.float32,
    random: np.random.Generator,
) -> None:
    """Paint a thing from an image of `size` over `image` and `labels`, unless it would stand on nothing."""
    height, width = labels.shape
    factor = random.uniform(0.8, 1.2)
    high = max(1, round(len(thing.mask) * factor * height / size[0]))
    wide = max(1, round(thing.mask.shape[1] * factor * width / size[1]))
    # The foot stays in its row, so that the thing is as near as it was.
    foot = round((thing.top + len(thing.mask)) * height / size[0])
    middle = (thing.left + thing.mask.shape[1] / 2) / size[1] + random.uniform(-0.12, 0.12)
    top, left = foot - high, round(middle * width - wide / 2)
    pixels = cv2.resize(thing.pixels, (wide, high), interpolation=cv2.INTER_LINEAR)
    cover = cv2.resize(thing.mask.astype(np.float32), (wide, high), interpolation=cv2.INTER_LINEAR)
    if random.random() < 0.5:
        pixels, cover = pixels[:, ::-1], cover[:, ::-1]
    rows, columns = slice(max(0, top), min(height, foot)), slice(max(0, left), min(width, left + wide))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    part = np.s_[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    pixels, cover = pixels[part], cover[part]
    if not _stands(labels[rows, columns], cover > 0.5, thing.category):
        return
    # The edge is soft as a lens draws it, and lies within the thing: what was behind it stays behind.
    soft = np.clip(cv2.GaussianBlur(cover, (3, 3), 0) * 1.6 - 0.6, 0, 1)[..., None]
    lit = np.clip(pixels * gain, 0, 255)
    image[rows, columns] = np.rint(image[rows, columns] * (1 - soft) + lit * soft).astype(np.uint8)
    labels[rows, columns][cover > 0.5] = thing.category


def _stands(labels: np.ndarray, mask: np.ndarray, category: int) -> bool:
    """Tell whether what lies under the thing's foot, a few rows high, is mostly ground for it."""
    filled = np.flatnonzero(mask.any(axis=1))
    if not len(filled):
        return False
    feet = np.s_[max(0, filled[-1] - 2) : filled[-1] + 1]
    under = labels[feet][mask[feet]]
    return bool(np.isin(under, _GROUND[category]).mean() > 0.7)
