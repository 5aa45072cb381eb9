"""The bounded queue in front of the network.

What costs memory and processor time (decode, network, render) happens inside a place; how many places there are, how
many requests may wait for one and how long is fixed, so load beyond that is refused early instead of slowing all.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Refused(Exception):
    """A request that gets no place.

    Attributes:
        retry_after: whole seconds after which a place is likely, at least 1.
    """

    def __init__(self, message: str, retry_after: int):
        super().__init__(message)
        self.retry_after = retry_after


class QueueFull(Refused):
    """As many requests wait as may wait."""


class DeadlinePassed(Refused):
    """The request waited as long as it may, and was not run."""


class Admission:
    """Places for requests, first come first served.

    Args:
        slots: requests that hold a place at the same time.
        depth: requests that may wait.
        deadline: longest wait, in seconds.
    """

    # How far one measurement moves the running mean: about the last ten requests count.
    _WEIGHT = 0.2

    def __init__(self, *, slots: int, depth: int, deadline: float):
        self._slots, self._depth, self._deadline = slots, depth, deadline
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._running = 0
        self._service_seconds: float | None = None

    @property
    def waiting(self) -> int:
        """How many requests wait at this moment."""
        return len(self._waiting)

    @contextmanager
    def place(self) -> Iterator[float]:
        """Hold a place while the block runs.

        Yields:
            Seconds that the request waited for it.

        Raises:
            QueueFull: at once.
            DeadlinePassed: after the wait.
        """
        arrived = time.perf_counter()
        self._enter()
        started = time.perf_counter()
        try:
            yield started - arrived
        finally:
            self._leave(time.perf_counter() - started)

    def _enter(self) -> None:
        ticket = object()
        with self._changed:
            if self._running + len(self._waiting) >= self._slots + self._depth:
                raise QueueFull(f"{len(self._waiting)} requests wait already, and no more may.", self._retry_after())
            self._waiting.append(ticket)
            try:
                admitted = self._changed.wait_for(lambda: self._is_next(ticket), self._deadline)
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
            if not admitted:
                raise DeadlinePassed(
                    f"The request waited {self._deadline:g} seconds for its turn and was not run.", self._retry_after()
                )
            self._running += 1

    def _is_next(self, ticket: object) -> bool:
        return self._running < self._slots and self._waiting[0] is ticket

    def _leave(self, seconds: float) -> None:
        with self._changed:
            self._running -= 1
            known = self._service_seconds
            self._service_seconds = seconds if known is None else known + self._WEIGHT * (seconds - known)
            self._changed.notify_all()

    def _retry_after(self) -> int:
        """Whole seconds until those before have been served, by the measured service time."""
        ahead = self._running + len(self._waiting)
        return max(1, math.ceil(ahead * (self._service_seconds or 0) / self._slots))
