"""Max pooling that remembers places, against TensorFlow's own and against a loop."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow

from model.networks.pooling import pool_with_places, unpool


@pytest.fixture(scope="module")
def there_and_back() -> keras.Model:
    """From features of any size to their maxima, and to these put back to where they stood."""
    features = keras.Input((None, None, 5))
    pooled, places = pool_with_places(features, name="pool")
    return keras.Model(features, [pooled, unpool(pooled, places)])


def _with_many_equals(size: tuple[int, int]) -> np.ndarray:
    """Small whole numbers, cut at zero as a ReLU does: most windows hold their maximum more than once."""
    return np.maximum(np.random.default_rng(1).integers(-3, 3, (2, *size, 5)), 0).astype(np.float32)


@pytest.mark.parametrize("size", [(4, 6), (8, 2)])
def test_values_go_back_to_where_tensorflow_finds_them(there_and_back, size):
    features = _with_many_equals(size)
    pooled, back = there_and_back(features)
    expected, places = tensorflow.nn.max_pool_with_argmax(features, 2, 2, "VALID", include_batch_in_index=True)
    np.testing.assert_array_equal(pooled, expected)
    flat = np.zeros(features.size, np.float32)
    flat[places.numpy().ravel()] = expected.numpy().ravel()
    np.testing.assert_array_equal(back, flat.reshape(features.shape))


def test_of_equals_the_first_in_reading_order_counts():
    features = keras.Input((None, None, 1))
    _, places = pool_with_places(features, name="pool")
    model = keras.Model(features, unpool(keras.ops.ones_like(places[0], dtype="float32"), places))
    windows = {
        ((0, 0), (0, 0)): ((1, 0), (0, 0)),
        ((0, 2), (2, 2)): ((0, 1), (0, 0)),
        ((0, 1), (3, 3)): ((0, 0), (1, 0)),
        ((-1, -2), (-3, 0)): ((0, 0), (0, 1)),
    }
    images = np.array(list(windows), np.float32)[..., np.newaxis]
    np.testing.assert_array_equal(np.asarray(model(images))[..., 0], np.array(list(windows.values())))


def test_the_gradient_goes_where_the_values_went(there_and_back):
    features = tensorflow.constant(np.random.default_rng(2).normal(size=(1, 4, 4, 5)).astype(np.float32))
    with tensorflow.GradientTape() as tape:
        tape.watch(features)
        _, back = there_and_back(features)
        total = tensorflow.reduce_sum(back)
    np.testing.assert_array_equal(tape.gradient(total, features), (back.numpy() != 0).astype(np.float32))
