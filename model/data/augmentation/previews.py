"""What a preset makes of samples, to be looked at before a night of training.

Array contract: see `model.data.augmentation`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.data.augmentation.presets import create
from model.data.samples import Example

CROP = (256, 512)
"""(height, width) in pixels of the views: what `python -m model train` takes where it is not told otherwise."""
REFERENCE = (320, 640)
"""(height, width) in pixels that serving shows the network, likewise."""


def preview(examples: Sequence[Example], preset: str, *, view: int = 0) -> list[np.ndarray]:
    """Make one view of each example, as training would.

    Args:
        examples: each is the donor of the one before it, for presets that copy things.
        preset: see `create`.
        view: which one; another number gives another view, the same number the same.

    Returns:
        Images, uint8 (256, 512, 3) RGB, in the order of the examples.
    """
    augmentation = create(preset, crop=CROP)
    return [
        augmentation.apply(
            example.image,
            example.labels,
            reference=REFERENCE,
            random=np.random.default_rng((view, index)),
            donor=lambda index=index: examples[(index + 1) % len(examples)],
        )[0]
        for index, example in enumerate(examples)
    ]
