"""The averaged network: weights from the optimiser's moving average, statistics from data."""

from __future__ import annotations

import keras
import numpy as np

from model.training.averaging import averaged, recompute_batch_norms


def network(*, frozen: bool = False) -> keras.Model:
    images = keras.Input((4, 4, 3))
    features = keras.layers.Conv2D(3, 1, use_bias=False, name="mix")(images)
    norm = keras.layers.BatchNormalization(momentum=0.9, trainable=not frozen, name="norm")
    return keras.Model(images, norm(features))


def test_statistics_are_the_plain_mean_over_the_batches():
    model = network()
    random = np.random.default_rng(0)
    batches = [random.normal(3, 2, (5, 4, 4, 3)).astype(np.float32) for _ in range(4)]
    recompute_batch_norms(model, batches)
    features = [batch @ np.asarray(model.get_layer("mix").kernel)[0, 0] for batch in batches]
    norm = model.get_layer("norm")
    means, variances = zip(*((f.mean((0, 1, 2)), f.var((0, 1, 2))) for f in features), strict=True)
    np.testing.assert_allclose(norm.moving_mean, np.mean(means, 0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, np.mean(variances, 0), rtol=1e-4)
    assert norm.momentum == 0.9


def test_frozen_statistics_stay():
    model = network(frozen=True)
    recompute_batch_norms(model, [np.ones((2, 4, 4, 3), np.float32)])
    np.testing.assert_array_equal(np.asarray(model.get_layer("norm").moving_mean), np.zeros(3))


def test_the_average_of_the_weights_is_taken_and_the_trained_ones_stay():
    model, average = network(), network()
    model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), loss="mse")
    random = np.random.default_rng(1)
    images, target = random.normal(size=(2, 4, 4, 3)), random.normal(size=(2, 4, 4, 3))
    kernels = []
    for _ in range(3):
        model.train_on_batch(images, target)
        kernels.append(np.asarray(model.get_layer("mix").kernel).copy())
    averaged(model, [images.astype(np.float32)], into=average)
    # The average starts at the first step's weights: ((k1 + k2) / 2 + k3) / 2.
    expected = ((kernels[0] + kernels[1]) / 2 + kernels[2]) / 2
    np.testing.assert_allclose(np.asarray(average.get_layer("mix").kernel), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(model.get_layer("mix").kernel), kernels[2])


def test_dropout_drops_the_same_whether_or_not_the_average_was_taken_before():
    def dropping() -> keras.Model:
        images = keras.Input((4, 4, 3))
        features = keras.layers.Conv2D(8, 1, kernel_initializer="ones")(images)
        features = keras.layers.Dropout(0.5, seed=3)(features)
        return keras.Model(images, keras.layers.BatchNormalization(name="norm")(features))

    model, often, once = dropping(), dropping(), dropping()
    model.compile(keras.optimizers.SGD(0.1, use_ema=True), loss="mse")
    images = np.random.default_rng(3).normal(size=(2, 4, 4, 3)).astype(np.float32)
    model.train_on_batch(images, np.zeros((2, 4, 4, 8)))
    averaged(model, [images], into=often)
    averaged(model, [images], into=often)
    averaged(model, [images], into=once)
    expected = np.asarray(once.get_layer("norm").moving_variance)
    np.testing.assert_array_equal(np.asarray(often.get_layer("norm").moving_variance), expected)


def test_batch_norms_of_models_within_the_model_get_statistics_too():
    inner = network()
    images = keras.Input((4, 4, 3))
    batch = np.random.default_rng(2).normal(3, 2, (5, 4, 4, 3)).astype(np.float32)
    recompute_batch_norms(keras.Model(images, inner(images)), [batch])
    features = batch @ np.asarray(inner.get_layer("mix").kernel)[0, 0]
    np.testing.assert_allclose(inner.get_layer("norm").moving_mean, features.mean((0, 1, 2)), rtol=1e-4, atol=1e-5)
    assert inner.get_layer("norm").momentum == 0.9
