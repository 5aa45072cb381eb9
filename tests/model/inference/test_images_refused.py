"""What `decode` refuses: other formats, damage, and sizes over the limit."""

from __future__ import annotations

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFile, PngImagePlugin

from model.inference import images
from model.inference.images import ImageError, ImageTooLarge, UndecodableImage, UnsupportedImage, decode
from tests.model.inference.pictures import LOSSLESS, chunk, encode, noise, png, rgb_tags, tiff, tiff_of


def test_cielab_is_refused_by_name():
    picture = Image.merge("LAB", [Image.fromarray(noise(4, 4))] * 3)
    with pytest.raises(UnsupportedImage, match="LAB"):
        decode(encode(picture, "TIFF"))


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
        (tiff(**tiff_of(noise(4, 4, 3), rows=4), order=">", big=True), "unknown"),
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
            decode(encode(Image.new("RGB", (8, 8)), format_name))


def test_nothing_is_refused():
    with pytest.raises(UndecodableImage, match="empty"):
        decode(b"")


@pytest.mark.parametrize("format_name", ["JPEG", *LOSSLESS])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.7])
def test_a_truncated_file_is_refused(format_name, part):
    data = encode(Image.fromarray(noise(64, 64, 3)), format_name)
    with pytest.raises(UndecodableImage, match="truncated or damaged") as caught:
        decode(data[: max(16, int(len(data) * part))])
    assert caught.value.reason == "undecodable"


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_cut_anywhere_is_refused_where_pillow_refuses_it(progressive):
    data = encode(Image.fromarray(noise(40, 40, 3)), "JPEG", progressive=progressive)
    for length in [*range(20, len(data), 97), *range(len(data) - 12, len(data))]:
        try:
            with Image.open(io.BytesIO(data[:length]), formats=["JPEG"]) as picture:
                expected = np.array(picture)
        except (OSError, SyntaxError):
            with pytest.raises(UndecodableImage):
                decode(data[:length])
        else:
            assert np.array_equal(decode(data[:length]), expected)


@pytest.mark.parametrize("larger_first", [False, True])
def test_a_jpeg_of_two_sizes_is_refused(larger_first):
    data = encode(Image.new("RGB", (16, 16)), "JPEG")
    start = data.index(b"\xff\xc0")
    frame = data[start : start + 19]
    larger = frame[:5] + struct.pack(">HH", 3000, 4000) + frame[9:]
    frames = larger + frame if larger_first else frame + larger
    with pytest.raises(UndecodableImage if larger_first else ImageTooLarge):
        decode(data[:start] + frames + data[start + 19 :], max_pixels=256)


@pytest.mark.parametrize("size", [(8, 8), (15, 17), (20, 20)])
def test_a_jpeg_that_is_not_of_the_size_checked_is_left_to_pillow(size):
    data = encode(Image.new("RGB", (16, 16)), "JPEG")
    assert images._decode_jpeg(data, SimpleNamespace(mode="RGB", size=size)) is None
    assert images._decode_jpeg(data, SimpleNamespace(mode="RGB", size=(16, 16))).shape == (16, 16, 3)


@pytest.mark.parametrize("format_name", ["JPEG", *LOSSLESS])
def test_the_largest_allowed_size_is_taken_and_one_pixel_more_is_not(format_name):
    data = encode(Image.new("RGB", (20, 30)), format_name)
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
        decode(png(width, height))
    assert caught.value.received > caught.value.limit


def test_a_real_bomb_is_refused_and_the_next_image_decodes():
    bomb = encode(Image.new("1", (20_000, 20_000)), "PNG")
    assert len(bomb) < 1_000_000
    with pytest.raises(ImageTooLarge, match=r"400,000,000 pixels \(20,000 x 20,000\)"):
        decode(bomb)
    assert decode(encode(Image.new("RGB", (2, 2)), "PNG")).shape == (2, 2, 3)


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}])
def test_a_webp_is_refused_before_its_canvas_is_allocated(options, monkeypatch):
    data = encode(Image.new("RGB", (300, 200), (9, 8, 7)), "WEBP", **options)
    monkeypatch.setattr("PIL.WebPImagePlugin.WebPImageFile._open", lambda self: pytest.fail("the decoder was made"))
    with pytest.raises(ImageTooLarge, match=r"60,000 pixels \(300 x 200\)"):
        decode(data, max_pixels=59_999)


def not_opened(self):
    pytest.fail("the decoder was made")


def test_a_tile_far_larger_than_the_picture_is_refused(monkeypatch):
    monkeypatch.setattr("PIL.TiffImagePlugin.TiffImageFile._open", not_opened)
    tile = zlib.compress(bytes(1000))
    tags = rgb_tags(16, 16, compression=8) | {322: [20_480], 323: [20_480], 324: [16], 325: [len(tile)]}
    with pytest.raises(ImageTooLarge, match=r"256 pixels \(16 x 16\) in tiles of 20,480 x 20,480") as caught:
        decode(tiff(tags, tile))
    assert (caught.value.received, caught.value.limit) == (20_480**2, 16**2 + 2**24)


@pytest.mark.parametrize("scheme", ["group3", "group4", "tiff_ccitt"])
def test_a_fax_in_a_tiff_is_refused_before_it_floods_the_log(scheme, monkeypatch, capfd):
    data = encode(Image.new("1", (16, 16)), "TIFF", compression=scheme)
    monkeypatch.setattr("PIL.TiffImagePlugin.TiffImageFile._open", not_opened)
    with pytest.raises(UnsupportedImage, match=r"scheme \d. Expected none, LZW, deflate, PackBits or JPEG"):
        decode(data)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("width", "height"), [(20_000_000, 16), (16, 20_000_000)])
def test_a_long_tile_is_refused(width, height):
    tags = rgb_tags(16, 16, compression=8) | {322: [width], 323: [height], 324: [16], 325: [1]}
    with pytest.raises(ImageTooLarge, match="in tiles of"):
        decode(tiff(tags, b"x"))


@pytest.mark.parametrize(("offsets", "sizes", "layout"), [(273, 279, {278: [1]}), (324, 325, {322: [16], 323: [16]})])
def test_more_strips_or_tiles_than_the_picture_needs_are_refused(offsets, sizes, layout, monkeypatch):
    monkeypatch.setattr("PIL.TiffImagePlugin.TiffImageFile._open", not_opened)
    tags = rgb_tags(16, 16, compression=1) | layout | {offsets: [16] * 1_000_000, sizes: [48]}
    with pytest.raises(UndecodableImage, match="cut into 1,000,000 strips or tiles"):
        decode(tiff(tags, bytes(768)))


@pytest.mark.parametrize("compression", [1, 8])
def test_tiles_of_a_pixel_are_refused(compression):
    tags = rgb_tags(2000, 2000, compression=compression) | {322: [1], 323: [1], 324: [16] * 9, 325: [3] * 9}
    with pytest.raises(UndecodableImage, match="cut into 4,000,000 strips or tiles"):
        decode(tiff(tags, bytes(3)))


@pytest.mark.parametrize(
    ("tag", "values"),
    [(256, None), (256, [0]), (278, [0]), (278, [1, 1]), (322, [16]), (323, [16]), (257, [16, 16])],
)
def test_a_tiff_with_an_impossible_layout_is_refused(tag, values):
    file = tiff_of(noise(16, 16, 3), rows=4)
    tags = {**file["tags"], tag: values}
    with pytest.raises(UndecodableImage, match="truncated or damaged"):
        decode(tiff({tag: values for tag, values in tags.items() if values is not None}, file["blocks"]))


def test_a_tiff_that_says_a_thing_twice_is_refused():
    file = tiff_of(noise(16, 16, 3), tile=16)
    once = tiff(file["tags"] | {321: [16]}, file["blocks"])
    twice = once.replace(b"\x41\x01\x04\0\x01\0", b"\x42\x01\x04\0\x01\0")
    assert decode(once).shape == (16, 16, 3)
    assert twice != once
    with pytest.raises(UndecodableImage, match="truncated or damaged"):
        decode(twice)


@pytest.mark.parametrize("big", [False, True])
def test_a_directory_without_end_is_refused(big, monkeypatch):
    monkeypatch.setattr("PIL.TiffImagePlugin.TiffImageFile._open", not_opened)
    tags = {40_000 + number: [1] for number in range(5_000)} | tiff_of(noise(16, 16, 3), rows=16)["tags"]
    with pytest.raises(UndecodableImage, match="truncated or damaged"):
        decode(tiff(tags, bytes(768), big=big))


def test_more_than_pillow_takes_is_refused_whatever_the_limit():
    with pytest.raises(ImageTooLarge, match="178,956,970"):
        decode(png(20_000, 20_000), max_pixels=10**12)


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_metadata_that_unpacks_to_too_much_is_refused(kind):
    metadata = b"x\0\0" + zlib.compress(bytes(50_000_000))
    with pytest.raises(UndecodableImage):
        decode(png(2, 1, chunk(kind, metadata), rows=b"\0" + bytes(6)))


def test_long_plain_text_in_a_png_is_no_obstacle():
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "a" * 5_000_000)
    assert decode(encode(Image.new("RGB", (3, 2), (1, 2, 3)), "PNG", pnginfo=text)).shape == (2, 3, 3)


def test_messages_hold_nothing_of_the_server():
    for data in (b"", b"words", encode(Image.new("RGB", (64, 64)), "PNG")[:60], png(20_000, 20_000)):
        with pytest.raises(ImageError) as caught:
            decode(data)
        message = str(caught.value)
        assert "Expected" in message
        assert not any(word in message for word in ("/", "PIL", "Pillow", "Error", "object at"))


def test_threads_decode_at_the_same_time():
    pictures = [np.full((40, 40 + number, 3), number, np.uint8) for number in range(12)]
    files = [encode(Image.fromarray(picture), name) for picture in pictures for name in ("PNG", "BMP", "TIFF")]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(decode, files))
    assert all(np.array_equal(result, pictures[index // 3]) for index, result in enumerate(results))


def _seeds() -> list[bytes]:
    """Small files that between them reach most of the decoders' code."""
    picture = Image.fromarray(noise(24, 32, 4))
    rgb = picture.convert("RGB")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "maker"
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "words" * 20, zip=True)
    text.add_itxt("Title", "words")
    return [
        encode(rgb, "JPEG", exif=exif),
        encode(rgb, "JPEG", progressive=True, icc_profile=bytes(300)),
        encode(rgb.convert("CMYK"), "JPEG"),
        encode(rgb, "MPO", save_all=True, append_images=[rgb]),
        encode(picture, "PNG", exif=exif, pnginfo=text, icc_profile=bytes(300)),
        encode(rgb.quantize(), "PNG", transparency=3),
        encode(rgb, "PNG", save_all=True, append_images=[picture]),
        encode(picture, "WEBP", exif=exif),
        encode(rgb, "WEBP", lossless=True),
        encode(rgb, "BMP"),
        encode(rgb.quantize(), "BMP"),
        encode(rgb, "TIFF", exif=exif),
        encode(picture, "TIFF", compression="tiff_lzw"),
        encode(rgb, "TIFF", compression="jpeg"),
        encode(rgb.convert("1"), "TIFF", compression="packbits"),
        tiff(**tiff_of(np.asarray(rgb), tile=16)),
        tiff(**tiff_of(np.asarray(rgb), tile=16, planar=True, deflate=True), big=True),
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
