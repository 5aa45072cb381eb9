"""How a TIFF file lays out its pixels, read before any decoder sees it.

A decoder makes room for whole tiles, however small the picture in them, and Pillow keeps a record of every strip. So
both must be known first.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

# BigTIFF only in the order of bytes in which Pillow reads it.
SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0")

# Tags of TIFF 6.0, sections 8 and 15.
_WIDTH, _HEIGHT, _COMPRESSION = 256, 257, 259
_STRIP_OFFSETS, _ROWS_PER_STRIP = 273, 278
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS = 322, 323, 324
_OFFSETS = {_STRIP_OFFSETS, _TILE_OFFSETS}
_NUMBERS = {_WIDTH, _HEIGHT, _COMPRESSION, _ROWS_PER_STRIP, _TILE_WIDTH, _TILE_HEIGHT}

# SHORT, LONG and, of BigTIFF, LONG8.
_INTEGERS = {3: "H", 4: "I", 16: "Q"}
# Ordinary files have about twenty; libtiff gives up at this many.
_MOST_ENTRIES = 4096


class Layout(NamedTuple):
    """The first picture of a TIFF and the blocks, strips or tiles, that it is cut into.

    Attributes:
        size: (width, height) of the picture as stored.
        block: (width, height) of each block.
        blocks: how many of them cover the picture once.
        listed: how many the file lists.
        compression: its number in the file; 1 is none.
        pixels: of all the blocks that cover the picture. Tiles are whole even where they reach beyond its edges; the
            last strip is as short as it must be.
    """

    size: tuple[int, int]
    block: tuple[int, int]
    blocks: int
    listed: int
    compression: int
    pixels: int


def read_layout(data: bytes) -> Layout:
    """Read the layout from the first directory of a TIFF or BigTIFF file.

    Args:
        data: the file; it begins with one of `SIGNATURES`.

    Returns:
        The layout, of which nothing has been compared with any limit.

    Raises:
        SyntaxError: the directory lacks what is needed, holds it twice, or with an impossible value.
        struct.error: the file ends too early.
    """
    counts, values = _read_directory(data)
    try:
        width, height = values[_WIDTH], values[_HEIGHT]
        tiled = bool(values.keys() & {_TILE_WIDTH, _TILE_HEIGHT})
        if tiled:
            block = values[_TILE_WIDTH], values[_TILE_HEIGHT]
        else:
            block = width, min(height, values.get(_ROWS_PER_STRIP, height))
    except KeyError as error:
        raise SyntaxError(f"no tag {error}") from error
    if not all((width, height, *block)):
        raise SyntaxError("a side of no pixel")
    blocks = -(-width // block[0]) * -(-height // block[1])
    # Decoders differ in which they follow where a file has both.
    listed = max(counts.get(_STRIP_OFFSETS, 0), counts.get(_TILE_OFFSETS, 0))
    pixels = blocks * block[0] * block[1] if tiled else width * height
    return Layout((width, height), block, blocks, listed, values.get(_COMPRESSION, 1), pixels)


def _read_directory(data: bytes) -> tuple[dict[int, int], dict[int, int]]:
    """Return how many values each tag of `_OFFSETS` has, and the value of each of `_NUMBERS`, by tag."""
    order = "<" if data.startswith(b"II") else ">"
    big = data[2:4] == b"+\0"
    (start,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    (entries,) = struct.unpack_from(order + ("Q" if big else "H"), data, start)
    if entries > _MOST_ENTRIES:
        raise SyntaxError(f"{entries} directory entries")
    entry = struct.Struct(order + ("HHQ8s" if big else "HHI4s"))
    start += 8 if big else 2
    counts, values = {}, {}
    for place in range(start, start + entries * entry.size, entry.size):
        tag, kind, count, content = entry.unpack_from(data, place)
        # Decoders differ in which of two they take, and in what else they take for a number.
        if tag in counts or tag in values:
            raise SyntaxError(f"tag {tag} stands twice")
        if tag in _OFFSETS:
            counts[tag] = count
        elif tag in _NUMBERS:
            if kind not in _INTEGERS or count != 1:
                raise SyntaxError(f"tag {tag} holds {count} values of type {kind}")
            values[tag] = _number(data, content, order, _INTEGERS[kind])
    return counts, values


def _number(data: bytes, content: bytes, order: str, kind: str) -> int:
    """Read the number that an entry holds, or, where it has no room for it, the number that it points to."""
    if struct.calcsize(order + kind) <= len(content):
        return struct.unpack_from(order + kind, content)[0]
    return struct.unpack_from(order + kind, data, *struct.unpack(order + "I", content))[0]
