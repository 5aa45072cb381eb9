"""The official Cityscapes layout: `leftImg8bit/<split>/<city>/` and `gtFine/<split>/<city>/`, PNG or JPEG images.

Array contract: see `model.data.samples`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from model import categories
from model.data.samples import Example, Sample, paired, read_image, read_mask

# The official test masks are blank, and the official val set is this project's test. Frames of one city look alike,
# so what is held out of train is whole cities.
VALIDATION_CITIES = ("aachen", "zurich")
SPLITS = ("train", "val", "official-val", "all")
TERMS = (
    "Non-commercial research and teaching; the images may not be passed on. Networks trained on them may be, for the "
    "same use. https://www.cityscapes-dataset.com/license/"
)

_IMAGE = "_leftImg8bit"
_MASK = "_gtFine_labelIds.png"
_INSTANCES = "_gtFine_instanceIds.png"


def detect(root: Path) -> bool:
    """Tell whether `root` has the Cityscapes layout."""
    return (root / "leftImg8bit").is_dir()


def splits(root: Path) -> tuple[str, ...]:
    """Name those of `train`, `val` and `official-val` that have images."""
    cities = {image.parent.name for image in (root / "leftImg8bit" / "train").glob(f"*/*{_IMAGE}.*")}
    there = {
        "train": any(_belongs(city, "train") for city in cities),
        "val": any(_belongs(city, "val") for city in cities),
        "official-val": any((root / "leftImg8bit" / "val").glob(f"*/*{_IMAGE}.*")),
    }
    return tuple(name for name, has_images in there.items() if has_images)


def samples(root: Path, split: str) -> list[Sample]:
    """List the samples of a split.

    Args:
        root: folder that holds `leftImg8bit` and `gtFine`.
        split: `train` (official train without aachen and zurich), `val` (aachen and zurich), `official-val`
            (frankfurt, lindau, munster) or `all` (the whole official train).

    Returns:
        Samples sorted by city and file name, named like `aachen_000000_000019`.

    Raises:
        ValueError: the split is unknown or empty, or masks are missing.
    """
    if split not in SPLITS:
        raise ValueError(f"Cityscapes has no split {split!r}. Expected one of {', '.join(SPLITS)}.")
    folder = root / "leftImg8bit" / ("val" if split == "official-val" else "train")
    images = [path for path in folder.glob(f"*/*{_IMAGE}.*") if _belongs(path.parent.name, split)]
    if not images:
        raise ValueError(
            f"No images for split {split!r} in {folder}. Expected <city>/<city>_<seq>_<frame>{_IMAGE}.png or .jpg."
        )
    return [_sample(image, mask) for image, mask in paired(images, partial(_mask_path, root))]


def to_categories(label_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Map official label ids, uint8 of any shape, to `labels` and `scored` of that shape.

    Raises:
        ValueError: ids that Cityscapes does not define; the message lists them.
    """
    return categories.from_label_ids(label_ids), categories.scored(label_ids)


def label_ids_path(sample: Sample) -> Path | None:
    """Return the mask of official label ids that a sample is read from; None for a sample of another layout."""
    return sample.mask_path if getattr(sample.load, "func", None) is _load else None


def _belongs(city: str, split: str) -> bool:
    if split in ("official-val", "all"):
        return True
    return (city in VALIDATION_CITIES) == (split == "val")


def _mask_path(root: Path, image: Path) -> Path:
    official_split, city = image.parts[-3:-1]
    return root / "gtFine" / official_split / city / (image.stem.removesuffix(_IMAGE) + _MASK)


def _sample(image: Path, mask: Path) -> Sample:
    instances = mask.with_name(mask.name.removesuffix(_MASK) + _INSTANCES)
    load = partial(_load, image, mask)
    return Sample(image.stem.removesuffix(_IMAGE), image, mask, load, instances if instances.is_file() else None)


def _load(image: Path, mask: Path) -> Example:
    label_ids = read_mask(mask)
    try:
        labels, scored = to_categories(label_ids)
    except ValueError as error:
        raise ValueError(f"{mask}: {error}") from error
    return Example(read_image(image), labels, scored)
