"""The CamVid layout: `train/` beside `trainannot/`, likewise `val` and, where present, `test`.

Array contract: see `model.data.samples`. The masks hold the twelve ids of the common CamVid reduction.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from model import categories
from model.data.samples import Example, Sample, paired, read_image, read_mask

SPLITS = ("train", "val", "test")
TERMS = "Academic research. http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/"
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")

# `bicyclist` is a rider with the bicycle, so its pixels belong to two categories: they have no ground truth here.
CATEGORY_BY_NAME: dict[str, str | None] = {
    "sky": "sky",
    "building": "construction",
    "pole": "object",
    "road": "flat",
    "pavement": "flat",
    "tree": "nature",
    "sign symbol": "object",
    "fence": "construction",
    "car": "vehicle",
    "pedestrian": "human",
    "bicyclist": None,
    "unlabelled": None,
}
"""Category name by CamVid name, in the order of the CamVid ids; None has no ground truth."""

_CATEGORY_BY_ID = np.array(
    [categories.IGNORE if name is None else categories.NAMES.index(name) for name in CATEGORY_BY_NAME.values()],
    np.uint8,
)


def detect(root: Path) -> bool:
    """Tell whether `root` has the CamVid layout."""
    return any((root / f"{split}annot").is_dir() for split in SPLITS)


def splits(root: Path) -> tuple[str, ...]:
    """Name those of `train`, `val` and `test` that have masks."""
    return tuple(split for split in SPLITS if (root / f"{split}annot").is_dir())


def samples(root: Path, split: str) -> list[Sample]:
    """List the samples of a split.

    Args:
        root: folder that holds `train` and `trainannot`.
        split: `train`, `val` or `test`.

    Returns:
        Samples sorted by file name, named after the image file.

    Raises:
        ValueError: the split is unknown or empty, or masks are missing.
    """
    if split not in SPLITS:
        raise ValueError(f"CamVid has no split {split!r}. Expected one of {', '.join(SPLITS)}.")
    folder = root / split
    images = [path for path in folder.glob("*") if path.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise ValueError(f"No images for split {split!r} in {folder}. Expected {', '.join(IMAGE_SUFFIXES)} files.")
    annotations = root / f"{split}annot"
    pairs = paired(images, lambda image: annotations / f"{image.stem}.png")
    return [Sample(image.stem, image, mask, partial(_load, image, mask)) for image, mask in pairs]


def to_categories(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Map CamVid ids, uint8 of any shape, to `labels` and `scored` of that shape.

    Raises:
        ValueError: ids that CamVid does not define; the message lists them.
    """
    if ids.size and ids.max() >= len(_CATEGORY_BY_ID):
        unknown = np.unique(ids[ids >= len(_CATEGORY_BY_ID)]).tolist()
        raise ValueError(
            f"unknown ids {unknown}. Expected the CamVid ids 0 to {len(_CATEGORY_BY_ID) - 1} "
            f"({', '.join(CATEGORY_BY_NAME)})."
        )
    labels = _CATEGORY_BY_ID[ids]
    return labels, labels != categories.IGNORE


def _load(image: Path, mask: Path) -> Example:
    ids = read_mask(mask)
    try:
        labels, scored = to_categories(ids)
    except ValueError as error:
        raise ValueError(f"{mask}: {error}") from error
    return Example(read_image(image), labels, scored)
