"""The same losses as PyTorch and segmentation_models.pytorch compute them: a program for their own environment.

`python pytorch_oracles.py given.npz answers.npz`: batches in, `NAME/BATCH/value` and `NAME/BATCH/gradient` out, all in
float64. The Lovász loss of segmentation_models.pytorch is Berman's own code.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

# The package's own __init__ wants torchvision, timm and a hub of weights; its losses do not.
sys.path += importlib.util.find_spec("segmentation_models_pytorch").submodule_search_locations
from losses import MULTICLASS_MODE, DiceLoss, JaccardLoss, LovaszLoss, TverskyLoss
from losses._functional import softmax_focal_loss_with_logits

# The Lovász code asks for float32 where it counts and then subtracts neighbouring values, which at a million pixels
# leaves noise of a three-hundredth of the slope's length. This program is about the formula.
torch.Tensor.float = torch.Tensor.double

IGNORE = 255
Tensor = torch.Tensor


def losses(weights: Tensor) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """Functions of logits (batch, categories, height, width) and labels, with the defaults of ours, by our names."""

    def focal(logits: Tensor, labels: Tensor) -> Tensor:
        kept = labels != IGNORE
        return 0.25 * softmax_focal_loss_with_logits(logits.movedim(1, -1)[kept], labels[kept], gamma=2.0)

    def jaccard(logits: Tensor, labels: Tensor) -> Tensor:
        kept = labels != IGNORE
        logits = logits.movedim(1, -1)[kept].T[None, :, :, None]
        return JaccardLoss(MULTICLASS_MODE, smooth=1.0)(logits, labels[kept][None, :, None])

    def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(logits, labels, weight=weights, ignore_index=IGNORE)

    # Theirs adds the smooth to half of Dice's fraction.
    dice = DiceLoss(MULTICLASS_MODE, smooth=0.5, ignore_index=IGNORE)
    preferring = dict(alpha=0.3, beta=0.7, smooth=1.0, ignore_index=IGNORE)
    # Theirs takes the power of the mean, so each category is asked for alone.
    powers = [TverskyLoss(MULTICLASS_MODE, classes=[c], gamma=0.75, **preferring) for c in range(len(weights))]
    return {
        "cross_entropy": cross_entropy,
        "focal": focal,
        "dice": dice,
        "jaccard": jaccard,
        "tversky": TverskyLoss(MULTICLASS_MODE, **preferring),
        "focal_tversky": lambda logits, labels: sum(power(logits, labels) for power in powers) / len(powers),
        "lovasz": LovaszLoss(MULTICLASS_MODE, ignore_index=IGNORE),
        "combo": lambda logits, labels: 0.5 * cross_entropy(logits, labels) + 0.5 * dice(logits, labels),
    }


def main(given: str, answers: str) -> None:
    """Answer what is given."""
    cases, found = np.load(given), {}
    for name, loss in losses(torch.tensor(cases["weights"], dtype=torch.float64)).items():
        for case in sorted({key.partition("/")[0] for key in cases if "/" in key}):
            labels = torch.tensor(cases[f"{case}/labels"], dtype=torch.int64)
            logits = torch.tensor(cases[f"{case}/logits"], dtype=torch.float64, requires_grad=True)
            value = loss(logits.movedim(-1, 1), labels)
            value.backward()
            found |= {f"{name}/{case}/value": value.item(), f"{name}/{case}/gradient": logits.grad.numpy()}
    np.savez(answers, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
