"""Every answer says how much its photograph looks like a street, and warns of one that does not."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from model.inference.familiarity import WARNING
from tests.app.clients import encoded, post, post_files
from tests.app.test_metrics import samples

FORMATS = ("overlay", "mask", "cityscapes", "confidence", "json", "csv", "coco", "zip")


@pytest.mark.parametrize("format", FORMATS)
def test_every_answer_has_it_in_a_header(client, segmenter, png, format):
    segmenter.familiarity = 0.25
    assert post(client, png, query_string={"format": format}).headers["X-Familiarity"] == "0.250"


def test_of_several_images_each_has_its_own(client, segmenter, png):
    found, segment = iter((0.5, 0.0)), segmenter.segment
    segmenter.segment = lambda *image, **options: replace(segment(*image, **options), familiarity=next(found))
    response = post_files(client, png, encoded(np.zeros((3, 5, 3), np.uint8)), format="json")
    assert response.headers["X-Familiarity"] == "0.500, 0.000"
    assert [record["familiarity"] for record in response.get_json()] == [0.5, 0.0]
    assert [record["warnings"] for record in response.get_json()] == [[], [WARNING]]


@pytest.mark.parametrize(("familiarity", "warnings"), [(0.02, []), (0.019, [WARNING]), (0.0, [WARNING]), (None, [])])
def test_json_warns_below_the_least(client, segmenter, png, familiarity, warnings):
    segmenter.familiarity = familiarity
    body = post(client, png, query_string={"format": "json"}).get_json()
    assert body["familiarity"] == familiarity
    assert body["warnings"] == warnings


def test_csv_has_a_column(client, segmenter, png):
    segmenter.familiarity = 0.125
    rows = csv.DictReader(io.StringIO(post(client, png, query_string={"format": "csv"}).get_data(as_text=True)))
    assert {row["familiarity"] for row in rows} == {"0.125"}


@pytest.mark.parametrize("path", ["/v2/models/unet/infer", "/compat/huggingface"])
def test_other_protocols_have_the_header(client, segmenter, png, path):
    segmenter.familiarity = 0.004
    file = base64.b64encode(png).decode("ascii")
    tensor = {"name": "file", "datatype": "BYTES", "shape": [1], "data": [file]}
    response = client.post(path, json={"inputs": [tensor] if path.endswith("infer") else file})
    assert response.status_code == 200
    assert response.headers["X-Familiarity"] == "0.004"


def test_where_the_network_does_not_know_there_is_no_header(client, png):
    assert "X-Familiarity" not in post(client, png).headers


def test_a_refusal_has_no_header(client, segmenter, png):
    segmenter.familiarity = 0.5
    response = post_files(client, png, b"no image", format="json")
    assert response.status_code == 415
    assert "X-Familiarity" not in response.headers


def test_the_page_without_script_warns(client, segmenter, png):
    segmenter.familiarity = 0.0
    assert WARNING in post_files(client, png, path="/").text.partition("<table>")[0].rpartition("<aside")[2]
    segmenter.familiarity = 0.5
    assert WARNING not in post_files(client, png, path="/").text.partition("<aside")[2]


def test_images_with_a_warning_are_counted(client, segmenter, png):
    for familiarity in (0.0, 0.5, 0.01, None):
        segmenter.familiarity = familiarity
        post(client, png)
    assert samples(client)["streetseg_unfamiliar_images_total",] == 2
