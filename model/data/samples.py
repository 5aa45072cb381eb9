"""What every data set reader yields: named samples that read themselves, and the checks that come before training.

Array contract: `image` uint8 (height, width, 3) RGB; `labels` uint8 (height, width) category ids, `IGNORE` (255) where
there is no ground truth; `scored` bool (height, width), True where the official category score counts the pixel.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps

MAX_REPORTED = 10

# Beside what it documents, Pillow lets through what fails on the numbers of a damaged head.
_ON_NUMBERS = (TypeError, OverflowError, LookupError, struct.error)
_DAMAGE = (Image.DecompressionBombError, OSError, EOFError, SyntaxError, ValueError, *_ON_NUMBERS)


class Example(NamedTuple):
    """One image with its ground truth: `image`, `labels` and `scored` of the module's array contract."""

    image: np.ndarray
    labels: np.ndarray
    scored: np.ndarray


@dataclass(frozen=True)
class Sample:
    """An image and its mask that are read when asked for.

    Attributes:
        name: unique within its data set; exported files are named after it.
        image_path: the photograph, or None where it is generated.
        mask_path: the mask, or None where it is generated.
        load: reads both, without the size check that `read` makes.
        instances_path: official ids of single people and vehicles, or None where there are none
            (`model.data.instances` reads them).
    """

    name: str
    image_path: Path | None
    mask_path: Path | None
    load: Callable[[], Example]
    instances_path: Path | None = None

    def read(self) -> Example:
        """Read image and mask.

        Raises:
            ValueError: a file is missing or unreadable, an id is unknown, or the sizes differ; the message names it.
        """
        example = self.load()
        if example.image.shape[:2] != example.labels.shape:
            raise ValueError(
                f"{self.mask_path} is {_size(example.labels)}, its image {self.image_path} is {_size(example.image)}. "
                "Expected the same size: pair them again, or resize the mask by nearest neighbour."
            )
        return example


def read_image(path: Path, *, content: bytes | None = None) -> np.ndarray:
    """Read a photograph, turned as its EXIF orientation says.

    Takes only what becomes RGB in one way, so that training and scoring see what serving would see.

    Args:
        path: of an 8-bit RGB, grey or palette image without transparency.
        content: the file's bytes, where they are at hand or lie in an archive; `path` then only names it.

    Returns:
        uint8 (height, width, 3) RGB.

    Raises:
        ValueError: the file is missing, can't be read, or is of another kind; the message names it.
    """
    image = _open(path, content)
    if image.mode not in ("RGB", "L", "P") or "transparency" in image.info:
        transparent = " with transparency" if "transparency" in image.info else ""
        raise ValueError(
            f"{path} is an image of mode {image.mode}{transparent}. Expected 8-bit RGB, grey or palette without "
            "transparency: convert it first."
        )
    with _named(path):
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def read_mask(path: Path, *, content: bytes | None = None) -> np.ndarray:
    """Read a mask of ids, 8-bit grey or palette, as uint8 (height, width).

    Args:
        path: of the mask.
        content: as in `read_image`.

    Raises:
        ValueError: the file is missing, is no image, or holds colours instead of ids.
    """
    mask = _open(path, content)
    if mask.mode not in ("L", "P"):
        raise ValueError(
            f"{path} is an image of mode {mask.mode}. Expected an 8-bit grey or palette PNG whose pixels are ids; "
            "convert a mask of colours to ids first."
        )
    return np.asarray(mask)


def read_instance_mask(path: Path) -> np.ndarray:
    """Read a mask of instance ids, 16-bit grey as Cityscapes writes them, as int32 (height, width).

    Raises:
        ValueError: the file is missing, is no image, or holds something else.
    """
    try:
        ids = _sixteen_bits(path.read_bytes())
    except OSError:
        ids = None
    if ids is not None:
        return ids.astype(np.int32)
    mask = _open(path, None)
    if not mask.mode.startswith("I"):
        raise ValueError(
            f"{path} is an image of mode {mask.mode}. Expected the 16-bit grey PNG of instance ids that the official "
            "scripts write (_gtFine_instanceIds.png)."
        )
    return np.asarray(mask).astype(np.int32)


def paired(images: Iterable[Path], mask_of: Callable[[Path], Path]) -> list[tuple[Path, Path]]:
    """Pair images with their masks.

    Args:
        images: paths of photographs.
        mask_of: tells where the mask of a photograph should be.

    Returns:
        (image, mask) paths sorted by image.

    Raises:
        ValueError: masks are missing; the message names the first ten. Or a name is not UTF-8.
    """
    pairs = [(image, mask_of(image)) for image in sorted(images)]
    for image, _ in pairs:
        refuse_name(image)
    missing = [f"{image} has no mask {mask}" for image, mask in pairs if not mask.is_file()]
    if missing:
        raise ValueError(_listed(missing, "Expected one mask for every image: add the masks or remove the images."))
    return pairs


def refuse_name(path: Path) -> None:
    """Go on where a file's path can be written down.

    Raises:
        ValueError: it is not UTF-8, which Linux allows.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"The path {str(path)!r} is not UTF-8. Expected one that a manifest can hold: rename the file or folder."
        ) from error


def check(samples: Sequence[Sample], *, workers: int = 2) -> None:
    """Read every sample once, so that a bad file is found before training and not in its third hour.

    Args:
        samples: what is going to be trained or scored on. Those that have no file, since they are drawn, are not read.
        workers: threads that read.

    Raises:
        ValueError: there are no samples, a name stands twice, or samples can't be read; the message names up to ten.
    """
    if not samples:
        raise ValueError("Received no samples. Expected at least one image with its mask: check --data and --split.")
    names = [sample.name for sample in samples]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise ValueError(_listed([f"{name} stands twice" for name in twice], "Expected unique file names."))
    with ThreadPoolExecutor(workers) as pool:
        files = [sample for sample in samples if sample.image_path is not None or sample.mask_path is not None]
        problems = [problem for problem in pool.map(_problem, files) if problem]
    if problems:
        raise ValueError(_listed(problems, "Mend or remove these files, then start again."))


def _problem(sample: Sample) -> str | None:
    try:
        sample.read()
    except ValueError as error:
        return str(error)
    return None


def _open(path: Path, content: bytes | None) -> Image.Image:
    with _named(path), Image.open(path if content is None else io.BytesIO(content)) as image:
        image.load()
        return image


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in whatever Pillow raises."""
    try:
        yield
    except FileNotFoundError as error:
        raise ValueError(f"{path} does not exist. Expected an image file there.") from error
    except _DAMAGE as error:
        raise ValueError(f"{path} can't be read as an image: {error}. Expected a whole PNG or JPEG.") from error


def _sixteen_bits(content: bytes) -> np.ndarray | None:
    """Return the pixels of a plain PNG of 16-bit grey by OpenCV, which is quicker than Pillow; None for other files."""
    if content[:8] != b"\x89PNG\r\n\x1a\n" or len(content) < 33:
        return None
    width, height, depth, color_type, _, _, interlaced = struct.unpack(">IIBBBBB", content[16:29])
    if (depth, color_type, interlaced) != (16, 0, 0):
        return None
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    # Nothing comes back of a broken file, and colours where one grey is transparent.
    return pixels if pixels is not None and pixels.dtype == np.uint16 and pixels.shape == (height, width) else None


def _listed(problems: Sequence[str], advice: str) -> str:
    shown = "\n  ".join(problems[:MAX_REPORTED])
    more = f"\n  and {len(problems) - MAX_REPORTED} more" if len(problems) > MAX_REPORTED else ""
    return f"{len(problems)} of the samples can't be used:\n  {shown}{more}\n{advice}"


def _size(array: np.ndarray) -> str:
    return f"{array.shape[1]}x{array.shape[0]}"
