"""Training end to end on generated scenes, through the command line."""

from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from model import artifact


def history(folder) -> list[dict]:
    return artifact.read(folder).card["training"]["history"]


def test_the_card_says_what_the_network_is_and_how_it_was_made(trained, scenes):
    written = artifact.read(trained)
    artifact.verify(written)
    assert written.size == (64, 128)
    assert [entry["epoch"] for entry in history(trained)] == [1, 2, 3]
    settings = written.card["training"]["settings"]
    assert (settings["data"], settings["batch_size"], settings["epochs"]) == ([str(scenes)], 4, 3)
    scores = written.card["scores"]["validation"]
    assert set(scores["iou"]) == set(written.names) - {"void"}
    assert set(scores["iou_with_void"]) == set(written.names)
    assert np.sum(scores["confusion_with_void"]) == 2 * 64 * 128


def test_training_learns(trained):
    losses = [entry["loss"] for entry in history(trained)]
    assert losses[-1] < 0.9 * losses[0]


def test_the_network_opens_without_anything_of_ours_and_takes_any_multiple_of_32(trained):
    code = (
        "import keras, numpy, sys\n"
        f"network = keras.saving.load_model({str(artifact.read(trained).keras_path)!r}, compile=False)\n"
        "answer = network(numpy.zeros((1, 96, 160, 3), 'float32')).numpy()\n"
        "assert answer.shape == (1, 96, 160, 8), answer.shape\n"
        "assert abs(answer.sum(-1) - 1).max() < 1e-5\n"
        "assert 'model' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=trained, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_run_killed_within_an_epoch_goes_on_and_ends_like_an_unbroken_one(scenes, command, train_flags, tmp_path):
    def start(name: str) -> subprocess.Popen:
        flags = [*train_flags, "--epochs", "3", "--run", tmp_path / name / "run", "--artifact", tmp_path / name / "it"]
        return command("train", "--data", scenes, *flags, module="tests.model.training.small")

    process = start("broken")
    for line in process.stdout:
        if line.startswith("epoch 1/3"):
            break
    # The next epoch has begun when Keras says so.
    for line in process.stdout:
        if line.startswith("Epoch 2/3"):
            break
    process.send_signal(signal.SIGKILL)
    rest = process.communicate(timeout=30)[0]
    assert process.returncode == -signal.SIGKILL
    assert "epoch 2/3" not in rest

    again, whole = start("broken"), start("whole")
    output, _ = again.communicate(timeout=300)
    assert again.returncode == 0, output
    assert "going on after epoch 1 of 3" in output
    output, _ = whole.communicate(timeout=300)
    assert whole.returncode == 0, output
    unbroken, resumed = ([entry["loss"] for entry in history(tmp_path / name / "it")] for name in ("whole", "broken"))
    # Threads add floats in another order each time, so equal in kind, not in bits.
    np.testing.assert_allclose(resumed, unbroken, rtol=0.02)


@pytest.mark.trials
def test_jax_trains_what_serving_runs(request, scenes, command, train_flags, tmp_path):
    if "trials" not in request.config.getoption("markexpr"):
        pytest.skip("JAX compiles MobileNetV2 for a minute: ask for it by -m trials")
    # That a run on JAX goes on where it was stopped is tested in test_devices, on a network that compiles in a second.
    flags = [*train_flags, "--epochs", "1", "--run", tmp_path / "run", "--artifact", tmp_path / "artifact"]
    process = command("train", "--data", scenes, *flags, backend="jax")
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    assert artifact.read(tmp_path / "artifact").card["training"]["backend"] == "jax"

    exported = command("export", "--artifact", tmp_path / "artifact", backend="tensorflow")
    output, _ = exported.communicate(timeout=300)
    assert exported.returncode == 0, output


def test_a_finished_run_writes_its_artifact_again(scenes, trained, command, train_flags, tmp_path):
    flags = [*train_flags, "--epochs", "3", "--run", trained.parent / "run", "--artifact", tmp_path / "again"]
    process = command("train", "--data", scenes, *flags)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert history(tmp_path / "again") == history(trained)
    before, again = (artifact.read(folder).card["scores"]["validation"] for folder in (trained, tmp_path / "again"))
    assert again["mean_iou"] == pytest.approx(before["mean_iou"], abs=1e-3)


def test_a_run_folder_of_other_settings_is_refused(scenes, trained, command, train_flags):
    flags = [*train_flags, "--epochs", "4", "--run", trained.parent / "run", "--artifact", trained]
    process = command("train", "--data", scenes, *flags)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "epochs 3, now 4" in output
    assert "Traceback" not in output


def test_a_missing_mask_is_named_before_training_starts(command, train_flags, tmp_path):
    for kind in ("images", "masks"):
        (tmp_path / "data" / "train" / kind).mkdir(parents=True)
    Image.new("RGB", (128, 64)).save(tmp_path / "data" / "train" / "images" / "lonely.png")
    process = command("train", "--data", tmp_path / "data", *train_flags, "--run", tmp_path / "run")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "lonely.png has no mask" in output
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flag", "value", "expected"),
    [
        ("--height", "100", "--height is 100. Expected a positive multiple of 32"),
        ("--epochs", "0", "--epochs is 0. Expected at least 1"),
        ("--min-scale", "3", "--min-scale is 3.0. Expected a number beside --max-scale None, or neither of them"),
        ("--encoder-weights", "nowhere.h5", "'nowhere.h5' are not a file"),
        (
            "--network",
            "resnet",
            "--network is resnet. Expected one of fcn8s, segnet, unet, vgg16_unet, mobilenetv2_unet",
        ),
        ("--loss", "dise", "dise"),
        (
            "--augmentation",
            "wild",
            "There is no augmentation 'wild'. Expected one of none, light, standard, strong, all_weather",
        ),
        ("--category-weights", "1,2", "--category-weights is '1,2'. Expected 8 numbers of at least 0"),
        ("--precision", "float64", "--precision is float64. Expected one of float32, mixed_float16, mixed_bfloat16"),
        ("--accumulate", "0", "--accumulate is 0. Expected at least 1"),
        ("--devices", "2", "--devices is 2 on the backend tensorflow. Expected 1 or auto: keras.distribution"),
        ("--devices", "many", "--devices is many. Expected auto, or a number of at least 1"),
        ("--hosts", "a:1,b:1", "--hosts on the backend tensorflow. Expected JAX"),
    ],
)
def test_impossible_settings_are_refused_in_words(flag, value, expected, capsys, scenes, tmp_path):
    from model.__main__ import main

    status = main(["train", "--data", str(scenes), "--run", str(tmp_path / "run"), flag, value])
    assert status == 2
    assert expected in capsys.readouterr().err
