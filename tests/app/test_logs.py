"""The line that each request leaves."""

from __future__ import annotations

import json

from tests.app.clients import post


def lines(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_one_line_says_what_was_done(client, png, capsys):
    post(client, png, query_string={"format": "json"}, headers={"X-Request-Id": "mine"})
    (line,) = lines(capsys)
    assert line["event"] == "request"
    assert (line["method"], line["route"], line["status"], line["format"]) == ("POST", "/predict", 200, "json")
    assert (line["request_id"], line["model"], line["reason"]) == ("mine", "fake-0123456789ab", None)
    assert line["bytes_in"] == len(png)
    assert line["bytes_out"] > 0
    # The fake network says so, and takes no time.
    assert line["stages_ms"]["network"] == 2.0
    assert line["total_ms"] > 0


def test_a_refusal_says_why(client, capsys):
    post(client, b"")
    client.get("/nowhere")
    assert [(line["status"], line["reason"]) for line in lines(capsys)] == [(400, "no-image"), (404, "404")]


def test_a_fault_is_logged_under_the_id_of_the_request(make_client, png, capsys, caplog, monkeypatch):
    client = make_client()
    monkeypatch.setattr("app.processing._one", lambda *_, **__: 1 / 0)
    assert post(client, png, headers={"X-Request-Id": "mine"}).status_code == 500
    (line,) = lines(capsys)
    assert (line["status"], line["request_id"]) == (500, "mine")
    assert "mine" in caplog.text


def test_nothing_private_is_in_it(client, png, capsys):
    secret = {"User-Agent": "s3cret-agent", "Referer": "http://s3cret/", "X-Forwarded-For": "192.0.2.7"}
    post(client, png, query_string={"s3cret": "s3cret"}, headers=secret)
    client.get("/s3cret/path?s3cret=1", headers=secret)
    text = capsys.readouterr().out
    assert len(text.splitlines()) == 2
    assert "s3cret" not in text
    assert "192.0.2.7" not in text
    assert "127.0.0.1" not in text
