"""Batches depend on seed, epoch and index, and on nothing else."""

from __future__ import annotations

from functools import partial
from itertools import chain

import numpy as np
import pytest

from model.data import synthetic
from model.data.augmentation import Augmentation, create
from model.data.batches import TrainingBatches
from model.data.samples import Example, Sample

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


def test_a_teacher_sees_the_crop_in_fair_weather_and_its_lesson_lies_behind_the_labels():
    def teacher(crop):
        seen.append(crop)
        return crop[..., :2]

    seen = []
    storm = Augmentation(crop=(32, 64), weather=1.0)
    images, labels = make(augmentation=storm, teacher=teacher)[0]
    plain_images, plain_labels = make(augmentation=storm)[0]
    np.testing.assert_array_equal(images, plain_images)
    np.testing.assert_array_equal(labels[..., 0], plain_labels)
    np.testing.assert_array_equal(labels[..., 1:], np.stack(seen)[..., :2])
    # The same places as in fair weather, in their own colours.
    still = dict.fromkeys(("brightness", "contrast", "saturation", "hue", "blur", "jpeg"), 0.0)
    fair = make(augmentation=Augmentation(crop=(32, 64), **still))[0][0]
    np.testing.assert_allclose(np.stack(seen), 127.5 * fair + 127.5, atol=1e-3)
    assert np.abs(images - fair).mean() > 0.05
    assert make(teacher=teacher).batch(0, 0)[1].shape == (2, 32, 64)


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


@pytest.mark.parametrize("workers", [1, 4])
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


def names_of_epochs(batches: TrainingBatches, *, epochs: int) -> list[list[int]]:
    """Which samples each epoch shows, told by their constant images."""
    shown = [[batches.batch(epoch, index)[0][:, 0, 0, 0] for index in range(len(batches))] for epoch in range(epochs)]
    return [[round(float(value * 127.5 + 127.5)) for batch in epoch for value in batch] for epoch in shown]


def plain(count: int, **changes) -> TrainingBatches:
    """Batches of samples that are one grey level each, shown as they are."""

    def load(level: int) -> Example:
        labels = np.ones((32, 64), np.uint8)
        return Example(np.full((32, 64, 3), level, np.uint8), labels, labels > 0)

    samples = [Sample(f"grey_{level}", None, None, partial(load, level)) for level in range(count)]
    options = {"batch_size": 2, "augmentation": create("none", crop=(32, 64)), "reference": (32, 64), "seed": 1}
    return TrainingBatches(samples, **options | changes)


def test_all_samples_make_one_epoch_unless_told_otherwise():
    for epoch in names_of_epochs(plain(6), epochs=3):
        assert sorted(epoch) == list(range(6))


def test_short_epochs_go_through_all_samples_before_any_comes_again():
    epochs = names_of_epochs(plain(6, epoch_images=2), epochs=6)
    assert [len(epoch) for epoch in epochs] == [2] * 6
    assert sorted(chain(*epochs[:3])) == list(range(6))
    assert sorted(chain(*epochs[3:])) == list(range(6))
    assert epochs[:3] != epochs[3:]


def test_long_epochs_show_samples_again_in_other_views():
    assert sorted(chain(*names_of_epochs(plain(3, epoch_images=6), epochs=1))) == [0, 0, 1, 1, 2, 2]
    batches = make(epoch_images=10, batch_size=5, augmentation=Augmentation(crop=(32, 64)))
    first, second = batches.batch(0, 0)[0], batches.batch(0, 1)[0]
    assert not any(np.array_equal(one, other) for one in first for other in second)


def test_an_epoch_as_long_as_the_data_is_the_usual_one():
    assert_equal(make(epoch_images=5).batch(2, 1), make().batch(2, 1))


def test_an_epoch_shorter_than_a_batch_is_refused():
    with pytest.raises(ValueError, match=r"epochs of 1 images for batches of 2.*--epoch-images"):
        make(epoch_images=1)


def test_a_donor_is_another_reading_of_the_samples_drawn_by_the_views_own_generator():
    class Record:
        def __init__(self):
            self.drawn = []

        def apply(self, image, labels, *, reference, random, donor):
            self.drawn.append(int(donor().image[0, 0, 0]))
            return image, labels

    def drawn() -> list[int]:
        record = Record()
        batches = plain(6, augmentation=record)
        for index in range(3):
            batches.batch(0, index)
        return record.drawn

    assert drawn() == drawn()
    assert len(set(drawn())) > 1
