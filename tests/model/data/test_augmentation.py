"""Image and labels move together, and only the image changes its colours."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from model.categories import IGNORE, PALETTE
from model.data import synthetic
from model.data.augmentation import Augmentation
from model.data.augmentation.photometry import compressed

SIZE = (64, 128)
PLAIN = {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0, "blur": 0, "jpeg": 0}


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return synthetic.scene(4, size=SIZE)[1]


def view(labels: np.ndarray, seed: int, **changes) -> tuple[np.ndarray, np.ndarray]:
    """A view of an image that shows its own labels as colours, so that both can be compared."""
    augmentation = Augmentation(**{"crop": (48, 80), **PLAIN, **changes})
    return augmentation.apply(PALETTE[labels], labels, reference=SIZE, random=np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(12))
def test_every_labelled_pixel_keeps_its_label(labels, seed):
    image, moved = view(labels, seed, scale=(0.5, 2.0))
    labelled = moved != IGNORE
    error = np.abs(image.astype(int) - PALETTE[np.where(labelled, moved, 0)]).max(-1)
    # Resizing mixes colours at borders between categories, and nowhere else.
    assert (error[labelled] > 40).mean() < 0.2
    assert np.median(error[labelled]) == 0


def test_both_directions_occur_and_are_mirror_images(labels):
    fixed = {"scale": (1.0, 1.0), "stretch": 0, "crop": SIZE}
    views = [view(labels, seed, **fixed)[1] for seed in range(20)]
    straight = sum(np.array_equal(moved, labels) for moved in views)
    mirrored = sum(np.array_equal(moved, labels[:, ::-1]) for moved in views)
    assert straight + mirrored == 20
    assert min(straight, mirrored) >= 3


def test_what_a_small_image_does_not_fill_has_no_ground_truth(labels):
    image, moved = view(labels, 0, scale=(0.5, 0.5), stretch=0, crop=SIZE)
    assert (moved != IGNORE).sum() == 32 * 64
    assert (image[moved == IGNORE] == 127).all()


def test_labels_hold_no_new_ids(labels):
    for seed in range(10):
        assert set(np.unique(view(labels, seed)[1])) <= {*np.unique(labels), IGNORE}


def test_photometry_changes_the_image_alone(labels):
    plain_image, plain_labels = view(labels, 3)
    changed_image, changed_labels = view(labels, 3, brightness=0.4, contrast=0.4, saturation=0.5, hue=0.1)
    np.testing.assert_array_equal(plain_labels, changed_labels)
    assert (plain_image != changed_image).mean() > 0.5


def test_every_photometric_change_has_its_own_effect(labels):
    plain, _ = view(labels, 3)
    for change in ({"brightness": 0.4}, {"contrast": 0.4}, {"saturation": 0.5}, {"hue": 0.1}, {"blur": 1}, {"jpeg": 1}):
        changed, _ = view(labels, 3, **change)
        assert not np.array_equal(plain, changed), change


def test_jpeg_artefacts_are_those_of_a_file_that_was_saved():
    # Red on green and blue on yellow: where a JPEG takes red for blue, its coarse colours spoil others.
    scene = np.random.default_rng(0).integers(0, 256, (8, 16, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    saved = io.BytesIO()
    Image.fromarray(scene).save(saved, "JPEG", quality=30, subsampling="4:2:0")
    found = compressed(scene, quality=(30, 30), random=np.random.default_rng(0))
    expected = np.asarray(Image.open(saved)).astype(int)
    assert found.flags.c_contiguous
    np.testing.assert_allclose(found, expected, atol=3)


def test_the_same_generator_state_gives_the_same_view(labels):
    everything = {"brightness": 0.4, "blur": 0.5, "jpeg": 0.5}
    for one, other in zip(view(labels, 9, **everything), view(labels, 9, **everything), strict=True):
        np.testing.assert_array_equal(one, other)
