"""A network that costs no time, for trials of what is around it."""

from __future__ import annotations

import pytest

from tests.model.inference.conftest import tiny_artifact, tiny_model

__all__ = ["small_network", "tiny_artifact", "tiny_model"]


@pytest.fixture
def small_network(tiny_artifact, monkeypatch):
    """Let services that a test starts run the tiny network: what they keep and what they lose is the same."""
    monkeypatch.setenv("STREETSEG_ARTIFACT", str(tiny_artifact.folder))
