"""The arithmetic of the report, on numbers that can be worked out by hand."""

from __future__ import annotations

import pytest

from bench import figures


def test_spread_is_median_and_quartiles():
    assert figures.spread([5, 1, 4, 2, 3]) == (2, 3, 4)


def test_spread_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no values"):
        figures.spread([])


def test_ratios_are_of_medians_within_a_round():
    slow, fast = [[30, 10, 20], [50]], [[1, 2, 900], [10]]
    assert figures.ratios(slow, fast) == [10, 5]


def test_ratios_need_as_many_rounds():
    with pytest.raises(ValueError, match="2 and 1 rounds"):
        figures.ratios([[1], [2]], [[1]])


@pytest.mark.parametrize(("share", "value"), [(50, 50), (99, 99), (99.5, 100), (100, 100), (1, 1)])
def test_percentile_is_a_value_that_was_seen(share, value):
    assert figures.percentile(list(range(1, 101)), share) == value


def test_throughput_counts_what_ended_in_time():
    assert figures.throughput([0.5, 1.0, 2.0, 2.1], 2.0) == 1.5


def test_queueing_is_littles_law():
    # 32 clients and 16 answers a second: each waits for two seconds.
    assert figures.queueing(32, 16) == 2000
