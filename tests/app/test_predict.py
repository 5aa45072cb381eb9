"""`POST /predict`: ways in, representations, negotiation, parameters."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from model import categories
from tests.app.clients import AS_A_BROWSER, assert_problem, encoded, opened, post, post_files

TYPES = ["image/png", "image/jpeg", "image/webp", "application/json", "text/csv", "application/zip"]
FORMATS = ["overlay", "mask", "cityscapes", "confidence", "json", "csv", "coco", "zip"]
PARAMETERS = ["opacity", "categories", "outline", "size", "palette", "mask", "void", "blur"]


def columns(photograph: np.ndarray, *, lowest: int = 0) -> np.ndarray:
    """What the fake network says of it."""
    height, width = photograph.shape[:2]
    return np.broadcast_to(np.maximum(np.arange(width) % 8, lowest), (height, width))


@pytest.mark.parametrize("field", ["image", "file", "images"])
def test_takes_a_form_file(client, png, field):
    response = post_files(client, png, field=field)
    assert (response.status_code, response.content_type) == (200, "image/png")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WebP", "BMP", "TIFF"])
def test_takes_a_raw_body(client, photograph, format):
    response = post(client, encoded(photograph, format), content_type=f"image/{format.lower()}")
    assert opened(response.data).size == (24, 16)


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_takes_base64_in_json(client, png, prefix):
    text = prefix + base64.encodebytes(png).decode()
    response = client.post("/predict", json={"image": text})
    assert response.data == post(client, png).data


def test_json_members_are_parameters(client, png):
    document = {"image": base64.b64encode(png).decode(), "format": "overlay", "opacity": 1}
    assert client.post("/predict", json=document).data == post(client, png, query_string={"opacity": 1}).data


def test_overlay_is_halfway_between_photograph_and_colours(client, photograph, png):
    overlay = np.array(opened(post(client, png).data))
    colors = categories.PALETTE[columns(photograph)]
    assert np.abs(overlay - (photograph / 2 + colors / 2)).max() <= 0.5


@pytest.mark.parametrize(("opacity", "shows"), [("0", "photograph"), ("1", "colors")])
def test_opacity_ends_at_photograph_and_colours(client, photograph, png, opacity, shows):
    overlay = np.array(opened(post(client, png, query_string={"opacity": opacity}).data))
    expected = photograph if shows == "photograph" else categories.PALETTE[columns(photograph)]
    np.testing.assert_array_equal(overlay, expected)


def test_mask_pixels_are_category_ids(client, photograph, png):
    mask = opened(post(client, png, query_string={"format": "mask"}).data)
    assert mask.mode == "P"
    assert mask.getpalette()[:24] == categories.PALETTE.ravel().tolist()
    np.testing.assert_array_equal(np.array(mask), columns(photograph))


def test_void_never_leaves_no_void(client, photograph, png):
    mask = opened(post(client, png, query_string={"format": "mask", "void": "never"}).data)
    np.testing.assert_array_equal(np.array(mask), columns(photograph, lowest=1))


def test_json_counts_categories(client, png):
    body = post(client, png, query_string={"format": "json"}).get_json()
    assert body["model"] == "fake-0123456789ab"
    assert body["image"] == {"height": 16, "width": 24}
    assert body["mean_confidence"] == pytest.approx(200 / 255)
    assert [row["name"] for row in body["categories"]] == list(categories.NAMES)
    assert {row["pixels"] for row in body["categories"]} == {48}
    assert sum(row["coverage"] for row in body["categories"]) == pytest.approx(1)
    assert set(body["timings"]) == {"decode", "resize", "network", "labels", "render"}
    assert "mask" not in body


def test_json_carries_the_mask_when_asked(client, png):
    body = post(client, png, query_string={"format": "json", "mask": "png"}).get_json()
    assert body["mask"]["encoding"] == "png"
    assert base64.b64decode(body["mask"]["data"]) == post(client, png, query_string={"format": "mask"}).data


def test_several_images_give_a_json_array_in_order(client, png):
    small = encoded(np.zeros((3, 5, 3), np.uint8))
    body = post_files(client, png, small, format="json").get_json()
    assert [each["image"] for each in body] == [{"height": 16, "width": 24}, {"height": 3, "width": 5}]


@pytest.mark.parametrize("format", ["overlay", "mask", None])
def test_several_images_need_a_format_that_takes_several(client, png, format):
    fields = {"format": format} if format else {}
    assert_problem(
        post_files(client, png, png, **fields), 406, says="format=json", allowed=["json", "csv", "coco", "zip"]
    )


def test_which_of_several_images_is_refused_is_said(client, png):
    assert_problem(post_files(client, png, b"no", format="json"), 415, says="Image 2: ")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "image/png"),
        ("*/*", "image/png"),
        ("image/*", "image/png"),
        ("application/json", "application/json"),
        ("application/json, image/png;q=0.9", "application/json"),
        ("application/json;q=0.1, image/png;q=0.9", "image/png"),
        ("image/png;q=0, */*", "image/jpeg"),
        ("image/jpeg", "image/jpeg"),
        ("image/webp, image/png;q=0.5", "image/webp"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("application/zip", "application/zip"),
        (AS_A_BROWSER["Accept"], "image/webp"),
    ],
)
def test_accept_chooses(client, png, accept, content_type):
    response = post(client, png, headers={"Accept": accept} if accept else {})
    assert (response.status_code, response.content_type) == (200, content_type)
    assert "Accept" in response.vary


def test_format_wins_over_accept(client, png):
    response = post(client, png, query_string={"format": "json"}, headers={"Accept": "image/png"})
    assert response.content_type == "application/json"


def test_refuses_what_nobody_here_makes(client, png):
    response = post(client, png, headers={"Accept": "video/mp4"})
    assert_problem(response, 406, says="image/png", allowed=TYPES)


@pytest.mark.parametrize("format", ["png", "banana", ""])
def test_refuses_an_unknown_format(client, png, format):
    response = post(client, png, query_string={"format": format})
    assert_problem(response, 406, says=repr(format), allowed=FORMATS)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("opacity", "1.1", "from 0 to 1"),
        ("opacity", "-0.1", "from 0 to 1"),
        ("opacity", "nan", "from 0 to 1"),
        ("opacity", "half", "from 0 to 1"),
        ("opacity", "", "from 0 to 1"),
        ("void", "sometimes", "shown or never"),
        ("mask", "svg", "none or png or rle or polygons"),
        ("palette", "rainbow", "cityscapes or colorblind"),
        ("outline", "yes", "0 or 1"),
        ("categories", "", "names or ids"),
        ("categories", "flat,cars", "void, flat, construction"),
        ("categories", "8", "0 to 7"),
        ("size", "512", "such as 1024x512"),
        ("size", "0x512", "from 1 to 65,535"),
        ("size", "70000x1", "from 1 to 65,535"),
        ("size", "8000x5001", "40,000,000 pixels at most"),
    ],
)
def test_refuses_a_parameter_out_of_range(client, png, name, value, expected):
    response = post(client, png, query_string={name: value})
    problem = assert_problem(response, 422, says=f"{name} is {value!r}")
    assert expected in problem["detail"]


def test_refuses_an_unknown_parameter(client, png):
    response = post(client, png, query_string={"pallete": "colorblind"})
    assert_problem(response, 422, says="'pallete'", allowed=["format", *PARAMETERS])


def test_refuses_a_parameter_given_twice(client, png):
    assert_problem(post(client, png, query_string="opacity=0&opacity=1"), 422, says="'0' and as '1'")


@pytest.mark.parametrize("body", ["", "{", "null", "[]", "{}", '{"image": 1}', "[" * 100_000, '{"image": "é"}'])
def test_refuses_malformed_json(client, body):
    response = post(client, body.encode(), content_type="application/json")
    assert_problem(response, 400)


def test_fetches_no_address(client):
    response = client.post("/predict", json={"image": "http://127.0.0.1/street.png"})
    assert_problem(response, 400, says="addresses are not fetched")


def test_refuses_a_form_without_image(client):
    assert_problem(client.post("/predict", data={"opacity": "1"}, content_type="multipart/form-data"), 400)


def test_refuses_an_empty_request(client):
    assert_problem(client.post("/predict"), 400, says="empty")


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", "image/gif", ""])
def test_refuses_another_content_type(client, png, content_type):
    problem = assert_problem(post(client, png, content_type=content_type), 415)
    assert "image/jpeg" in problem["allowed"]


def test_same_request_gives_the_same_bytes(client, png):
    assert post(client, png).data == post(client, png).data


def test_json_is_utf8_text(client, png):
    json.loads(post(client, png, query_string={"format": "json"}).data.decode("utf-8"))
