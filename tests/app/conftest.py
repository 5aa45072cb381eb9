"""The service with a tiny fake network, real decoding and real rendering."""

from __future__ import annotations

import numpy as np
import pytest

from app import create_app
from tests.app.clients import AS_A_BROWSER, FakeSegmenter, encoded
from tests.bench.conftest import small_network, tiny_artifact, tiny_model

__all__ = ["small_network", "tiny_artifact", "tiny_model"]


@pytest.fixture
def segmenter():
    return FakeSegmenter()


@pytest.fixture
def make_client(segmenter):
    """A function that makes a client of a service with these settings."""

    def make(**settings):
        return create_app(settings, segmenter=settings.pop("segmenter", segmenter)).test_client()

    return make


@pytest.fixture
def client(make_client):
    return make_client()


@pytest.fixture
def page(client, segmenter):
    """A function that puts members into the card and returns its page."""

    def get(**members: object) -> str:
        segmenter.artifact.card.update(members)
        response = client.get("/model", headers=AS_A_BROWSER)
        assert response.status_code == 200
        assert response.content_type == "text/html; charset=utf-8"
        return response.text

    return get


@pytest.fixture(scope="session")
def photograph() -> np.ndarray:
    """uint8 (16, 24, 3) noise."""
    return np.random.default_rng(2).integers(0, 256, (16, 24, 3), np.uint8)


@pytest.fixture(scope="session")
def png(photograph) -> bytes:
    return encoded(photograph)
