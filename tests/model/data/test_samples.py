"""Reading and checking samples: nothing is silently read in another way than serving would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.data.samples import Example, Sample, check, read_image, read_mask

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
