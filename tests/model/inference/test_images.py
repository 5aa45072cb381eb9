"""How `decode` turns files into upright RGB."""

from __future__ import annotations

import io
import struct
import tracemalloc

import numpy as np
import pytest
from PIL import ExifTags, Image

from model.inference.images import decode
from tests.model.inference.pictures import LOSSLESS, chunk, encode, noise, png, tiff, tiff_of


def _grey_to_rgb(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., np.newaxis], 3, axis=-1)


def _over_black(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return rgb * (alpha[..., np.newaxis] / 255)


@pytest.mark.parametrize("format_name", LOSSLESS)
def test_rgb_comes_back_as_it_was(format_name):
    image = noise(31, 17, 3)
    result = decode(encode(Image.fromarray(image), format_name, **LOSSLESS[format_name]))
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous
    assert result.flags.writeable
    assert np.array_equal(result, image)


def _smooth(height: int, width: int) -> np.ndarray:
    """A picture with colours that a JPEG keeps, unlike those of noise."""
    small = Image.fromarray(noise(height // 8 + 2, width // 8 + 2, 3))
    return np.array(small.resize((width, height), Image.Resampling.BICUBIC))


def _pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        return np.array(picture.convert("RGB"))


@pytest.mark.parametrize("size", [(64, 96), (31, 17), (1, 50), (50, 1)])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_jpeg_is_what_pillow_decodes(subsampling, progressive, size):
    picture = Image.fromarray(_smooth(*size))
    data = encode(picture, "JPEG", quality=80, subsampling=subsampling, progressive=progressive)
    assert np.array_equal(decode(data), _pillow(data))


@pytest.mark.parametrize(
    "options", [{"quality": 100}, {"quality": 5}, {"optimize": True}, {"restart_marker_blocks": 2}, {"keep_rgb": True}]
)
def test_jpeg_of_any_making_is_what_pillow_decodes(options):
    data = encode(Image.fromarray(_smooth(61, 95)), "JPEG", **options)
    assert np.array_equal(decode(data), _pillow(data))


def test_grey_jpeg_is_what_pillow_decodes():
    data = encode(Image.fromarray(_smooth(61, 95)[..., 0]), "JPEG")
    assert np.array_equal(decode(data), _pillow(data))


def test_real_photographs_are_what_pillow_decodes(photographs):
    for path in photographs:
        with Image.open(path) as picture:
            data = encode(picture.convert("RGB"), "JPEG", quality=90)
        assert np.array_equal(decode(data), _pillow(data))


def test_ordinary_jpegs_do_without_pillow_s_decoder(monkeypatch):
    files = [encode(Image.fromarray(_smooth(40, 30)).convert(mode), "JPEG") for mode in ("RGB", "L")]
    monkeypatch.setattr("PIL.JpegImagePlugin.JpegImageFile.load", lambda self: pytest.fail("Pillow decoded"))
    assert all(decode(data).shape == (40, 30, 3) for data in files)


def test_jpeg_that_only_pillow_takes_is_what_pillow_decodes():
    complete = encode(Image.fromarray(_smooth(61, 95)), "JPEG", restart_marker_blocks=2)
    # A restart marker that comes twice: libjpeg warns and goes on.
    marker = complete.index(b"\xff\xd1")
    damaged = complete[:marker] + b"\xff\xd1" + complete[marker:]
    assert np.array_equal(decode(damaged), _pillow(damaged))


def test_a_jpeg_s_pixels_may_be_written_to():
    result = decode(encode(Image.fromarray(_smooth(40, 30)), "JPEG"))
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous
    assert result.flags.writeable


@pytest.mark.parametrize("format_name", ["JPEG", *LOSSLESS])
def test_one_pixel(format_name):
    options = LOSSLESS.get(format_name, {"quality": 100, "subsampling": 0})
    result = decode(encode(Image.new("RGB", (1, 1), (10, 200, 30)), format_name, **options))
    assert result.shape == (1, 1, 3)
    assert np.abs(result[0, 0].astype(int) - (10, 200, 30)).max() <= 3


# What a viewer must do to the stored pixels, by EXIF orientation (EXIF 2.32, section 4.6.4, tag 274).
TURNS = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: np.rot90(stored, 1),
}


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", TURNS)
def test_exif_orientation_is_applied_once(orientation, format_name):
    stored = noise(6, 9, 3)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = encode(Image.fromarray(stored), format_name, exif=exif, **LOSSLESS[format_name])
    result = decode(data)
    assert np.array_equal(result, TURNS[orientation](stored))
    assert result.flags.c_contiguous


@pytest.mark.parametrize("orientation", TURNS)
def test_a_phone_s_jpeg_is_upright(orientation):
    stored = np.zeros((32, 64, 3), np.uint8)
    stored[:16, :16] = 255
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    result = decode(encode(Image.fromarray(stored), "JPEG", exif=exif, quality=95))
    expected = TURNS[orientation](stored)
    assert result.shape == expected.shape
    assert np.abs(result.astype(int) - expected).mean() < 3


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_unknown_orientation_means_upright(value):
    stored = noise(6, 9, 3)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = value
    assert np.array_equal(decode(encode(Image.fromarray(stored), "PNG", exif=exif)), stored)


def test_exif_that_cannot_be_read_means_upright():
    stored = noise(6, 9, 3)
    assert np.array_equal(decode(encode(Image.fromarray(stored), "WEBP", exif=b"no exif", lossless=True)), stored)


# Pillow warns of damaged EXIF data, which the test run turns into an error.
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("length", [7, 12, 20, 30])
def test_a_jpeg_with_damaged_exif_still_decodes(length):
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "a maker with a long name"
    damaged = exif.tobytes()[:length]
    assert decode(encode(Image.new("RGB", (9, 6)), "JPEG", exif=damaged)).shape == (6, 9, 3)


@pytest.mark.parametrize("format_name", ["PNG", "BMP", "TIFF"])
def test_grey(format_name):
    grey = noise(8, 5)
    assert np.array_equal(decode(encode(Image.fromarray(grey), format_name)), _grey_to_rgb(grey))


@pytest.mark.parametrize("format_name", ["PNG", "BMP", "TIFF"])
def test_one_bit(format_name):
    bits = noise(8, 5, high=2).astype(bool)
    assert np.array_equal(decode(encode(Image.fromarray(bits), format_name)), _grey_to_rgb(bits * np.uint8(255)))


@pytest.mark.parametrize("format_name", ["PNG", "BMP", "TIFF"])
def test_palette(format_name):
    palette = noise(256, 3)
    indices = noise(8, 5)
    picture = Image.fromarray(indices)
    picture.putpalette(palette.tobytes())
    assert np.array_equal(decode(encode(picture, format_name)), palette[indices])


def test_palette_with_transparency_lies_over_black():
    palette = noise(256, 3)
    alphas = np.random.default_rng(12).integers(0, 256, 256, np.uint8)
    indices = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = Image.fromarray(indices)
    picture.putpalette(palette.tobytes())
    result = decode(encode(picture, "PNG", transparency=alphas.tobytes()))
    assert np.abs(result - _over_black(palette, alphas)[indices]).max() <= 1


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "TIFF"])
def test_alpha_lies_over_black(format_name):
    image = noise(16, 16, 4)
    result = decode(encode(Image.fromarray(image), format_name, **LOSSLESS[format_name]))
    assert np.abs(result - _over_black(image[..., :3], image[..., 3])).max() <= 1


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_grey_with_alpha_lies_over_black(format_name):
    grey, alpha = noise(2, 16, 16)
    picture = Image.merge("LA", (Image.fromarray(grey), Image.fromarray(alpha)))
    assert np.abs(decode(encode(picture, format_name)) - _over_black(_grey_to_rgb(grey), alpha)).max() <= 1


def test_palette_with_alpha_lies_over_black():
    picture = Image.fromarray(noise(8, 8, 3)).quantize(16).convert("PA")
    picture.putalpha(128)
    opaque = np.array(picture.convert("RGB"))
    assert np.abs(decode(encode(picture, "TIFF")) - opaque * (128 / 255)).max() <= 1


def test_a_transparent_colour_becomes_black():
    rows = b"\0" + bytes([1, 2, 3, 4, 5, 6])
    data = png(2, 1, chunk(b"tRNS", struct.pack(">3H", 1, 2, 3)), rows=rows)
    assert decode(data).tolist() == [[[0, 0, 0], [4, 5, 6]]]


def test_opaque_alpha_changes_nothing():
    image = noise(8, 8, 4)
    image[..., 3] = 255
    assert np.array_equal(decode(encode(Image.fromarray(image), "PNG")), image[..., :3])


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_16_bit_grey_keeps_the_upper_eight(format_name):
    values = noise(16, 16, dtype=np.uint16, high=65536)
    values[0, :2] = 0, 65535
    assert np.array_equal(decode(encode(Image.fromarray(values), format_name)), _grey_to_rgb(values >> 8))


def test_16_bit_rgb_keeps_the_upper_eight():
    values = noise(2, 3, 3, dtype=np.uint16, high=65536)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    assert np.array_equal(decode(png(3, 2, rows=rows, bits=16)), values >> 8)


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_32_bit_grey_is_stretched(dtype):
    values = np.array([[-1000, 0], [500, 1000]], dtype)
    # 0 lies at 127.5, which rounds to the even 128; 500 at 191.25.
    assert np.array_equal(decode(encode(Image.fromarray(values), "TIFF"))[..., 0], [[0, 128], [191, 255]])


def test_float_grey_that_is_not_finite_or_has_one_value_is_black():
    values = np.array([[np.nan, 2.0], [4.0, np.inf]], np.float32)
    assert decode(encode(Image.fromarray(values), "TIFF"))[..., 0].tolist() == [[0, 0], [255, 0]]
    assert not decode(encode(Image.fromarray(np.full((2, 2), 7, np.float32)), "TIFF")).any()
    assert not decode(encode(Image.fromarray(np.full((2, 2), np.nan, np.float32)), "TIFF")).any()


def test_float_grey_is_stretched_alike_in_all_its_parts_and_in_little_memory():
    # Darkest and brightest lie far apart, and nowhere else.
    values = np.linspace(-3, 9, 3_000_000, dtype=np.float32).reshape(1500, 2000)
    file = encode(Image.fromarray(values), "TIFF")
    tracemalloc.start()
    try:
        image = decode(file)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.array_equal(image[..., 0], np.rint((values.astype(np.float64) + 3) * (255 / 12)).astype(np.uint8))
    # Bytes a pixel, of arrays and files alone; all at once in float64 would be over 30.
    assert most < 20 * values.size


@pytest.mark.parametrize("format_name", ["JPEG", "TIFF"])
@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_print_and_video_colours(mode, format_name):
    color = np.array([30, 160, 220], np.uint8)
    picture = Image.fromarray(np.broadcast_to(color, (16, 16, 3)).copy()).convert(mode)
    options = {"quality": 95} if format_name == "JPEG" else {}
    assert np.abs(decode(encode(picture, format_name, **options)).astype(int) - color).max() <= 4


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "TIFF"])
def test_of_an_animation_the_first_frame(format_name):
    first, second = noise(2, 8, 8, 3)
    options = LOSSLESS[format_name]
    data = encode(
        Image.fromarray(first), format_name, save_all=True, append_images=[Image.fromarray(second)], **options
    )
    assert np.array_equal(decode(data), first)


def test_of_a_phone_s_mpo_the_first_picture():
    first, second = np.zeros((16, 16, 3), np.uint8), np.full((16, 16, 3), 255, np.uint8)
    data = encode(Image.fromarray(first), "MPO", save_all=True, append_images=[Image.fromarray(second)])
    assert decode(data).max() < 10


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits", "jpeg"])
def test_compressed_tiff(compression):
    image = np.broadcast_to(np.linspace(0, 255, 40, dtype=np.uint8)[:, np.newaxis, np.newaxis], (40, 24, 3))
    result = decode(encode(Image.fromarray(image.copy()), "TIFF", compression=compression))
    assert np.abs(result.astype(int) - image).max() <= (12 if compression == "jpeg" else 0)


@pytest.mark.parametrize("deflate", [False, True], ids=["raw", "deflate"])
@pytest.mark.parametrize("planar", [False, True], ids=["chunky", "planar"])
@pytest.mark.parametrize("blocks", [{"tile": 16}, {"tile": 256}, {"rows": 1}, {"rows": 7}, {"rows": 50}], ids=str)
@pytest.mark.parametrize("kind", [{}, {"order": ">"}, {"big": True}], ids=["II", "MM", "BigTIFF"])
def test_tiff_in_tiles_and_strips(kind, blocks, planar, deflate):
    image = noise(50, 70, 3)
    assert np.array_equal(decode(tiff(**tiff_of(image, planar=planar, deflate=deflate, **blocks), **kind)), image)


@pytest.mark.parametrize("rows", [[], [50], [51], [2**32 - 1]])
def test_tiff_in_one_strip(rows):
    image = noise(50, 70, 3)
    file = tiff_of(image, rows=50)
    del file["tags"][278]
    file["tags"] |= {278: rows} if rows else {}
    assert np.array_equal(decode(tiff(**file)), image)


def test_tiff_of_one_large_tile_around_a_small_picture():
    image = noise(3, 5, 3)
    assert np.array_equal(decode(tiff(**tiff_of(image, tile=2048, deflate=True))), image)


def test_tiff_of_the_largest_size_in_tiles():
    image = np.broadcast_to(np.uint8(7), (600, 700, 3))
    assert np.array_equal(decode(tiff(**tiff_of(image, tile=512, deflate=True)), max_pixels=420_000), image)
