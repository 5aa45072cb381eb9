"""Bytes of waiting bodies: bounded together, counted, given back."""

from __future__ import annotations

import io

import pytest

from app.admission import Admission, QueueFull
from app.bodies import BodiesFull, Budget, MeteredBody
from app.config import SETTINGS, answers_bytes
from tests.app.clients import assert_problem, post


def metered(data: bytes, budget: Budget, *, depth: int = 1) -> MeteredBody:
    return MeteredBody(io.BytesIO(data), budget, Admission(slots=1, depth=depth, deadline=1), length=len(data))


def test_bodies_together_hold_no_more_than_they_may():
    budget = Budget(10)
    first, second = metered(b"123456", budget), metered(b"123456", budget)
    assert first.read(6) == b"123456"
    with pytest.raises(BodiesFull):
        second.read(6)
    assert budget.held == 6
    first.release()
    first.release()
    assert budget.held == 0


def test_nothing_is_read_where_the_queue_is_full():
    body = metered(b"123", Budget(10), depth=0)
    with body._admission.place(), pytest.raises(QueueFull):
        body.read(3)
    assert body.received == 0


def test_what_is_read_on_is_not_held():
    budget = Budget(10)
    body = metered(bytes(200_000), budget)
    body.discard()
    assert (body.received, budget.held) == (200_000, 0)


def test_a_request_beyond_the_bound_is_refused_with_429(make_client, png):
    client = make_client(BODIES_MB=0.0001, MAX_BODY_MB=0.0001)
    client.application.config["MAX_CONTENT_LENGTH"] = 1_000_000
    response = post(client, png)
    assert assert_problem(response, 429)["type"] == "urn:streetseg:problem:bodies-full"
    assert int(response.headers["Retry-After"]) >= 1


def test_while_answers_that_nobody_takes_fill_their_room_nothing_is_run(make_client, png, monkeypatch):
    monkeypatch.setattr("app.bodies.answers_bytes", lambda config: 1000)
    client = make_client()
    untaken = [post(client, png) for _ in range(2)]
    assert [response.status_code for response in untaken] == [200, 429]
    assert assert_problem(untaken[1], 429)["type"] == "urn:streetseg:problem:bodies-full"
    for response in untaken:
        response.close()
    assert client.application.extensions["streetseg-answers"].held == 0
    assert post(client, png).status_code == 200


@pytest.mark.parametrize(("gigabytes", "expected"), [(1.75, 200_000_000), (3.5, 980_000_000), (None, 200_000_000)])
def test_answers_have_what_memory_leaves_and_as_much_as_requests_at_least(monkeypatch, gigabytes, expected):
    monkeypatch.setattr("model.inference.processors.count", lambda: 2)
    monkeypatch.setattr("model.inference.control_groups.memory", lambda: gigabytes and int(gigabytes * 1e9))
    assert answers_bytes({name: setting.default for name, setting in SETTINGS.items()}) == expected


def test_every_byte_is_given_back_after_answers_and_refusals(make_client, png):
    client = make_client()
    budget = client.application.extensions["streetseg-metrics"]._budget
    for data in (png, b"no image", png[:100]):
        post(client, data)
    assert budget.held == 0
