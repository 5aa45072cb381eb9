"""A network that costs no time, for trials of what is around it."""

from __future__ import annotations

import os

import pytest

from bench.groups import MOUNT
from tests.model.inference.conftest import tiny_artifact, tiny_model

__all__ = ["needs_groups", "small_network", "tiny_artifact", "tiny_model"]


def _groups_can_be_made() -> bool:
    if hasattr(os, "geteuid") and os.geteuid():
        return False
    if all(os.access(MOUNT / controller, os.W_OK) for controller in ("cpu", "memory")):
        return True
    given = MOUNT / "cgroup.subtree_control"
    return os.access(given, os.W_OK) and {"cpu", "memory"} <= set(given.read_text("ascii").split())


needs_groups = pytest.mark.skipif(
    not _groups_can_be_made(), reason="no control group can be made: not Linux, or not root"
)


@pytest.fixture
def small_network(tiny_artifact, monkeypatch):
    """Let services that a test starts run the tiny network: what they keep and what they lose is the same."""
    monkeypatch.setenv("STREETSEG_ARTIFACT", str(tiny_artifact.folder))
