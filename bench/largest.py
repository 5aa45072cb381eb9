"""The largest pictures that the service takes, in the formats that cost it most memory, made of a photograph."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from app.config import MILLION, SETTINGS

# What of the answers takes most: everything there is, people and cars hidden under borders, outlines as polygons.
ASKED = ("zip", "overlay&outline=1&blur=human,vehicle", "json&mask=polygons")


def pictures(photograph: bytes, *, megapixels: float | None = None) -> dict[str, bytes]:
    """Enlarge a photograph to as many pixels as the service takes.

    Args:
        photograph: a JPEG.
        megapixels: millions of pixels; None for the default of the service.

    Returns:
        Files by what they are: JPEG, progressive JPEG, CMYK JPEG, WebP, transparent PNG, TIFF of 32-bit grey.
    """
    pixels = (megapixels or SETTINGS["MAX_MEGAPIXELS"].default) * MILLION
    image = cv2.imdecode(np.frombuffer(photograph, np.uint8), cv2.IMREAD_COLOR_RGB)
    scale = (pixels / (image.shape[0] * image.shape[1])) ** 0.5
    height, width = (int(side * scale) for side in image.shape[:2])
    large = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    picture = Image.fromarray(large)
    transparent = Image.fromarray(large & 0xE0)  # in few colours, or no PNG of it would be small enough to send
    transparent.putalpha(Image.linear_gradient("L").resize(picture.size))
    grey = Image.fromarray(large[..., 1].astype(np.float32))
    return {
        "JPEG": _file(picture, "JPEG", quality=90),
        "progressive JPEG": _file(picture, "JPEG", quality=90, progressive=True),
        "CMYK JPEG": _file(picture.convert("CMYK"), "JPEG", quality=70),
        "WebP": _file(picture, "WEBP", quality=80, method=0),
        "transparent PNG": _file(transparent, "PNG", compress_level=6),
        "TIFF of 32-bit grey": _file(grey, "TIFF", compression="tiff_adobe_deflate"),
    }


def _file(picture: Image.Image, format_name: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, format_name, **options)
    return file.getvalue()
