"""Write PNG files, fast: strips of a picture are filtered and compressed side by side.

PNG libraries take far longer over a photograph than the network does, and none compresses on several threads. The
container is simple, so it is written here; the compressing is done by ISA-L (docs/png-encoders.md compares encoders).

A picture is cut into strips of a height that depends on nothing but its width, so the bytes are the same however many
threads there are. Each strip is a run of deflate blocks that refers to no other; together they are one zlib stream.

Source: Portable Network Graphics (Third Edition), W3C; RFC 1950 (zlib) and RFC 1951 (deflate).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from isal import isal_zlib

from model.inference import processors

SIGNATURE = b"\x89PNG\r\n\x1a\n"

# Bytes of pixels in a strip: few enough that they stay in a processor's cache from filtering to compressing, many
# enough that starting anew costs a hundredth of the file's size.
STRIP_BYTES = 1 << 19

# Levels 2 and 3 take longer and save less than one byte in a hundred.
_COMPRESSION_LEVEL = 1
# Deflate, a window of 32 KiB; no preset dictionary.
_ZLIB_HEADER = b"\x78\x01"
_ADLER_MODULUS = 65_521

_GREY, _RGB, _PALETTE = 0, 2, 3
_SUB, _UP = 1, 2


class _Strip(NamedTuple):
    """Filtered and compressed rows."""

    blocks: list[bytes]
    checksum: int
    bytes_filtered: int


def encode(
    pixels: Callable[[slice], np.ndarray],
    size: tuple[int, int],
    *,
    channels: int,
    palette: np.ndarray | None = None,
    text: Mapping[str, str] | None = None,
) -> bytes:
    """Encode a picture as an 8-bit PNG: grey, RGB or palette.

    Args:
        pixels: gives the rows of a slice as uint8 (rows, width) or (rows, width, 3). It is called from several threads
            at once, once for each strip, so that pixels may be made right before they are compressed. For an array
            that is there already, its `__getitem__`.
        size: (height, width).
        channels: 1 for grey or palette, 3 for RGB.
        palette: uint8 (colours, 3) RGB, 1 to 256 of them, which makes a pixel a number of a colour.
        text: keyword, of 1 to 79 Latin letters, to text; written before the pixels, in this order.

    Returns:
        The file; equal input gives equal bytes on processors of one kind.

    Raises:
        ValueError: a side that PNG cannot hold, another number of channels, a palette that does not fit, or pixels of
            another shape or type.
    """
    _check(size, channels, palette)
    rows = max(1, STRIP_BYTES // (size[1] * channels))
    starts = range(0, size[0], rows)

    def compress(start: int) -> _Strip:
        stop = min(start + rows, size[0])
        strip = pixels(slice(start, stop))
        _check_pixels(strip, (stop - start, size[1]), channels)
        return _compress(_filtered(strip, channels), last=stop == size[0])

    strips = processors.parallel(compress, starts)
    color_type = _PALETTE if palette is not None else _RGB if channels == 3 else _GREY
    parts = [SIGNATURE, *_chunk(b"IHDR", struct.pack(">IIBBBBB", size[1], size[0], 8, color_type, 0, 0, 0))]
    for keyword, content in (text or {}).items():
        parts += _text_chunk(keyword, content)
    if palette is not None:
        parts += _chunk(b"PLTE", palette.tobytes())
    for number, strip in enumerate(strips):
        head = [_ZLIB_HEADER] if number == 0 else []
        tail = [struct.pack(">I", _combined_checksum(strips))] if number == len(strips) - 1 else []
        parts += _chunk(b"IDAT", *head, *strip.blocks, *tail)
    return b"".join([*parts, *_chunk(b"IEND")])


def _check(size: tuple[int, int], channels: int, palette: np.ndarray | None) -> None:
    if not all(0 < side < 1 << 31 for side in size):
        raise ValueError(f"Received the size {size}. Expected a height and a width from 1 to {(1 << 31) - 1:,}.")
    if channels not in (1, 3):
        raise ValueError(f"Received {channels} channels. Expected 1 (grey or palette) or 3 (RGB).")
    if palette is None:
        return
    if channels != 1 or palette.dtype != np.uint8 or palette.shape[1:] != (3,) or not 1 <= len(palette) <= 256:
        raise ValueError(
            f"Received a palette of {palette.dtype} {palette.shape} for {channels} channels. Expected uint8 (1 to 256, "
            "3) RGB, for 1 channel."
        )


def _check_pixels(pixels: np.ndarray, size: tuple[int, int], channels: int) -> None:
    expected = size if channels == 1 else (*size, channels)
    if pixels.dtype != np.uint8 or pixels.shape != expected:
        raise ValueError(f"Received pixels of {pixels.dtype} {pixels.shape}. Expected uint8 {expected}.")


def _filtered(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Return each row as its filter type and differences, uint8 (rows, 1 + width x channels).

    Rows are subtracted from the one below (filter Up). Of a strip's first row each pixel is subtracted from the next
    one (filter Sub), because the row above belongs to another strip.
    """
    rows = pixels.reshape(len(pixels), -1)
    filtered = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    filtered[0, 0] = _SUB
    filtered[1:, 0] = _UP
    filtered[0, 1 : 1 + channels] = rows[0, :channels]
    np.subtract(rows[0, channels:], rows[0, :-channels], out=filtered[0, 1 + channels :])
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    return filtered


def _compress(filtered: np.ndarray, *, last: bool) -> _Strip:
    # Negative: bare deflate blocks, without a zlib header.
    compressor = isal_zlib.compressobj(_COMPRESSION_LEVEL, wbits=-15)
    # A flush ends the blocks at a whole byte, where those of the next strip can follow.
    ending = isal_zlib.Z_FINISH if last else isal_zlib.Z_SYNC_FLUSH
    blocks = [compressor.compress(filtered), compressor.flush(ending)]
    return _Strip(blocks, isal_zlib.adler32(filtered), filtered.size)


def _combined_checksum(strips: list[_Strip]) -> int:
    """Return the Adler-32 of all strips from that of each (RFC 1950, section 8).

    Its low half is 1 plus the sum of the bytes, its high half the sum of all low halves on the way. So each low half of
    a later strip is higher by the sum of what went before.
    """
    low, high = 1, 0
    for strip in strips:
        own_low, own_high = strip.checksum & 0xFFFF, strip.checksum >> 16
        high = (high + own_high + strip.bytes_filtered * (low - 1)) % _ADLER_MODULUS
        low = (low + own_low - 1) % _ADLER_MODULUS
    return high << 16 | low


def _text_chunk(keyword: str, content: str) -> list[bytes]:
    """Return a text as tEXt, or as iTXt where it has other letters than Latin ones."""
    try:
        return _chunk(b"tEXt", keyword.encode("latin-1"), b"\0", content.encode("latin-1"))
    except UnicodeEncodeError:
        # Not compressed, of no particular language, no translated keyword.
        return _chunk(b"iTXt", keyword.encode("latin-1"), b"\0\0\0\0\0", content.encode("utf-8"))


def _chunk(kind: bytes, *parts: bytes) -> list[bytes]:
    """Return one chunk in pieces: length, kind, content, and CRC-32 of kind and content."""
    checksum = isal_zlib.crc32(kind)
    for part in parts:
        checksum = isal_zlib.crc32(part, checksum)
    return [struct.pack(">I", sum(map(len, parts))), kind, *parts, struct.pack(">I", checksum)]
