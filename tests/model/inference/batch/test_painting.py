"""Which frames of a video the network sees, and from which one the others have their labels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from model.inference.batch import painting
from model.inference.options import Options
from model.inference.segmenter import Segmentation
from tests.model.inference.batch.test_motion import SIZE, fields, street, warped

AHEAD = painting.AHEAD


class Network:
    """Says that a frame is all of the category which stands in its corner, or what `labels` makes of it."""

    artifact = SimpleNamespace(version="unet-0")

    def __init__(self, labels=lambda image: np.full(image.shape[:2], image[0, 0, 0], np.uint8)) -> None:
        self.labels, self.seen = labels, []

    def segment(self, image: np.ndarray, void: str) -> Segmentation:
        self.seen.append(image)
        labels = self.labels(image)
        return Segmentation(labels, np.full_like(labels, 255), labels.shape, {}, "unet-0", 0.5)


def marked(image: np.ndarray, category: int) -> np.ndarray:
    image = image.copy()
    image[0, 0] = category
    return image


def painted(network: Network, frames: list[np.ndarray], *, every: int | None) -> list[tuple[np.ndarray, dict]]:
    """Return (overlay without the photograph, row) of frames, 25 a second."""
    with ThreadPoolExecutor(4 + 2 * len(frames)) as pool:
        painter = painting.Painter(network, Options(opacity=1.0), painting.Pace(every), pool)
        begun = [painter.begin(number, number / 25, image) for number, image in enumerate(frames)]
        painter.finish()
        return [each.painted.result() for each in begun]


def lenders(network: Network, frames: list[np.ndarray], *, every: int | None) -> list[int]:
    """Return the category that each frame is of, by its row."""
    rows = [row for _, row in painted(network, frames, every=every)]
    names = ("void", "flat", "construction", "object", "nature", "sky", "human", "vehicle")
    return [next(id for id, name in enumerate(names) if row[name] == 1) for row in rows]


def drive(count: int, step: float = 4) -> list[np.ndarray]:
    return [warped(street(), [[1, 0, step * number], [0, 1, 0]]) for number in range(count)]


@pytest.mark.parametrize(
    ("rate", "every"),
    [(4, 1), (5, 2), (7, 2), (12.5, 3), (15, 4), (24000 / 1001, 6), (25, 6), (30000 / 1001, 7), (30, 7), (60, 14)],
)
def test_by_itself_the_network_sees_little_more_than_four_frames_a_second(rate, every):
    for unit in (1 / 90_000, 1 / 1000):
        pace = painting.Pace(None)
        times = [round(number / rate / unit) * unit for number in range(60)]
        assert [number for number in range(60) if pace.is_due(number, times[number])] == list(range(0, 60, every))


def test_by_itself_uneven_frames_are_seen_by_their_times():
    pace = painting.Pace(None)
    times = [0, 0.033, 0.066, 0.9, 0.91, 1.12, 1.14, 0.0, 0.15]
    assert [pace.is_due(number, time) for number, time in enumerate(times)] == [
        *(True, False, False, True, False, False, True, True, False)
    ]


def test_a_frame_borrows_from_the_one_it_is_nearer_to_before_or_after():
    frames = [marked(image, 1 + number // 5) for number, image in enumerate(drive(11))]
    assert lenders(Network(), frames, every=5) == [1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3]


def test_from_a_frame_too_far_ahead_none_borrows():
    frames = [marked(street(9), 1), *drive(11), marked(drive(12)[-1], 2)]
    assert lenders(Network(), frames, every=12) == [1] * (12 - AHEAD) + [2] * (AHEAD + 1)


def test_a_change_of_scene_parts_the_labels():
    scenes = [marked(street(5), 3)] * 2 + [marked(street(6), 4)] * 4
    assert lenders(Network(), scenes, every=5) == [3, 3, 4, 4, 4, 4]


def test_where_two_are_equally_like_it_the_one_before_lends():
    frames = [street() for _ in range(4)]
    network = Network(lambda image: np.full(SIZE, 1 if image is frames[0] else 2, np.uint8))
    assert lenders(network, frames, every=3) == [1, 1, 1, 2]


def test_the_network_sees_the_frames_that_are_due_and_no_other():
    network, frames = Network(), [marked(image, 1) for image in drive(10)]
    painted(network, frames, every=4)
    assert {id(image) for image in network.seen} == {id(frames[number]) for number in (0, 4, 8)}


def test_borrowed_labels_are_where_their_things_are_by_now():
    frames = drive(5, step=5)
    truth = [warped(fields(), [[1, 0, 5 * number], [0, 1, 0]]) for number in range(5)]
    network = Network(lambda image: truth[next(n for n, frame in enumerate(frames) if frame is image)])
    wanted = [overlay for overlay, _ in painted(network, frames, every=1)]
    received = [overlay for overlay, _ in painted(network, frames, every=4)]
    inner = np.s_[16:-16, 16:-16]
    for number in (1, 2, 3):
        assert (wanted[number] == received[number]).all(axis=-1)[inner].mean() > 0.95
        assert (wanted[number] == wanted[4 if number == 3 else 0]).all(axis=-1)[inner].mean() < 0.9
    for number in (0, 4):
        assert np.array_equal(wanted[number], received[number])


@pytest.mark.parametrize("every", [1, 3, 7, 100])
def test_no_more_than_the_last_few_frames_wait_for_one_to_come(every):
    with ThreadPoolExecutor(40) as pool:
        painter = painting.Painter(Network(), Options(), painting.Pace(every), pool)
        begun = []
        for number in range(16):
            begun.append(painter.begin(number, number / 25, marked(street(size=(40, 60)), 1)))
            assert all(each.painted is not None for each in begun[:-AHEAD])
            assert all(each.image is None for each in begun if each.painted)
        painter.finish()
        assert [each.painted.result()[0].shape for each in begun] == [(40, 60, 3)] * 16


def test_what_fails_for_one_frame_fails_for_those_that_would_borrow_from_it():
    def fail(image):
        raise RuntimeError("no memory")

    with ThreadPoolExecutor(8) as pool:
        painter = painting.Painter(Network(fail), Options(), painting.Pace(2), pool)
        begun = [painter.begin(number, number / 25, street()) for number in range(2)]
        painter.finish()
        for each in begun:
            with pytest.raises(RuntimeError, match="no memory"):
                each.painted.result()


def test_frames_of_another_size_borrow_from_their_own():
    frames = [marked(street(), 1), street(), marked(street(size=SIZE[::-1]), 2)]
    assert lenders(Network(), frames, every=2) == [1, 1, 2]


def test_a_borrower_s_answer_is_its_own_and_changes_no_other():
    network = Network(lambda image: fields())
    frames = drive(4)
    segmentation = network.segment(frames[0], "shown")
    kept = segmentation.labels.copy()
    network.segment = lambda image, void: replace(segmentation)
    painted(network, frames, every=4)
    assert np.array_equal(segmentation.labels, kept)
