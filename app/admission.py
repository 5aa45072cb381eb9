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
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
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
        with self._lock:
            if self._running < self._slots:
                self._running += 1
                return
            if len(self._waiting) >= self._depth:
                raise QueueFull(f"{len(self._waiting)} requests wait already, and no more may.", self._retry_after())
            turn = threading.Event()
            self._waiting.append(turn)
        try:
            admitted = turn.wait(self._deadline)
        except BaseException:
            if not self._give_up(turn):
                self._pass_on()
            raise
        # The place may have come between the end of the wait and now.
        if not admitted and self._give_up(turn):
            raise DeadlinePassed(
                f"The request waited {self._deadline:g} seconds for its turn and was not run.", self._retry_after()
            )

    def _give_up(self, turn: threading.Event) -> bool:
        """Leave the queue; False for one that has a place by now."""
        with self._lock:
            if turn.is_set():
                return False
            self._waiting.remove(turn)
            return True

    def _leave(self, seconds: float) -> None:
        with self._lock:
            known = self._service_seconds
            self._service_seconds = seconds if known is None else known + self._WEIGHT * (seconds - known)
        self._pass_on()

    def _pass_on(self) -> None:
        """Hand a place to the next in the queue: only that one wakes, and nobody overtakes it."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._running -= 1

    def _retry_after(self) -> int:
        """Whole seconds until those before have been served, by the measured service time."""
        ahead = self._running + len(self._waiting)
        return max(1, math.ceil(ahead * (self._service_seconds or 0) / self._slots))
