"""The official Cityscapes scripts score what the running service answers with `format=cityscapes`, as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model.categories import CITYSCAPES_LABELS, IGNORE, NAMES, VOID
from model.data import cityscapes, synthetic
from model.data.samples import Sample
from model.training import metrics
from tests.app.clients import encoded, opened
from tests.official.scripts import as_official_val, official_scores

# The scripts count in whole pixels, as we do, and only the division differs.
TOLERANCE = 1e-12
# Seed: size. Most are not the network's, so that the service resizes; and three streets have scored pixels that it
# would call void if it might.
STREETS = {0: (320, 640), 1: (256, 512), 6: (400, 720), 7: (300, 580)}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> Path:
    """A Cityscapes folder of generated streets with all labels of the official table, the ignored ones among them."""
    root = tmp_path_factory.mktemp("streets")
    random = np.random.default_rng(8)
    # In patches, as kinds of one category stand side by side in a street. The scripts know no -1 in eight bits.
    alike = [[label.id for label in CITYSCAPES_LABELS if label.category == name and label.id >= 0] for name in NAMES]
    for seed, size in STREETS.items():
        image, labels = synthetic.scene(seed, size=size)
        patches = np.stack([random.choice(ids, (40, 40)) for ids in alike]).astype(np.uint8)
        rows, columns = np.indices(size) // 20
        label_ids = patches[labels, rows, columns]
        for kind, suffix, pixels in (("leftImg8bit", "leftImg8bit", image), ("gtFine", "gtFine_labelIds", label_ids)):
            folder = root / kind / "train" / "zurich"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"zurich_{seed:06d}_000019_{suffix}.png").write_bytes(encoded(pixels))
    return root


def assert_scores_agree(ask: Callable[..., bytes], samples: list[Sample], folder: Path) -> np.ndarray:
    """Hold the scripts' scores of one format against our count of another, and return IoU by category id."""
    results = folder / "results"
    results.mkdir()
    confusion = np.zeros((len(NAMES), len(NAMES)), np.int64)
    for sample in samples:
        file = {sample.image_path.name: sample.image_path.read_bytes()}
        (results / f"{sample.name}_streetseg.png").write_bytes(ask(file, format="cityscapes"))
        predicted = np.array(opened(ask(file, format="mask", void="never")))
        _, labels, scored = sample.read()
        confusion += metrics.confusion_matrix(np.where(scored, labels, IGNORE), predicted)
    official = official_scores(as_official_val(samples, folder / "official"), results, folder / "out")
    ours = metrics.intersection_over_union(confusion)
    theirs = [official["categoryScores"][name] for name in NAMES]
    assert np.isnan(theirs[VOID])
    assert theirs[VOID + 1 :] == pytest.approx(ours[VOID + 1 :], abs=TOLERANCE)
    assert official["averageScoreCategories"] == pytest.approx(
        metrics.mean_iou(confusion, without_void=True), abs=TOLERANCE
    )
    return ours


def test_generated_streets(ask, scenes, tmp_path):
    scores = assert_scores_agree(ask, cityscapes.samples(scenes, "val"), tmp_path)
    assert (scores[VOID + 1 :] > 0.3).all()


@pytest.mark.parametrize(("data", "most"), [("cityscapes", 8), ("cityscapes_fullres", 3)])
def test_real_photographs(ask, data_folder, tmp_path, data, most):
    samples = cityscapes.samples(data_folder / data, "val")
    scores = assert_scores_agree(ask, samples[:: max(1, len(samples) // most)][:most], tmp_path)
    assert scores[VOID + 1 :].mean() > 0.6
