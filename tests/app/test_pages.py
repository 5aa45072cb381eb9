"""The page as the server sends it; what a browser makes of it is in tests/browser."""

from __future__ import annotations

import base64
import json
import re

import pytest

from tests.app.clients import AS_A_BROWSER, post, post_files


@pytest.fixture
def result(client, png):
    return post_files(client, png, path="/", headers=AS_A_BROWSER)


def status(client, path: str) -> int:
    with client.get(path) as response:
        return response.status_code


def data_uri(page: str, start: str) -> bytes:
    return base64.b64decode(re.search(re.escape(start) + r";base64,([^\"]*)", page)[1])


def header(make_client, segmenter, scores: dict) -> str:
    segmenter.artifact.card["scores"] = scores
    response = make_client().get("/")
    assert response.status_code == 200
    return re.search(r'<span class="version">(.*?)</span>', response.text, re.DOTALL)[1]


def test_header_names_the_model_and_its_score(make_client, segmenter):
    assert header(make_client, segmenter, {"validation": {"mean_iou": 0.8765}}) == "model fake-0123456789ab · 0.88 mIoU"


# Of one photograph without any category that counts, the score is null; a card need not have one at all.
@pytest.mark.parametrize("scores", [{}, {"validation": None}, {"validation": {}}, {"validation": {"mean_iou": None}}])
def test_header_of_a_model_without_score(make_client, segmenter, scores):
    assert header(make_client, segmenter, scores) == "model fake-0123456789ab"


def test_form_posts_files_without_script(client):
    page = client.get("/").text
    assert re.search(r'<form [^>]*method="post" action="/" enctype="multipart/form-data"', page)
    assert re.search(r'<input type="file" [^>]*name="image"', page)
    assert '<button type="submit"' in page


def test_page_says_that_nothing_is_kept(client):
    assert "processed in memory and not kept" in client.get("/").text


def test_pages_hold_nothing_inline_and_nothing_from_elsewhere(client, result):
    for page in (client.get("/").text, result.text):
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
        assert not re.search(r"<script(?![^>]* src=\"/static/)", page)
        assert not re.search(r"(src|href)=\"(https?:)?//", page)


def test_every_asset_is_there(client):
    page = client.get("/").text
    assets = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert {name.rpartition(".")[2] for name in assets} == {"svg", "css", "js", "jpg"}
    assert {status(client, name) for name in [*assets, "/favicon.ico"]} == {200}


def test_result_shows_what_predict_answers(client, png, result):
    assert result.status_code == 200
    assert data_uri(result.text, '<img src="data:image/png') == post(client, png).data


FORMATS = {
    "mask": ".mask.png",
    "cityscapes": ".cityscapes.png",
    "confidence": ".confidence.png",
    "json": ".json",
    "csv": ".csv",
    "coco": ".coco.json",
    "zip": ".zip",
}


@pytest.mark.parametrize("format", FORMATS)
def test_result_has_a_download_of_every_representation(client, png, format):
    options = {"opacity": "0.25", "palette": "colorblind", "outline": "1"}
    page = post_files(client, png, path="/", headers=AS_A_BROWSER, names=["a street.png"], **options).text
    found = re.search(rf'href="data:[^;]*;base64,([^"]*)" download="a street{re.escape(FORMATS[format])}"', page)
    expected = post_files(client, png, names=["a street.png"], format=format, **options).data
    if format == "json":
        one, other = json.loads(base64.b64decode(found[1])), json.loads(expected)
        assert one.pop("timings").keys() == other.pop("timings").keys()
        assert one == other
    else:
        assert base64.b64decode(found[1]) == expected


def test_result_has_the_table_and_the_times(result):
    assert result.text.count('scope="row"') == 8 + 1  # and the row that the script copies
    assert "12.5 %" in result.text
    assert "78 %" in result.text
    assert re.search(r"decode \d+ ·\s+resize \d ·\s+network \d ·\s+labels \d ·\s+render \d+ ms", result.text)


def test_result_keeps_the_options(client, png):
    options = {"opacity": "0.25", "void": "never", "outline": "1", "palette": "colorblind"}
    page = post_files(client, png, path="/", headers=AS_A_BROWSER, **options).text
    assert 'value="0.25"' in page
    assert re.search(r'value="never" checked', page)
    assert re.search(r'name="outline" value="1" checked', page)
    assert '<option value="colorblind" selected>' in page


def test_a_form_whose_options_are_all_there_is_understood(client, png):
    """As the form sends it: what only the script has must have no name, for an unknown one is refused."""
    form = client.get("/").text
    form = re.sub(r"<fieldset[^>]* disabled.*?</fieldset>", "", form, flags=re.DOTALL)
    form = form[form.index("<form") : form.index("</form>")]
    assert set(re.findall(r' name="([^"]*)"', form)) == {"image", "opacity", "palette", "outline", "void"}


def test_result_is_not_cached(result):
    assert result.headers["Cache-Control"] == "no-store"


def test_page_shows_one_image(client, png):
    response = post_files(client, png, png, path="/", headers=AS_A_BROWSER)
    assert response.status_code == 406
    assert "One image only" in response.text


def test_the_score_is_told_at_the_size_that_it_is_of(make_client, segmenter):
    segmenter.artifact.card["scores"] = {"validation": {"mean_iou": 0.8137}}
    assert "0.81 mIoU" in make_client().get("/").text
    segmenter.artifact = segmenter.artifact.at((64, 96))
    page = make_client().get("/").text
    assert f"model {segmenter.artifact.version}" in page
    assert "mIoU" not in page
