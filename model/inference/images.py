"""Decode an uploaded photograph, with limits, orientation and colour modes.

Array contract: `image` uint8 (height, width, 3) RGB.

Pillow reads every header and decodes, through its five named decoders and not through `PIL.Image.open`: that compares
sizes with a process-wide setting and reports by a warning, where each call here brings its own limit. The pixels of an
ordinary JPEG come from simplejpeg instead, the same ones in less time: both call libjpeg-turbo, but Pillow keeps four
bytes a pixel, which are copied twice on their way into an array.
"""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import simplejpeg
from PIL import BmpImagePlugin, ExifTags, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from model.inference import tiff

DEFAULT_MAX_PIXELS = 40_000_000
# A JPEG cannot be longer. It keeps a one-line picture of forty million columns out of the code behind.
MAX_SIDE = 65_535
# Twice PIL.Image.MAX_IMAGE_PIXELS: from there on Pillow refuses WebP and TIFF by itself, without saying the size.
MOST_PIXELS = 178_956_970

# How far the tiles of a TIFF may reach beyond its edges, in pixels: enough for tiles of 2,048 x 2,048.
_TILE_MARGIN = 1 << 24
# A picture of the longest side has as many rows, in each of three planes. Pillow keeps 250 bytes for each.
_MOST_BLOCKS = 3 * MAX_SIDE
# Pillow reads no more samples a pixel, and a TIFF may keep each in blocks of its own.
_MOST_PLANES = 6

# Of TIFF 6.0 and its Technical Note 2: none, LZW, JPEG, deflate by both its numbers, PackBits. Not those of fax
# machines: of these libtiff writes a line to standard error for every damaged row, so that a small file fills the log.
_COMPRESSIONS = (1, 5, 7, 8, 32_946, 32_773)

EXPECTED = "JPEG, PNG, WebP, BMP or TIFF"

_WEBP_HEADER_BYTES = 30

# How many pixels of 32-bit grey are stretched at a time.
_STRETCHED_TOGETHER = 1 << 20

_TURNS = {
    2: lambda image: cv2.flip(image, 1),
    3: lambda image: cv2.rotate(image, cv2.ROTATE_180),
    4: lambda image: cv2.flip(image, 0),
    5: cv2.transpose,
    6: lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: cv2.rotate(cv2.transpose(image), cv2.ROTATE_180),
    8: lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
}

# What Pillow's decoders raise on damaged files: mostly the first three, the others in corners. `MemoryError` is for
# absurd lengths inside a file, `Warning` for processes that turn warnings into errors.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    MemoryError,
    Warning,
    Image.DecompressionBombError,
    struct.error,
    zlib.error,
)


class ImageError(ValueError):
    """An upload that gives no image. The message is fit for the person who sent it.

    Attributes:
        reason: one short word for machines.
    """

    reason = "image"


class UndecodableImage(ImageError):
    """Empty, truncated or damaged."""

    reason = "undecodable"


class UnsupportedImage(ImageError):
    """Not one of the formats, or not one of the colour modes, that are taken."""

    reason = "unsupported"


class ImageTooLarge(ImageError):
    """More pixels than allowed, in all or along one side.

    Attributes:
        received: pixels of the image.
        limit: pixels allowed.
    """

    reason = "too_large"

    def __init__(self, message: str, *, received: int, limit: int) -> None:
        super().__init__(message)
        self.received = received
        self.limit = limit


def decode(data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> np.ndarray:
    """Decode the first frame of an image file, upright.

    The size, and into how large pieces a TIFF is cut, are read from the header before a pixel is decoded. The EXIF
    orientation is applied; EXIF data that cannot be read means upright. Colours become RGB by these rules:

    - grey, palette, 1-bit, CMYK and YCbCr are converted as Pillow does; embedded colour profiles are ignored;
    - 16 bits a channel keep their upper eight, and a transparent key colour among them is ignored;
    - 32-bit integer or float grey, which has no agreed range, is stretched from its minimum to its maximum;
    - transparent pixels are laid over black, as the borders of rectified street photographs are.

    Args:
        data: the content of a JPEG (MPO included), PNG, WebP, BMP or TIFF file.
        max_pixels: largest height x width; never more than `MOST_PIXELS`.

    Returns:
        uint8 (height, width, 3) RGB.

    Raises:
        UndecodableImage: empty, truncated or damaged, or a TIFF in far too many pieces.
        UnsupportedImage: another format, or a colour mode such as CIELAB.
        ImageTooLarge: more than `max_pixels`, a side longer than `MAX_SIDE`, or a TIFF in far larger tiles.
    """
    if not data:
        raise UndecodableImage(f"The image is empty (0 bytes). Expected a {EXPECTED} file. Choose the file again.")
    limit = min(max_pixels, MOST_PIXELS)
    opener, name = decoder_of(data)
    try:
        if opener is WebPImagePlugin.WebPImageFile:
            # Pillow allocates two canvases on opening a WebP, so its size must be known earlier still.
            _check_size(_webp_size(data), limit)
        if opener is TiffImagePlugin.TiffImageFile:
            _check_tiff(tiff.read_layout(data), limit)
        with opener(io.BytesIO(data)) as picture:
            _check_size(picture.size, limit)
            image = _decode_jpeg(data, picture) if opener is JpegImagePlugin.JpegImageFile else None
            if image is None:
                picture.load()
                image = np.array(_to_rgb(picture))
            # After loading, because a PNG may say it behind its pixels.
            turn = _TURNS.get(_orientation(picture))
            return image if turn is None else turn(image)
    except ImageError:
        raise
    except DAMAGE as error:
        raise UndecodableImage(
            f"The {name} data ({len(data):,} bytes) is truncated or damaged. Expected a complete {EXPECTED} file. "
            "Open the picture in a viewer, save it anew and send that."
        ) from error


def decoder_of(data: bytes) -> tuple[type, str]:
    """Tell the format by its first bytes, never by a file name: Pillow's decoder, and the format's name.

    Raises:
        UnsupportedImage: another format.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return JpegImagePlugin.JpegImageFile, "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImagePlugin.PngImageFile, "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile, "WebP"
    if data.startswith(b"BM"):
        return BmpImagePlugin.BmpImageFile, "BMP"
    if data.startswith(tiff.SIGNATURES):
        return TiffImagePlugin.TiffImageFile, "TIFF"
    raise UnsupportedImage(
        f"Received {_guess(data)}. Expected a {EXPECTED} file. Open the picture in a viewer and export it as JPEG."
    )


def _guess(data: bytes) -> str:
    """Name what was sent instead, as far as a person would recognise it."""
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        return "an AVIF image" if brand in (b"avif", b"avis") else "a HEIC image or a video"
    for signature, name in ((b"GIF8", "a GIF image"), (b"%PDF", "a PDF document"), (b"PK\x03\x04", "a ZIP archive")):
        if data.startswith(signature):
            return name
    start = data[:256]
    if start.isascii() and b"\0" not in start:
        return "text"
    return "data of an unknown format"


def _check_size(size: tuple[int, int], limit: int) -> None:
    width, height = size
    if width * height > limit:
        raise ImageTooLarge(
            f"The image has {width * height:,} pixels ({width:,} x {height:,}). Expected {limit:,} at most. "
            "Scale it down and send that.",
            received=width * height,
            limit=limit,
        )
    if max(size) > MAX_SIDE:
        raise ImageTooLarge(
            f"The image is {width:,} x {height:,} pixels. Expected {MAX_SIDE:,} at most along each side. "
            "Cut it into pieces and send those.",
            received=max(size),
            limit=MAX_SIDE,
        )


def _check_tiff(layout: tiff.Layout, limit: int) -> None:
    """Refuse blocks that cost far more memory or time than the picture in them."""
    _check_size(layout.size, limit)
    if layout.compression not in _COMPRESSIONS:
        raise UnsupportedImage(
            f"The TIFF is compressed by scheme {layout.compression}. Expected none, LZW, deflate, PackBits or JPEG. "
            "Save it with one of these, or as JPEG."
        )
    width, height = layout.size
    most_pixels = width * height + _TILE_MARGIN
    if layout.pixels > most_pixels:
        raise ImageTooLarge(
            f"The TIFF keeps {width * height:,} pixels ({width:,} x {height:,}) in tiles of {layout.block[0]:,} x "
            f"{layout.block[1]:,}, which makes {layout.pixels:,}. Expected {most_pixels:,} at most. Save it with "
            "smaller tiles, or as JPEG.",
            received=layout.pixels,
            limit=most_pixels,
        )
    most_blocks = min(layout.blocks * _MOST_PLANES, _MOST_BLOCKS)
    blocks = max(layout.blocks, layout.listed)
    if blocks > most_blocks:
        raise UndecodableImage(
            f"The TIFF is cut into {blocks:,} strips or tiles. Expected {most_blocks:,} at most for {width:,} x "
            f"{height:,} pixels. Save it with larger ones, or as JPEG."
        )


def _webp_size(data: bytes) -> tuple[int, int]:
    """Read (width, height) from a WebP header (RFC 9649, sections 2.5 to 2.7)."""
    header = data[:_WEBP_HEADER_BYTES]
    kind = header[12:16]
    if len(header) == _WEBP_HEADER_BYTES and kind == b"VP8X":
        return 1 + int.from_bytes(header[24:27], "little"), 1 + int.from_bytes(header[27:30], "little")
    if len(header) == _WEBP_HEADER_BYTES and kind == b"VP8L":
        bits = int.from_bytes(header[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if len(header) == _WEBP_HEADER_BYTES and kind == b"VP8 ":
        width, height = struct.unpack("<HH", header[26:30])
        return width & 0x3FFF, height & 0x3FFF
    raise SyntaxError("no WebP header")


def _decode_jpeg(data: bytes, header: JpegImagePlugin.JpegImageFile) -> np.ndarray | None:
    """Decode a grey or colour JPEG without fault; None leaves it to Pillow, which decides what of the rest is usable.

    Room is made by the size that was checked, so a file that says another one further on gets no more.
    """
    if header.mode not in ("RGB", "L"):
        return None
    width, height = header.size
    room = np.empty((height, width, 3), np.uint8)
    try:
        image = simplejpeg.decode_jpeg(data, buffer=room)
    except ValueError:
        return None
    return image if image.shape == room.shape else None


def _orientation(picture: Image.Image) -> int | None:
    # Pillow has already turned a TIFF on loading it and removed its tag.
    try:
        return picture.getexif().get(ExifTags.Base.Orientation)
    except DAMAGE:
        return None


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert("RGB")
    if picture.mode in ("I", "F"):
        return Image.fromarray(_stretch(np.asarray(picture))).convert("RGB")
    if picture.mode in ("LAB", "HSV"):
        raise UnsupportedImage(
            f"Received an image in the colour mode {picture.mode}. Expected RGB, grey, palette, CMYK or YCbCr. "
            "Export it as RGB."
        )
    if picture.has_transparency_data:
        return _over_black(picture)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _stretch(values: np.ndarray) -> np.ndarray:
    # In parts: eight bytes a pixel, several times over, would be more than all else that a picture takes.
    parts = np.array_split(values, max(1, values.size // _STRETCHED_TOGETHER))
    ranges = [_range(part) for part in parts]
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    if not low < high:
        return np.zeros(values.shape, np.uint8)
    scale = 255 / (high - low)
    return np.concatenate(
        [np.rint((np.clip(_finite(part), low, high) - low) * scale).astype(np.uint8) for part in parts]
    )


def _range(values: np.ndarray) -> tuple[np.float64, np.float64]:
    finite = np.isfinite(values)
    values = _finite(values)
    return values.min(initial=np.inf, where=finite), values.max(initial=-np.inf, where=finite)


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, 0).astype(np.float64)


def _over_black(picture: Image.Image) -> Image.Image:
    # Pillow has no direct way from premultiplied grey to RGBA.
    translucent = (picture.convert("LA") if picture.mode == "La" else picture).convert("RGBA")
    canvas = Image.new("RGB", translucent.size)
    canvas.paste(translucent, mask=translucent.getchannel("A"))
    return canvas
