from __future__ import annotations

import dataclasses
import io
import json
import struct

import numpy as np
import pytest
from PIL import Image, ImageChops

from model import categories
from model.inference import render
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
    difference = ImageChops.difference(Image.fromarray(render.overlay(image, segmentation, opacity=opacity)), expected)
    assert max(high for _, high in difference.getextrema()) <= 1


@pytest.mark.parametrize("opacity", [0.1, 0.5, 0.75])
def test_overlay_is_right_for_every_pixel_value_category_and_channel(opacity):
    labels = np.repeat(np.arange(8, dtype=np.uint8)[:, np.newaxis], 256, axis=1)
    image = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, np.newaxis], (8, 256, 3)).copy()
    result = render.overlay(image, Segmentation(labels, None, (8, 256), {}, "tiny"), opacity=opacity)
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
    assert np.array_equal(render.overlay(image, segmentation, opacity=opacity), expected)
    picture = _open(render.overlay_png(image, segmentation, opacity=opacity))
    assert np.array_equal(np.array(picture), expected)


def test_overlay_of_part_of_a_picture():
    image, segmentation = _random((20, 30))
    part = Segmentation(segmentation.labels[3:9, ::2], None, (6, 15), {}, segmentation.version)
    assert np.array_equal(render.overlay(image[3:9, ::2], part), render.overlay(image, segmentation)[3:9, ::2])


def test_overlay_at_the_ends_is_the_photograph_and_the_colours():
    image, segmentation = _random((5, 7))
    assert np.array_equal(render.overlay(image, segmentation, opacity=0), image)
    assert np.array_equal(render.overlay(image, segmentation, opacity=1), categories.PALETTE[segmentation.labels])


def test_overlay_rounds_halves_up(segmentation):
    image = np.full((2, 4, 3), 1, np.uint8)
    # Void is black: 1 x 0.5 + 0 x 0.5 = 0.5.
    assert render.overlay(image, segmentation)[0, 0].tolist() == [1, 1, 1]


def test_overlay_takes_another_palette(segmentation):
    palette = np.arange(24, dtype=np.uint8).reshape(8, 3)
    result = render.overlay(np.zeros((2, 4, 3), np.uint8), segmentation, opacity=1, palette=palette)
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
        render.overlay(np.zeros((2, 4, 3), np.uint8), segmentation, opacity=opacity)


def test_overlay_of_another_size_is_refused(segmentation):
    with pytest.raises(ValueError, match="equal"):
        render.overlay(np.zeros((4, 2, 3), np.uint8), segmentation)


def test_overlay_png_holds_the_overlay_and_explains_itself():
    image, segmentation = _random((9, 11))
    picture = _open(render.overlay_png(image, segmentation, opacity=0.25))
    assert np.array_equal(np.array(picture), render.overlay(image, segmentation, opacity=0.25))
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


def test_summary_by_hand(segmentation):
    summary = render.summary(segmentation)
    assert summary["image"] == {"height": 2, "width": 4}
    by_name = {entry["name"]: entry for entry in summary["categories"]}
    assert [by_name[name]["pixels"] for name in categories.NAMES] == [1, 3, 0, 0, 0, 2, 0, 2]
    assert by_name["flat"]["coverage"] == 3 / 8
    assert by_name["flat"]["color"] == [128, 64, 128]
    assert by_name["flat"]["mean_confidence"] == pytest.approx(0.6)
    assert by_name["vehicle"]["mean_confidence"] == pytest.approx(0.5)
    assert by_name["human"]["mean_confidence"] is None
    assert summary["mean_confidence"] == pytest.approx((51 + 102 + 153 + 204 + 255 * 3) / 8 / 255)


def test_summary_is_json_and_counts_every_pixel_of_a_large_picture():
    # More pixels than are counted at a time.
    _, segmentation = _random((1100, 1000))
    summary = json.loads(json.dumps(render.summary(segmentation)))
    assert sum(entry["pixels"] for entry in summary["categories"]) == 1_100_000
    assert sum(entry["coverage"] for entry in summary["categories"]) == pytest.approx(1)
    assert summary["mean_confidence"] == pytest.approx(segmentation.confidence.mean() / 255)


@pytest.mark.parametrize("size", [(1, 1), (4, 1), (1, 4), (4, 4), (300, 1000)])
def test_summary_of_any_size_counts_exactly(size):
    _, segmentation = _random(size)
    summary = render.summary(segmentation)
    for entry in summary["categories"]:
        chosen = segmentation.confidence[segmentation.labels == entry["id"]].astype(np.int64)
        assert entry["pixels"] == chosen.size
        assert entry["mean_confidence"] == (float(chosen.sum() / chosen.size / 255) if chosen.size else None)
    assert summary["mean_confidence"] == float(segmentation.confidence.sum(dtype=np.int64) / size[0] / size[1] / 255)


def test_summary_without_confidence_is_refused(segmentation):
    without = dataclasses.replace(segmentation, confidence=None)
    with pytest.raises(ValueError, match="confidence=True"):
        render.summary(without)
