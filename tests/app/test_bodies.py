"""Bytes of waiting bodies: bounded together, counted, given back."""

from __future__ import annotations

import io

import pytest

from app.admission import Admission, QueueFull
from app.bodies import BodiesFull, Budget, MeteredBody
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


def test_every_byte_is_given_back_after_answers_and_refusals(make_client, png):
    client = make_client()
    budget = client.application.extensions["streetseg-metrics"]._budget
    for data in (png, b"no image", png[:100]):
        post(client, data)
    assert budget.held == 0
