"""The main bar: a real photograph over HTTP, the shipped network behind, and an answer that is right."""

from __future__ import annotations

import time

import numpy as np
import pytest

from app import create_app
from model import artifact, categories
from model.data import cityscapes
from tests.app.clients import opened, post

# The cities that training left out.
CITIES = {"aachen", "zurich"}


@pytest.fixture(scope="module")
def sample(data_folder):
    """A photograph at full resolution that the network has not seen, with its ground truth."""
    samples = cityscapes.samples(data_folder / "cityscapes_fullres", "all")
    unseen = [sample for sample in samples if sample.image_path.parent.name in CITIES]
    if not unseen:
        pytest.skip(f"no photograph of {' or '.join(sorted(CITIES))} in {data_folder / 'cityscapes_fullres'}")
    return unseen[0]


@pytest.fixture(scope="module")
def client():
    """A client of the service as it is shipped, once it is ready."""
    client = create_app({"ARTIFACT": str(artifact.DEFAULT_FOLDER), "ENGINE": "openvino"}).test_client()
    ends = time.monotonic() + 60
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < ends, client.get("/readyz").text
        time.sleep(0.05)
    return client


@pytest.fixture(scope="module")
def answer(client, sample):
    """A function that sends the photograph and returns the answer in this format."""

    def ask(format: str):
        response = post(client, sample.image_path.read_bytes(), query_string={"format": format})
        assert response.status_code == 200, response.text
        return response

    return ask


def test_overlay_has_the_size_of_the_photograph(answer, sample):
    response = answer("overlay")
    overlay = np.array(opened(response.data))
    photograph = sample.read().image
    assert response.content_type == "image/png"
    assert overlay.shape == photograph.shape == (1024, 2048, 3)
    # Half of each value is the photograph's.
    assert np.abs(overlay.astype(int) - photograph // 2 - 64).max() <= 65


def test_mask_agrees_with_the_ground_truth(answer, sample):
    response = answer("mask")
    mask = np.array(opened(response.data))
    labels = sample.read().labels
    counts = (labels != categories.NAMES.index("void")) & (labels != categories.IGNORE)
    assert response.content_type == "image/png"
    assert mask.shape == (1024, 2048)
    assert mask.max() < categories.COUNT
    assert np.mean(mask[counts] == labels[counts]) >= 0.9


def test_json_covers_the_whole_picture(answer):
    mask = np.array(opened(answer("mask").data))
    body = answer("json").get_json()
    assert body["image"] == {"height": 1024, "width": 2048}
    assert sum(row["coverage"] for row in body["categories"]) == pytest.approx(1)
    assert [row["pixels"] for row in body["categories"]] == np.bincount(mask.ravel(), minlength=8).tolist()
