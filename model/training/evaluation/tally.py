"""Pixels counted by what they are and what they were called, from which every official score follows.

Array contract: `label_ids` uint8 (height, width) official label ids; `table` float64 (segments, 256), how many pixels
of each segment of a `Truth` were given each label id, exact whole numbers; see `model.training.metrics` for confusion.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model import categories
from model.training.evaluation import instances
from model.training.evaluation.instances import InstanceSums
from model.training.evaluation.truth import LABEL_IDS, Truth

_KNOWN = np.zeros(LABEL_IDS, bool)
_KNOWN[[label.id % LABEL_IDS for label in categories.CITYSCAPES_LABELS]] = True
_CATEGORY = categories.from_label_ids(np.where(_KNOWN, np.arange(LABEL_IDS), 0).astype(np.uint8))
_SCORED = categories.scored(np.arange(LABEL_IDS, dtype=np.uint8))
_ONE_HOT = np.eye(categories.COUNT)
# Label ids to categories, and then to categories as they are scored: as one product.
_COLUMNS = np.hstack([_ONE_HOT[_CATEGORY], _ONE_HOT[np.where(_SCORED, _CATEGORY, categories.VOID)]])


class Tally(NamedTuple):
    """What one image adds to the scores.

    Attributes:
        official: int64 (8, 8) confusion over the pixels that the official category score counts. An answer of a label
            that the scripts ignore, such as caravan, stands under void: a miss, and nobody's false positive.
        with_void: int64 (8, 8) confusion of categories over all pixels with ground truth.
        instances: what the instance score needs.
    """

    official: np.ndarray
    with_void: np.ndarray
    instances: InstanceSums


def count(truth: Truth, label_ids: np.ndarray) -> np.ndarray:
    """Count the pixels of each segment by the label id they were given.

    Args:
        truth: of the image.
        label_ids: uint8, the answer, of the same size.

    Returns:
        `table` of the module's array contract.

    Raises:
        ValueError: another size or type.
    """
    if label_ids.dtype != np.uint8 or label_ids.shape != truth.size:
        raise ValueError(f"Received label ids of {label_ids.dtype} {label_ids.shape}. Expected uint8 {truth.size}.")
    answer = label_ids.ravel()
    changes = _changes(answer)
    # A piece lies between two places where truth or answer changes: each of one segment, and of one answer.
    pieces = np.concatenate([truth.starts, changes])
    order = np.argsort(pieces, kind="stable")
    pieces = pieces[order]
    segments = truth.segments[np.cumsum(order < len(truth.starts)) - 1]
    lengths = np.diff(pieces, append=np.int32(answer.size))
    pairs = segments * LABEL_IDS + answer[pieces]
    table = np.bincount(pairs, weights=lengths, minlength=len(truth.labels) * LABEL_IDS)
    return table.reshape(len(truth.labels), LABEL_IDS)


def tally(truth: Truth, table: np.ndarray) -> Tally:
    """Sum a table up to what the scores need.

    Args:
        truth: of the image.
        table: as `count` returns it.

    Raises:
        ValueError: the answer has ids that Cityscapes does not define; the message lists them.
    """
    given = table.any(axis=0)
    if (given & ~_KNOWN).any():
        raise ValueError(
            f"unknown label ids {np.flatnonzero(given & ~_KNOWN).tolist()}. Expected official Cityscapes label ids, 0 "
            "to 33: convert train ids or colours to label ids first."
        )
    as_category, as_scored = np.split(table @ _COLUMNS, 2, axis=1)
    rows = _ONE_HOT[:, _CATEGORY[truth.labels]]
    scored = rows * _SCORED[truth.labels]
    official, scored_rows, with_void = (
        scored @ as_scored,
        scored @ as_category,
        (rows * _KNOWN[truth.labels]) @ as_category,
    )
    # Where instances are scored, answers count by category, whether the scripts ignore their label or not.
    false_positives = scored_rows.sum(axis=0) - np.diagonal(scored_rows)
    sums = instances.weigh(truth, as_category, false_positives=false_positives)
    # Sums of whole numbers, exact in float64.
    return Tally(official.astype(np.int64), with_void.astype(np.int64), sums)


def _changes(values: np.ndarray) -> np.ndarray:
    """Return int32, where a value differs from the one before it."""
    return (np.flatnonzero(values[1:] != values[:-1]) + 1).astype(np.int32)
