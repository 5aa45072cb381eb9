from __future__ import annotations

import dataclasses
import io
import json
import struct

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageChops

from model import categories
from model.inference import render
from model.inference.blending import Style
from model.inference.segmenter import Segmentation


def _random(size: tuple[int, int]) -> tuple[np.ndarray, Segmentation]:
    random = np.random.default_rng(3)
    image = random.integers(0, 256, (*size, 3), np.uint8)
    labels = random.integers(0, 8, size, np.uint8)
    confidence = random.integers(0, 256, size, np.uint8)
    return image, Segmentation(labels, confidence, size, {}, "tiny-0123456789ab")


def _open(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data), formats=["PNG"])
    picture.load()
    return picture


@pytest.mark.parametrize("opacity", [0, 0.1, 1 / 3, 0.5, 0.9, 1])
def test_overlay_agrees_with_pillows_blend(opacity):
    image, segmentation = _random((33, 47))
    colors = Image.fromarray(categories.PALETTE[segmentation.labels])
    expected = Image.blend(Image.fromarray(image), colors, opacity)
    difference = ImageChops.difference(
        Image.fromarray(render.overlay(image, segmentation, Style(opacity=opacity))), expected
    )
    assert max(high for _, high in difference.getextrema()) <= 1


@pytest.mark.parametrize("opacity", [0.1, 0.5, 0.75])
def test_overlay_is_right_for_every_pixel_value_category_and_channel(opacity):
    labels = np.repeat(np.arange(8, dtype=np.uint8)[:, np.newaxis], 256, axis=1)
    image = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, np.newaxis], (8, 256, 3)).copy()
    result = render.overlay(image, Segmentation(labels, None, (8, 256), {}, "tiny"), Style(opacity=opacity))
    # Hundredths, as whole numbers: halves are exact.
    share = round(opacity * 100)
    hundredths = image.astype(int) * (100 - share) + categories.PALETTE[labels].astype(int) * share
    assert np.array_equal(result, (hundredths + 50) // 100)


@pytest.mark.parametrize("opacity", [0.3, 0.5])
@pytest.mark.parametrize("size", [(1, 1), (4, 1), (1, 4), (4, 4), (129, 2048), (1, 300_000)])
def test_overlay_of_any_size_is_the_same_pixel_by_pixel(size, opacity):
    # 129 rows are one more than are blended at a time.
    image, segmentation = _random(size)
    tables = np.floor(np.arange(256) * (1 - opacity) + categories.PALETTE[:, :, np.newaxis] * opacity + 0.5)
    expected = tables[segmentation.labels[..., np.newaxis], np.arange(3), image]
    assert np.array_equal(render.overlay(image, segmentation, Style(opacity=opacity)), expected)
    picture = _open(render.overlay_png(image, segmentation, Style(opacity=opacity)))
    assert np.array_equal(np.array(picture), expected)


def test_overlay_of_part_of_a_picture():
    image, segmentation = _random((20, 30))
    part = Segmentation(segmentation.labels[3:9, ::2], None, (6, 15), {}, segmentation.version)
    assert np.array_equal(render.overlay(image[3:9, ::2], part), render.overlay(image, segmentation)[3:9, ::2])


def test_overlay_at_the_ends_is_the_photograph_and_the_colours():
    image, segmentation = _random((5, 7))
    assert np.array_equal(render.overlay(image, segmentation, Style(opacity=0)), image)
    assert np.array_equal(
        render.overlay(image, segmentation, Style(opacity=1)), categories.PALETTE[segmentation.labels]
    )


def test_overlay_rounds_halves_up(segmentation):
    image = np.full((2, 4, 3), 1, np.uint8)
    # Void is black: 1 x 0.5 + 0 x 0.5 = 0.5.
    assert render.overlay(image, segmentation)[0, 0].tolist() == [1, 1, 1]


def test_overlay_takes_another_palette(segmentation):
    palette = np.arange(24, dtype=np.uint8).reshape(8, 3)
    result = render.overlay(np.zeros((2, 4, 3), np.uint8), segmentation, Style(1, palette))
    assert result[1, 3].tolist() == [21, 22, 23]


def test_overlay_leaves_its_inputs_alone():
    image, segmentation = _random((5, 7))
    before = image.copy(), segmentation.labels.copy()
    render.overlay(image, segmentation)
    assert np.array_equal(image, before[0])
    assert np.array_equal(segmentation.labels, before[1])


@pytest.mark.parametrize("opacity", [-0.01, 1.01, float("nan"), float("inf")])
def test_opacity_out_of_range_is_refused(opacity, segmentation):
    with pytest.raises(ValueError, match="from 0 to 1"):
        render.overlay(np.zeros((2, 4, 3), np.uint8), segmentation, Style(opacity=opacity))


def test_overlay_of_another_size_is_refused(segmentation):
    with pytest.raises(ValueError, match="equal"):
        render.overlay(np.zeros((4, 2, 3), np.uint8), segmentation)


def test_overlay_png_holds_the_overlay_and_explains_itself():
    image, segmentation = _random((9, 11))
    picture = _open(render.overlay_png(image, segmentation, Style(opacity=0.25)))
    assert np.array_equal(np.array(picture), render.overlay(image, segmentation, Style(opacity=0.25)))
    assert picture.text["Software"] == "streetseg"
    assert picture.text["streetseg:model"] == "tiny-0123456789ab"
    table = json.loads(picture.text["streetseg:categories"])
    assert table[7] == {"id": 7, "name": "vehicle", "color": [0, 0, 142]}
    assert [entry["name"] for entry in table] == list(categories.NAMES)


def test_the_text_is_in_plain_text_chunks(segmentation):
    assert b"tEXtstreetseg:model\0tiny-0123456789ab" in render.mask_png(segmentation)


def test_mask_png_holds_ids_and_the_official_colours(segmentation):
    data = render.mask_png(segmentation)
    picture = _open(data)
    bit_depth, color_type = struct.unpack_from("BB", data, 24)
    assert (bit_depth, color_type) == (8, 3)
    assert np.array_equal(np.array(picture), segmentation.labels)
    assert np.array_equal(np.array(picture.convert("RGB")), categories.PALETTE[segmentation.labels])
    assert picture.text["streetseg:model"] == segmentation.version


def test_label_ids_png_holds_official_ids():
    labels = np.arange(8, dtype=np.uint8).reshape(2, 4)
    picture = _open(render.label_ids_png(labels))
    assert picture.mode == "L"
    assert np.array(picture).ravel().tolist() == [0, 7, 11, 17, 21, 23, 24, 26]
    assert picture.text["Software"] == "streetseg"


def test_label_ids_png_refuses_pixels_without_ground_truth():
    with pytest.raises(ValueError, match="255"):
        render.label_ids_png(np.array([[1, categories.IGNORE]], np.uint8))


def test_equal_input_gives_equal_bytes():
    image, segmentation = _random((64, 96))
    assert render.overlay_png(image, segmentation) == render.overlay_png(image.copy(), segmentation)
    assert render.mask_png(segmentation) == render.mask_png(segmentation)


@pytest.mark.parametrize("opacity", [0, 0.3, 0.5])
def test_categories_that_are_not_chosen_stay_photograph(opacity):
    image, segmentation = _random((33, 47))
    some = render.overlay(image, segmentation, Style(opacity, chosen=frozenset({1, 7})))
    chosen = np.isin(segmentation.labels, [1, 7])
    assert np.array_equal(some[~chosen], image[~chosen])
    assert np.array_equal(some[chosen], render.overlay(image, segmentation, Style(opacity))[chosen])


def _blocks(size: tuple[int, int]) -> Segmentation:
    """Sky above, flat below on the left and vehicle on the right."""
    labels = np.full(size, 5, np.uint8)
    labels[size[0] // 2 :, : size[1] // 2] = 1
    labels[size[0] // 2 :, size[1] // 2 :] = 7
    return Segmentation(labels, None, size, {}, "tiny-0123456789ab")


@pytest.mark.parametrize(("size", "reach"), [((8, 12), 1), ((60, 2048), 2)])
def test_outline_takes_the_pixels_within_reach_of_another_category(size, reach):
    segmentation = _blocks(size)
    image = np.full((*size, 3), 200, np.uint8)
    drawn = render.overlay(image, segmentation, Style(0, outline=True))
    padded = np.pad(segmentation.labels, reach, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach + 1, 2 * reach + 1))
    border = (windows != segmentation.labels[..., np.newaxis, np.newaxis]).any(axis=(2, 3))
    expected = np.where(border[..., np.newaxis], categories.PALETTE[segmentation.labels], image)
    assert 0 < border.sum() < border.size
    assert np.array_equal(drawn, expected)
    assert np.array_equal(np.array(_open(render.overlay_png(image, segmentation, Style(0, outline=True)))), expected)


def test_outline_is_drawn_for_chosen_categories_only():
    segmentation = _blocks((8, 12))
    image = np.full((8, 12, 3), 200, np.uint8)
    drawn = render.overlay(image, segmentation, Style(0, chosen=frozenset({7}), outline=True))
    changed = (drawn != image).any(axis=2)
    assert changed.any()
    assert set(segmentation.labels[changed]) == {7}


@pytest.mark.parametrize(("encode", "format"), [(render.overlay_jpeg, "JPEG"), (render.overlay_webp, "WEBP")])
def test_other_files_hold_the_overlay_and_explain_themselves(encode, format):
    segmentation = _blocks((64, 96))
    image = np.full((64, 96, 3), 90, np.uint8)
    data = encode(image, segmentation)
    picture = Image.open(io.BytesIO(data), formats=[format])
    difference = np.abs(np.array(picture.convert("RGB")).astype(int) - render.overlay(image, segmentation))
    assert difference.mean() < 3
    exif = picture.getexif()
    assert exif[ExifTags.Base.Software] == "streetseg"
    description = json.loads(exif[ExifTags.Base.ImageDescription])
    assert description["model"] == segmentation.version
    assert description["categories"][7] == {"id": 7, "name": "vehicle", "color": [0, 0, 142]}
    assert data == encode(image.copy(), segmentation)


def test_a_webp_that_is_too_long_is_refused():
    segmentation = Segmentation(np.zeros((1, 16_384), np.uint8), None, (1, 16_384), {}, "tiny")
    with pytest.raises(ValueError, match="16,383"):
        render.overlay_webp(np.zeros((1, 16_384, 3), np.uint8), segmentation)


def test_fitted_is_of_the_segmentations_size():
    segmentation = _blocks((64, 96))
    assert render.fitted(np.zeros((10, 200, 3), np.uint8), segmentation).shape == (64, 96, 3)


def test_confidence_png_is_grey(segmentation):
    picture = _open(render.confidence_png(segmentation))
    assert picture.mode == "L"
    assert np.array_equal(np.array(picture), segmentation.confidence)
    assert "255 x probability" in picture.text["Description"]
    assert picture.text["streetseg:model"] == segmentation.version


def test_confidence_png_without_confidence_is_refused(segmentation):
    with pytest.raises(ValueError, match="confidence=True"):
        render.confidence_png(dataclasses.replace(segmentation, confidence=None))


def test_pixels_of_categories_that_are_not_chosen_are_0(segmentation):
    chosen = (1, 7)
    kept = np.isin(segmentation.labels, chosen)
    mask = render.mask_png(segmentation, chosen=chosen)
    label_ids = render.label_ids_png(segmentation.labels, version="tiny", chosen=chosen)
    confidence = render.confidence_png(segmentation, chosen=chosen)
    assert np.array_equal(np.array(_open(mask)), segmentation.labels * kept)
    assert np.array_equal(np.array(_open(label_ids)), categories.to_label_ids(segmentation.labels) * kept)
    assert np.array_equal(np.array(_open(confidence)), segmentation.confidence * kept)


def test_label_ids_png_says_which_id_is_which_category():
    picture = _open(render.label_ids_png(np.array([[1, 2]], np.uint8), version="tiny-0123456789ab"))
    table = json.loads(picture.text["streetseg:categories"])
    assert {entry["name"]: entry["label_id"] for entry in table}["vehicle"] == 26
    assert picture.text["streetseg:model"] == "tiny-0123456789ab"


def test_mask_png_takes_another_palette(segmentation):
    picture = _open(render.mask_png(segmentation, palette=categories.COLORBLIND_PALETTE))
    assert np.array_equal(np.array(picture.convert("RGB")), categories.COLORBLIND_PALETTE[segmentation.labels])
    assert json.loads(picture.text["streetseg:categories"])[7]["color"] == [0, 114, 178]
