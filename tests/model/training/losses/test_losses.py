"""What holds of every loss: no slope where a pixel is ignored, finite ones elsewhere, any dtype, TensorFlow and JAX."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from model.categories import COUNT, IGNORE
from model.networks.heads import with_softmax
from model.training import losses
from tests.model.training.losses.batches import EVEN, gradient, logits_for, random_batch, row, value

each_loss = pytest.mark.parametrize("name", losses.NAMES)

# Batches in which something is missing, with logits that say nothing much, are right, or are wrong with certainty.
LABELS = {
    "all void": row(0, 0, 0),
    "all ignored": row(IGNORE, IGNORE, IGNORE),
    "one category": row(5, 5, 5),
    "categories absent": row(1, 1, IGNORE),
    "one pixel": row(7),
}
LOGITS = {
    "even": lambda labels: np.zeros((*labels.shape, COUNT), np.float32),
    "random": lambda labels: np.random.default_rng(2).normal(size=(*labels.shape, COUNT)).astype(np.float32),
    "right": lambda labels: logits_for(labels % COUNT),
    "wrong": lambda labels: logits_for((labels + 1) % COUNT, certainty=1e4),
}
ON_JAX = """
import sys, jax, numpy
from model.networks.heads import with_softmax
from model.training import losses
cases, answers = numpy.load(sys.argv[1]), {}
for name in losses.NAMES:
    loss = losses.create(name, category_weights=[1] * 8, region_weights=[1] * 8)
    slope = jax.jit(jax.value_and_grad(lambda logits, labels, loss=loss: loss(labels, logits)))
    for case in {key.partition("/")[0] for key in cases}:
        value, gradient = slope(cases[f"{case}/logits"], cases[f"{case}/labels"])
        answers |= {f"{name}/{case}/value": value, f"{name}/{case}/gradient": gradient}
numpy.savez(sys.argv[2], **answers)
"""


def create(name: str) -> losses.Loss:
    return losses.create(name, category_weights=EVEN, region_weights=EVEN)


def test_the_names_are_those_agreed():
    assert set(losses.NAMES) == {
        "cross_entropy", "dice", "jaccard", "tversky", "focal", "focal_tversky", "lovasz", "combo"
    }  # fmt: skip


@each_loss
@pytest.mark.parametrize("logits", LOGITS)
@pytest.mark.parametrize("labels", LABELS)
def test_gradients_are_finite_and_zero_where_a_pixel_is_ignored(name, labels, logits):
    labels = LABELS[labels]
    slope = gradient(create(name), labels, LOGITS[logits](labels))
    assert np.isfinite(slope).all()
    assert not slope[labels == IGNORE].any()


@each_loss
def test_there_is_something_to_learn_from_each_labelled_pixel(name):
    labels, logits = random_batch()
    slope = gradient(create(name), labels, logits)
    np.testing.assert_array_equal(slope.any(-1), labels != IGNORE)


@each_loss
def test_a_step_down_the_slope_makes_it_less(name):
    labels, logits = random_batch()
    slope = gradient(create(name), labels, logits)
    step = logits - 0.1 * slope / np.abs(slope).max()
    assert value(create(name), labels, step) < value(create(name), labels, logits)


@each_loss
def test_what_is_said_of_ignored_pixels_changes_nothing(name):
    labels, logits = random_batch()
    other = np.where((labels == IGNORE)[..., None], 30 * random_batch(1)[1], logits)
    assert value(create(name), labels, other) == value(create(name), labels, logits)


@each_loss
def test_a_batch_of_ignored_pixels_costs_nothing(name):
    assert value(create(name), row(IGNORE, IGNORE), np.ones((1, 1, 2, COUNT))) == 0


@each_loss
def test_being_right_with_certainty_costs_nothing(name):
    labels = row(1, 1, 2, 6)
    assert value(create(name), labels, logits_for(labels)) == pytest.approx(0, abs=1e-6)


@each_loss
def test_a_category_of_weight_zero_costs_nothing(name):
    only_sky = [0.0] * 5 + [1.0, 0.0, 0.0]
    loss = losses.create(name, category_weights=only_sky, region_weights=only_sky)
    assert value(loss, row(5, 1, 2), logits_for(row(5, 2, 1))) == pytest.approx(0, abs=1e-6)


@each_loss
def test_only_the_ratios_of_weights_matter(name):
    labels, logits = random_batch()
    few, many = (
        losses.create(name, category_weights=weights, region_weights=weights)
        for weights in (np.arange(COUNT), 50.0 * np.arange(COUNT))
    )
    assert value(few, labels, logits) == pytest.approx(value(many, labels, logits), rel=1e-6)


@each_loss
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_floats_are_taken_as_float32(name, dtype):
    labels, logits = random_batch()
    half = keras.ops.cast(logits, dtype)
    cost = create(name)(labels, half)
    assert keras.backend.standardize_dtype(cost.dtype) == "float32"
    assert float(cost) == value(create(name), labels, keras.ops.convert_to_numpy(keras.ops.cast(half, "float32")))


@each_loss
def test_xla_compiles_it(name):
    labels, logits = random_batch()
    plain, compiled = (gradient(create(name), labels, logits, compiled=compiled) for compiled in (False, True))
    np.testing.assert_allclose(compiled, plain, atol=1e-6)


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="no jax: pip install jax")
def test_jax_gives_the_same_losses_and_slopes(repository, tmp_path):
    # All but one of the same size: each size is compiled anew.
    rows = [labels for labels in LABELS.values() if labels.size == 3]
    cases = {
        f"row {i}": (labels, make(labels)) for i, (labels, make) in enumerate(zip(rows, LOGITS.values(), strict=True))
    }
    cases["random"] = random_batch()
    given = {f"{case}/labels": labels for case, (labels, _) in cases.items()}
    given |= {f"{case}/logits": logits for case, (_, logits) in cases.items()}
    np.savez(tmp_path / "cases.npz", **given)
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX, tmp_path / "cases.npz", tmp_path / "answers.npz"],
        cwd=repository,
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    answers = np.load(tmp_path / "answers.npz")
    for name in losses.NAMES:
        for case, (labels, logits) in cases.items():
            assert answers[f"{name}/{case}/value"] == pytest.approx(value(create(name), labels, logits), abs=1e-6)
            slope = answers[f"{name}/{case}/gradient"]
            np.testing.assert_allclose(slope, gradient(create(name), labels, logits), atol=1e-6)
            assert not slope[labels == IGNORE].any()


def test_keras_trains_with_a_sum_in_mixed_precision():
    labels, images = random_batch()
    optimizer = keras.mixed_precision.LossScaleOptimizer(keras.optimizers.SGD(0.1))
    model = keras.Sequential([keras.Input((None, None, COUNT)), keras.layers.Conv2D(COUNT, 1, dtype="mixed_float16")])
    loss = losses.create("combo + lovasz + 0.1*focal_tversky", category_weights=EVEN, region_weights=EVEN)
    model.compile(optimizer, loss=loss)
    history = model.fit(images, labels, batch_size=2, epochs=8, verbose=0).history["loss"]
    assert np.isfinite(history).all()
    assert history[-1] < history[0]


def test_parameters_reach_the_loss():
    labels, logits = random_batch()
    spelt = losses.create("tversky(alpha=0.9, beta=0.1, smooth=5)", category_weights=EVEN, region_weights=EVEN)
    direct = losses.tversky(EVEN, alpha=0.9, beta=0.1, smooth=5)
    assert value(spelt, labels, logits) == value(direct, labels, logits)


@each_loss
def test_every_parameter_can_be_written(name):
    written = ", ".join(f"{parameter}={default}" for parameter, default in losses.parameters(name).items())
    labels, logits = random_batch()
    assert value(create(f"{name}({written})"), labels, logits) == value(create(name), labels, logits)


def test_the_docstring_lists_every_loss_with_its_parameters():
    for name in losses.NAMES:
        written = ", ".join(f"{parameter}={default:g}" for parameter, default in losses.parameters(name).items())
        (line,) = [line for line in losses.__doc__.splitlines() if line.startswith(f"| {name} |")]
        assert line.split(" | ")[-1].strip(" |") == written


def test_an_unknown_loss_is_answered_with_the_names():
    with pytest.raises(ValueError, match=r'no loss "crossentropy".*cross_entropy, focal, dice, .*lovasz, combo'):
        create("dice + crossentropy")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("tversky(gamma=2)", r'tversky has no parameter "gamma"\. It has: alpha=0\.3, beta=0\.7, smooth=1\.'),
        ("dice(smooth=-1)", r"The loss's smooth is -1\.0\. Expected a number above 0"),
        ("combo(smooth=-1)", r"The loss's smooth is -1\.0\. Expected a number above 0"),
        ("lovasz(smooth=1)", r'lovasz has no parameter "smooth"\. It has: none\.'),
        ("combo(region_weights=1)", r'combo has no parameter "region_weights"\. It has: ratio=0\.5, smooth=1\.'),
        ("focal(alpha=-1)", r"alpha is -1\.0\. Expected a number above 0"),
    ],
)
def test_a_parameter_that_can_not_be_is_named(spec, words):
    with pytest.raises(ValueError, match=words):
        create(spec)


@each_loss
@pytest.mark.parametrize(
    "weights", [[1.0] * 7, [-1.0] + [1.0] * 7, [0.0] * 8, [float("nan")] * 8], ids=["few", "negative", "none", "nan"]
)
def test_impossible_weights_are_refused(name, weights):
    with pytest.raises(ValueError, match="Expected 8 numbers of at least 0"):
        losses.create(name, category_weights=weights, region_weights=weights)


def test_a_network_trained_with_it_opens_without_it(tmp_path):
    labels, images = random_batch()
    inputs = keras.Input((None, None, COUNT))
    model = keras.Model(inputs, keras.layers.Conv2D(COUNT, 1)(inputs))
    model.compile("sgd", loss=create("lovasz"))
    model.train_on_batch(images, labels)
    with_softmax(model).save(tmp_path / "trained.keras")
    # Without compile=False, as most people open a file: there is no "unknown loss".
    reopened = keras.saving.load_model(tmp_path / "trained.keras")
    expected = keras.ops.softmax(model.predict_on_batch(images))
    np.testing.assert_allclose(reopened.predict_on_batch(images), expected, atol=1e-6)
