"""What the presets promise: none shows the whole image, standard is the shipped network's recipe, each is stronger."""

from __future__ import annotations

import hashlib
import io

import cv2
import numpy as np
import pytest
from PIL import Image

from model.categories import IGNORE, NAMES
from model.data import synthetic
from model.data.augmentation import PRESETS, Augmentation, create
from model.preprocessing import resize_image, resize_labels

SIZE = (160, 320)
CROP = (96, 192)
# Of the labels of forty standard views, taken before augmentation was cut into presets. (A digest of the images would
# depend on the processor: their colours are floating-point sums.)
LABELS_DIGEST = "2988cab0071a2f2857aba5c8297497a5a3ae64addc35de5467d5cb79f2ecb6aa"


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray]:
    return synthetic.scene(4, size=SIZE)


def view(scene, preset: str, seed: int, **options) -> tuple[np.ndarray, np.ndarray]:
    augmentation = create(preset, **{"crop": CROP, **options})
    return augmentation.apply(*scene, reference=SIZE, random=np.random.default_rng(seed))


def shipped_recipe(image, labels, random):
    """Augmentation as it stood when the shipped network was trained, kept here word for word."""
    scale = np.exp(random.uniform(*np.log((0.75, 1.75))))
    stretch = np.exp(random.uniform(-0.1, 0.1))
    size = (round(SIZE[0] * scale / stretch), round(SIZE[1] * scale * stretch))
    image, labels = resize_image(image, size), resize_labels(labels, size)
    short = np.maximum(0, np.array(CROP) - image.shape[:2])
    if short.any():
        top, left = (int(random.integers(0, missing + 1)) for missing in short)
        around = ((top, short[0] - top), (left, short[1] - left))
        image = np.pad(image, (*around, (0, 0)), constant_values=127)
        labels = np.pad(labels, around, constant_values=IGNORE)
    top, left = (int(random.integers(0, side - wanted + 1)) for side, wanted in zip(labels.shape, CROP, strict=True))
    window = np.s_[top : top + CROP[0], left : left + CROP[1]]
    image, labels = image[window], labels[window]
    if random.random() < 0.5:
        image, labels = image[:, ::-1], labels[:, ::-1]
    pixels = np.ascontiguousarray(image).astype(np.float32)
    gains = (1 + random.uniform(-0.4, 0.4)) * (1 + random.uniform(-0.1, 0.1, 3))
    pixels *= gains.astype(np.float32)
    mean = pixels.mean()
    pixels = mean + (pixels - mean) * np.float32(1 + random.uniform(-0.4, 0.4))
    grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    grey = grey[..., None]
    pixels = grey + (pixels - grey) * np.float32(1 + random.uniform(-0.5, 0.5))
    image = np.rint(np.clip(pixels, 0, 255)).astype(np.uint8)
    if random.random() < 0.1:
        image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 1.5))
    if random.random() < 0.1:
        quality = int(random.integers(30, 81))
        # By Pillow, which knows red from blue; the network itself saw the artefacts with both changed about.
        saved = io.BytesIO()
        Image.fromarray(image).save(saved, "JPEG", quality=quality, subsampling="4:2:0")
        image = np.asarray(Image.open(saved))
    return image, labels


def test_standard_is_the_shipped_networks_recipe_bit_for_bit(scene):
    digest = hashlib.sha256()
    for seed in range(40):
        image, labels = view(scene, "standard", seed)
        wanted_image, wanted_labels = shipped_recipe(*scene, np.random.default_rng(seed))
        np.testing.assert_array_equal(image, wanted_image)
        np.testing.assert_array_equal(labels, wanted_labels)
        digest.update(labels.tobytes())
    assert digest.hexdigest() == LABELS_DIGEST


def test_a_donor_changes_nothing_about_standard(scene):
    def donor():
        pytest.fail("standard copies nothing, so it must not draw a donor either")

    image, _ = create("standard", crop=CROP).apply(*scene, reference=SIZE, random=np.random.default_rng(1), donor=donor)
    np.testing.assert_array_equal(image, view(scene, "standard", 1)[0])


def test_none_shows_the_whole_image_as_serving_does(scene):
    for seed in range(4):
        image, labels = view(scene, "none", seed)
        np.testing.assert_array_equal(image, resize_image(scene[0], CROP))
        np.testing.assert_array_equal(labels, resize_labels(scene[1], CROP))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_view_has_the_crops_size_and_known_labels(scene, preset):
    for seed in range(10):
        image, labels = view(scene, preset, seed)
        assert (image.shape, image.dtype) == ((*CROP, 3), np.uint8)
        assert (labels.shape, labels.dtype) == (CROP, np.uint8)
        assert set(np.unique(labels)) <= {*range(8), IGNORE}
        assert image.flags.c_contiguous
        assert labels.flags.c_contiguous


@pytest.mark.parametrize("preset", PRESETS)
def test_the_same_generator_state_gives_the_same_view(scene, preset):
    for seed in range(20):
        for one, other in zip(view(scene, preset, seed), view(scene, preset, seed), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("preset", PRESETS)
def test_what_was_read_stays_as_it_was(scene, preset):
    image, labels = scene[0].copy(), scene[1].copy()
    for array in (image, labels):
        array.flags.writeable = False
    for seed in range(20):
        view((image, labels), preset, seed)
    np.testing.assert_array_equal(image, scene[0])


def test_each_preset_is_stronger_than_the_one_before(scene):
    def spread(preset: str) -> float:
        return float(np.std([view(scene, preset, seed, crop=SIZE)[0].mean() for seed in range(60)]))

    strengths = [spread(preset) for preset in PRESETS]
    assert strengths == sorted(strengths), strengths
    assert strengths[0] == pytest.approx(0, abs=1e-9)


def test_a_scale_of_ones_own_replaces_the_presets(scene):
    fixed = create("strong", crop=SIZE, scale=(0.5, 0.5))
    _, labels = fixed.apply(*scene, reference=SIZE, random=np.random.default_rng(0))
    assert (labels != IGNORE).mean() == pytest.approx(0.25, abs=0.01)


def test_a_rare_share_shows_more_of_the_rare_categories(scene):
    rare = [NAMES.index("object"), NAMES.index("human")]

    def share(rare_share: float) -> float:
        shown = [view(scene, "standard", seed, rare_share=rare_share, crop=(64, 96))[1] for seed in range(60)]
        return float(np.isin(shown, rare).mean())

    never, always = share(0.0), share(1.0)
    assert always > 1.3 * never


def test_shares_of_ones_own_replace_the_presets(scene):
    def brightness(**shares: float) -> float:
        return float(np.mean([view(scene, "light", seed, crop=SIZE, **shares)[0].mean() for seed in range(20)]))

    by_day, by_night = brightness(), brightness(night=1.0)
    assert by_night < by_day - 0.3
    # Weather goes before night: with weather everywhere nothing is left to be dark.
    assert brightness(weather=1.0, night=1.0) > by_night + 0.3


@pytest.mark.parametrize(
    ("preset", "options", "message"),
    [
        ("wild", {}, "no augmentation 'wild'. Expected one of none, light, standard, strong, all_weather"),
        ("light", {"scale": (2.0, 1.0)}, r"scale of \(2.0, 1.0\)"),
        ("light", {"scale": (0.0, 1.0)}, "above 0"),
        ("light", {"rare_share": 1.5}, "rare share of 1.5. Expected 0 to 1"),
        ("none", {"scale": (0.5, 1.0)}, "always shows the whole image"),
        ("light", {"weather": -0.1}, r"weather share of -0.1. Expected 0 to 1"),
        ("light", {"night": 2.0}, r"night share of 2.0. Expected 0 to 1"),
        ("none", {"rare_share": 0.5}, "always shows the whole image"),
        ("none", {"night": 0.0}, "always shows the whole image"),
    ],
)
def test_what_makes_no_sense_is_refused(preset, options, message):
    with pytest.raises(ValueError, match=message):
        create(preset, crop=CROP, **options)


def test_a_plain_augmentation_has_the_same_strength_as_standard():
    assert Augmentation(crop=CROP, scale=(0.75, 1.75)) == create("standard", crop=CROP)
