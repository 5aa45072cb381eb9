"""`pycocotools`, the reference reader of COCO, on what the running service answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from model import categories
from model.data import synthetic
from tests.app.clients import encoded, opened

NAMED = categories.NAMES[categories.VOID + 1 :]


@pytest.fixture(scope="module")
def pictures() -> dict[str, bytes]:
    """Files by name: streets of odd sizes, one on end, a patch of noise and a single pixel."""
    arrays = {
        "street.png": synthetic.scene(3, size=(201, 333))[0],
        "on end.png": synthetic.scene(4, size=(322, 187))[0],
        "noise.png": np.random.default_rng(9).integers(0, 256, (90, 130, 3), np.uint8),
        "dot.png": np.full((1, 1, 3), 90, np.uint8),
    }
    return {name: encoded(array) for name, array in arrays.items()}


@pytest.fixture
def mask_of(ask, pictures):
    """A function that returns what `format=mask` says of a file, uint8 (height, width)."""

    def mask_of(name: str, **parameters: str) -> np.ndarray:
        return np.array(opened(ask({name: pictures[name]}, format="mask", **parameters)))

    return mask_of


def test_pictures_have_every_category(mask_of):
    assert np.unique(mask_of("street.png")).size == categories.COUNT


@pytest.mark.parametrize("void", ["shown", "never"])
def test_run_lengths_in_json_are_the_mask(ask, mask_of, pictures, void):
    records = json.loads(ask(pictures, format="json", mask="rle", void=void))
    for name, record in zip(pictures, records, strict=True):
        decoded = np.full((record["image"]["height"], record["image"]["width"]), 255, np.uint8)
        for segment in record["mask"]["segments"]:
            inside = coco_mask.decode(segment["rle"]).astype(bool)
            assert (decoded[inside] == 255).all(), "two categories on one pixel"
            decoded[inside] = segment["id"]
        np.testing.assert_array_equal(decoded, mask_of(name, void=void))


@pytest.mark.parametrize("parameters", [{}, {"void": "never"}, {"categories": "vehicle,flat"}, {"size": "77x41"}])
def test_coco_is_loaded_and_is_the_mask(ask, mask_of, pictures, tmp_path, parameters):
    path = tmp_path / "coco.json"
    path.write_bytes(ask(pictures, format="coco", **parameters))
    coco = COCO(path)
    assert [image["file_name"] for image in coco.loadImgs(coco.getImgIds())] == list(pictures)
    listed = {category["id"]: category["name"] for category in coco.loadCats(coco.getCatIds())}
    chosen = parameters["categories"].split(",") if "categories" in parameters else NAMED
    assert listed == {number: name for number, name in enumerate(categories.NAMES) if name in chosen}
    for image in coco.loadImgs(coco.getImgIds()):
        expected = mask_of(image["file_name"], **parameters)
        decoded = np.zeros((image["height"], image["width"]), np.uint8)
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]])):
            decoded[coco.annToMask(annotation).astype(bool)] = annotation["category_id"]
            assert annotation["area"] == coco_mask.area(annotation["segmentation"])
            assert annotation["bbox"] == coco_mask.toBbox(annotation["segmentation"]).tolist()
        np.testing.assert_array_equal(decoded, expected)


def test_one_file_for_another_tool_and_back(ask, pictures):
    """What pycocotools writes of the decoded masks is, letter by letter, what the service wrote."""
    segments = json.loads(ask({"street.png": pictures["street.png"]}, format="json", mask="rle"))["mask"]["segments"]
    for segment in segments:
        again = coco_mask.encode(np.asfortranarray(coco_mask.decode(segment["rle"])))
        assert again == {"size": segment["rle"]["size"], "counts": segment["rle"]["counts"].encode()}
