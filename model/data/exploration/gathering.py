"""One pass over all splits of a data set: every image is measured by one of several workers, and only numbers stay.

Array contract: `pixels` int64 (images, 9) by category, last those without ground truth; `heat` int64 (splits, 9, 40,
80) likewise by place in the frame; `things` int64 (things, 4): image, category, pixels, height in pixels.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from model import categories
from model.data.exploration.measuring import GRID, SMALL, Measurement, measure
from model.data.samples import Sample

MOST_GROUPS = 40
"""Where names tell more cities apart, they tell nothing."""


@dataclass(frozen=True)
class Collection:
    """All that was measured, one entry of each array for one image.

    Attributes:
        samples: the images, to read again those that are shown.
        splits: names of the splits; `split` (images,) points into it.
        groups: names of the cities or films; `group` (images,) points into it.
        sizes: int64 (images, 2), height and width in pixels.
        pixels, heat, things: of the module's contract.
        brightness, contrast, sharpness: float64 (images,), see `Measurement`.
        small: uint8 (images, 48, 96) grey copies.
        edges: int64 (2, 9), summed over all images, see `model.data.exploration.alignment`.
        official: how many images have an official instance file.
    """

    samples: tuple[Sample, ...]
    splits: tuple[str, ...]
    split: np.ndarray
    groups: tuple[str, ...]
    group: np.ndarray
    sizes: np.ndarray
    pixels: np.ndarray
    heat: np.ndarray
    things: np.ndarray
    brightness: np.ndarray
    contrast: np.ndarray
    sharpness: np.ndarray
    small: np.ndarray
    edges: np.ndarray
    official: int

    @property
    def counts(self) -> np.ndarray:
        """int64 (images, 8): pixels by category, without those that have no ground truth."""
        return self.pixels[:, : categories.COUNT]

    @property
    def composition(self) -> np.ndarray:
        """float64 (images, 8): share of each category in the pixels with ground truth, 0 to 1."""
        return self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)

    def names(self) -> list[str]:
        """Return the samples' names."""
        return [sample.name for sample in self.samples]


def gather(splits: Mapping[str, Sequence[Sample]], *, workers: int = 2) -> Collection:
    """Measure all samples of all splits.

    Args:
        splits: samples by name of their split, none empty.
        workers: threads that read and measure.

    Returns:
        What was measured, in the order of the samples.

    Raises:
        ValueError: no samples, or one that can't be read; the message names it. Or `workers` is below 1.
    """
    if workers < 1:
        raise ValueError(f"--workers is {workers}. Expected at least 1.")
    samples = tuple(sample for chosen in splits.values() for sample in chosen)
    if not samples:
        raise ValueError("Received no samples. Expected at least one image with its mask: check --data and --split.")
    split = np.repeat(np.arange(len(splits)), [len(chosen) for chosen in splits.values()])
    groups, group = _groups([sample.name for sample in samples])
    with ThreadPoolExecutor(workers) as pool:
        quiet = not sys.stderr.isatty()
        measured = tqdm(
            pool.map(measure, samples), total=len(samples), desc="measuring", unit="image", leave=False, disable=quiet
        )
        arrays = _collect(measured, split, count=len(samples), splits=len(splits))
    return Collection(samples=samples, splits=tuple(splits), split=split, groups=groups, group=group, **arrays)


def _collect(measured: Iterable[Measurement], split: np.ndarray, *, count: int, splits: int) -> dict:
    kinds = categories.COUNT + 1
    pixels, sizes = np.zeros((count, kinds), np.int64), np.zeros((count, 2), np.int64)
    heat = np.zeros((splits, kinds, *GRID), np.int64)
    light, small = np.zeros((3, count)), np.zeros((count, *SMALL), np.uint8)
    things, edges, official = [np.zeros((0, 4), np.int64)], 0, 0
    for index, one in enumerate(measured):
        pixels[index] = one.cells.sum(axis=(1, 2))
        heat[split[index]] += one.cells
        sizes[index] = one.size
        light[:, index] = one.brightness, one.contrast, one.sharpness
        small[index] = one.small
        things.append(np.column_stack([np.full(len(one.things), index), one.things]))
        edges = edges + one.edges
        official += one.official
    return {
        "sizes": sizes,
        "pixels": pixels,
        "heat": heat,
        "things": np.concatenate(things),
        "brightness": light[0],
        "contrast": light[1],
        "sharpness": light[2],
        "small": small,
        "edges": edges,
        "official": official,
    }


def _groups(names: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Cities, or films: what stands before the first underline of the names, where that makes 40 groups or fewer."""
    prefixes = [name.partition("_")[0] for name in names]
    if len(set(prefixes)) > MOST_GROUPS:
        prefixes = ["all"] * len(names)
    groups = sorted(set(prefixes))
    return tuple(groups), np.array([groups.index(prefix) for prefix in prefixes])
