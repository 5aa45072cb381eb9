"""A small Cityscapes folder of generated streets with instances, and predictions of it that have every mistake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.data import cityscapes, synthetic
from model.data.instances import connected_instances
from model.data.samples import Sample

SIZE = (64, 128)


def label_ids(seed: int) -> np.ndarray:
    """Label ids in blobs, all 34 of them over a few seeds."""
    random = np.random.default_rng(seed)
    return random.integers(0, 34, (8, 16)).astype(np.uint8).repeat(8, 0).repeat(8, 1)


@pytest.fixture(scope="session")
def streets(tmp_path_factory) -> Path:
    """A Cityscapes folder with five validation images of two cities, of which the first has an instance mask."""
    root = tmp_path_factory.mktemp("streets")
    for seed in range(5):
        city = "aachen" if seed < 3 else "zurich"
        folders = [root / kind / "train" / city for kind in ("leftImg8bit", "gtFine")]
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        name = f"{city}_{seed:06d}_000019"
        Image.fromarray(synthetic.scene(seed, size=SIZE)[0]).save(folders[0] / f"{name}_leftImg8bit.png")
        Image.fromarray(label_ids(seed)).save(folders[1] / f"{name}_gtFine_labelIds.png")
        if seed == 0:
            ids = connected_instances(label_ids(seed)).astype(np.uint16)
            Image.fromarray(ids).save(folders[1] / f"{name}_gtFine_instanceIds.png")
    return root


@pytest.fixture
def samples(streets) -> list[Sample]:
    """The samples of `streets`."""
    return cityscapes.samples(streets, "val")


@pytest.fixture
def predictions(samples, tmp_path) -> Path:
    """A folder of predictions: the masks, shifted by some pixels, with other ids here and there."""
    folder = tmp_path / "predictions"
    folder.mkdir()
    random = np.random.default_rng(11)
    for seed, sample in enumerate(samples):
        answer = np.where(random.random(SIZE) < 0.1, random.integers(0, 34, SIZE), np.roll(label_ids(seed), 3, 1))
        Image.fromarray(answer.astype(np.uint8)).save(folder / f"{sample.name}_any.png")
    return folder
