"""Several hosts each make their own part of every batch, and none makes what another does."""

from __future__ import annotations

import numpy as np

from model.data import augmentation
from model.data.batches import TrainingBatches
from model.data.synthetic import samples


def batches(part: tuple[int, int]) -> TrainingBatches:
    return TrainingBatches(
        samples("train", count=6, size=(64, 128)),
        batch_size=4,
        augmentation=augmentation.create("standard", crop=(32, 64)),
        reference=(32, 64),
        seed=3,
        part=part,
    )


def test_the_parts_of_all_hosts_make_up_the_batch():
    whole = batches((0, 1))[0]
    parts = [batches((host, 2))[0] for host in range(2)]
    for expected, *pieces in zip(whole, *parts, strict=True):
        assert [len(piece) for piece in pieces] == [2, 2]
        np.testing.assert_array_equal(np.concatenate(pieces), expected)


def test_the_whole_batch_is_to_be_had_on_every_host():
    for expected, actual in zip(batches((0, 1)).batch(1, 0), batches((1, 2)).batch(1, 0), strict=True):
        np.testing.assert_array_equal(actual, expected)
