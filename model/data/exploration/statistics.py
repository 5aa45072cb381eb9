"""From what was measured to what is told: shares, places, sizes and company of the categories, as plain numbers.

Array contract: see `model.data.exploration.gathering`. Everything returned goes into JSON as it is.
"""

from __future__ import annotations

import numpy as np

from model import categories
from model.data.exploration.gathering import Collection
from model.data.exploration.measuring import COUNTED

SMALL_THING = 16 * 16
"""Pixels; what a network that works at a sixteenth of the size sees as one point."""


def shares(collection: Collection, chosen: np.ndarray) -> dict:
    """Count some of the images.

    Args:
        collection: what was measured.
        chosen: bool (images,) or indices.

    Returns:
        `images`, `pixels` (with ground truth), `without_ground_truth` (share of all pixels), and by category name
        `pixel_counts`, `pixel_share` (of those with ground truth) and `image_share` (of images with a pixel of it).
    """
    counts = collection.counts[chosen]
    totals, images = counts.sum(axis=0), len(counts)
    all_pixels = int(collection.pixels[chosen].sum())
    return {
        "images": images,
        "pixels": int(totals.sum()),
        "without_ground_truth": _ratio(all_pixels - int(totals.sum()), all_pixels),
        "pixel_counts": _named(totals.tolist()),
        "pixel_share": _named([_ratio(total, int(totals.sum())) for total in totals.tolist()]),
        "image_share": _named([_ratio(number, images) for number in (counts > 0).sum(axis=0).tolist()]),
    }


def by_split(collection: Collection) -> dict[str, dict]:
    """Return the shares of each split, by name."""
    return {name: shares(collection, collection.split == index) for index, name in enumerate(collection.splits)}


def by_group(collection: Collection) -> dict[str, dict]:
    """Return the shares of each city or film by name, and under `splits` the splits that it occurs in."""
    found = {}
    for index, name in enumerate(collection.groups):
        chosen = collection.group == index
        splits = [collection.splits[split] for split in np.unique(collection.split[chosen])]
        found[name] = shares(collection, chosen) | {"splits": splits}
    return found


def places(collection: Collection) -> dict[str, dict]:
    """Tell where in the frame each category lives.

    Returns:
        By category name: `map`, float (40, 80) as lists, the share of the category in each cell's pixels with ground
        truth; `largest`, its maximum; `rows` and `columns`, between which shares of height and width the middle half
        of its pixels lie, or None where it doesn't occur.
    """
    heat = collection.heat.sum(axis=0)[: categories.COUNT]
    maps = heat / np.maximum(heat.sum(axis=0), 1)
    return {
        name: {
            "map": np.round(maps[index], 6).tolist(),
            "largest": float(maps[index].max()),
            "rows": _middle_half(heat[index].sum(axis=1)),
            "columns": _middle_half(heat[index].sum(axis=0)),
        }
        for index, name in enumerate(categories.NAMES)
    }


def thing_sizes(collection: Collection) -> dict[str, dict]:
    """Tell how large single people and vehicles are.

    Returns:
        By category name: `count`; `pixels` and `height` (in pixels) and `height_share` (of the image), each as the
        10th, 50th and 90th percentile, or None where there are none; `small_share` of those below 256 pixels.
    """
    index, category, pixels, height = collection.things.T
    share = height / collection.sizes[index, 0]
    found = {}
    for which in COUNTED:
        own = category == which
        found[categories.NAMES[which]] = {
            "count": int(own.sum()),
            "pixels": _spread(pixels[own]),
            "height": _spread(height[own]),
            "height_share": _spread(share[own]),
            "small_share": _ratio(int((pixels[own] < SMALL_THING).sum()), int(own.sum())),
        }
    return found


def together(collection: Collection) -> dict:
    """Tell which categories occur together.

    Returns:
        `images`: share of all images that have both, 8 rows of 8, on the diagonal those that have the one;
        `correlation`: rank correlation of their shares of pixels (Spearman), None where one never varies.
    """
    present = (collection.counts > 0).astype(np.float64)
    # A category's rank over the images; equal shares have the mean of their ranks.
    ranks = np.stack([_ranks(share) for share in collection.composition.T])
    ranks -= ranks.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(ranks, axis=1)
    products = np.outer(lengths, lengths)
    correlation = np.divide(ranks @ ranks.T, products, out=np.full_like(products, np.nan), where=products > 0)
    return {
        "images": (present.T @ present / len(present)).tolist(),
        "correlation": [[None if np.isnan(value) else float(value) for value in row] for row in correlation],
    }


def light(collection: Collection) -> dict[str, dict]:
    """Return the 10th, 50th and 90th percentile of brightness, contrast and sharpness, of all and by city or film."""
    measures = {name: getattr(collection, name) for name in ("brightness", "contrast", "sharpness")}
    everything = {"all": np.ones(len(collection.samples), bool)}
    chosen = everything | {name: collection.group == index for index, name in enumerate(collection.groups)}
    return {name: {what: _spread(values[own]) for what, values in measures.items()} for name, own in chosen.items()}


def images(collection: Collection) -> list[dict]:
    """Return what was measured of each image."""
    return [
        {
            "name": sample.name,
            "split": collection.splits[collection.split[index]],
            "group": collection.groups[collection.group[index]],
            "size": collection.sizes[index].tolist(),
            "pixel_counts": collection.counts[index].tolist(),
            "brightness": round(float(collection.brightness[index]), 2),
            "contrast": round(float(collection.contrast[index]), 2),
            "sharpness": round(float(collection.sharpness[index]), 2),
        }
        for index, sample in enumerate(collection.samples)
    ]


def _named(values: list) -> dict:
    return dict(zip(categories.NAMES, values, strict=True))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _spread(values: np.ndarray) -> list[float] | None:
    return np.percentile(values, (10, 50, 90)).tolist() if len(values) else None


def _middle_half(counts: np.ndarray) -> list[float] | None:
    """Where a quarter and three quarters of the counts are reached, 0 to 1, linearly within a cell."""
    if not counts.sum():
        return None
    reached = np.concatenate([[0], np.cumsum(counts) / counts.sum()])
    return np.interp((0.25, 0.75), reached, np.linspace(0, 1, len(reached))).tolist()


def _ranks(values: np.ndarray) -> np.ndarray:
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[which]
