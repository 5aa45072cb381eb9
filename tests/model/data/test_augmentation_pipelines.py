"""A pipeline of albumentations takes the place of a preset: seeded for every view, refused where it would mislead."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from threading import Barrier

import numpy as np
import pytest

from model.categories import IGNORE
from model.data import synthetic
from model.data.augmentation import create, from_albumentations
from model.data.batches import TrainingBatches
from model.data.samples import Example, Sample

SIZE = (96, 192)
CROP = (64, 96)


@pytest.fixture(scope="module")
def albumentations():
    with pytest.MonkeyPatch.context() as patch:
        # Else its import asks the package index for a newer version.
        patch.setenv("NO_ALBUMENTATIONS_UPDATE", "1")
        yield importlib.import_module("albumentations")


@pytest.fixture
def pipeline(albumentations):
    a = albumentations
    return a.Compose(
        [
            a.RandomScale((-0.5, 0.5), p=1.0),
            a.RandomCrop(*CROP, pad_if_needed=True, fill_mask=IGNORE),
            a.HorizontalFlip(p=0.5),
            a.RandomBrightnessContrast(p=0.8),
            a.GaussNoise(p=0.8),
            a.RandomRain(p=0.5),
        ]
    )


def test_a_teacher_is_shown_what_the_network_is_shown(pipeline):
    augmentation, (image, labels) = from_albumentations(pipeline, crop=CROP), synthetic.scene(4, size=SIZE)
    shown, _, fair = augmentation.pair(image, labels, reference=SIZE, random=np.random.default_rng(1))
    np.testing.assert_array_equal(fair, shown)
    np.testing.assert_array_equal(shown, view(augmentation, 1)[0])


def view(augmentation, seed: int, labels=None) -> tuple[np.ndarray, np.ndarray]:
    image, drawn = synthetic.scene(4, size=SIZE)
    labels = drawn if labels is None else labels
    return augmentation.apply(image, labels, reference=SIZE, random=np.random.default_rng(seed))


@cache
def example(index: int) -> Example:
    """A scene takes far longer to draw than to vary."""
    return synthetic.samples("train", count=4, size=SIZE)[index].read()


def batches(pipeline) -> TrainingBatches:
    samples = [Sample(str(index), None, None, partial(example, index)) for index in range(4)]
    augmentation = from_albumentations(pipeline, crop=CROP)
    return TrainingBatches(samples, batch_size=2, augmentation=augmentation, reference=SIZE, seed=1)


def test_a_view_has_the_crops_size_and_depends_on_the_generator_alone(pipeline):
    augmentation = from_albumentations(pipeline, crop=CROP)
    image, labels = view(augmentation, 1)
    assert (image.shape, labels.shape) == ((*CROP, 3), CROP)
    view(augmentation, 5)
    np.testing.assert_array_equal(image, view(augmentation, 1)[0])
    np.testing.assert_array_equal(labels, view(augmentation, 1)[1])
    assert not np.array_equal(image, view(augmentation, 2)[0])


def test_threads_that_share_a_pipeline_make_the_same_batches_as_one(pipeline):
    wanted = [batches(pipeline).batch(epoch, index) for epoch in range(3) for index in range(2)]
    shared = batches(pipeline)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(2):
            found = list(pool.map(shared.batch, (0, 0, 1, 1, 2, 2), (0, 1) * 3))
            for (images, labels), (wanted_images, wanted_labels) in zip(found, wanted, strict=True):
                np.testing.assert_array_equal(images, wanted_images)
                np.testing.assert_array_equal(labels, wanted_labels)


MEETING = Barrier(2, timeout=30)


class Interrupted:
    """A pipeline whose views wait for each other between being seeded and drawing."""

    def set_random_seed(self, seed):
        self.random = np.random.default_rng(seed)

    def __call__(self, image, mask):
        MEETING.wait()
        return {"image": np.full((*CROP, 3), self.random.integers(256), np.uint8), "mask": np.zeros(CROP, np.uint8)}


def test_views_made_at_the_same_time_have_no_random_state_in_common():
    augmentation = from_albumentations(Interrupted(), crop=CROP)
    with ThreadPoolExecutor(2) as pool:
        for seed in range(5):
            shown = [image[0, 0, 0] for image, _ in pool.map(partial(view, augmentation), (seed, seed + 100))]
            alone = [np.random.default_rng(each).integers(2**31) for each in (seed, seed + 100)]
            assert shown == [np.random.default_rng(int(each)).integers(256) for each in alone]


@pytest.mark.parametrize("kind", ["json", "yaml"])
def test_a_saved_pipeline_is_loaded_by_its_path(albumentations, pipeline, tmp_path, kind):
    path = tmp_path / f"mine.{kind}"
    albumentations.save(pipeline, path, data_format=kind)
    for loaded, given in zip(
        view(create(str(path), crop=CROP), 3), view(from_albumentations(pipeline, crop=CROP), 3), strict=True
    ):
        np.testing.assert_array_equal(loaded, given)


def test_loading_a_pipeline_asks_no_package_index(albumentations, pipeline, tmp_path, monkeypatch):
    monkeypatch.delenv("NO_ALBUMENTATIONS_UPDATE", raising=False)
    albumentations.save(pipeline, tmp_path / "mine.json", data_format="json")
    create(str(tmp_path / "mine.json"), crop=CROP)
    assert os.environ["NO_ALBUMENTATIONS_UPDATE"] == "1"


def test_any_callable_with_image_and_mask_will_do():
    def top_left(image, mask):
        return {"image": image[: CROP[0], : CROP[1]], "mask": mask[: CROP[0], : CROP[1]]}

    image, labels = view(from_albumentations(top_left, crop=CROP), 0)
    np.testing.assert_array_equal(image, synthetic.scene(4, size=SIZE)[0][: CROP[0], : CROP[1]])
    assert labels.flags.c_contiguous


def test_what_was_read_may_be_read_only():
    def blacken(image, mask):
        image[:] = 0
        return {"image": image[: CROP[0], : CROP[1]], "mask": mask[: CROP[0], : CROP[1]]}

    image, labels = synthetic.scene(4, size=SIZE)
    image.flags.writeable = labels.flags.writeable = False
    augmentation = from_albumentations(blacken, crop=CROP)
    shown, _ = augmentation.apply(image, labels, reference=SIZE, random=np.random.default_rng(0))
    assert (shown == 0).all()
    assert image.any()


def test_padding_of_masks_with_a_category_is_refused_at_once(albumentations):
    a = albumentations
    inner = a.OneOf([a.Rotate(border_mode=0), a.Rotate(border_mode=0, fill_mask=IGNORE), a.Rotate(border_mode=4)])
    with pytest.raises(ValueError, match=r"^PadIfNeeded, Rotate of this pipeline.*fill_mask=255"):
        from_albumentations(a.Compose([a.PadIfNeeded(64, 96), inner, a.RandomCrop(*CROP)]), crop=CROP)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"image": np.zeros((8, 8, 3), np.uint8)}, r"gave uint8 \(8, 8, 3\). Expected uint8 \(64, 96, 3\)"),
        ({"image": np.zeros((*CROP, 3), np.float32)}, r"gave float32 .*leave normalisation"),
        ({"image": [1]}, "gave list"),
        ({"mask": np.zeros((8, 8), np.uint8)}, r"gave uint8 \(8, 8\). Expected uint8 \(64, 96\)"),
        ({"mask": np.full(CROP, 9, np.uint8)}, r"ids \[9\]. Expected 0 to 7 and 255"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(answer, message):
    good = {"image": np.zeros((*CROP, 3), np.uint8), "mask": np.zeros(CROP, np.uint8)}
    with pytest.raises(ValueError, match=message):
        view(from_albumentations(lambda image, mask: good | answer, crop=CROP), 0)


def test_what_cannot_be_called_is_refused():
    with pytest.raises(ValueError, match="Received a str as pipeline"):
        from_albumentations("strong", crop=CROP)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"mine.json does not exist. Expected a pipeline"):
        create(str(tmp_path / "mine.json"), crop=CROP)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mine.json", ""),
        ("mine.json", "{}"),
        ("mine.json", "[1]"),
        ("mine.json", '{"transform": {"__class_fullname__": "Nonsense", "p": 1.0}}'),
        ("mine.yaml", "{["),
        ("mine.yml", "just words"),
    ],
)
def test_a_file_without_a_pipeline_is_refused(albumentations, tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=rf"{name} holds no pipeline"):
        create(str(path), crop=CROP)


def test_a_scale_beside_a_pipeline_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"mine.yaml', which alone decides about its views"):
        create(str(tmp_path / "mine.yaml"), crop=CROP, scale=(0.5, 1.0))


def test_without_albumentations_the_way_out_is_told(tmp_path, monkeypatch):
    path = tmp_path / "mine.json"
    path.write_text("{}", "utf-8")
    monkeypatch.setitem(sys.modules, "albumentations", None)
    with pytest.raises(ValueError, match=r"not installed.*pip install albumentations, or take a preset"):
        create(str(path), crop=CROP)


def test_our_own_presets_do_not_import_it():
    code = "import sys; from model.data.augmentation import create; create('strong', crop=(64, 64)); "
    code += "print('albumentations' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (result.stdout.strip(), result.returncode) == ("False", 0), result.stderr
