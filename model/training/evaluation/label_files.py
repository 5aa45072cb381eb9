"""Reads PNGs of label ids, which are nearly all repetition, several times as fast as the usual libraries.

Array contract: `label_ids` uint8 (height, width).

libpng undoes the filter of every byte on its way; a mask's bytes are mostly zeros between few changes. Here the whole
file is inflated at once by ISA-L, and rows of the filters None, Sub and Up, which are sums, are undone by NumPy. A grey
file with other filters is read by OpenCV, which lets other threads work meanwhile; all else by Pillow, which also says
what is wrong with a broken file.

Source: Portable Network Graphics (Third Edition), W3C, sections 5, 9 and 11.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from isal import isal_zlib

from model.data.samples import read_mask

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _PALETTE = 0, 3
_NONE, _SUB, _UP = 0, 1, 2
_PEEKED_ROWS = 16


def read(path: Path) -> np.ndarray:
    """Read a mask of label ids.

    Args:
        path: of an 8-bit grey or palette PNG.

    Returns:
        uint8 (height, width).

    Raises:
        ValueError: the file is missing, is no image, or holds colours instead of ids.
    """
    try:
        label_ids = _decode(path.read_bytes())
    except OSError:
        label_ids = None
    return read_mask(path) if label_ids is None else label_ids


def _decode(data: bytes) -> np.ndarray | None:
    """Return the pixels, or None for a file that only Pillow reads, or that is broken."""
    if data[:8] != _SIGNATURE or len(data) < 33:
        return None
    width, height, depth, color_type, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    if depth != 8 or color_type not in (_GREY, _PALETTE) or interlaced or not (0 < width * height < 1 << 31):
        return None
    pixels = _of_sums(data, width, height)
    return _by_opencv(data, width, height) if pixels is None and color_type == _GREY else pixels


def _by_opencv(data: bytes, width: int, height: int) -> np.ndarray | None:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    # Where one grey is transparent, colours come back.
    return pixels if pixels is not None and pixels.dtype == np.uint8 and pixels.shape == (height, width) else None


def _of_sums(data: bytes, width: int, height: int) -> np.ndarray | None:
    """Return the pixels of a file whose filters are None, Sub and Up alone, None for others and broken ones."""
    size = (width + 1) * height
    compressed = b"".join(_compressed(data))
    try:
        # Writers that take other filters at all take them soon.
        first = isal_zlib.decompressobj().decompress(compressed, min(size, _PEEKED_ROWS * (width + 1)))
        if first and max(first[:: width + 1]) > _UP:
            return None
        # One byte more than there should be, so that a longer stream is noticed and not cut.
        filtered = isal_zlib.decompress(compressed, 15, size + 1)
    except (isal_zlib.error, struct.error):
        return None
    return _unfiltered(np.frombuffer(filtered, np.uint8).reshape(height, width + 1)) if len(filtered) == size else None


def _compressed(data: bytes) -> Iterator[bytes]:
    place = 8
    while place + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        if kind == b"IDAT":
            yield data[place + 8 : place + 8 + length]
        place += 12 + length


def _unfiltered(rows: np.ndarray) -> np.ndarray | None:
    filters = rows[:, 0]
    if filters.max() > _UP:
        return None
    differences, pixels = rows[:, 1:], np.empty((len(rows), rows.shape[1] - 1), np.uint8)
    changes = np.flatnonzero(filters[1:] != filters[:-1]) + 1
    for start, stop in pairwise([0, *changes.tolist(), len(rows)]):
        if filters[start] == _SUB:
            pixels[start:stop] = _summed_along(differences[start:stop])
        elif filters[start] == _NONE or start == 0:
            pixels[start:stop] = differences[start:stop]
        if filters[start] == _UP:
            # The row above the first one is zeros.
            for row in range(max(1, start), stop):
                np.add(differences[row], pixels[row - 1], out=pixels[row])
    return pixels


def _summed_along(differences: np.ndarray) -> np.ndarray:
    """Return the sums, modulo 256, from the left end of each row: only where a difference is not 0 do they change."""
    changed = differences != 0
    changed[:, 0] = True
    places = np.flatnonzero(changed)
    sums = np.add.accumulate(differences.ravel()[places], dtype=np.uint8)
    # What was summed up to the end of the row before does not belong to this one.
    rows = places // differences.shape[1]
    firsts = np.searchsorted(rows, np.arange(len(differences)))
    before = np.concatenate([[0], sums[firsts[1:] - 1]]).astype(np.uint8)
    values = sums - before[rows]
    return np.repeat(values, np.diff(places, append=differences.size)).reshape(differences.shape)
