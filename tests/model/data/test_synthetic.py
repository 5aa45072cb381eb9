"""Generated streets: the same from the same seed, complete, and with masks that fit."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from model import categories
from model.data import synthetic
from model.data.samples import check
from model.data.scenery.canvas import Camera, Canvas
from model.data.scenery.light import Light

SMALL = (96, 192)


@pytest.fixture(scope="module")
def scenes() -> list[tuple[np.ndarray, np.ndarray]]:
    """Twenty small scenes."""
    return [synthetic.scene(seed, size=SMALL) for seed in range(20)]


@pytest.fixture
def canvas() -> Canvas:
    """An empty canvas in white light without haze."""
    light = Light("noon", (0, 0, 0), (0, 0, 0), (1.0, 1.0, 1.0), 0.0, 1, 1e9, 0.0)
    return Canvas((24, 40), Camera(40.0, 20.0, 10.0, 1.5, 0.0), light)


def _row(labels: np.ndarray, name: str) -> float:
    return float(np.nonzero(labels == categories.NAMES.index(name))[0].mean())


def test_the_same_seed_and_size_give_the_same_bytes():
    first, second = (synthetic.scene(5) for _ in range(2))
    assert first[0].tobytes() == second[0].tobytes()
    assert first[1].tobytes() == second[1].tobytes()


def test_another_seed_gives_another_street():
    first, second = synthetic.scene(5), synthetic.scene(6)
    assert (first[1] != second[1]).mean() > 0.05


@pytest.mark.parametrize("size", [(320, 640), (64, 64), (200, 120), (65, 333)])
def test_a_scene_has_the_size_asked_for(size):
    image, labels = synthetic.scene(1, size=size)
    assert (image.shape, image.dtype) == ((*size, 3), np.uint8)
    assert (labels.shape, labels.dtype) == (size, np.uint8)


def test_every_scene_holds_all_eight_categories_and_nothing_else(scenes):
    for _, labels in scenes:
        assert np.unique(labels).tolist() == list(range(categories.COUNT))


def test_categories_lie_where_a_street_has_them(scenes):
    for _, labels in scenes:
        assert _row(labels, "sky") < _row(labels, "construction") < _row(labels, "flat")
        assert _row(labels, "sky") < _row(labels, "vehicle")


def test_flat_and_construction_are_the_largest_categories(scenes):
    pixels = Counter()
    for _, labels in scenes:
        pixels.update(dict(enumerate(np.bincount(labels.ravel(), minlength=categories.COUNT))))
    assert [categories.NAMES[index] for index, _ in pixels.most_common(2)] == ["flat", "construction"]


def test_images_are_neither_dark_nor_burnt_out_and_vary_in_brightness(scenes):
    brightness = [image.mean() for image, _ in scenes]
    assert min(brightness) > 40
    assert max(brightness) < 215
    assert np.std(brightness) > 8


def test_edges_of_the_mask_are_edges_of_the_image(scenes):
    """Across a border between categories the image changes more than within a category."""
    across, within = [], []
    for image, labels in scenes:
        change = np.abs(np.diff(image.astype(int), axis=1)).sum(axis=2)
        border = labels[:, 1:] != labels[:, :-1]
        across.append(change[border].mean())
        within.append(change[~border].mean())
    assert np.mean(across) > 2.5 * np.mean(within)


@pytest.mark.parametrize("shift", [-3, 3])
def test_the_mask_fits_the_image_better_than_when_moved_aside(scenes, shift):
    def contrast(image: np.ndarray, labels: np.ndarray) -> float:
        change = np.abs(np.diff(image.astype(int), axis=1)).sum(axis=2)
        return change[labels[:, 1:] != labels[:, :-1]].mean()

    fits = [contrast(image, labels) for image, labels in scenes]
    moved = [contrast(image, np.roll(labels, shift, axis=1)) for image, labels in scenes]
    assert np.mean(fits) > 1.5 * np.mean(moved)


def test_splits_share_no_street():
    train = {sample.name for sample in synthetic.samples("train", count=5000)}
    validation = {sample.name for sample in synthetic.samples("val", count=5000)}
    assert not train & validation


def test_samples_number_as_asked_for():
    assert len(synthetic.samples("train")) == 200
    assert len(synthetic.samples("val")) == 40
    assert len(synthetic.samples("val", count=3)) == 3


def test_samples_pass_the_check_that_comes_before_training():
    check(synthetic.samples("val", count=4, size=SMALL))


def test_a_sample_is_the_scene_of_its_seed_and_void_is_not_scored():
    sample = synthetic.samples("val", count=2, size=SMALL)[1]
    example = sample.read()
    image, labels = synthetic.scene(int(sample.name.removeprefix("synthetic_")), size=SMALL)
    np.testing.assert_array_equal(example.image, image)
    np.testing.assert_array_equal(example.labels, labels)
    np.testing.assert_array_equal(example.scored, labels != categories.VOID)


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match=r"'test'.*train, val"):
        synthetic.samples("test")


@pytest.mark.parametrize("count", [0, -1, 1_000_001])
def test_a_count_out_of_range_is_refused(count):
    with pytest.raises(ValueError, match="Expected 1 to 1000000"):
        synthetic.samples("train", count=count)


def test_a_size_too_small_is_refused():
    with pytest.raises(ValueError, match=r"\(32, 640\).*64 or more"):
        synthetic.scene(0, size=(32, 640))


def test_color_and_category_are_painted_by_the_same_stroke(canvas):
    rng = np.random.default_rng(3)
    inks = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
    for index in range(60):
        points, which = rng.uniform((-5, -5), (45, 30), (3, 2)), index % 3
        canvas.fill(points, inks[which], which + 1)
        canvas.disc(points[0], rng.uniform(0.5, 4), inks[which], which + 1)
        canvas.limb(points[:2], (2.0, 0.8), inks[which], which + 1)
        canvas.discs(points, rng.uniform(0.5, 2, 3), np.array([inks[which]] * 3), which + 1, ahead=0.0)
    table = np.array([(0, 0, 0), *inks], np.uint8)
    np.testing.assert_array_equal(canvas.pixels[..., :3], table[canvas.pixels[..., 3]])


def test_the_finished_label_is_the_commonest_of_its_four_and_the_color_their_mean(canvas):
    canvas.pixels[:] = np.random.default_rng(4).integers(0, 4, canvas.pixels.shape, np.uint8)
    image, labels = canvas.resolve()
    for row in range(labels.shape[0]):
        for column in range(labels.shape[1]):
            block = canvas.pixels[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].reshape(4, 4)
            counts = np.bincount(block[:, 3], minlength=4)
            assert counts[labels[row, column]] == counts.max()
            assert np.abs(image[row, column] - block[:, :3].mean(axis=0)).max() <= 0.5


def test_the_camera_sees_the_ground_at_its_height_below_the_horizon():
    camera = Camera(focal=100.0, vanishing_x=50.0, horizon=40.0, height=1.5, bend=0.0)
    points = camera.project([0.0, 2.0, 2.0], [0.0, 0.0, 1.5], [10.0, 10.0, 20.0])
    np.testing.assert_allclose(points, [[50, 55], [70, 55], [60, 40]])


def test_far_things_fade_into_the_colour_of_the_low_sky():
    light = Light("noon", (0, 0, 0), (200, 210, 220), (1.0, 1.0, 1.0), 0.0, 1, 100.0, 0.0)
    assert light.shade((50, 60, 70), 0.0) == (50, 60, 70)
    np.testing.assert_allclose(light.shade((50, 60, 70), 1e6), (200, 210, 220))
    np.testing.assert_allclose(light.shade_all(np.array([[50, 60, 70]]), 30.0), [light.shade((50, 60, 70), 30.0)])
