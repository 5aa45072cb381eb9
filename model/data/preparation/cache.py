"""The resized images and masks of a prepared folder: plain `.npy` files that are mapped into memory, not decoded.

Array contract, for each split: `images` uint8 (samples, height, width, 3) RGB; `labels` uint8 (samples, height, width)
category ids, 255 without ground truth; `scored` uint8 (samples, height, ceil(width / 8)), one bit a pixel as
`numpy.packbits` packs them, set where the official score counts it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from model.data.samples import Example

FOLDER = "cache"
KINDS = ("images", "labels", "scored")


def path(root: Path, split: str, kind: str) -> Path:
    """Return where a split's `images`, `labels` or `scored` lie in a prepared folder."""
    return root / FOLDER / f"{split}.{kind}.npy"


def shapes(count: int, size: tuple[int, int]) -> dict[str, tuple[int, ...]]:
    """Return the shape of each kind of array for so many samples of a size (height, width)."""
    height, width = size
    return {
        "images": (count, height, width, 3),
        "labels": (count, height, width),
        "scored": (count, height, -(-width // 8)),
    }


def refuse_without_room(root: Path, counts: Mapping[str, int], size: tuple[int, int]) -> None:
    """Go on where the disk has room for what the cache still lacks.

    Args:
        root: the prepared folder.
        counts: samples by split.
        size: (height, width) of the cache.

    Raises:
        ValueError: it has not; the message says how much is missing.
    """
    needed = sum(int(np.prod(shape)) for count in counts.values() for shape in shapes(count, size).values())
    written = sum(file.stat().st_blocks * 512 for file in (root / FOLDER).glob("*.npy"))
    free = shutil.disk_usage(root).free
    if needed - written > free:
        raise ValueError(
            f"The cache takes {_gigabytes(needed)} in {root}, where {_gigabytes(free)} are free. Expected room for it: "
            "name another --out, smaller --height and --width, or --no-cache."
        )


class Writer:
    """Writes rows, several threads at once, without holding the arrays in memory."""

    def __init__(self, root: Path, counts: Mapping[str, int], size: tuple[int, int]) -> None:
        """Make the files, or open those of a run that was broken off.

        Args:
            root: the prepared folder.
            counts: samples by split.
            size: (height, width).
        """
        (root / FOLDER).mkdir(parents=True, exist_ok=True)
        self._files: dict[tuple[str, str], tuple[int, int, int]] = {}
        for split, count in counts.items():
            for kind, shape in shapes(count, size).items():
                self._files[split, kind] = _allocated(path(root, split, kind), shape)

    def write(self, split: str, row: int, example: Example) -> None:
        """Write one sample of the cache's size into its row."""
        arrays = (example.image, example.labels, np.packbits(example.scored, axis=-1))
        for kind, array in zip(KINDS, arrays, strict=True):
            descriptor, start, row_bytes = self._files[split, kind]
            # Not through a mapping: pages written that way stay in the process's memory until the kernel wants them.
            left = memoryview(np.ascontiguousarray(array)).cast("B")
            place = start + row * row_bytes
            while left:
                done = os.pwrite(descriptor, left, place)
                left, place = left[done:], place + done

    def sync(self) -> None:
        """Return when what was written is on the disk."""
        for descriptor, _, _ in self._files.values():
            os.fsync(descriptor)

    def close(self) -> None:
        """Close the files."""
        for descriptor, _, _ in self._files.values():
            os.close(descriptor)


def open_arrays(root: Path, split: str, count: int, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Map a split's arrays into memory, read-only.

    Args:
        root: the prepared folder.
        split: of it.
        count: samples that the manifest names.
        size: (height, width) that it states.

    Returns:
        The arrays of the module's contract by kind.

    Raises:
        ValueError: a file is missing, damaged, or of another shape.
    """
    arrays = {}
    for kind, shape in shapes(count, size).items():
        file = path(root, split, kind)
        try:
            array = np.load(file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise ValueError(f"{file} can't be used: {error}. Expected it whole: prepare with --anew.") from error
        if array.shape != shape or array.dtype != np.uint8:
            raise ValueError(
                f"{file} holds {array.dtype} {array.shape}. Expected uint8 {shape}, as the manifest says: prepare with "
                "--anew."
            )
        # The plain type: indexing it is quicker than indexing a memmap, and it is still the mapping underneath.
        arrays[kind] = array.view(np.ndarray)
    return arrays


def gone(root: Path, splits: Iterable[str]) -> list[str]:
    """Say, in words, which of the splits' files are no longer there."""
    files = [path(root, split, kind) for split in splits for kind in KINDS]
    return [f"{file} is gone" for file in files if not file.is_file()]


def row(arrays: Mapping[str, np.ndarray], index: int) -> Example:
    """Return one row of the cache as a sample; image and labels are read-only views of the mapping."""
    labels = arrays["labels"][index]
    scored = np.unpackbits(arrays["scored"][index], axis=-1, count=labels.shape[1])
    return Example(arrays["images"][index], labels, scored.view(bool))


def remove(root: Path) -> None:
    """Remove a cache, and nothing else."""
    for file in [*(root / FOLDER).glob("*.npy"), *(root / FOLDER).glob("*.partial")]:
        file.unlink()


def _allocated(file: Path, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return a descriptor, where the first row begins, and the bytes of a row."""
    if not file.is_file():
        partial = file.with_suffix(".partial")
        with open(partial, "wb") as stream:
            np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
            stream.truncate(stream.tell() + int(np.prod(shape)))
        os.replace(partial, file)
    with open(file, "rb") as stream:
        np.lib.format.read_magic(stream)
        np.lib.format.read_array_header_1_0(stream)
        start = stream.tell()
    return os.open(file, os.O_WRONLY), start, int(np.prod(shape[1:]))


def _gigabytes(amount: int) -> str:
    return f"{amount / 1e9:.2f} GB"
