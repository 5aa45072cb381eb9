"""The bounded queue in front of the network.

What costs memory and processor time (decode, network, render) happens inside a place; how many places there are, how
many requests may wait for one and how long is fixed, so load beyond that is refused early instead of slowing all.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.presence import ClientLeft

# How often one that waits looks whether its client has left.
_LOOK_SECONDS = 0.5


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

    @property
    def running(self) -> int:
        """How many requests hold a place at this moment."""
        return self._running

    def refuse_where_full(self) -> None:
        """Refuse a request before it costs anything.

        Raises:
            QueueFull: one that asked for a place now would be refused.
        """
        with self._lock:
            if self._running >= self._slots and len(self._waiting) >= self._depth:
                raise self._full()

    @contextmanager
    def place(self, *, gone: Callable[[], bool] = lambda: False) -> Iterator[float]:
        """Hold a place while the block runs.

        Args:
            gone: tells whether the client has left; asked before the block, and now and then while the request waits.

        Yields:
            Seconds that the request waited for it.

        Raises:
            QueueFull: at once.
            DeadlinePassed: after the wait.
            ClientLeft: nobody waits for the answer.
        """
        arrived = time.perf_counter()
        self._enter(gone)
        started = time.perf_counter()
        try:
            yield started - arrived
        finally:
            self._leave(time.perf_counter() - started)

    def _enter(self, gone: Callable[[], bool]) -> None:
        if gone():
            raise ClientLeft
        with self._lock:
            if self._running < self._slots:
                self._running += 1
                return
            if len(self._waiting) >= self._depth:
                raise self._full()
            turn = threading.Event()
            self._waiting.append(turn)
        try:
            self._wait(turn, gone)
        except BaseException:
            # The place may have come between the end of the wait and now.
            if not self._give_up(turn):
                self._pass_on()
            raise

    def _wait(self, turn: threading.Event, gone: Callable[[], bool]) -> None:
        until = time.monotonic() + self._deadline
        while not turn.wait(min(_LOOK_SECONDS, max(0, until - time.monotonic()))) and not turn.is_set():
            if gone():
                raise ClientLeft
            if time.monotonic() >= until:
                break
        # On a busy machine a thread may wake long after its turn has come.
        if time.monotonic() > until:
            raise DeadlinePassed(
                f"The request waited {self._deadline:g} seconds for its turn and was not run.", self.retry_after()
            )
        if gone():
            raise ClientLeft

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

    def _full(self) -> QueueFull:
        return QueueFull(f"{len(self._waiting)} requests wait already, and no more may.", self.retry_after())

    def retry_after(self) -> int:
        """Return the whole seconds until those before have been served, by the measured service time."""
        ahead = self._running + len(self._waiting)
        return max(1, math.ceil(ahead * (self._service_seconds or 0) / self._slots))
