"""Where a photograph was taken, as its camera wrote it into EXIF."""

from __future__ import annotations

import io
import math
from typing import NamedTuple

from PIL import ExifTags

from model.inference.images import DAMAGE, decoder_of


class Position(NamedTuple):
    """Degrees east and north of a place in WGS 84, and metres above the sea; None where the camera did not know."""

    longitude: float
    latitude: float
    altitude: float | None = None


def read(data: bytes) -> Position | None:
    """Read the position of a photograph that `images.decode` takes.

    Source: Exif 2.32 (CIPA DC-008), section 4.6.6, GPS attribute information.

    Args:
        data: the content of the file.

    Returns:
        The position; None where there is none, or none on Earth.
    """
    opener, _ = decoder_of(data)
    try:
        with opener(io.BytesIO(data)) as picture:
            tags = picture.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        latitude = _degrees(tags[ExifTags.GPS.GPSLatitude], tags[ExifTags.GPS.GPSLatitudeRef], "S")
        longitude = _degrees(tags[ExifTags.GPS.GPSLongitude], tags[ExifTags.GPS.GPSLongitudeRef], "W")
    except DAMAGE:
        # Among them the KeyError of a photograph without a position.
        return None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None
    return Position(round(longitude, 7), round(latitude, 7), _altitude(tags))


def _degrees(parts: tuple, reference: str, negative: str) -> float:
    degrees, minutes, seconds = map(float, parts)
    value = degrees + minutes / 60 + seconds / 3600
    return -value if str(reference).strip().upper().startswith(negative) else value


def _altitude(tags: dict) -> float | None:
    try:
        value = float(tags[ExifTags.GPS.GPSAltitude])
        # 1, as a byte or as bytes, is below the sea.
        below = tags.get(ExifTags.GPS.GPSAltitudeRef, 0) in (1, b"\x01")
    except DAMAGE:
        return None
    return round(-value if below else value, 2) if math.isfinite(value) else None
