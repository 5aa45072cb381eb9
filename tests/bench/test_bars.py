"""Each bar is reached by what reaches it, and not by what does not."""

from __future__ import annotations

import pytest

from bench import bars
from tests.bench import kept


def test_one_client_against_the_tutorial():
    overlay, answer, *_ = bars.of_rounds(kept.rounds())
    assert (overlay.measured, overlay.reached) == ("16.00 (16.00 to 16.00) times", True)
    assert (answer.measured, answer.reached) == ("8.00 (8.00 to 8.00) times", True)
    assert not bars.of_rounds(kept.rounds(overlay=54))[0].reached


def test_network_stage_against_benchmark_app():
    assert bars.of_rounds(kept.rounds(network=22, benchmark_app=20))[2].reached
    assert not bars.of_rounds(kept.rounds(network=22.1, benchmark_app=20))[2].reached


def test_the_rest_against_the_fastest_libraries():
    # 50 ms at the client, 20 of them the network; 5 + 15 for the fastest libraries. Ours is not among them.
    rest = bars.of_rounds(kept.rounds())[3]
    assert (rest.measured, rest.reached) == ("1.50 (1.50 to 1.50) times", True)
    assert not bars.of_rounds(kept.rounds(decode=4))[3].reached


def test_throughput_against_the_best_framework_of_each_turn():
    # 40 / 8 and 40 / 10.
    (bar,) = bars.of_throughput(kept.throughput())
    assert (bar.measured, bar.reached) == ("4.50 (4.25 to 4.75) times", True)
    assert not bars.of_throughput(kept.throughput(ours=35))[0].reached


@pytest.mark.parametrize(("slowest", "reached"), [(1040, True), (1041, False)])
def test_p99_against_queueing(slowest, reached):
    # 32 clients / 40 a second = 800 ms, times 1.3 = 1,040.
    assert bars.of_clients(kept.clients(slowest=slowest))[1].reached is reached


def test_a_single_error_of_32_clients_counts():
    assert bars.of_clients(kept.clients())[0].reached
    bar = bars.of_clients(kept.clients(errors=1))[0]
    assert (bar.measured, bar.reached) == ("2 of 202", False)


def test_start_and_memory_against_the_other_engine():
    start, memory = bars.of_starting(kept.starting())
    assert (start.measured, start.reached) == ("6.00 (6.00 to 6.00) times", True)
    assert (memory.measured, memory.reached) == ("2.00 (2.00 to 2.00) times smaller", False)


@pytest.mark.parametrize(("size", "reached"), [(449.9, True), (450.0, False)])
def test_size_of_the_install(size, reached):
    assert bars.of_install(kept.install(size))[0].reached is reached
