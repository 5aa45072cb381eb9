"""Threads that take an image each: how many compute at a time, while others read and write."""

from __future__ import annotations

import threading

import pytest

from model.inference.batch import crew, inputs, job, output
from tests.app.clients import FakeSegmenter

PATIENCE = 20  # seconds


class Counting(FakeSegmenter):
    """Holds every image until it is let go, and notes how many it has at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.most, self.lock = 0, 0, threading.Lock()
        self.entered, self.go = threading.Semaphore(0), threading.Event()

    def segment(self, *arguments, **options):
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.entered.release()
        assert self.go.wait(PATIENCE)
        try:
            return super().segment(*arguments, **options)
        finally:
            with self.lock:
                self.inside -= 1


@pytest.fixture
def read_ahead(monkeypatch) -> threading.Semaphore:
    """Goes up by each image that is read."""
    count, read = threading.Semaphore(0), inputs.Item.read

    def counted(item):
        count.release()
        return read(item)

    monkeypatch.setattr(inputs.Item, "read", counted)
    return count


@pytest.mark.parametrize(("threads", "processors", "most"), [(4, 2, 2), (3, 8, 3), (1, 2, 1)])
def test_as_many_compute_as_there_are_processors_and_the_rest_reads(
    threads, processors, most, photographs, read_ahead, monkeypatch, tmp_path
):
    monkeypatch.setattr(crew.processors, "count", lambda: processors)
    segmenter, items = Counting(), inputs.find([photographs]) * 3
    assert len(items) > threads
    made = []

    def run() -> None:
        with output.Output(tmp_path / "out").opened() as out:
            made.extend(crew.threads(segmenter, threads)([(item, ("mask",)) for item in items], out, job.Job()))

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    # All of them read, though only some can compute.
    for _ in range(threads):
        assert read_ahead.acquire(timeout=PATIENCE)
    for _ in range(most):
        assert segmenter.entered.acquire(timeout=PATIENCE)
    segmenter.go.set()
    worker.join(PATIENCE)
    assert not worker.is_alive()
    assert len(made) == len(items)
    assert segmenter.most == most


def test_an_image_that_cannot_be_decoded_gives_its_seat_back(photographs, segmenter, monkeypatch, tmp_path):
    monkeypatch.setattr(crew.processors, "count", lambda: 1)
    for number in range(3):
        (photographs / f"damaged-{number}.jpg").write_bytes(b"\xff\xd8\xff damaged")
    outcome = job.run(inputs.find([photographs]), segmenter, tmp_path / "out", threads=2)
    assert len(outcome.failed) >= 3
    assert outcome.made
