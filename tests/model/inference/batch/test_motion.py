"""Labels that move with what is seen, against motions that the test made itself."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from model.inference.batch import motion

SIZE = (240, 400)


def street(seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Something with borders of all sizes, as a street has."""
    noise = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    fine, coarse = (cv2.GaussianBlur(noise, None, sigma).astype(np.float32) for sigma in (2, 9))
    return cv2.normalize(fine + 4 * coarse, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def fields(size: tuple[int, int] = SIZE) -> np.ndarray:
    rows, columns = np.indices(size) // 20
    return ((rows + 3 * columns) % 8).astype(np.uint8)


def warped(image: np.ndarray, matrix: list[list[float]]) -> np.ndarray:
    """Move the pixels of an image; a category id between two others is none, so labels are not mixed."""
    how = cv2.INTER_NEAREST if image.ndim == 2 else cv2.INTER_LINEAR
    return cv2.warpAffine(image, np.float32(matrix), image.shape[1::-1], flags=how, borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize(
    "matrix",
    [
        [[1, 0, 9], [0, 1, 0]],
        [[1, 0, -6], [0, 1, 5]],
        [[1.04, 0, -8], [0, 1.04, -5]],
        [[0.999, -0.035, 4], [0.035, 0.999, -7]],
    ],
    ids=["right", "left and down", "nearer", "turned"],
)
def test_labels_move_as_the_picture_did(matrix):
    then, now = street(), warped(street(), matrix)
    wanted = warped(fields(), matrix)
    inner = np.s_[16:-16, 16:-16]
    received = motion.moved(fields(), motion.sketch(then), motion.sketch(now))
    assert received.dtype == np.uint8
    assert (fields() == wanted)[inner].mean() < 0.85
    assert (received == wanted)[inner].mean() > 0.96


def test_what_moves_alone_moves_alone():
    then, labels = street(), np.ones(SIZE, np.uint8)
    labels[80:160, 120:200] = 7
    now, wanted = then.copy(), np.ones(SIZE, np.uint8)
    thing = street(1)[:80, :80]
    then[80:160, 120:200] = thing
    now[80:160, 132:212] = thing
    wanted[80:160, 132:212] = 7
    received = motion.moved(labels, motion.sketch(then), motion.sketch(now))
    overlap = [((each == 7) & (wanted == 7)).sum() / ((each == 7) | (wanted == 7)).sum() for each in (labels, received)]
    assert overlap[0] < 0.75
    assert overlap[1] > 0.93


@pytest.mark.parametrize("size", [(720, 1280), (1, 1), (1, 500), (300, 2), (31, 20)])
def test_where_nothing_moves_labels_stay(size):
    image = street(size=size) if min(size) > 20 else np.zeros((*size, 3), np.uint8)
    labels = np.random.default_rng(1).integers(0, 8, size, np.uint8)
    sketch = motion.sketch(image)
    assert np.array_equal(motion.moved(labels, sketch, sketch), labels)


def test_what_comes_in_over_the_border_has_the_label_that_was_there():
    labels = np.repeat(np.arange(8, dtype=np.uint8), 50)[np.newaxis].repeat(SIZE[0], axis=0)
    now = warped(street(), [[1, 0, 12], [0, 1, 0]])
    received = motion.moved(labels, motion.sketch(street()), motion.sketch(now))
    assert (received[20:-20, :50] == 0).mean() > 0.98


def test_threads_of_opencv_change_no_label():
    then, now = motion.sketch(street()), motion.sketch(warped(street(), [[1.03, 0.01, 7], [0, 1.02, -4]]))
    before = cv2.getNumThreads()
    try:
        received = []
        for threads in (1, 2, 5, 16):
            cv2.setNumThreads(threads)
            received.append(motion.moved(fields(), then, now))
    finally:
        cv2.setNumThreads(before)
    assert all(np.array_equal(each, received[0]) for each in received)


@pytest.mark.parametrize(
    ("size", "wanted"), [((720, 1280), (180, 320)), ((64, 48), (320, 240)), ((10, 900), (64, 320))]
)
def test_a_sketch_is_as_large_as_it_is_said_to_be(size, wanted):
    sketch = motion.sketch(np.full((*size, 3), (10, 200, 30), np.uint8))
    assert sketch.shape == wanted
    # ITU-R BT.601's luma.
    assert set(np.unique(sketch)) == {round(0.299 * 10 + 0.587 * 200 + 0.114 * 30)}


def test_the_difference_of_two_sketches_is_how_far_a_pixel_differs():
    one = np.full((4, 5), 20, np.uint8)
    other = one.copy()
    other[0, 0] = 0
    assert motion.difference(one, one) == 0
    assert motion.difference(one, other) == motion.difference(other, one) == 1
