"""The Hugging Face task against a fake network: what older clients send too, what is refused, and in which words."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest

from model import categories
from tests.app.clients import FakeSegmenter, assert_problem, encoded, opened

PATH = "/compat/huggingface"


def ask(client, image: bytes, *, path: str = PATH, **parameters):
    """Send an image as `huggingface_hub` does where there are parameters."""
    document = {"inputs": base64.b64encode(image).decode(), "parameters": parameters}
    return client.post(path, data=json.dumps(document), content_type="application/json")


def masks(response) -> dict[str, np.ndarray]:
    assert response.status_code == 200, response.text
    return {entry["label"]: np.array(opened(base64.b64decode(entry["mask"]))) for entry in response.get_json()}


def assert_refused(response, status: int, **expected) -> None:
    """A problem like any other, whose words `huggingface_hub` finds where it looks for them."""
    error = response.get_json()["error"]
    assert error == response.get_json()["detail"]
    body = {name: value for name, value in response.get_json().items() if name != "error"}
    response.set_data(json.dumps(body))
    assert_problem(response, status, **expected)


class UnevenSegmenter(FakeSegmenter):
    """As sure of a pixel as its category's id times thirty; of the upper half of sky only by ten."""

    def segment(self, image, **options):
        segmentation = super().segment(image, **options)
        segmentation.confidence[:] = segmentation.labels * 30
        upper = np.arange(len(image))[:, np.newaxis] < len(image) // 2
        segmentation.confidence[upper & (segmentation.labels == categories.NAMES.index("sky"))] = 10
        return segmentation


@pytest.mark.parametrize("content_type", [None, "image/png", "image/jpeg", "application/octet-stream"])
def test_a_file_is_taken_under_any_content_type(client, png, content_type):
    response = client.post(PATH, data=png, content_type=content_type)
    assert response.content_type == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert list(masks(response)) == list(categories.NAMES)


def test_each_mask_is_white_where_its_category_is(client, png, photograph):
    columns = np.broadcast_to(np.arange(photograph.shape[1]) % 8, photograph.shape[:2])
    response = ask(client, png)
    for name, mask in masks(response).items():
        np.testing.assert_array_equal(mask, np.where(columns == categories.NAMES.index(name), 255, 0))
    assert {entry["score"] for entry in response.get_json()} == {200 / 255}


def test_masks_are_eight_bit_grey_and_say_where_they_come_from(client, png, segmenter):
    picture = opened(base64.b64decode(ask(client, png).get_json()[5]["mask"]))
    assert picture.mode == "L"
    assert picture.text["streetseg:model"] == segmenter.artifact.version
    assert picture.text["streetseg:category"] == "sky"


def test_categories_that_are_not_there_have_no_mask(client):
    narrow = encoded(np.zeros((5, 3, 3), np.uint8))
    assert list(masks(client.post(PATH, data=narrow))) == ["void", "flat", "construction"]


def test_json_and_file_give_the_same(client, png):
    assert ask(client, png).data == client.post(PATH, data=png).data


def test_a_data_uri_will_do(client, png):
    document = {"inputs": "data:image/png;base64," + base64.b64encode(png).decode(), "parameters": None}
    assert client.post(PATH, json=document).data == client.post(PATH, data=png).data


def test_threshold_drops_masks_by_their_mean_confidence(make_client, png):
    client = make_client(segmenter=UnevenSegmenter())
    # Means are id x 30, and (150 + 10) / 2 = 80 for sky.
    assert set(masks(ask(client, png, threshold=80 / 255))) == {"object", "nature", "sky", "human", "vehicle"}
    assert set(masks(ask(client, png, threshold=80.1 / 255))) == {"object", "nature", "human", "vehicle"}
    assert masks(ask(client, png, threshold=1)) == {}


def test_mask_threshold_drops_pixels(make_client, png, photograph):
    found = masks(ask(make_client(segmenter=UnevenSegmenter()), png, mask_threshold=0.5))
    assert set(found) == {"sky", "human", "vehicle"}
    height = photograph.shape[0]
    assert not found["sky"][: height // 2].any()
    assert found["sky"][height // 2 :, 5].all()


def test_masks_never_overlap_so_the_overlap_threshold_changes_nothing(client, png):
    assert ask(client, png, overlap_mask_area_threshold=1).data == ask(client, png).data


def test_void_never_by_the_address(client, png):
    assert "void" not in masks(client.post(f"{PATH}?void=never", data=png))
    assert "void" not in masks(ask(client, png, path=f"{PATH}?void=never", subtask="semantic"))


def test_mask_threshold_keeps_pixels_that_reach_it(make_client, png):
    assert "human" in masks(ask(make_client(segmenter=UnevenSegmenter()), png, mask_threshold=180 / 255))


@pytest.mark.parametrize("path", [PATH, "/predict"])
def test_json_of_very_many_members_is_refused_unread(client, path):
    body = b'{"image": "", "inputs": "", "a": [' + b"[]," * 2000 + b"0]}"
    response = client.post(path, data=body, content_type="application/json")
    assert response.status_code == 400
    assert "over 1000 members" in response.get_json()["detail"]


@pytest.mark.parametrize("subtask", ["instance", "panoptic", "", 3, ["semantic"]])
def test_other_subtasks_are_refused(client, png, subtask):
    assert_refused(ask(client, png, subtask=subtask), 422, says="Expected semantic")


@pytest.mark.parametrize("name", ["threshold", "mask_threshold", "overlap_mask_area_threshold"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), 10**400, True, "0.5", [], {}])
def test_thresholds_out_of_range_are_refused(client, png, name, value):
    assert_refused(ask(client, png, **{name: value}), 422, says=f"{name} is ")


def test_unknown_parameters_are_refused(client, png):
    assert_refused(ask(client, png, thresholds=1), 422, says="'thresholds' is not a parameter of image segmentation")
    assert_refused(client.post(f"{PATH}?opacity=1", data=png), 422, says="'opacity'", allowed=["void"])
    assert_refused(client.post(f"{PATH}?void=yes", data=png), 422, says="shown or never")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[" * 100_000, b"\xff\xfe", b'{"inputs": 1}', b"[]", b'{"parameters": {}}', b'{"inputs": "no?"}'],
)
def test_malformed_json_is_refused(client, body):
    response = client.post(PATH, data=body, content_type="application/json")
    assert_refused(response, 400)


def test_addresses_are_not_fetched(client):
    response = client.post(PATH, json={"inputs": "http://127.0.0.1/street.jpg"})
    assert_refused(response, 400, says="addresses are not fetched")


def test_parameters_must_be_an_object(client, png):
    response = client.post(PATH, json={"inputs": base64.b64encode(png).decode(), "parameters": [1]})
    assert_refused(response, 422, says="parameters is no object")


def test_a_form_is_refused(client):
    assert_refused(client.post(PATH, data={"a": "b"}, content_type="multipart/form-data"), 415)


def test_images_are_refused_as_by_predict(make_client, png):
    client = make_client(MAX_MEGAPIXELS=0.0004, MAX_BODY_MB=0.01)
    assert_refused(client.post(PATH, data=b""), 400, says="The body is empty")
    assert_refused(client.post(PATH, data=png[:60]), 400, says="truncated or damaged")
    assert_refused(client.post(PATH, data=b"GIF89a"), 415, says="GIF")
    assert_refused(client.post(PATH, data=encoded(np.zeros((20, 21, 3), np.uint8))), 413, limit=400)
    assert_refused(client.post(PATH, data=bytes(20_000)), 413, limit=10_000)


def test_wrong_methods_and_paths_say_so_too(client):
    assert_refused(client.get(PATH), 405)
    assert_refused(client.get(f"{PATH}/nothing"), 404)


def test_refusals_elsewhere_have_no_such_member(client):
    assert "error" not in client.post("/predict", data=b"no").get_json()


def test_health(client):
    assert client.get(f"{PATH}/health").status_code == 200


def test_stages_are_told(client, png):
    assert re.match(r"decode;dur=", client.post(PATH, data=png).headers["Server-Timing"])
