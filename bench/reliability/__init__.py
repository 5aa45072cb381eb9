"""Trials that try to knock the service over: `python -m bench.reliability TRIAL`.

Each starts startup.sh with the shipped network on a free port of 127.0.0.1, tells a figure and the bar that it is held
to, and stops it again. The short versions, without timings, are tests/deploy/test_worker.py and
tests/bench/test_reliability.py, test_mutations.py and tests/app/test_openapi.py.
"""

from __future__ import annotations

from typing import NamedTuple


class Verdict(NamedTuple):
    """What a trial found: the figures in words, the bar in words, and whether it is kept."""

    figures: str
    bar: str
    kept: bool
