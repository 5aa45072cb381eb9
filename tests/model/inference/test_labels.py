from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from model.inference import labels as labelling
from model.inference.labels import choose


def _planes(size: tuple[int, int], seed: int = 5, smooth: float = 0) -> np.ndarray:
    """Make probabilities of eight categories; the smoother, the fewer borders."""
    logits = np.random.default_rng(seed).normal(0, 3, (*size, 8)).astype(np.float32)
    if smooth:
        logits = cv2.GaussianBlur(logits, (0, 0), smooth) * (4 * smooth)
    exponents = np.exp(logits - logits.max(-1, keepdims=True))
    return np.ascontiguousarray((exponents / exponents.sum(-1, keepdims=True)).transpose(2, 0, 1))


def _bilinear(planes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Interpolate the plain way: float64, whole picture, by the definition with pixel centres at half numbers."""

    def places(source: int, target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        place = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
        low = np.floor(place).astype(int)
        return low, np.minimum(low + 1, source - 1), place - low

    planes = planes.astype(np.float64)
    low, high, weight = places(planes.shape[1], size[0])
    rows = planes[:, low] * (1 - weight[:, np.newaxis]) + planes[:, high] * weight[:, np.newaxis]
    low, high, weight = places(planes.shape[2], size[1])
    return rows[:, :, low] * (1 - weight) + rows[:, :, high] * weight


def _assert_agrees(planes: np.ndarray, size: tuple[int, int], first: int) -> None:
    full = _bilinear(planes, size)[first:]
    labels, confidence = choose(planes, size, first=first)
    assert labels.shape == confidence.shape == size
    assert labels.dtype == confidence.dtype == np.uint8
    ordered = np.sort(full, axis=0)
    clear = ordered[-1] - ordered[-2] > 1e-5
    assert clear.mean() > 0.99
    assert np.array_equal(labels[clear], full.argmax(0)[clear] + first)
    # A hundredth, because cv2.resize itself rounds its weights to float32.
    assert np.abs(confidence - 255 * full.max(0)).max() <= 0.5 + 1e-2


SIZES = [
    (16, 24),
    (32, 48),
    (37, 101),
    (160, 24),
    (16, 240),
    (8, 12),
    (5, 7),
    (5, 300),
    (300, 5),
    (1, 1),
    (1, 50),
    (50, 1),
]


@pytest.mark.parametrize("smooth", [0, 3])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("first", [0, 1])
def test_choose_agrees_with_the_plain_definition(size, first, smooth):
    _assert_agrees(_planes((16, 24), smooth=smooth), size, first)


@pytest.mark.parametrize("source", [(1, 1), (1, 9), (9, 1), (2, 2), (40, 3)])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (64, 31), (200, 200)])
def test_choose_agrees_for_planes_of_any_size(source, size):
    _assert_agrees(_planes(source), size, 0)


@pytest.mark.parametrize("seed", range(40))
def test_choose_agrees_for_sizes_drawn_at_random(seed):
    random = np.random.default_rng(seed)
    source = tuple(int(side) for side in random.integers(1, 40, 2))
    size = tuple(int(side) for side in random.integers(1, 200, 2))
    _assert_agrees(_planes(source, seed, smooth=float(random.choice([0, 1, 4]))), size, int(random.integers(0, 2)))


@pytest.mark.parametrize("size", [(256, 512), (270, 480), (512, 256), (301, 997)])
def test_choose_agrees_with_opencv_plane_by_plane(size):
    planes = _planes((80, 160), smooth=4)
    full = np.stack([cv2.resize(plane, size[::-1], interpolation=cv2.INTER_LINEAR) for plane in planes])
    labels, confidence = choose(planes, size)
    assert len(np.unique(labels)) == 8
    assert (labels != full.argmax(0)).sum() <= 2
    assert np.abs(confidence - 255 * full.max(0)).max() <= 0.5 + 2e-2


@pytest.mark.parametrize("size", [(131, 97), (7, 50), (16, 24), (9, 20)])
def test_no_label_depends_on_how_much_is_done_at_a_time(size, monkeypatch):
    planes = _planes((16, 24), smooth=1)
    whole = choose(planes, size)
    for pixels in (1, 40, 1000):
        monkeypatch.setattr(labelling, "STRIP_PIXELS", pixels)
        monkeypatch.setattr(labelling, "BORDER_PIXELS", pixels)
        monkeypatch.setattr(labelling, "CONTEST_PIXELS", pixels)
        parts = choose(planes, size)
        assert np.array_equal(whole[0], parts[0])
        # OpenCV rounds differently where there is a single row.
        assert np.abs(whole[1].astype(int) - parts[1]).max() <= 1


def test_callers_on_several_threads_get_what_they_would_get_alone():
    planes = [_planes((40, 60), seed, smooth=2) for seed in range(8)]
    alone = [choose(each, (200, 170)) for each in planes]
    before = cv2.getNumThreads()
    try:
        for threads in (1, 2):
            cv2.setNumThreads(threads)
            with ThreadPoolExecutor(8) as pool:
                together = list(pool.map(lambda each: choose(each, (200, 170)), planes * 4))
            for number, answer in enumerate(together):
                assert np.array_equal(answer[0], alone[number % 8][0])
                assert np.array_equal(answer[1], alone[number % 8][1])
    finally:
        cv2.setNumThreads(before)


@pytest.mark.parametrize("size", [(2, 2), (4, 4), (1, 1), (9, 5)])
@pytest.mark.parametrize("first", [0, 1])
def test_of_equals_the_lowest_id_is_chosen(size, first):
    labels, confidence = choose(np.full((8, 2, 2), 0.125, np.float32), size, first=first)
    assert (labels == first).all()
    assert (confidence == 32).all()


def test_of_equals_in_the_middle_of_a_cell_the_lowest_id_is_chosen():
    planes = np.zeros((8, 1, 2), np.float32)
    planes[6, 0], planes[2, 0] = (1, 0), (0, 1)
    labels, confidence = choose(planes, (1, 6))
    assert labels[0].tolist() == [6, 6, 6, 2, 2, 2]
    labels, confidence = choose(planes, (1, 3))
    assert labels[0].tolist() == [6, 2, 2]
    assert confidence[0].tolist() == [255, 128, 255]


def test_probabilities_are_interpolated_not_labels():
    # Half way between sky (0.55) and flat (0.55) void is best (0.45), though at neither end.
    planes = np.zeros((8, 1, 2), np.float32)
    planes[[5, 0], 0, 0] = 0.55, 0.45
    planes[[1, 0], 0, 1] = 0.55, 0.45
    labels, confidence = choose(planes, (1, 8))
    assert labels[0].tolist() == [5, 5, 5, 0, 0, 1, 1, 1]
    # 255 x 0.55 = 140.25; an eighth of the way 0.48125, 122.7; in the middle 255 x 0.45 = 114.75.
    assert confidence[0].tolist() == [140, 140, 123, 115, 115, 123, 140, 140]


def test_a_category_that_is_best_only_in_the_middle_of_four_is_found():
    planes = np.zeros((8, 2, 2), np.float32)
    for category, place in zip((1, 2, 3, 4), np.ndindex(2, 2), strict=True):
        planes[category][place] = 0.6
    planes[7] = 0.4
    labels, confidence = choose(planes, (9, 9))
    assert labels[4, 4] == 7
    assert confidence[4, 4] == 102
    assert [int(labels[place]) for place in ((0, 0), (0, 8), (8, 0), (8, 8))] == [1, 2, 3, 4]


def test_one_agreed_corner_category_keeps_its_interpolated_probability():
    planes = np.zeros((8, 1, 2), np.float32)
    planes[4, 0], planes[1, 0] = (1.0, 0.2), (0.0, 0.1)
    labels, confidence = choose(planes, (1, 4))
    assert (labels == 4).all()
    # 1, 0.8, 0.4 and 0.2 times 255.
    assert confidence[0].tolist() == [255, 204, 102, 51]


def test_the_lowest_ids_are_never_chosen_where_they_may_not_be():
    planes = _planes((16, 24), smooth=2)
    planes[0] += 2
    planes /= 3
    shown, _ = choose(planes, (64, 96))
    never, confidence = choose(planes, (64, 96), first=1)
    assert not shown.any()
    assert never.min() == 1
    assert np.array_equal(never, choose(planes[1:].copy(), (64, 96))[0] + 1)
    assert np.array_equal(confidence, choose(planes[1:].copy(), (64, 96))[1])


@pytest.mark.parametrize("size", [(16, 24), (64, 96), (5, 7)])
def test_without_confidence_the_labels_are_the_same(size):
    planes = _planes((16, 24))
    labels, nothing = choose(planes, size, confidence=False)
    assert nothing is None
    assert np.array_equal(labels, choose(planes, size)[0])


@pytest.mark.parametrize("size", [(16, 24), (50, 70)])
def test_planes_are_left_alone_and_may_change_afterwards(size):
    planes = _planes((16, 24))
    before = planes.copy()
    planes.flags.writeable = False
    labels, confidence = choose(planes, size)
    assert np.array_equal(planes, before)
    assert not np.shares_memory(labels, planes)
    assert not np.shares_memory(confidence, planes)
    # An engine's planes live in its own memory, which the next picture overwrites.
    assert labels.base is None
    assert confidence.base is None
