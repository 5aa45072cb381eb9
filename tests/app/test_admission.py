"""The queue in front of the network."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from app.admission import Admission, DeadlinePassed, QueueFull
from app.presence import ClientLeft
from tests.app.clients import FakeSegmenter, assert_problem, encoded, post


class HeldSegmenter(FakeSegmenter):
    """Answers only once it is released, and knows how many asked it."""

    def __init__(self):
        super().__init__()
        self.released = threading.Event()
        self.runs = threading.Semaphore(0)

    def segment(self, image, **options):
        self.runs.release()
        assert self.released.wait(10)
        return super().segment(image, **options)

    def wait_until_run(self):
        assert self.runs.acquire(timeout=10)

    @property
    def was_run(self) -> bool:
        return self.runs.acquire(blocking=False)


def wait_until(condition):
    ends = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.001)


@pytest.fixture
def held():
    """Never leaves a thread behind, even where a test fails."""
    segmenter = HeldSegmenter()
    yield segmenter
    segmenter.released.set()


@pytest.fixture
def pool(held):
    with ThreadPoolExecutor(8) as pool:
        yield pool
        held.released.set()


def test_no_more_than_the_slots_run_at_once():
    admission = Admission(slots=2, depth=100, deadline=10)
    running, most = 0, 0
    lock = threading.Lock()

    def work(_):
        nonlocal running, most
        with admission.place():
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.005)
            with lock:
                running -= 1

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(40)))
    assert most == 2
    assert admission.waiting == 0


def test_first_come_is_first_served():
    admission = Admission(slots=1, depth=10, deadline=10)
    order = []

    def work(number):
        with admission.place():
            order.append(number)

    with ThreadPoolExecutor(10) as pool, admission.place():
        for number in range(10):
            pool.submit(work, number)
            wait_until(lambda number=number: admission.waiting == number + 1)
    assert order == list(range(10))


def test_retry_after_follows_the_measured_service_time(monkeypatch):
    admission = Admission(slots=1, depth=0, deadline=10)
    clock = iter([0, 0, 7, 7, 7, 7])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    with admission.place():
        pass
    with admission.place():
        with pytest.raises(QueueFull) as refusal, admission.place():
            pass
        monkeypatch.undo()
    assert refusal.value.retry_after == 7


def test_a_place_is_free_again_after_a_fault():
    admission = Admission(slots=1, depth=0, deadline=1)
    with pytest.raises(ZeroDivisionError), admission.place():
        raise ZeroDivisionError
    with admission.place():
        pass


def test_one_that_gives_up_lets_the_next_through():
    admission = Admission(slots=1, depth=2, deadline=0.05)
    with admission.place(), pytest.raises(DeadlinePassed), admission.place():
        pass
    with admission.place():
        pass
    assert admission.waiting == 0


def test_a_full_queue_is_refused_with_429(make_client, pool, held, png):
    client = make_client(segmenter=held, CONCURRENCY=1, QUEUE_DEPTH=1)
    admission = client.application.extensions["streetseg"].admission
    runs = pool.submit(post, client.application.test_client(), png)
    held.wait_until_run()
    waits = pool.submit(post, client.application.test_client(), png)
    wait_until(lambda: admission.waiting == 1)
    response = post(client, png)
    assert_problem(response, 429)
    assert int(response.headers["Retry-After"]) >= 1
    held.released.set()
    assert (runs.result().status_code, waits.result().status_code) == (200, 200)
    assert post(client, png).status_code == 200


def test_a_request_out_of_time_is_refused_unrun(make_client, pool, held, png):
    client = make_client(segmenter=held, CONCURRENCY=1, QUEUE_DEPTH=1, DEADLINE=0.05)
    runs = pool.submit(post, client.application.test_client(), png)
    held.wait_until_run()
    response = post(client, png)
    assert_problem(response, 503, says="was not run")
    assert int(response.headers["Retry-After"]) >= 1
    assert not held.was_run
    held.released.set()
    assert runs.result().status_code == 200


def test_health_answers_while_the_queue_is_full(make_client, pool, held, png):
    client = make_client(segmenter=held, CONCURRENCY=1, QUEUE_DEPTH=0)
    pool.submit(post, client.application.test_client(), png)
    held.wait_until_run()
    assert client.get("/livez").status_code == client.get("/readyz").status_code == 200


def test_threads_never_get_each_others_answer(make_client):
    app = make_client(QUEUE_DEPTH=100).application

    def ask(width):
        body = post(app.test_client(), encoded(np.zeros((2, width, 3), np.uint8)), query_string={"format": "json"})
        return body.get_json()["image"]["width"]

    widths = [1 + number % 37 for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, widths)) == widths


def test_a_place_that_comes_as_the_wait_ends_is_taken(monkeypatch):
    admission = Admission(slots=1, depth=1, deadline=0.01)
    first = admission.place()
    first.__enter__()

    class LateEvent(threading.Event):
        def wait(self, timeout=None):
            first.__exit__(None, None, None)
            return False

    monkeypatch.setattr(threading, "Event", LateEvent)
    with admission.place():
        monkeypatch.undo()
        assert admission.waiting == 0
        with pytest.raises(DeadlinePassed), admission.place():
            pass
    with admission.place():
        pass


def test_an_interrupted_wait_leaves_no_trace(monkeypatch):
    admission = Admission(slots=1, depth=1, deadline=10)

    class InterruptedEvent(threading.Event):
        def wait(self, timeout=None):
            raise KeyboardInterrupt

    with admission.place():
        monkeypatch.setattr(threading, "Event", InterruptedEvent)
        with pytest.raises(KeyboardInterrupt), admission.place():
            pass
        monkeypatch.undo()
        assert admission.waiting == 0
    with admission.place():
        pass


def test_one_that_wakes_long_after_its_turn_came_is_refused_unrun(monkeypatch):
    admission = Admission(slots=1, depth=1, deadline=0.01)
    first = admission.place()
    first.__enter__()

    class SleepyEvent(threading.Event):
        def wait(self, timeout=None):
            first.__exit__(None, None, None)
            time.sleep(0.02)
            return True

    monkeypatch.setattr(threading, "Event", SleepyEvent)
    with pytest.raises(DeadlinePassed), admission.place():
        pytest.fail("it was run")
    monkeypatch.undo()
    with admission.place():
        pass


def test_one_whose_client_left_takes_no_place():
    admission = Admission(slots=1, depth=0, deadline=1)
    with pytest.raises(ClientLeft), admission.place(gone=lambda: True):
        pytest.fail("it was run")
    with admission.place():
        pass


def test_one_whose_client_leaves_while_it_waits_gives_its_place_in_the_queue_up():
    admission = Admission(slots=1, depth=1, deadline=10)
    looks = iter([False, True])
    with admission.place(), pytest.raises(ClientLeft), admission.place(gone=lambda: next(looks)):
        pytest.fail("it was run")
    assert admission.waiting == 0
    with admission.place():
        pass
