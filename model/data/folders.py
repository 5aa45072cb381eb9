"""Plain folders: `images/` beside `masks/`, as they are or once for every split (`train/images`, `train/masks`).

Array contract: see `model.data.samples`. An image and its mask share their stem; a mask's pixel is the category id, 0
to 7, or 255 where there is no ground truth, in an 8-bit grey or palette PNG.
"""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import numpy as np

from model import categories
from model.data.samples import Example, Sample, paired, read_image, read_mask

SPLITS = ("train", "val", "all")
TERMS = "Those of whoever gave the images: not known here."
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
VALIDATION_SHARE = 0.15
"""Share of the images held out where no folder says which: about 15 in 100, chosen by a hash of the stem."""


def detect(root: Path) -> bool:
    """Tell whether `root` has images beside masks, at its top or in `train` or `val`."""
    return any(_has_pairs(place) for place in (root, root / "train", root / "val"))


def splits(root: Path) -> tuple[str, ...]:
    """Name the folders of `root` with images beside masks; or else those of `train` and `val` with images."""
    own = [place.name for place in sorted(root.iterdir()) if _has_pairs(place)]
    if own:
        # In the order in which people say them; others follow.
        return tuple(sorted(own, key=lambda name: (SPLITS.index(name) if name in SPLITS else len(SPLITS), name)))
    held = {held_out(sample.name) for sample in _pairs(root)}
    return tuple(name for name, validates in (("train", False), ("val", True)) if validates in held)


def samples(root: Path, split: str) -> list[Sample]:
    """List the samples of a split.

    Without folders of their own, `val` is the images whose stem's hash falls into the first 15 %, so that an image
    stays in its split when others come or go; `train` is the rest, `all` is both. Frames of one film should lie in
    folders of their own instead: neighbours that fall into both splits flatter every score.

    Args:
        root: folder that holds `images` and `masks`, or a folder of these for every split.
        split: `train`, `val` or `all`, or the name of a folder in `root`.

    Returns:
        Samples sorted by file name, named after the image file.

    Raises:
        ValueError: the split is unknown or empty, or masks are missing.
    """
    own = root / split
    if (own / "images").is_dir():
        return _pairs(own)
    if split not in SPLITS or not (root / "images").is_dir():
        raise ValueError(
            f"{root} has no split {split!r}. Expected the folder {own / 'images'}, or {root / 'images'} and one of "
            f"{', '.join(SPLITS)}."
        )
    chosen = [sample for sample in _pairs(root) if split == "all" or held_out(sample.name) == (split == "val")]
    if not chosen:
        raise ValueError(
            f"No image of {root / 'images'} falls into split {split!r}, which holds about 15 % (val) or 85 % (train) "
            "by a hash of the name. Expected more images, or folders train/ and val/ that say which is which."
        )
    return chosen


def held_out(stem: str) -> bool:
    """Tell whether an image of this stem validates: the same on every machine and whatever lies beside it."""
    digest = hashlib.sha256(stem.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < VALIDATION_SHARE


def _has_pairs(place: Path) -> bool:
    return (place / "images").is_dir() and (place / "masks").is_dir()


def _pairs(folder: Path) -> list[Sample]:
    images = [path for path in (folder / "images").glob("*") if path.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise ValueError(f"No images in {folder / 'images'}. Expected {', '.join(IMAGE_SUFFIXES)} files.")
    pairs = paired(images, lambda image: folder / "masks" / f"{image.stem}.png")
    return [Sample(image.stem, image, mask, partial(_load, image, mask)) for image, mask in pairs]


def to_categories(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check ids that are category ids already, uint8 of any shape, and give them as `labels`, with `scored`.

    Raises:
        ValueError: ids that are no category; the message lists them.
    """
    known = (ids < categories.COUNT) | (ids == categories.IGNORE)
    if not known.all():
        names = ", ".join(f"{index} {name}" for index, name in enumerate(categories.NAMES))
        raise ValueError(
            f"unknown ids {np.unique(ids[~known]).tolist()}. Expected {names}, or {categories.IGNORE} where there is "
            "no ground truth."
        )
    return ids, (ids != categories.VOID) & (ids != categories.IGNORE)


def _load(image: Path, mask: Path) -> Example:
    ids = read_mask(mask)
    try:
        labels, scored = to_categories(ids)
    except ValueError as error:
        raise ValueError(f"{mask}: {error}") from error
    return Example(read_image(image), labels, scored)
