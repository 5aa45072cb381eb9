"""The drawn scenes of the page are what the generator draws."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from app.pages import SCENES
from model.data import synthetic


@pytest.mark.parametrize("name", SCENES)
def test_scene_is_the_generators(repository, name):
    """No photograph may be shipped; that these are drawn shows in that they can be drawn again."""
    shipped = cv2.imread(str(repository / "static" / "scenes" / name))[..., ::-1]
    seed = int(re.search(r"\d+", name)[0])
    drawn, _ = synthetic.scene(seed, size=shipped.shape[:2])
    # JPEG of quality 88: a few levels off, no more.
    assert np.abs(shipped.astype(int) - drawn).mean() < 4


def test_nothing_else_is_shipped(repository):
    assert {path.name for path in (repository / "static" / "scenes").iterdir()} == set(SCENES)
