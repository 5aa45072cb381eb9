"""Pictures as files, among them some that no encoder would write."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

LOSSLESS = {"PNG": {}, "WEBP": {"lossless": True, "exact": True}, "BMP": {}, "TIFF": {}}


def noise(*shape: int, dtype=np.uint8, high: int = 256) -> np.ndarray:
    """Random whole numbers, the same ones each time."""
    return np.random.default_rng(11).integers(0, high, shape, dtype)


def encode(picture: Image.Image, format_name: str, **options) -> bytes:
    """Write a picture as Pillow does."""
    file = io.BytesIO()
    picture.save(file, format_name, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """Write one chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *extra: bytes, rows: bytes = b"", bits: int = 8, color_type: int = 2) -> bytes:
    """Write a PNG whose header may promise what its data does not hold."""
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def tiff(tags: Mapping[int, Sequence[int]], blocks: bytes = b"", *, order: str = "<", big: bool = False) -> bytes:
    """Write a TIFF of which every tag is given, as 32-bit numbers; `blocks` begins at byte 16."""
    start = 16 + len(blocks)
    directory, apart = [struct.pack(order + ("Q" if big else "H"), len(tags))], b""
    room = 8 if big else 4
    end = start + len(directory[0]) + len(tags) * (12 + room if big else 12) + room
    for tag, values in sorted(tags.items()):
        content = struct.pack(f"{order}{len(values)}I", *values).ljust(room, b"\0")
        if len(content) > room:
            content, apart = struct.pack(order + ("Q" if big else "I"), end + len(apart)), apart + content
        directory.append(struct.pack(order + ("HHQ" if big else "HHI"), tag, 4, len(values)) + content)
    name = b"II" if order == "<" else b"MM"
    head = struct.pack(order + "HHHQ", 43, 8, 0, start) if big else struct.pack(order + "HI8x", 42, start)
    return name + head + blocks + b"".join(directory) + bytes(room) + apart


def tiff_of(image: np.ndarray, *, tile: int = 0, rows: int = 0, planar: bool = False, deflate: bool = False) -> dict:
    """Cut a picture into the arguments of `tiff`: tiles, padded as the format wants it, or strips of so many rows.

    Args:
        image: uint8 (height, width, 3).
        tile: height and width of a tile; 0 for strips.
        rows: height of a strip.
        planar: whether each channel has blocks of its own.
        deflate: whether they are compressed.
    """
    height, width = image.shape[:2]
    down, right = (tile, tile) if tile else (rows, width)
    padding = ((0, -height % down if tile else 0), (0, -width % right), (0, 0))
    padded = np.pad(image, padding)
    planes = [padded[..., channel, np.newaxis] for channel in range(3)] if planar else [padded]
    places = [(top, left) for top in range(0, padded.shape[0], down) for left in range(0, padded.shape[1], right)]
    cut = [plane[top : top + down, left : left + right].tobytes() for plane in planes for top, left in places]
    stored = [zlib.compress(block) for block in cut] if deflate else cut
    offsets = (16 + np.cumsum([0, *map(len, stored[:-1])])).tolist()
    sizes = [len(block) for block in stored]
    layout = {322: [tile], 323: [tile], 324: offsets, 325: sizes} if tile else {273: offsets, 278: [rows], 279: sizes}
    tags = rgb_tags(height, width, compression=8 if deflate else 1) | layout | {284: [2 if planar else 1]}
    return {"tags": tags, "blocks": b"".join(stored)}


def rgb_tags(height: int, width: int, *, compression: int) -> dict[int, Sequence[int]]:
    """The tags that every RGB TIFF has, whatever its layout; 1 is no compression, 8 is deflate."""
    return {256: [width], 257: [height], 258: [8, 8, 8], 259: [compression], 262: [2], 277: [3]}
