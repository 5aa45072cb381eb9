"""What stands behind the logits."""

from __future__ import annotations

import numpy as np

from model.networks import registry
from model.networks.heads import with_softmax


def test_with_softmax_gives_probabilities():
    network = registry.create("mobilenetv2_unet", categories=8)
    answer = np.asarray(with_softmax(network)(np.ones((1, 32, 64, 3), np.float32)))
    np.testing.assert_allclose(answer.sum(-1), 1, atol=1e-5)
    assert answer.min() >= 0
