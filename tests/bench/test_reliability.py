"""Short versions of the trials in bench/reliability, without their times: what is right, wrong, lost or left open."""

from __future__ import annotations

import time
from argparse import Namespace

import pytest

from bench.reliability import crosstalk, kill, mixed, overload, slow, terminate
from bench.reliability.target import photograph, started

pytestmark = pytest.mark.usefixtures("small_network")


def test_beyond_what_it_can_serve_every_answer_is_right_or_a_refusal_with_retry_after():
    with started(STREETSEG_QUEUE_DEPTH="4") as target:
        photographs = [photograph(number) for number in range(3)]
        right = [target.ask("POST", "/predict?format=mask", each).body for each in photographs]
        counts, _ = overload.storm(target, photographs, right, Namespace(seconds=2, clients=60))
    assert set(counts) == {"right", "refused"}


def test_slow_and_idle_clients_leave_the_others_their_answers():
    with started() as target:
        crowd = slow.Crowd(target.port, slow=60, idle=100)
        try:
            times = slow.load(target, 2)
        finally:
            crowd.stop()
    assert times
    assert float("inf") not in times


def test_mixed_traffic_leaves_no_descriptor_open():
    with started() as target:
        mixed.traffic(target, 2, 2)
        _, early = mixed.settled(target)
        asked = 0
        # Enough of each kind, however many this machine does in a second.
        while asked <= 20:
            more = mixed.traffic(target, 1, 2)
            assert more
            asked += more
        _, late = mixed.settled(target)
    assert late <= early


def test_no_answer_is_wrong_when_the_worker_is_killed_under_load():
    with started() as target:
        load = kill.Load(target, 2)
        try:
            kill.kill(target)
            ends = time.monotonic() + 60
            while load.right <= 10 and time.monotonic() < ends:
                time.sleep(0.05)
        finally:
            load.stop()
    assert load.wrong == 0
    assert load.right > 10


def test_no_accepted_request_is_lost_when_stopped_under_load():
    with started() as target:
        counts = terminate.stop_under_load(target, 8)
        assert target.process.wait(60) == 0
    assert counts["answered"] > 10
    assert set(counts) <= {"answered", "told to try again"}


def test_two_clients_get_their_own_answers():
    assert crosstalk.run(Namespace(requests=400)).kept
