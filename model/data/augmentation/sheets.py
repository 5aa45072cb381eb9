"""Contact sheets: what an augmentation makes of samples, to be looked at before a night of training.

Array contract: see `model.data.augmentation`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.categories import IGNORE, PALETTE
from model.data.batches import Views
from model.data.samples import Sample
from model.preprocessing import resize_image

_EDGE = 4
_SHARE = 0.35


def contact_sheet(
    samples: Sequence[Sample],
    augmentation: Views,
    *,
    reference: tuple[int, int],
    views: int = 4,
    seed: int = 0,
    with_labels: bool = False,
) -> np.ndarray:
    """Show samples, one a row: the whole sample first, then random views of it.

    Args:
        samples: one or more; the others are the donors of each.
        augmentation: what makes the views.
        reference: (height, width) that serving shows the network.
        views: how many of each sample, one or more.
        seed: another one gives other views.
        with_labels: tint what the views show with the colours of its categories.

    Returns:
        uint8 (rows, columns, 3) RGB.

    Raises:
        ValueError: there is nothing to show.

    Example:
        >>> samples = open_samples("synthetic", "train")[:4]
        >>> sheet = contact_sheet(samples, create("strong", crop=(256, 512)), reference=(320, 640))
        >>> Image.fromarray(sheet).save("strong.png")
    """
    if not samples or views < 1:
        raise ValueError(f"Received {len(samples)} samples and {views} views of each. Expected one or more of both.")
    rows = []
    for row, sample in enumerate(samples):
        example = sample.read()
        cells = [_view(samples, example, augmentation, reference, (seed, row, column)) for column in range(views)]
        pictures = [_tinted(*cell) if with_labels else cell[0] for cell in cells]
        whole = resize_image(example.image, pictures[0].shape[:2])
        rows.append(np.concatenate([_framed(picture) for picture in (whole, *pictures)], axis=1))
    return np.concatenate(rows)


def _view(samples, example, augmentation, reference, seed) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return augmentation.apply(
        example.image,
        example.labels,
        reference=reference,
        random=random,
        donor=lambda: samples[int(random.integers(len(samples)))].read(),
    )


def _tinted(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    share = np.where(labels == IGNORE, 0, _SHARE)[..., None]
    colours = PALETTE[np.where(labels == IGNORE, 0, labels)]
    return np.rint(image * (1 - share) + colours * share).astype(np.uint8)


def _framed(picture: np.ndarray) -> np.ndarray:
    return np.pad(picture, ((_EDGE, _EDGE), (_EDGE, _EDGE), (0, 0)), constant_values=255)
