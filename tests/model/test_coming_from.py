"""docs/coming-from.md is true: its commands are read, its examples run, and the pains it names are not there."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import model
from model import artifact, categories
from model.__main__ import _parser, main
from model.data import augmentation, synthetic
from model.inference import segmenter
from model.training import metrics
from model.verbs import VERBS, train

EXAMPLE = re.compile(r"^```python\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
PAGE = Path(__file__).resolve().parents[2] / "docs" / "coming-from.md"
TEXT = PAGE.read_text("utf-8")
ROWS = [line.split(" | ", 1)[1] for line in TEXT.splitlines() if line.startswith("| ")]
INLINE = [code for row in ROWS for code in re.findall(r"`([^`]+)`", row)]
PROSE = [code for line in TEXT.splitlines() if not line.startswith("|") for code in re.findall(r"`([^`]+)`", line)]
COMMANDS = sorted({code for code in (*INLINE, *PROSE) if code.split()[0] in VERBS and " " in code})


def parsed(command: str) -> argparse.Namespace:
    """The options of a command of the page, without its `python -m model`."""
    return _parser().parse_args(shlex.split(command))


def test_the_page_has_commands_of_every_verb():
    assert {command.split()[0] for command in COMMANDS} == set(VERBS)
    assert len(COMMANDS) > 60


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_one_that_its_verb_takes(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = parsed(command)
    if options.verb != "train":
        return
    if options.augmentation not in augmentation.PRESETS:
        # The page's one pipeline, which a file of the user's stands for.
        assert options.augmentation == "pipeline.yaml"
        options.augmentation = "standard"
    if options.encoder_weights == "FILE":
        options.encoder_weights = "none"
    # Network, loss, weights of categories and ranges are checked there.
    train.settings(options)


@pytest.mark.parametrize("code", [word for word in INLINE if word.startswith("--")])
def test_a_flag_alone_is_one_of_train(code):
    assert code in {flag for action in _flags("train") for flag in action.option_strings}


def _flags(verb: str) -> list[argparse.Action]:
    parser = argparse.ArgumentParser()
    VERBS[verb].add_arguments(parser)
    return parser._actions


def test_links_to_other_pages_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (PAGE.parent / target).is_file()


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """A function that runs the example under a heading in a folder with an artifact and a photograph."""
    shutil.copytree(artifact.DEFAULT_FOLDER, tmp_path / "runs" / "unet" / "artifact")
    Image.fromarray(synthetic.scene(3, size=(120, 200))[0]).save(tmp_path / "street.jpg")
    monkeypatch.chdir(tmp_path)

    def run(heading: str) -> tuple[dict, str]:
        section = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
        (code,) = EXAMPLE.findall(section)
        found: dict = {}
        exec(compile(code, PAGE.name, "exec"), found)
        return found, capsys.readouterr().out

    return run


def test_one_picture_in_python(run, tmp_path):
    _, printed = run("One picture in Python")
    assert printed.endswith("(120, 200) uint8\n")
    with Image.open(tmp_path / "overlay.png") as picture:
        assert picture.size == (200, 120)


@pytest.mark.long
def test_a_network_in_python_learns_with_keras_s_own_fit(run):
    found, _ = run("A network in Python")
    views = [synthetic.scene(seed, size=(64, 96)) for seed in range(2)]
    images = np.stack([image for image, _ in views]) / np.float32(127.5) - 1
    labels = np.stack([labels for _, labels in views])
    labels[:, :8] = categories.IGNORE
    losses = found["network"].fit(images, labels, epochs=3, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


def test_a_loss_in_python_has_the_value_of_a_hand_table(run):
    """p is 1/8 everywhere and three pixels count: vehicle has TP 1/8, FP 2/8, FN 7/8, human has FP 3/8; s is 1."""
    _, printed = run("A loss in Python")
    vehicle = 1 - (2 / 8 + 1) / (2 / 8 + 2 / 8 + 7 / 8 + 1)
    human = 1 - 1 / (3 / 8 + 1)
    assert float(printed) == pytest.approx((vehicle + human) / 2, abs=1e-6)


def test_every_example_is_run():
    assert len(EXAMPLE.findall(TEXT)) == TEXT.count("```python") == 3


# Pain: `keras.utils.generic_utils`.


def test_every_module_imports_on_the_pinned_keras():
    names = [found.name for found in pkgutil.walk_packages(model.__path__, "model.") if "__main__" not in found.name]
    assert len(names) > 50
    for name in names:
        importlib.import_module(name)


def test_nothing_names_what_keras_3_took_away(repository):
    gone = ("generic_utils", "get_custom_objects", "fit_generator", "tensorflow.keras", "tf.keras")
    for path in (repository / "model").rglob("*.py"):
        text = path.read_text("utf-8")
        assert not [name for name in gone if name in text], path


# Pain: sizes that must divide.


def test_a_size_that_does_not_divide_is_refused_with_the_nearest(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--height", "321", "--width", "640"]) == 2
    message = capsys.readouterr().err
    assert "321" in message
    assert "the nearest is 320" in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [(1, 1), (33, 517), (200, 65)])
def test_a_photograph_may_have_any_size(size, shipped):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    assert shipped.segment(image).labels.shape == size


# Pain: unknown loss on reload.


@pytest.mark.long
def test_a_network_opens_in_a_process_that_never_heard_of_us(tmp_path):
    shutil.copy(artifact.read(artifact.DEFAULT_FOLDER).keras_path, tmp_path / "unet.keras")
    code = (
        "import sys, keras; keras.saving.load_model('unet.keras');"
        "print([name for name in sys.modules if name.partition('.')[0] in ('model', 'app')])"
    )
    environment = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "HOME": str(tmp_path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# Pain: class 0 confused with "ignore".


def test_void_is_learnt_and_only_255_is_ignored():
    import tensorflow

    from model.training import losses

    # Everything is learnt but pixels without truth.
    labels = np.array([[[0, 1, categories.IGNORE]]], np.uint8)
    logits = tensorflow.Variable(np.random.default_rng(0).normal(size=(1, 1, 3, 8)).astype(np.float32))
    loss = losses.create("cross_entropy+dice", category_weights=8 * [1], region_weights=8 * [1])
    with tensorflow.GradientTape() as tape:
        value = loss(labels, logits)
    slopes = np.abs(tape.gradient(value, logits).numpy()).sum(-1)[0, 0]
    assert slopes[0] > 0
    assert slopes[1] > 0
    assert slopes[2] == 0


def test_padding_has_no_truth():
    image, labels = synthetic.scene(0, size=(64, 128))
    # No void of its own, so that what were padded by 0 would show.
    labels[labels == categories.VOID] = 1
    view = augmentation.create("standard", crop=(128, 256), scale=(0.3, 0.3))
    _, masks = view.apply(image, labels, reference=(128, 256), random=np.random.default_rng(0))
    assert (masks == categories.IGNORE).any()
    assert not (masks == categories.VOID).any()


# Pain: IoU that changes with batch size.


@pytest.mark.parametrize("batch", [1, 2, 3, 7])
def test_iou_is_the_same_for_every_batch_size(batch):
    random = np.random.default_rng(5)
    truths, answers = random.integers(0, 8, (2, 7, 20, 30), np.uint8)
    # Categories are rarely spread evenly: the first images hold no more than two.
    truths[:3] %= 2
    whole = metrics.confusion_matrix(truths, answers)
    parts = [slice(start, start + batch) for start in range(0, len(truths), batch)]
    counted = [metrics.confusion_matrix(truths[part], answers[part]) for part in parts]
    assert (sum(counted) == whole).all()
    averaged = np.mean([metrics.mean_iou(each, without_void=False) for each in counted])
    expected = metrics.mean_iou(whole, without_void=False)
    assert metrics.mean_iou(sum(counted), without_void=False) == expected
    # What others do, and what comes of it.
    assert (averaged == pytest.approx(expected)) == (batch == 7)


def test_evaluate_has_no_batch_size():
    assert not [flag for action in _flags("evaluate") for flag in action.option_strings if "batch" in flag]


@pytest.fixture(scope="module")
def shipped():
    """The network that ships."""
    return segmenter.load()
