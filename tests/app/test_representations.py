"""What `/predict` answers with: every format and parameter, read by Pillow, csv, zipfile and pycocotools."""

from __future__ import annotations

import base64
import csv
import io
import json
import zipfile

import numpy as np
import pytest

from model import categories
from tests.app.clients import assert_problem, encoded, opened, post, post_files

PNG_FORMATS = ("overlay", "mask", "cityscapes", "confidence")
SHOWN = np.broadcast_to(np.arange(24) % 8, (16, 24))
NEVER = np.maximum(SHOWN, 1)


def ask(client, data: bytes, *, accept: str | None = None, **parameters):
    response = post(client, data, query_string=parameters, headers={"Accept": accept} if accept else {})
    assert response.status_code == 200, response.text
    return response


def pixels(response) -> np.ndarray:
    return np.array(opened(response.data))


@pytest.mark.parametrize(
    ("accept", "format"), [("image/png", "PNG"), ("image/jpeg", "JPEG"), ("image/webp", "WEBP"), ("text/csv", "PNG")]
)
def test_accept_chooses_the_overlays_file_and_format_wins_over_it(client, png, accept, format):
    response = ask(client, png, accept=accept, format="overlay")
    picture = opened(response.data)
    assert (picture.format, picture.size) == (format, (24, 16))
    assert response.content_type == f"image/{format.lower()}"


def test_refuses_a_webp_that_no_webp_can_hold(client, png):
    response = post(client, png, query_string={"size": "16384x1"}, headers={"Accept": "image/webp"})
    assert_problem(response, 406, says="16,383", allowed=["image/png", "image/jpeg"])


@pytest.mark.parametrize(("void", "labels"), [({}, NEVER), ({"void": "never"}, NEVER), ({"void": "shown"}, SHOWN)])
def test_cityscapes_has_official_label_ids_and_no_void_unless_asked(client, png, void, labels):
    picture = opened(ask(client, png, format="cityscapes", **void).data)
    assert picture.mode == "L"
    assert np.array_equal(np.array(picture), np.array([0, 7, 11, 17, 21, 23, 24, 26])[labels])


def test_confidence_is_grey(client, png):
    picture = opened(ask(client, png, format="confidence").data)
    assert (picture.mode, picture.size) == ("L", (24, 16))
    assert (np.array(picture) == 200).all()


@pytest.mark.parametrize("format", PNG_FORMATS)
def test_every_png_explains_itself(client, png, format):
    text = opened(ask(client, png, format=format).data).text
    assert text["streetseg:model"] == "fake-0123456789ab"
    assert [entry["name"] for entry in json.loads(text["streetseg:categories"])] == list(categories.NAMES)
    assert text["Description"]


def test_csv_has_a_row_for_each_image_and_category(client, png):
    response = post_files(client, png, encoded(np.zeros((2, 3, 3), np.uint8)), format="csv")
    assert response.content_type == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(response.get_data(as_text=True))))
    assert [(row["image"], row["file"], row["name"]) for row in rows] == [
        (str(number), f"{number - 1}.png", name) for number in (1, 2) for name in categories.NAMES
    ]
    assert rows[3] == {
        "image": "1",
        "file": "0.png",
        "width": "24",
        "height": "16",
        "id": "3",
        "name": "object",
        "color": "#dcdc00",
        "pixels": "48",
        "coverage": "0.125",
        "mean_confidence": repr(200 / 255),
        "familiarity": "",
        "model": "fake-0123456789ab",
    }
    assert (rows[15]["pixels"], rows[15]["mean_confidence"]) == ("0", "")


def test_json_carries_run_lengths_that_pycocotools_decodes(client, png):
    mask = pytest.importorskip("pycocotools.mask")
    found = ask(client, png, format="json", mask="rle").get_json()["mask"]
    assert found["encoding"] == "rle"
    assert [segment["name"] for segment in found["segments"]] == list(categories.NAMES)
    for segment in found["segments"]:
        assert np.array_equal(mask.decode(segment["rle"]), segment["id"] == SHOWN)


def test_json_carries_polygons(client, png):
    found = ask(client, png, format="json", mask="polygons", categories="flat").get_json()["mask"]
    (segment,) = found["segments"]
    corners = [[[[x, 0], [x + 1, 0], [x + 1, 16], [x, 16], [x, 0]]] for x in (1, 9, 17)]
    assert segment == {"id": 1, "name": "flat", "geometry": {"type": "MultiPolygon", "coordinates": corners}}


def test_coco_is_read_by_pycocotools(client, png, tmp_path):
    coco = pytest.importorskip("pycocotools.coco")
    response = post_files(client, png, encoded(np.zeros((2, 3, 3), np.uint8)), format="coco")
    path = tmp_path / "coco.json"
    path.write_bytes(response.data)
    document = coco.COCO(path)
    assert [image["file_name"] for image in document.loadImgs([1, 2])] == ["0.png", "1.png"]
    labels = np.zeros((16, 24))
    for annotation in document.loadAnns(document.getAnnIds(imgIds=[1])):
        labels[document.annToMask(annotation).astype(bool)] = annotation["category_id"]
        assert annotation["iscrowd"] == 1
    assert np.array_equal(labels, SHOWN)
    assert [category["name"] for category in document.loadCats(range(1, 8))] == list(categories.NAMES[1:])


def test_zip_holds_all_of_each_image(client, png):
    small = encoded(np.zeros((2, 3, 3), np.uint8))
    response = post_files(client, png, small, format="zip", palette="colorblind")
    with zipfile.ZipFile(io.BytesIO(response.data)) as bundle:
        assert bundle.testzip() is None
        files = {name: bundle.read(name) for name in bundle.namelist()}
        assert {entry.date_time[0] for entry in bundle.infolist()} == {1980}
    each = (*(f"{format}.png" for format in PNG_FORMATS), "segmentation.json")
    shared = ["categories.csv", "annotations/instances_default.json"]
    assert list(files) == [f"{folder}/{name}" for folder in ("0", "1") for name in each] + shared
    for format in PNG_FORMATS:
        assert files[f"0/{format}.png"] == ask(client, png, format=format, palette="colorblind").data
    assert "timings" not in json.loads(files["0/segmentation.json"])
    for format, name in zip(("csv", "coco"), shared, strict=True):
        assert files[name] == post_files(client, png, small, format=format, palette="colorblind").data


def test_zip_runs_the_network_once_where_void_is_said(client, png, segmenter, monkeypatch):
    runs = []
    segment = segmenter.segment
    monkeypatch.setattr(
        segmenter, "segment", lambda image, **options: runs.append(options["void"]) or segment(image, **options)
    )
    ask(client, png, format="zip", void="shown")
    assert runs == ["shown"]
    ask(client, png, format="zip")
    assert runs == ["shown", "shown", "never"]


@pytest.mark.parametrize("names", ["flat,vehicle", "1,7", " vehicle , 1 "])
def test_categories_that_are_not_chosen_stay_photograph_and_count_as_nothing(client, photograph, png, names):
    chosen = np.isin(SHOWN, [1, 7])
    overlay = pixels(ask(client, png, categories=names, opacity=1))
    assert np.array_equal(overlay, np.where(chosen[..., None], categories.PALETTE[SHOWN], photograph))
    assert np.array_equal(pixels(ask(client, png, categories=names, format="mask")), SHOWN * chosen)
    official = np.array([0, 7, 0, 0, 0, 0, 0, 26])
    assert np.array_equal(
        pixels(ask(client, png, categories=names, format="cityscapes", void="shown")), official[SHOWN]
    )
    assert np.array_equal(pixels(ask(client, png, categories=names, format="confidence")), 200 * chosen)
    record = ask(client, png, categories=names, format="json").get_json()
    assert [(row["name"], row["coverage"]) for row in record["categories"]] == [("flat", 1 / 8), ("vehicle", 1 / 8)]
    coco = ask(client, png, categories=names, format="coco").get_json()
    assert (
        [each["category_id"] for each in coco["annotations"]] == [each["id"] for each in coco["categories"]] == [1, 7]
    )


def test_outline_shows_borders_without_colours(client, photograph, png):
    overlay = pixels(ask(client, png, opacity=0, outline=1))
    # Every column of the fake network is a border.
    assert np.array_equal(overlay, categories.PALETTE[SHOWN])
    assert np.array_equal(pixels(ask(client, png, opacity=0, outline=0)), photograph)


def test_palette_recolours_overlay_mask_and_json(client, png):
    colors = categories.COLORBLIND_PALETTE
    assert np.array_equal(pixels(ask(client, png, opacity=1, palette="colorblind")), colors[SHOWN])
    assert (
        opened(ask(client, png, format="mask", palette="colorblind").data).getpalette()[:24] == colors.ravel().tolist()
    )
    record = ask(client, png, format="json", palette="colorblind").get_json()
    assert [row["color"] for row in record["categories"]] == colors.tolist()


@pytest.mark.parametrize(("size", "expected"), [("input", (24, 16)), ("network", (64, 32)), ("40x10", (40, 10))])
@pytest.mark.parametrize("format", PNG_FORMATS)
def test_size_is_width_by_height(client, png, format, size, expected):
    assert opened(ask(client, png, format=format, size=size).data).size == expected


def test_the_photograph_is_resized_with_its_overlay(client, png):
    plain = encoded(np.full((16, 24, 3), 77, np.uint8))
    assert (pixels(ask(client, plain, opacity=0, size="40x10")) == 77).all()
    record = ask(client, png, format="json", size="40x10").get_json()
    assert record["image"] == {"height": 10, "width": 40}


def test_the_limit_on_pixels_holds_for_the_answer(make_client, png):
    client = make_client(MAX_MEGAPIXELS=0.001)
    assert ask(client, png, size="40x25").status_code == 200
    assert_problem(post(client, png, query_string={"size": "40x26"}), 422, says="1,040 pixels", limit=1000)


def test_the_limit_on_pixels_holds_for_all_answers_of_a_size_together(make_client, png):
    client = make_client(MAX_MEGAPIXELS=0.001)
    assert post_files(client, png, png, format="zip", size="25x20").status_code == 200
    for format in ("zip", "json", "coco", "csv"):
        response = post_files(client, png, png, format=format, size="25x21")
        problem = assert_problem(response, 422, says="size is 25x21 and 2 images", limit=1000)
        assert "1,050 pixels in all" in problem["detail"]
    # What the images themselves have is limited for each.
    assert post_files(client, png, png, png, format="zip").status_code == 200


def test_several_answers_are_limited_together_in_bytes(make_client, photograph):
    # A repeated tile is small as WebP without loss, and as PNG, row after row of noise, is not.
    tile = encoded(np.tile(photograph.repeat(4, axis=1), (12, 30, 1)), "WebP", lossless=True)
    client = make_client(MAX_BODY_MB=0.05)
    alone = post_files(client, tile, format="zip")
    assert alone.status_code == 200
    sent = 2 + 500_000 // len(alone.data)
    problem = assert_problem(post_files(client, *[tile] * sent, format="zip"), 413, says="fewer images", limit=500_000)
    assert problem["type"] == "urn:streetseg:problem:answer-too-large"
    assert post_files(client, *[tile] * sent, format="json", mask="png").status_code == 200


PARAMETERS = {"format": "json", "categories": "1,7", "size": "40x10", "palette": "colorblind", "mask": "rle"}


def test_query_form_and_json_say_the_same(client, png):
    document = {"image": base64.b64encode(png).decode()}
    answers = [
        ask(client, png, **PARAMETERS).get_json(),
        post_files(client, png, **PARAMETERS).get_json(),
        client.post("/predict", json=document | PARAMETERS).get_json(),
        client.post("/predict", json=document | PARAMETERS | {"categories": [1, "vehicle"]}).get_json(),
    ]
    for answer in answers:
        del answer["timings"]
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("outline", [1, True, "1"])
def test_json_may_say_outline_as_a_number_or_a_truth(client, png, outline):
    document = {"image": base64.b64encode(png).decode(), "outline": outline}
    assert client.post("/predict", json=document).data == ask(client, png, outline=1).data


@pytest.mark.parametrize("accept", ["image/png", "image/jpeg", "image/webp", "text/csv", "application/zip"])
def test_same_request_gives_the_same_bytes(client, png, accept):
    assert ask(client, png, accept=accept).data == ask(client, png, accept=accept).data


@pytest.mark.parametrize("format", ["cityscapes", "confidence", "coco", "zip"])
def test_same_format_gives_the_same_bytes(client, png, format):
    assert ask(client, png, format=format).data == ask(client, png, format=format).data


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("street.jpg", "street.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:/photos/a b (1).png", "a b (1).png"),
        ("=cmd()|x.png", "_cmd()_x.png"),
        ("rué.png", "rué.png"),
        ("...", "image"),
    ],
)
def test_a_files_name_comes_back_without_paths_and_formulas(client, png, sent, kept):
    data = {"image": (io.BytesIO(png), sent), "format": "coco"}
    response = client.post("/predict", data=data, content_type="multipart/form-data")
    assert response.get_json()["images"][0]["file_name"] == kept


def test_files_of_one_name_get_folders_of_their_own(client, png):
    data = {
        "image": [(io.BytesIO(png), name) for name in ("a.png", "A.jpg", "a.png", "annotations.png")],
        "format": "zip",
    }
    response = client.post("/predict", data=data, content_type="multipart/form-data")
    names = zipfile.ZipFile(io.BytesIO(response.data)).namelist()
    folders = [name.partition("/")[0] for name in names if name.endswith("/mask.png")]
    assert folders == ["a", "A-2", "a-2-2", "annotations-2"]
