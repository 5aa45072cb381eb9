"""The arithmetic of the report: quartiles, ratios round by round, percentiles, what queueing alone explains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Spread(NamedTuple):
    """Median with lower and upper quartile."""

    lower: float
    median: float
    upper: float


def spread(values: Sequence[float]) -> Spread:
    """Return median and quartiles.

    Raises:
        ValueError: no values.
    """
    if not len(values):
        raise ValueError("Received no values. Expected at least one: the trial failed, its log says why.")
    return Spread(*(float(value) for value in np.percentile(values, (25, 50, 75))))


def ratios(slow: Sequence[Sequence[float]], fast: Sequence[Sequence[float]]) -> list[float]:
    """Return, round by round, the median of the one over the median of the other.

    Args:
        slow: milliseconds by round.
        fast: of the other, in the same rounds.

    Raises:
        ValueError: not as many rounds, so that they were not taken together.
    """
    if len(slow) != len(fast):
        raise ValueError(f"Received {len(slow)} and {len(fast)} rounds. Expected the same: measure both anew.")
    return [float(np.median(one) / np.median(other)) for one, other in zip(slow, fast, strict=True)]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of the values that at least this share (0 to 100) of them does not exceed (nearest rank)."""
    return float(np.percentile(values, share, method="inverted_cdf"))


def throughput(ended: Sequence[float], seconds: float) -> float:
    """Return answers per second of those that ended within the first `seconds`."""
    return sum(end <= seconds for end in ended) / seconds


def queueing(clients: int, per_second: float) -> float:
    """Return the latency in ms that queueing alone explains: Little's law for a closed loop without think time.

    N clients that each always wait for an answer are N requests in the system: the mean time in it is N / throughput.
    Source: Little, A proof for the queuing formula L = lambda W, Operations Research 9 (1961).
    """
    return 1000 * clients / per_second


def flatten(rounds: Sequence[Sequence[float]]) -> list[float]:
    """Return the values of all rounds in one list."""
    return [value for each in rounds for value in each]
