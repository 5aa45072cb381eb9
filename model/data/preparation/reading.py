"""One frame, read, checked, counted and resized: the work that `prepare` does for every image.

Array contract: see `model.data.samples`; `ids` uint8 (height, width), as the layout's masks hold them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from model import categories
from model.data.preparation.files import File
from model.data.preparation.frames import Frame
from model.data.preparation.problems import PLACEHOLDER, SIZES, UNKNOWN_IDS, UNLABELLED, UNREADABLE
from model.data.samples import Example, read_image, read_mask
from model.preprocessing import resize_image, resize_labels

ToCategories = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class Unusable(ValueError):
    """A frame that can't be used; `kind` is one of `model.data.preparation.problems`."""

    def __init__(self, kind: str, text: str) -> None:
        """Say what is wrong, and of which kind that is."""
        super().__init__(text)
        self.kind = kind


class Read(NamedTuple):
    """A frame at its own size: `image`, `ids`, and the SHA-256 of both files, or of the pixels where it is drawn."""

    image: np.ndarray
    ids: np.ndarray
    image_sha256: str
    mask_sha256: str


def read(frame: Frame) -> Read:
    """Read a frame's files.

    Raises:
        Unusable: a file can't be read, or the sizes differ.
    """
    if frame.draw is not None:
        image, ids, _ = frame.draw()
        return Read(image, ids, _sha256(image.tobytes()), _sha256(ids.tobytes()))
    try:
        image_bytes, mask_bytes = frame.image.read(), frame.mask.read()
        image = read_image(frame.image.path, content=image_bytes)
        ids = read_mask(frame.mask.path, content=mask_bytes)
    except ValueError as error:
        raise Unusable(UNREADABLE, str(error)) from error
    if image.shape[:2] != ids.shape:
        raise Unusable(SIZES, f"{frame.mask.path} is {_size(ids)}, its image {frame.image.path} is {_size(image)}")
    return Read(image, ids, _sha256(image_bytes), _sha256(mask_bytes))


def original(frame: Frame, to_categories: ToCategories) -> Example:
    """Read a frame at its own size, as its layout's own reader does.

    Raises:
        Unusable: as in `read` and `describe`.
    """
    found = read(frame)
    return Example(found.image, *_mapped(frame, found.ids, to_categories))


def describe(frame: Frame, found: Read, to_categories: ToCategories) -> dict:
    """Count a frame's pixels by category.

    Args:
        frame: whose files were read.
        found: what was read.
        to_categories: as in `Source`.

    Returns:
        What the manifest says of a sample, JSON-ready: name, city, files with checksums, size, and the pixels of each
        category at that size, those without ground truth, and those that the official score leaves out.

    Raises:
        Unusable: unknown ids, or a mask none of whose pixels belongs to a category other than void.
    """
    counts = np.bincount(found.ids.ravel(), minlength=256)
    present = np.flatnonzero(counts).astype(np.uint8)
    labels, scored = _mapped(frame, present, to_categories)
    pixels = np.zeros(256, np.int64)
    np.add.at(pixels, labels, counts[present])
    if not pixels[categories.VOID + 1 : categories.COUNT].any():
        # Only a layout with cities has an official test, whose masks are placeholders.
        kind = UNLABELLED if frame.city is None else PLACEHOLDER
        raise Unusable(kind, f"{_mask_name(frame)} holds only the ids {present.tolist()}")
    return {
        "name": frame.name,
        "city": frame.city,
        "height": found.ids.shape[0],
        "width": found.ids.shape[1],
        "image": _file(frame.image, found.image_sha256),
        "mask": _file(frame.mask, found.mask_sha256),
        "pixels": dict(zip(categories.NAMES, pixels[: categories.COUNT].tolist(), strict=True)),
        "without_truth": int(pixels[categories.IGNORE]),
        "not_scored": int(counts[present][~scored].sum()),
    }


def resized(found: Read, size: tuple[int, int], to_categories: ToCategories) -> Example:
    """Bring a frame that `describe` found good to the size (height, width) of the cache."""
    # Nearest neighbour only picks, so picking first and mapping what was picked gives the same with less work.
    labels, scored = to_categories(resize_labels(found.ids, size))
    return Example(resize_image(found.image, size), labels, scored)


def _mapped(frame: Frame, ids: np.ndarray, to_categories: ToCategories) -> tuple[np.ndarray, np.ndarray]:
    try:
        return to_categories(ids)
    except ValueError as error:
        raise Unusable(UNKNOWN_IDS, f"{_mask_name(frame)}: {error}") from error


def _mask_name(frame: Frame) -> str:
    return frame.name if frame.mask is None else str(frame.mask.path)


def _file(file: File | None, sha256: str) -> dict:
    if file is None:
        return {"path": None, "bytes": None, "stamp": None, "sha256": sha256}
    return {"path": file.name, "bytes": file.size, "stamp": file.stamp, "sha256": sha256}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _size(array: np.ndarray) -> str:
    return f"{array.shape[1]}x{array.shape[0]}"
