"""A checkpoint holds everything that the next step depends on."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from model.training import checkpoints


def small_model(*, units: int = 3, accumulate: int | None = None) -> keras.Model:
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential([keras.Input((4,)), layers.Dense(units), layers.Dropout(0.5), layers.BatchNormalization()])
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    optimizer = keras.optimizers.AdamW(schedule, use_ema=True, ema_momentum=0.5, gradient_accumulation_steps=accumulate)
    model.compile(optimizer, loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def step(model: keras.Model, number: int) -> None:
    random = np.random.default_rng(number)
    model.train_on_batch(random.normal(size=(8, 4)), random.normal(size=(8, model.output_shape[-1])))


def state(model: keras.Model) -> list[np.ndarray]:
    return [np.asarray(variable) for variable in (*model.variables, *model.optimizer.variables)]


@pytest.mark.parametrize("accumulate", [None, 2])
def test_the_next_step_after_a_restore_is_the_one_an_unbroken_run_takes(accumulate, tmp_path):
    unbroken = small_model(accumulate=accumulate)
    step(unbroken, 0)
    checkpoints.save(tmp_path, unbroken, history=[{"epoch": 1}])
    step(unbroken, 1)

    restored = small_model(accumulate=accumulate)
    assert checkpoints.restore(tmp_path, restored) == [{"epoch": 1}]
    step(restored, 1)
    for expected, actual in zip(state(unbroken), state(restored), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6)


def test_without_a_checkpoint_nothing_changes(tmp_path):
    model = small_model()
    before = state(model)
    assert checkpoints.restore(tmp_path, model) == []
    for expected, actual in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_a_kill_while_writing_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    model = small_model()
    checkpoints.save(tmp_path, model, history=[{"epoch": 1}])

    def killed(file, **arrays):
        file.write(b"half of a checkpoint")
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints.np, "savez", killed)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(tmp_path, model, history=[{"epoch": 1}, {"epoch": 2}])
    assert checkpoints.restore(tmp_path, model) == [{"epoch": 1}]


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    checkpoints.save(tmp_path, small_model(), history=[])
    with pytest.raises(ValueError, match="was written by another model"):
        checkpoints.restore(tmp_path, small_model(units=5))


def test_a_damaged_checkpoint_is_told(tmp_path):
    checkpoints.save(tmp_path, small_model(), history=[])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ValueError, match=r"checkpoint\.npz is damaged: .* start anew in another --run folder"):
        checkpoints.restore(tmp_path, small_model())


def test_only_the_best_average_stays(tmp_path):
    model, other = small_model(), small_model(units=3)
    checkpoints.save_average(tmp_path, 1, model)
    step(model, 0)
    checkpoints.save_average(tmp_path, 12, model)
    checkpoints.drop_averages(tmp_path, but=12)
    assert [path.name for path in tmp_path.iterdir()] == ["average-12.npz"]
    checkpoints.restore_average(tmp_path, 12, other)
    for expected, actual in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)
    with pytest.raises(ValueError, match=r"average-1\.npz is missing"):
        checkpoints.restore_average(tmp_path, 1, other)
