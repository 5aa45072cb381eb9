"""Pictures of every accepted format, damaged as an attacker or a bad disk would: number -> the same bytes.

Ways: bits flipped, cut short, the head of one file on the body of another, sizes in the header that are not the
picture's, numbers driven to their extremes, pieces repeated, left out or strewn in, files that unpack to far more than
they are, and files that are several things at once.
"""

from __future__ import annotations

import functools
import io
import random
import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 96, 160
_EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_SIDES = (0, 1, 2, 15, 4096, 16383, 20_000, 65_535, 65_536, 0x7FFFFFFF, 0xFFFFFFFF)


class Mutant(NamedTuple):
    """A file to send: how it was made, what it was before, and its bytes."""

    way: str
    origin: str
    data: bytes


def mutant(number: int) -> Mutant:
    """Make a damaged picture; the same number always gives the same one."""
    chance = random.Random(number)
    way = chance.choice(tuple(_WAYS))
    if way in _MADE:
        return Mutant(way, "", _MADE[way](chance))
    origin = chance.choice(tuple(originals()))
    return Mutant(way, origin, _DAMAGES[way](originals()[origin], chance))


@functools.cache
def originals() -> dict[str, bytes]:
    """Return one small picture for each way of writing one that the service takes, by name."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    noise = np.random.default_rng(3).integers(0, 60, (HEIGHT, WIDTH))
    picture = Image.fromarray(np.dstack([rows * 2 + noise, columns + noise, 150 - rows + noise]).astype(np.uint8))
    files = {}
    for name, (kind, mode, options) in _VARIANTS.items():
        file = io.BytesIO()
        (picture if mode == "RGB" else picture.convert(mode)).save(file, kind, **options)
        files[name] = file.getvalue()
    deep = io.BytesIO()
    Image.fromarray((rows * 600).astype(np.uint16)).save(deep, "PNG")
    real = io.BytesIO()
    Image.fromarray((columns / 7).astype(np.float32)).save(real, "TIFF")
    return {**files, "png 16 bits": deep.getvalue(), "tiff float": real.getvalue()}


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a street" * 20
    return exif


_VARIANTS: dict[str, tuple[str, str, dict]] = {
    "jpeg": ("JPEG", "RGB", {"quality": 90}),
    "jpeg progressive": ("JPEG", "RGB", {"progressive": True}),
    "jpeg grey": ("JPEG", "L", {}),
    "jpeg cmyk": ("JPEG", "CMYK", {}),
    "jpeg exif": ("JPEG", "RGB", {"exif": _exif()}),
    "jpeg restarts": ("JPEG", "RGB", {"restart_marker_rows": 1}),
    "mpo": ("MPO", "RGB", {}),
    "png": ("PNG", "RGB", {}),
    "png palette": ("PNG", "P", {}),
    "png alpha": ("PNG", "RGBA", {}),
    "png 1 bit": ("PNG", "1", {}),
    "webp": ("WEBP", "RGB", {"quality": 80}),
    "webp lossless": ("WEBP", "RGB", {"lossless": True}),
    "webp alpha": ("WEBP", "RGBA", {"exif": _exif()}),
    "bmp": ("BMP", "RGB", {}),
    "bmp palette": ("BMP", "P", {}),
    "tiff": ("TIFF", "RGB", {}),
    "tiff lzw": ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    "tiff deflate": ("TIFF", "RGB", {"compression": "tiff_adobe_deflate"}),
    "tiff jpeg": ("TIFF", "RGB", {"compression": "jpeg"}),
    "tiff packbits": ("TIFF", "P", {"compression": "packbits"}),
    "tiff fax": ("TIFF", "1", {"compression": "group4"}),  # refused, whatever is left of it
    "tiff cmyk": ("TIFF", "CMYK", {}),
}


def _flip(data: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(data)
    # Headers are short, and where a flipped bit does most.
    end = chance.choice((64, 512, len(data)))
    for _ in range(chance.choice((1, 2, 8, 64))):
        damaged[chance.randrange(min(end, len(damaged)))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(chance.choice((40, len(data))))]


def _splice(data: bytes, chance: random.Random) -> bytes:
    other = chance.choice(tuple(originals().values()))
    return data[: chance.randrange(1, chance.choice((64, len(data))))] + other[chance.randrange(len(other)) :]


def _extremes(data: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(chance.choice((1, 1, 3))):
        width, order = chance.choice((1, 2, 4)), chance.choice(("little", "big"))
        place = chance.randrange(min(len(data) - 4, chance.choice((48, 256, len(data)))))
        value = chance.choice(_EXTREMES) & ((1 << 8 * width) - 1)
        damaged[place : place + width] = value.to_bytes(width, order)
    return bytes(damaged)


def _rearrange(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data))
    piece = data[start : start + chance.choice((1, 12, 300, 4000))]
    place = chance.randrange(len(data))
    strewn = chance.choice((piece * chance.choice((1, 2, 50)), chance.randbytes(len(piece)), b""))
    return data[:place] + strewn + data[place + chance.choice((0, len(piece))) :]


def _resize(data: bytes, chance: random.Random) -> bytes:
    """Write other sides into the header; of a PNG with the right checksum, so that it is believed."""
    width, height = chance.choice((WIDTH, *_SIDES)), chance.choice((HEIGHT, *_SIDES))
    damaged = bytearray(data)
    if data.startswith(b"\x89PNG"):
        damaged[16:24] = struct.pack(">II", width, height)
        damaged[29:33] = struct.pack(">I", zlib.crc32(damaged[12:29]))
    elif data.startswith(b"BM"):
        damaged[18:26] = struct.pack("<II", width, height)
    elif data.startswith(b"RIFF"):
        damaged[24:30] = (width & 0xFFFFFF).to_bytes(3, "little") + (height & 0xFFFFFF).to_bytes(3, "little")
    elif data.startswith(b"\xff\xd8"):
        place = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
        damaged[place + 5 : place + 9] = struct.pack(">HH", height & 0xFFFF, width & 0xFFFF)
    else:
        _resize_tiff(damaged, width, height)
    return bytes(damaged)


def _resize_tiff(damaged: bytearray, width: int, height: int) -> None:
    start = struct.unpack_from("<I", damaged, 4)[0]
    for entry in range(struct.unpack_from("<H", damaged, start)[0]):
        place = start + 2 + 12 * entry
        tag, kind = struct.unpack_from("<HH", damaged, place)
        side = {256: width, 257: height, 278: height}.get(tag)
        if side is not None:
            struct.pack_into("<I" if kind == 4 else "<H", damaged, place + 8, side if kind == 4 else side & 0xFFFF)


def _bomb(chance: random.Random) -> bytes:
    """A small file that promises, or unpacks to, very much."""
    side = chance.choice((6_000, 7_500, 16_000, 30_000, 65_535))
    empty = zlib.compress(bytes(4_000_000), 9)
    kind = chance.choice(("pixels", "text", "profile", "frames", "rows"))
    if kind == "text":
        extra = _chunk(b"zTXt", b"Comment\0\0" + empty) * chance.choice((1, 20))
        return _png(WIDTH, HEIGHT, extra, zlib.compress(bytes((WIDTH * 3 + 1) * HEIGHT)))
    if kind == "profile":
        extra = _chunk(b"iCCP", b"profile\0\0" + empty)
        return _png(WIDTH, HEIGHT, extra, zlib.compress(bytes((WIDTH * 3 + 1) * HEIGHT)))
    if kind == "frames":
        control = _chunk(b"acTL", struct.pack(">II", 1 << 20, 0))
        return _png(WIDTH, HEIGHT, control, zlib.compress(bytes((WIDTH * 3 + 1) * HEIGHT)))
    if kind == "rows":
        return _png(1, side, b"", zlib.compress(bytes(4 * side)))
    return _png(side, side, b"", empty)


def _polyglot(chance: random.Random) -> bytes:
    """A picture that is something else as well."""
    data = chance.choice(tuple(originals().values()))
    others = (
        b"PK\x03\x04" + bytes(26) + b"a/../../etc/passwd",
        b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n",
        b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + bytes(6),
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"#!/bin/sh\nexit 0\n",
        chance.choice(tuple(originals().values())),
    )
    other = chance.choice(others)
    return chance.choice((data + other, other + data, data[:30] + other + data[30:]))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, extra: bytes, pixels: bytes) -> bytes:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


_DAMAGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "flip": _flip,
    "cut": _cut,
    "splice": _splice,
    "extremes": _extremes,
    "rearrange": _rearrange,
    "resize": _resize,
}
_MADE: dict[str, Callable[[random.Random], bytes]] = {"bomb": _bomb, "polyglot": _polyglot}
_WAYS = (*_DAMAGES, *_MADE)
