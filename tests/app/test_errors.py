"""Every failure is a problem, for programs and for browsers, and tells nothing of the server."""

from __future__ import annotations

import logging

import pytest

from tests.app.clients import AS_A_BROWSER, FakeSegmenter, assert_problem, post, post_files


class FaultySegmenter(FakeSegmenter):
    def segment(self, image, **options):
        raise RuntimeError("secret at /home/someone/secret.keras")


def test_unknown_path(client):
    assert_problem(client.get("/nowhere"), 404, type="about:blank", title="Not Found")


def test_wrong_method(client):
    response = client.get("/predict")
    assert_problem(response, 405)
    assert "POST" in response.headers["Allow"]


def test_a_fault_leaks_nothing_and_is_logged_whole(make_client, png, caplog):
    client = make_client(segmenter=FaultySegmenter())
    with caplog.at_level(logging.ERROR):
        response = post(client, png, headers={"X-Request-Id": "trace-me"})
    problem = assert_problem(response, 500, title="Internal Server Error")
    assert "secret" not in response.text
    assert "RuntimeError" not in response.text
    assert problem["request_id"] == "trace-me"
    (record,) = caplog.records
    assert "trace-me" in record.message
    assert "secret at /home/someone/secret.keras" in record.exc_text


def test_serves_after_a_fault(make_client, png):
    client = make_client(segmenter=FaultySegmenter(), CONCURRENCY=1, QUEUE_DEPTH=0)
    assert [post(client, png).status_code for _ in range(3)] == [500, 500, 500]


def test_a_browser_gets_a_page_with_the_words_and_the_form(client):
    response = post_files(client, b"no image", path="/", headers=AS_A_BROWSER)
    assert response.status_code == 415
    assert response.mimetype == "text/html"
    assert "Unsupported image format" in response.text
    assert '<input type="file"' in response.text
    assert response.headers["X-Request-Id"] in response.text


def test_a_page_of_a_fault_leaks_nothing(make_client, png):
    response = post_files(make_client(segmenter=FaultySegmenter()), png, path="/", headers=AS_A_BROWSER)
    assert response.status_code == 500
    assert "secret" not in response.text
    assert "Internal Server Error" in response.text


def test_what_the_client_sent_is_escaped_on_a_page(client, png):
    response = post_files(client, png, path="/", headers=AS_A_BROWSER, opacity="<script>alert(1)</script>")
    assert response.status_code == 422
    assert "<script>alert" not in response.text
    assert "&lt;script&gt;" in response.text


@pytest.mark.parametrize("accept", ["*/*", "application/json", "image/png", None])
def test_programs_get_problem_json(client, accept):
    assert_problem(client.get("/nowhere", headers={"Accept": accept} if accept else {}), 404)


def test_refusals_are_not_cached(client):
    assert client.get("/nowhere").headers["Cache-Control"] == "no-store"
