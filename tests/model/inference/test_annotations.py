"""Annotations against the tools that read them: pycocotools is the oracle of every run length."""

from __future__ import annotations

import json

import numpy as np
import pytest

from model import categories
from model.inference import annotations

coco_mask = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed: make install")

SIZES = [(1, 1), (1, 40), (40, 1), (2, 2), (7, 13), (64, 48)]


def _labels(size: tuple[int, int], *, blocks: int, seed: int) -> np.ndarray:
    """Random labels in blocks of this many pixels."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 8, (size[0] // blocks + 1, size[1] // blocks + 1)).astype(np.uint8)
    return small.repeat(blocks, 0).repeat(blocks, 1)[: size[0], : size[1]].copy()


@pytest.mark.parametrize("blocks", [1, 2, 9])
@pytest.mark.parametrize("size", SIZES)
def test_run_lengths_are_those_of_pycocotools(size, blocks):
    for seed in range(20):
        labels = _labels(size, blocks=blocks, seed=seed)
        encoded = annotations.rle(labels)
        assert sorted(encoded) == np.unique(labels).tolist()
        for category, ours in encoded.items():
            theirs = coco_mask.encode(np.asfortranarray(labels == category, np.uint8))
            assert ours == {"size": list(theirs["size"]), "counts": theirs["counts"].decode()}


@pytest.mark.parametrize("runs", [(31, 32), (1, 40_000), (70_000, 1, 3, 2_000_000), (1, 1, 500_000, 1, 1)])
def test_long_and_shrinking_runs_are_those_of_pycocotools(runs):
    labels = np.repeat(np.arange(len(runs)) % 2, runs).astype(np.uint8)[np.newaxis]
    for category, ours in annotations.rle(labels).items():
        theirs = coco_mask.encode(np.asfortranarray(labels == category, np.uint8))
        assert ours["counts"] == theirs["counts"].decode()


def test_pycocotools_decodes_the_segments_after_json():
    labels = _labels((33, 47), blocks=5, seed=1)
    segments = json.loads(json.dumps(annotations.rle_segments(labels, chosen=(2, 5))))
    assert [(segment["id"], segment["name"]) for segment in segments] == [(2, "construction"), (5, "sky")]
    for segment in segments:
        assert np.array_equal(coco_mask.decode(segment["rle"]), labels == segment["id"])


def test_areas_and_boxes_are_those_of_pycocotools():
    for seed in range(20):
        labels = _labels((37, 23), blocks=6, seed=seed)
        for annotation in annotations.coco_annotations(labels):
            assert annotation["area"] == coco_mask.area(annotation["segmentation"])
            assert annotation["bbox"] == coco_mask.toBbox(annotation["segmentation"]).tolist()


def test_void_has_no_annotation_because_importers_lose_an_id_of_0():
    assert not annotations.coco_annotations(np.zeros((2, 2), np.uint8))


def test_a_document_numbers_images_and_annotations():
    first, second = np.array([[1, 1, 5]], np.uint8), np.array([[0], [7]], np.uint8)
    images = [
        annotations.Annotated(name, labels.shape, annotations.coco_annotations(labels))
        for name, labels in (("a.jpg", first), ("b.jpg", second))
    ]
    document = annotations.coco_document(images, version="tiny-0123456789ab")
    assert [list(image.values()) for image in document["images"]] == [[1, "a.jpg", 1, 3], [2, "b.jpg", 2, 1]]
    found = [(each["id"], each["image_id"], each["category_id"], each["area"]) for each in document["annotations"]]
    assert found == [(1, 1, 1, 2), (2, 1, 5, 1), (3, 2, 7, 1)]
    assert [category["name"] for category in document["categories"]] == list(categories.NAMES[1:])
    assert document["info"]["version"] == "tiny-0123456789ab"
