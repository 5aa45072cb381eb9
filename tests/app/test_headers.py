"""What every response carries."""

from __future__ import annotations

import re

import pytest

from tests.app.clients import post


@pytest.fixture(params=["/", "/livez", "/readyz", "/model", "/static/page.js", "/nowhere", "/predict"])
def response(request, client):
    with client.get(request.param) as response:
        yield response


def test_a_strict_policy_without_inline_code(response):
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_ids_version_and_times(response):
    assert re.fullmatch("[0-9a-f]{32}", response.headers["X-Request-Id"])
    assert response.headers["X-Model-Version"] == "fake-0123456789ab"
    assert re.search(r"total;dur=\d+\.\d", response.headers["Server-Timing"])


def test_a_sane_request_id_is_echoed(client):
    assert client.get("/livez", headers={"X-Request-Id": "a-B.c_9"}).headers["X-Request-Id"] == "a-B.c_9"


@pytest.mark.parametrize("sent", ["", "with space", "<b>", "a" * 65, "é"])
def test_another_request_id_is_replaced(client, sent):
    assert re.fullmatch("[0-9a-f]{32}", client.get("/livez", headers={"X-Request-Id": sent}).headers["X-Request-Id"])


def test_stages_in_the_order_they_are_documented(client, png):
    timing = post(client, png).headers["Server-Timing"]
    stages = re.findall(r"(\w+);dur=[\d.]+", timing)
    assert stages == ["decode", "queue", "resize", "network", "labels", "render", "total"]


def test_an_answer_about_a_photograph_is_not_cached(client, png):
    assert post(client, png).headers["Cache-Control"] == "no-store"
