"""The API key, and the proxies that are believed."""

from __future__ import annotations

import base64

import pytest
from flask import request

from tests.app.clients import assert_problem, post

KEY = "0123456789abcdef"


def basic(user: str, password: str) -> dict:
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


@pytest.fixture
def guarded(make_client):
    return make_client(API_KEY=KEY)


@pytest.mark.parametrize(
    "headers", [{"Authorization": f"Bearer {KEY}"}, {"X-Api-Key": KEY}, basic("anyone", KEY)], ids=str
)
def test_the_key_opens(guarded, png, headers):
    assert post(guarded, png, headers=headers, query_string={"format": "json"}).status_code == 200
    assert guarded.get("/", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer " + KEY[:-1]},
        {"Authorization": "Digest username=x"},
        {"Authorization": "Basic !!!"},
        {"X-Api-Key": ""},
        {"X-Api-Key": KEY + "x"},
        {"X-Api-Key": "é" * 16},
        basic(KEY, ""),
    ],
    ids=str,
)
def test_without_it_a_request_is_refused_before_it_costs_anything(guarded, png, headers):
    response = post(guarded, png, headers=headers)
    assert_problem(response, 401, says="X-Api-Key")
    assert [each.split()[0] for each in response.headers.getlist("WWW-Authenticate")] == ["Basic", "Bearer"]
    assert KEY not in response.text


@pytest.mark.parametrize("path", ["/", "/model", "/metrics", "/nowhere", "/staticx", "/livez/"])
def test_all_that_tells_anything_is_guarded(guarded, path):
    assert guarded.get(path).status_code == 401


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/static/page.js", "/favicon.ico"])
def test_what_those_without_a_key_need_is_open(guarded, path):
    with guarded.get(path) as response:
        assert response.status_code == 200


def test_the_open_folder_leads_nowhere_else(guarded):
    assert guarded.get("/static/../model").status_code == 404


def test_without_a_setting_no_key_is_asked_for(client):
    assert client.get("/model").status_code == 200


def test_a_key_of_digits_is_a_text(monkeypatch, make_client):
    monkeypatch.setenv("STREETSEG_API_KEY", "1234567890123456")
    client = make_client()
    assert client.get("/model").status_code == 401
    assert client.get("/model", headers={"X-Api-Key": "1234567890123456"}).status_code == 200


@pytest.mark.parametrize("key", ["short", "with spaces in its text", "with-an-accent-é-in-it"])
def test_a_poor_key_is_refused_at_start_and_not_told(make_client, key):
    with pytest.raises(ValueError, match="STREETSEG_API_KEY is not shown here") as refusal:
        make_client(API_KEY=key)
    assert key not in str(refusal.value)


@pytest.mark.parametrize(
    ("proxies", "address", "scheme"), [(0, "127.0.0.1", "http"), (1, "10.0.0.2", "https"), (2, "10.0.0.1", "http")]
)
def test_as_many_proxies_are_believed_as_are_set(make_client, proxies, address, scheme):
    client = make_client(PROXIES=proxies)
    client.application.add_url_rule("/seen", view_func=lambda: f"{request.remote_addr} {request.scheme} {request.host}")
    sent = {"X-Forwarded-For": "10.0.0.1, 10.0.0.2", "X-Forwarded-Proto": "http, https", "X-Forwarded-Host": "evil"}
    assert client.get("/seen", headers=sent).text == f"{address} {scheme} localhost"
