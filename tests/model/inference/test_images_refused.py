"""What `decode` refuses: other formats, damage, and sizes over the limit."""

from __future__ import annotations

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFile, PngImagePlugin

from model.inference.images import ImageError, ImageTooLarge, UndecodableImage, UnsupportedImage, decode

LOSSLESS = {"PNG": {}, "WEBP": {"lossless": True, "exact": True}, "BMP": {}, "TIFF": {}}


def _random(*shape: int, dtype=np.uint8, high: int = 256) -> np.ndarray:
    return np.random.default_rng(11).integers(0, high, shape, dtype)


def _encode(picture: Image.Image, format_name: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, format_name, **options)
    return file.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, *extra: bytes, rows: bytes = b"", bits: int = 8, color_type: int = 2) -> bytes:
    """A PNG whose header may promise what its data does not hold."""
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0)
    chunks = [_chunk(b"IHDR", header), *extra, _chunk(b"IDAT", zlib.compress(rows)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_cielab_is_refused_by_name():
    picture = Image.merge("LAB", [Image.fromarray(_random(4, 4))] * 3)
    with pytest.raises(UnsupportedImage, match="LAB"):
        decode(_encode(picture, "TIFF"))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"just some words, named photo.jpg", "text"),
        (b"GIF89a\x01\x00\x01\x00", "GIF"),
        (b"%PDF-1.7\n\x00", "PDF"),
        (b"PK\x03\x04\x00\x00", "ZIP"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1", "HEIC"),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1", "AVIF"),
        (b"\x00\x01\x02\x03", "unknown"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "unknown"),
        (b"\xff\xd8", "unknown"),
    ],
)
def test_what_is_no_image_of_ours_is_named(data, name):
    with pytest.raises(
        UnsupportedImage, match=rf"Received .*{name}.* Expected a JPEG, PNG, WebP, BMP or TIFF"
    ) as caught:
        decode(data)
    assert caught.value.reason == "unsupported"


def test_formats_that_pillow_knows_and_we_do_not_take_are_refused():
    for format_name in ("GIF", "PPM", "TGA", "ICO"):
        with pytest.raises(UnsupportedImage):
            decode(_encode(Image.new("RGB", (8, 8)), format_name))


def test_nothing_is_refused():
    with pytest.raises(UndecodableImage, match="empty"):
        decode(b"")


@pytest.mark.parametrize("format_name", ["JPEG", *LOSSLESS])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.7])
def test_a_truncated_file_is_refused(format_name, part):
    data = _encode(Image.fromarray(_random(64, 64, 3)), format_name)
    with pytest.raises(UndecodableImage, match="truncated or damaged") as caught:
        decode(data[: max(16, int(len(data) * part))])
    assert caught.value.reason == "undecodable"


@pytest.mark.parametrize("format_name", ["JPEG", *LOSSLESS])
def test_the_largest_allowed_size_is_taken_and_one_pixel_more_is_not(format_name):
    data = _encode(Image.new("RGB", (20, 30)), format_name)
    assert decode(data, max_pixels=600).shape == (30, 20, 3)
    with pytest.raises(ImageTooLarge, match=r"600 pixels \(20 x 30\).*Expected 599") as caught:
        decode(data, max_pixels=599)
    assert (caught.value.received, caught.value.limit, caught.value.reason) == (600, 599, "too_large")


@pytest.mark.parametrize(
    ("width", "height"), [(20_000, 20_000), (10_000, 9_000), (2**31 - 1, 2**31 - 1), (40_000_000, 1), (1, 70_000)]
)
def test_a_bomb_is_refused_by_its_header(width, height, monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("pixels were decoded"))
    with pytest.raises(ImageTooLarge) as caught:
        decode(_png(width, height))
    assert caught.value.received > caught.value.limit


def test_a_real_bomb_is_refused_and_the_next_image_decodes():
    bomb = _encode(Image.new("1", (20_000, 20_000)), "PNG")
    assert len(bomb) < 1_000_000
    with pytest.raises(ImageTooLarge, match=r"400,000,000 pixels \(20,000 x 20,000\)"):
        decode(bomb)
    assert decode(_encode(Image.new("RGB", (2, 2)), "PNG")).shape == (2, 2, 3)


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}])
def test_a_webp_is_refused_before_its_canvas_is_allocated(options, monkeypatch):
    data = _encode(Image.new("RGB", (300, 200), (9, 8, 7)), "WEBP", **options)
    monkeypatch.setattr("PIL.WebPImagePlugin.WebPImageFile._open", lambda self: pytest.fail("the decoder was made"))
    with pytest.raises(ImageTooLarge, match=r"60,000 pixels \(300 x 200\)"):
        decode(data, max_pixels=59_999)


def test_more_than_pillow_takes_is_refused_whatever_the_limit():
    with pytest.raises(ImageTooLarge, match="178,956,970"):
        decode(_png(20_000, 20_000), max_pixels=10**12)


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_metadata_that_unpacks_to_too_much_is_refused(kind):
    metadata = b"x\0\0" + zlib.compress(bytes(50_000_000))
    with pytest.raises(UndecodableImage):
        decode(_png(2, 1, _chunk(kind, metadata), rows=b"\0" + bytes(6)))


def test_long_plain_text_in_a_png_is_no_obstacle():
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "a" * 5_000_000)
    assert decode(_encode(Image.new("RGB", (3, 2), (1, 2, 3)), "PNG", pnginfo=text)).shape == (2, 3, 3)


def test_messages_hold_nothing_of_the_server():
    for data in (b"", b"words", _encode(Image.new("RGB", (64, 64)), "PNG")[:60], _png(20_000, 20_000)):
        with pytest.raises(ImageError) as caught:
            decode(data)
        message = str(caught.value)
        assert "Expected" in message
        assert not any(word in message for word in ("/", "PIL", "Pillow", "Error", "object at"))


def test_threads_decode_at_the_same_time():
    pictures = [np.full((40, 40 + number, 3), number, np.uint8) for number in range(12)]
    files = [_encode(Image.fromarray(picture), name) for picture in pictures for name in ("PNG", "BMP", "TIFF")]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(decode, files))
    assert all(np.array_equal(result, pictures[index // 3]) for index, result in enumerate(results))


def _seeds() -> list[bytes]:
    """Small files that between them reach most of the decoders' code."""
    picture = Image.fromarray(_random(24, 32, 4))
    rgb = picture.convert("RGB")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "maker"
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "words" * 20, zip=True)
    text.add_itxt("Title", "words")
    return [
        _encode(rgb, "JPEG", exif=exif),
        _encode(rgb, "JPEG", progressive=True, icc_profile=bytes(300)),
        _encode(rgb.convert("CMYK"), "JPEG"),
        _encode(rgb, "MPO", save_all=True, append_images=[rgb]),
        _encode(picture, "PNG", exif=exif, pnginfo=text, icc_profile=bytes(300)),
        _encode(rgb.quantize(), "PNG", transparency=3),
        _encode(rgb, "PNG", save_all=True, append_images=[picture]),
        _encode(picture, "WEBP", exif=exif),
        _encode(rgb, "WEBP", lossless=True),
        _encode(rgb, "BMP"),
        _encode(rgb.quantize(), "BMP"),
        _encode(rgb, "TIFF", exif=exif),
        _encode(picture, "TIFF", compression="tiff_lzw"),
        _encode(rgb, "TIFF", compression="jpeg"),
        _encode(rgb.convert("1"), "TIFF", compression="group4"),
    ]


def _mutate(data: bytes, random: np.random.Generator) -> bytes:
    """Damage a file as networks, disks and attackers do; headers more often than pixels."""
    mutated = bytearray(data)
    for _ in range(random.integers(1, 6)):
        if len(mutated) <= 16:
            break
        place = int(random.integers(0, len(mutated) if random.random() < 0.5 else min(160, len(mutated))))
        match random.integers(0, 5):
            case 0:
                mutated[place] = random.integers(0, 256)
            case 1:
                mutated[place : place + 4] = random.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"])
            case 2:
                del mutated[place : place + int(random.integers(1, 20))]
            case 3:
                mutated[place:place] = random.bytes(int(random.integers(1, 20)))
            case 4:
                del mutated[max(16, place) :]
    return bytes(mutated)


def test_damaged_files_raise_nothing_but_image_errors():
    random = np.random.default_rng(2024)
    seeds = _seeds()
    decoded = refused = 0
    for index in range(450):
        data = _mutate(seeds[index % len(seeds)], random)
        try:
            result = decode(data, max_pixels=1_000_000)
        except ImageError:
            refused += 1
        else:
            assert result.dtype == np.uint8
            assert result.shape[2:] == (3,)
            decoded += 1
    # Both happen, or the mutations are too weak or too strong to show anything.
    assert decoded > 40
    assert refused > 150


def test_the_seeds_of_the_damaged_files_decode():
    assert all(decode(data).shape in {(24, 32, 3), (32, 24, 3)} for data in _seeds())
