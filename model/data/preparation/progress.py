"""How far the work is: a bar with rate and time left on a terminal, a line now and then where there is none."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 15


class Progress:
    """Counts what is done; to be used in a `with` statement."""

    def __init__(self, total: int, *, done: int) -> None:
        """Begin.

        Args:
            total: how much there is to do.
            done: how much of it was done before, which the rate does not count.
        """
        self._total = total
        self._before = self._done = done
        self._terminal = sys.stderr.isatty()
        self._bar = tqdm(total=total, initial=done, unit=" images", disable=not self._terminal)
        self._begun = self._told = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.close()

    def step(self) -> None:
        """Count one more."""
        self._done += 1
        self._bar.update()
        now = time.monotonic()
        if not self._terminal and now - self._told >= _SECONDS_BETWEEN_LINES:
            self._told = now
            rate = (self._done - self._before) / (now - self._begun)
            left = (self._total - self._done) / rate
            print(f"{self._done} of {self._total} images, {rate:.1f} a second, {left:.0f} s to go", flush=True)
