"""Reading and checking samples: nothing is silently read in another way than serving would."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.data import samples
from model.data.samples import Example, Sample, check, read_image, read_instance_mask, read_mask

IMAGE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def save(path: Path, image: Image.Image, **options) -> Path:
    image.save(path, **options)
    return path


def sample(name: str, *, image_size=(4, 6), mask_size=(4, 6)) -> Sample:
    labels = np.zeros(mask_size, np.uint8)
    example = Example(np.zeros((*image_size, 3), np.uint8), labels, labels == 0)
    return Sample(name, Path(f"{name}.jpg"), Path(f"{name}.png"), lambda: example)


def test_orientation_is_applied_as_in_serving(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3
    path = save(tmp_path / "turned.png", Image.fromarray(IMAGE), exif=exif)
    np.testing.assert_array_equal(read_image(path), IMAGE[::-1, ::-1])


def test_grey_and_palette_become_rgb(tmp_path):
    grey = Image.fromarray(IMAGE[..., 0])
    expected = np.repeat(IMAGE[..., :1], 3, axis=2)
    np.testing.assert_array_equal(read_image(save(tmp_path / "grey.png", grey)), expected)
    palette = Image.fromarray(IMAGE).quantize(200)
    np.testing.assert_array_equal(read_image(save(tmp_path / "p.png", palette)), np.asarray(palette.convert("RGB")))


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (Image.fromarray(IMAGE[..., 0].astype(np.uint16) * 256), "of mode I;16"),
        (Image.fromarray(np.dstack([IMAGE, IMAGE[..., :1]])), "of mode RGBA"),
    ],
)
def test_what_could_become_rgb_in_two_ways_is_refused(tmp_path, image, says):
    with pytest.raises(ValueError, match=rf"odd\.png is an image {says}.*Expected 8-bit RGB, grey or palette"):
        read_image(save(tmp_path / "odd.png", image))


def test_a_mask_of_colours_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"colours\.png is an image of mode RGB\. Expected an 8-bit grey or palette"):
        read_mask(save(tmp_path / "colours.png", Image.fromarray(IMAGE)))


@pytest.mark.parametrize("content", [b"", b"no image", None])
def test_an_unreadable_file_is_named(tmp_path, content):
    path = tmp_path / "broken.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.png (can't be read as an image|does not exist)"):
        read_image(path)


def test_a_truncated_file_is_named(tmp_path):
    path = save(
        tmp_path / "half.png", Image.fromarray(np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8))
    )
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(ValueError, match=r"half\.png can't be read as an image"):
        read_image(path)


def tiff(path: Path, tag: int, entry: bytes) -> Path:
    """Write a TIFF whose entry of a tag, its type, count and value, is another one."""
    content = bytearray(save(path, Image.fromarray(IMAGE)).read_bytes())
    place = content.index(struct.pack("<H", tag), int.from_bytes(content[4:8], "little"))
    content[place + 2 : place + 12] = entry
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("tag", "entry"),
    [
        # Where the pixels lie, as a fraction, and as text: TypeError.
        (273, struct.pack("<HII", 5, 1, 8)),
        (273, struct.pack("<HI4s", 7, 4, b"text")),
    ],
)
def test_a_tiff_whose_head_is_damaged_is_named(tmp_path, tag, entry):
    with pytest.raises(ValueError, match=r"bad\.tif can't be read as an image"):
        read_image(tiff(tmp_path / "bad.tif", tag, entry))


def test_an_image_whose_orientation_is_damaged_is_named(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3
    path = save(tmp_path / "bad.webp", Image.fromarray(IMAGE), exif=exif)
    # The sign of TIFF in front of the orientation: SyntaxError, once Pillow looks at it.
    path.write_bytes(path.read_bytes().replace(b"MM\x00*", b"MM\x00\x04"))
    with pytest.raises(ValueError, match=r"bad\.webp can't be read as an image"):
        read_image(path)


def test_a_palette_with_a_negative_colour_is_named(tmp_path):
    path = save(tmp_path / "bad.tif", Image.fromarray(IMAGE).quantize(4))
    content = bytearray(path.read_bytes())
    place = content.index(struct.pack("<HH", 320, 3), int.from_bytes(content[4:8], "little"))
    # Signed, where they are not, and all below 0: OverflowError.
    content[place + 2 : place + 4] = struct.pack("<H", 8)
    colours = int.from_bytes(content[place + 8 : place + 12], "little")
    content[colours : colours + 6 * 256] = b"\x00\x80" * 3 * 256
    path.write_bytes(content)
    for read in (read_image, read_mask):
        with pytest.raises(ValueError, match=r"bad\.tif can't be read as an image"):
            read(path)


@pytest.fixture
def by_pillow(monkeypatch) -> list[Path]:
    """Paths of the instance masks that were left to Pillow."""
    paths, ours = [], samples._open
    monkeypatch.setattr(samples, "_open", lambda path, content: paths.append(path) or ours(path, content))
    return paths


def test_instance_masks_are_what_pillow_reads(tmp_path, by_pillow):
    random = np.random.default_rng(0)
    # Blocks, so that there are runs, and values that need both bytes.
    ids = random.integers(0, 65536, (20, 30)).astype(np.uint16).repeat(7, 0).repeat(5, 1)
    path = save(tmp_path / "a_gtFine_instanceIds.png", Image.fromarray(ids))
    found = read_instance_mask(path)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, np.asarray(Image.open(path)))
    np.testing.assert_array_equal(found, ids)
    assert by_pillow == []


@pytest.mark.parametrize("change", ["interlaced", "half", "no image", "missing", "8 bits"])
def test_other_instance_masks_are_left_to_pillow(tmp_path, by_pillow, change):
    path = tmp_path / "a.png"
    ids = np.random.default_rng(0).integers(0, 65536, (32, 32)).astype(np.uint16)
    content = save(path, Image.fromarray(ids if change != "8 bits" else (ids % 256).astype(np.uint8))).read_bytes()
    if change == "missing":
        path.unlink()
    elif change == "interlaced":
        # The flag of the header, and the header's own checksum with it.
        head = content[12:28] + b"\x01"
        path.write_bytes(content[:12] + head + struct.pack(">I", zlib.crc32(head)) + content[33:])
    elif change != "8 bits":
        path.write_bytes({"half": content[: len(content) // 2], "no image": b"no image"}[change])
    with pytest.raises(ValueError, match=r"a\.png (can't be read as|does not exist|is an image of mode L)"):
        read_instance_mask(path)
    assert by_pillow == [path]


def test_check_names_every_sample_whose_sizes_differ():
    with pytest.raises(ValueError, match=r"2 of the samples") as refusal:
        check([sample("one", mask_size=(4, 5)), sample("two"), sample("three", image_size=(5, 6))])
    assert "one.png is 5x4, its image one.jpg is 6x4" in str(refusal.value)
    assert "three.png is 6x4, its image three.jpg is 6x5" in str(refusal.value)
    assert "two.png" not in str(refusal.value)


def test_check_refuses_a_name_that_stands_twice():
    with pytest.raises(ValueError, match="same stands twice"):
        check([sample("same"), sample("other"), sample("same")])


def test_check_refuses_nothing_at_all():
    with pytest.raises(ValueError, match="Received no samples"):
        check([])
