"""Where a photograph was taken, out of EXIF that Pillow wrote: every format, and what is no position."""

from __future__ import annotations

import io
from fractions import Fraction

import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from model.inference import positions

GPS = ExifTags.GPS
# Stuttgart's town hall: 48 degrees 46' 30.9" north, 9 degrees 10' 42" east.
HALL = {
    GPS.GPSLatitudeRef: "N",
    GPS.GPSLatitude: (48.0, 46.0, 30.9),
    GPS.GPSLongitudeRef: "E",
    GPS.GPSLongitude: (9.0, 10.0, 42.0),
}


def photograph(tags: dict, format: str = "JPEG") -> bytes:
    exif = Image.Exif()
    # Pillow takes EXIF without a tag of the picture's own for none.
    exif[ExifTags.Base.Make] = "Camera"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(tags)
    file = io.BytesIO()
    # Nor does it take a position out of EXIF into a TIFF.
    how = {"tiffinfo": {ExifTags.IFD.GPSInfo: tags}} if format == "TIFF" else {"exif": exif}
    Image.new("RGB", (8, 8)).save(file, format, **how)
    return file.getvalue()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_degrees_minutes_and_seconds_become_degrees(format):
    found = positions.read(photograph(HALL, format))
    assert found == pytest.approx((9 + 10 / 60 + 42 / 3600, 48 + 46 / 60 + 30.9 / 3600, None), abs=1e-6)


def test_south_and_west_are_negative():
    found = positions.read(photograph(HALL | {GPS.GPSLatitudeRef: "S", GPS.GPSLongitudeRef: "W"}))
    assert found[:2] == pytest.approx((-9.1783333, -48.77525), abs=1e-6)


@pytest.mark.parametrize(("reference", "altitude"), [(b"\x00", 245.5), (b"\x01", -245.5)])
def test_altitude_is_above_the_sea_or_below(reference, altitude):
    found = positions.read(photograph(HALL | {GPS.GPSAltitudeRef: reference, GPS.GPSAltitude: Fraction(491, 2)}))
    assert found.altitude == altitude


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {GPS.GPSLatitude: HALL[GPS.GPSLatitude], GPS.GPSLatitudeRef: "N"},
        HALL | {GPS.GPSLatitude: (91.0, 0.0, 0.0)},
        HALL | {GPS.GPSLongitude: (181.0, 0.0, 0.0)},
        HALL | {GPS.GPSLongitude: (9.0, 10.0)},
        HALL | {GPS.GPSLatitude: (IFDRational(0, 0), IFDRational(0, 0), IFDRational(0, 0))},
    ],
    ids=["nothing", "half", "beyond the pole", "beyond the date line", "two parts", "nothing by nothing"],
)
def test_what_is_no_position_is_none(tags):
    assert positions.read(photograph(tags)) is None


def test_a_bitmap_has_none():
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "BMP")
    assert positions.read(file.getvalue()) is None
