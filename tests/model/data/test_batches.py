"""Batches depend on seed, epoch and index, and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from model.data import synthetic
from model.data.augmentation import Augmentation
from model.data.batches import TrainingBatches

SIZE = (64, 128)


def make(**changes) -> TrainingBatches:
    options = {
        "batch_size": 2,
        "augmentation": Augmentation(crop=(32, 64)),
        "reference": SIZE,
        "seed": 1,
        **changes,
    }
    return TrainingBatches(synthetic.samples("train", count=5, size=SIZE), **options)


def assert_equal(one, other) -> None:
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_batch_is_what_the_network_takes():
    images, labels = make()[0]
    assert (images.shape, images.dtype) == ((2, 32, 64, 3), np.float32)
    assert (labels.shape, labels.dtype) == ((2, 32, 64), np.uint8)
    assert images.min() >= -1
    assert images.max() <= 1


def test_the_last_incomplete_batch_is_left_to_another_epoch():
    assert len(make()) == 2


def test_the_same_seed_epoch_and_index_give_the_same_batch_in_any_order():
    one, other = make(), make()
    later = other.batch(3, 1)
    other.batch(0, 0)
    assert_equal(one.batch(3, 1), later)


@pytest.mark.parametrize(("epoch", "seed"), [(1, 1), (0, 2)])
def test_another_epoch_or_seed_gives_other_views(epoch, seed):
    assert not np.array_equal(make().batch(0, 0)[0], make(seed=seed).batch(epoch, 0)[0])


def test_indexing_gives_the_batches_of_the_epoch():
    batches = make()
    batches.epoch = 4
    assert_equal(batches[1], make().batch(4, 1))


@pytest.mark.parametrize("workers", [1, 2])
def test_keras_shows_the_network_each_epochs_batches_in_order(workers):
    import keras

    seen = []

    class Record(keras.layers.Layer):
        def call(self, images):
            if not isinstance(images, keras.KerasTensor):
                seen.append(np.asarray(images))
            return keras.ops.mean(images, axis=(1, 2))

    model = keras.Sequential([Record(), keras.layers.Dense(1)])
    model.compile(loss=lambda labels, answer: keras.ops.mean(answer), run_eagerly=True)
    batches = make(workers=workers)
    begin = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: setattr(batches, "epoch", epoch))
    model.fit(batches, initial_epoch=2, epochs=4, shuffle=False, verbose=0, callbacks=[begin])
    expected = [make().batch(epoch, index)[0] for epoch in (2, 3) for index in (0, 1)]
    # Building the model shows it a batch once more before the first step.
    for actual, wanted in zip(seen[-4:], expected, strict=True):
        np.testing.assert_array_equal(actual, wanted)


def test_too_few_samples_for_a_batch_are_refused():
    with pytest.raises(ValueError, match=r"Received 5 training samples for batches of 6"):
        make(batch_size=6)
