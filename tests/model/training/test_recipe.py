"""What a step does: the loss, the optimiser's average and accumulated gradients, the precision, as settings say."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest

from model.training import losses, recipe, weighting


def network(*, dtype: str | None = None) -> keras.Model:
    """Without batch norm, so that a batch may be cut in two."""
    keras.utils.set_random_seed(1)
    images = keras.Input((8, 8, 3))
    features = keras.layers.Conv2D(4, 3, padding="same", activation="relu", dtype=dtype)(images)
    return keras.Model(images, keras.layers.Conv2D(8, 1, dtype="float32")(features))


def batch_of_four(number: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(number)
    return random.normal(size=(4, 8, 8, 3)).astype(np.float32), random.integers(0, 8, (4, 8, 8)).astype(np.uint8)


def trained(settings, *, batches: int, parts: int) -> keras.Model:
    """A network after `batches` of four images, each shown in so many parts."""
    model = network()
    recipe.compile_model(model, settings, steps=batches * parts, category_weights=[1.0] * 8)
    for number in range(batches):
        images, labels = batch_of_four(number)
        for part_images, part_labels in zip(np.split(images, parts), np.split(labels, parts), strict=True):
            model.train_on_batch(part_images, part_labels)
    return model


def averages(model: keras.Model) -> list[np.ndarray]:
    copy = network()
    model.optimizer.finalize_variable_values(copy.trainable_variables)
    return copy.get_weights()


def test_two_batches_of_two_accumulated_train_like_one_of_four(settings_of, monkeypatch):
    # A constant rate: the schedule is asked at every step, so that of two the last would be half a step ahead.
    monkeypatch.setattr(keras.optimizers.schedules, "CosineDecay", lambda **_: 0.01)
    # Cross-entropy weighs all these pixels alike, so halves add up to the whole.
    settings = settings_of("--loss", "cross_entropy")
    whole = trained(settings, batches=12, parts=1)
    parts = trained(settings_of("--loss", "cross_entropy", "--accumulate", "2"), batches=12, parts=2)
    for begun, expected, actual in zip(network().get_weights(), whole.get_weights(), parts.get_weights(), strict=True):
        moved = np.abs(expected - begun).max()
        assert moved > 0.02
        assert np.abs(actual - expected).max() < 1e-3 * moved


def test_the_average_is_as_long_whether_gradients_are_accumulated_or_not(settings_of):
    # After many updates of a size that does not shrink, the average lags behind the weights by its length.
    words = ("--loss", "cross_entropy", "--ema", "0.9", "--warm-up", "0.9", "--learning-rate", "0.01")
    whole = trained(settings_of(*words), batches=20, parts=1)
    parts = trained(settings_of(*words, "--accumulate", "2"), batches=20, parts=2)
    lags = []
    for model in (whole, parts):
        behind = [now - mean for now, mean in zip(model.get_weights(), averages(model), strict=True)]
        lags.append(np.linalg.norm(np.concatenate([each.ravel() for each in behind])))
    assert lags[1] == pytest.approx(lags[0], rel=0.1)


def test_gradients_are_kept_until_there_are_enough(settings_of):
    settings = settings_of("--accumulate", "3")
    model = network()
    recipe.compile_model(model, settings, steps=30, category_weights=[1.0] * 8)
    start, changed = model.get_weights(), []
    for number in range(4):
        model.train_on_batch(*batch_of_four(number))
        changed.append(any((now != then).any() for now, then in zip(model.get_weights(), start, strict=True)))
    assert changed == [False, False, True, True]


def test_the_default_loss_is_the_shipped_recipe_s(settings_of):
    model = network()
    settings = settings_of()
    recipe.compile_model(
        model, settings, steps=1, category_weights=weighting.category_weights(settings.category_weights, [])
    )
    images, labels = batch_of_four(0)
    labels[:, :2] = 255
    weights = [1.0] * 7
    logits = model(images)
    cross_entropy, dice = losses.cross_entropy([0.25, *weights]), losses.dice([0, *weights])
    expected = float(cross_entropy(labels, logits) + 0.5 * dice(labels, logits))
    assert model.test_on_batch(images, labels) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_computes_low_and_keeps_weights_and_average_high(precision, settings_of, small_networks):
    settings = settings_of("--precision", precision)
    before = keras.config.dtype_policy().name
    model = recipe.build(settings, precision=settings.precision)
    average = recipe.build(settings)
    assert keras.config.dtype_policy().name == before == "float32"
    computing = {layer.compute_dtype for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)}
    assert computing == {precision.removeprefix("mixed_")}
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert {layer.compute_dtype for layer in average.layers} == {"float32"}

    recipe.compile_model(model, settings, steps=4, category_weights=[1.0] * 8)
    # float16 alone is too narrow for gradients: Keras scales the loss.
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (precision == "mixed_float16")
    losses = [model.train_on_batch(*batch_of_four(0)) for _ in range(4)]
    assert np.isfinite(losses).all()
    model.optimizer.finalize_variable_values(average.trainable_variables)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--loss", "cross_entropy+dise"], 'There is no loss "dise". Expected a sum of cross_entropy'),
        (
            ["--augmentation", "wild"],
            "There is no augmentation 'wild'. Expected one of none, light, standard, strong, all_weather",
        ),
        (["--augmentation", "nowhere.json"], "nowhere.json"),
        (["--category-weights", "1,2"], "--category-weights is '1,2'. Expected 8 numbers of at least 0"),
        (["--category-weights", "median"], "or one of median-frequency, enet"),
        (["--category-weights", "nan,1,1,1,1,1,1,1"], "Expected 8 numbers"),
        (["--category-weights", "0,0,0,0,0,0,0,0"], "not all 0"),
    ],
)
def test_unknown_names_are_refused_before_data_is_read(words, says, settings_of):
    with pytest.raises(ValueError, match=re.escape(says)):
        recipe.check(settings_of(*words))
