"""Every loss and its slope against PyTorch and segmentation_models.pytorch: `pytest -m oracles`.

They get an environment of their own, where `pytorch_oracles.py` answers in float64.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from model.categories import COUNT, IGNORE
from model.training import losses
from tests import oracles
from tests.model.training.losses.batches import EVEN, gradient, random_batch, value

pytestmark = [pytest.mark.oracles, pytest.mark.long]

# Without torchvision, timm and the hub that it wants: its losses import none of them.
ALONE = "segmentation-models-pytorch==0.6.0"
WEIGHTS = np.arange(1.0, COUNT + 1)
# A slope may differ from the float64 one by this share of its length. Counting in bins leaves some order open.
SLOPES = dict.fromkeys(losses.NAMES, 1e-5) | {"lovasz": 1e-3}


def street(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A batch of 4 with all categories in about the shares of a street, a tenth of it ignored, half learnt."""
    random = np.random.default_rng(4)
    shares = [0.05, 0.38, 0.20, 0.02, 0.15, 0.05, 0.03, 0.12]
    labels = random.choice(COUNT, p=shares, size=(4, *size)).astype(np.uint8)
    logits = random.normal(size=(*labels.shape, COUNT)) + 6 * np.eye(COUNT)[labels] * random.random((4, *size, 1))
    return np.where(random.random(labels.shape) < 0.1, IGNORE, labels).astype(np.uint8), logits.astype(np.float32)


CASES = {"small": random_batch(), "street": street((96, 192))}


@pytest.fixture(scope="module")
def answers(tmp_path_factory, repository, request) -> dict[str, np.ndarray]:
    """What the libraries say of `CASES`, by loss, case and what was asked."""
    folder = tmp_path_factory.mktemp("environment")
    python = oracles.environment(folder, repository, request, ALONE)
    given = {
        f"{case}/{part}": array
        for case, batch in CASES.items()
        for part, array in zip(("labels", "logits"), batch, strict=True)
    }
    np.savez(folder / "given.npz", weights=WEIGHTS, **given)
    program = Path(__file__).with_name("pytorch_oracles.py")
    subprocess.run([python, program, folder / "given.npz", folder / "answers.npz"], check=True)
    return dict(np.load(folder / "answers.npz"))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", losses.NAMES)
def test_equals_pytorch(answers, name, case):
    # The focal loss of theirs has no weights.
    weights = EVEN if name == "focal" else WEIGHTS
    loss = losses.create(name, category_weights=weights, region_weights=EVEN)
    apart = abs(value(loss, *CASES[case]) - answers[f"{name}/{case}/value"])
    slope, expected = gradient(loss, *CASES[case]), answers[f"{name}/{case}/gradient"]
    slopes_apart = np.linalg.norm(slope - expected) / np.linalg.norm(expected)
    print(
        f"{name:14} {case:7} value {expected.size // COUNT} pixels: {apart:.1e}, slope {slopes_apart:.1e} of its length"
    )
    assert apart < 1e-6
    assert slopes_apart < SLOPES[name]
