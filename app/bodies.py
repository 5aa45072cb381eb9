"""The bodies of requests: counted as they come, bounded together, read on where nobody wants them; and of answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import IO

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from app import service
from app.admission import Admission, Refused
from app.config import answers_bytes, bodies_bytes

# How much of a refused body is read on, and for how long.
_LINGER_BYTES = 100_000_000
_LINGER_SECONDS = 10
_CHUNK_BYTES = 1 << 16
_ANSWERS = "streetseg-answers"


class BodiesFull(Refused):
    """The requests that are here, or the answers that have not been taken yet, hold as many bytes as they may."""


class Budget:
    """How many bytes the bodies of all requests, or of all answers, may hold.

    Args:
        limit: in bytes.
    """

    def __init__(self, limit: int):
        self._limit = limit
        self._lock = threading.Lock()
        self._held = 0

    @property
    def held(self) -> int:
        """Bytes held at this moment."""
        return self._held

    def take(self, size: int) -> bool:
        """Count bytes as held; False, and not counted, where that would be too many."""
        with self._lock:
            if self._held + size > self._limit:
                return False
            self._held += size
            return True

    def hold(self, size: int) -> None:
        """Count bytes that are there already, however many."""
        with self._lock:
            self._held += size

    @property
    def full(self) -> bool:
        """Whether as many are held as may be."""
        return self._held >= self._limit

    def give_back(self, size: int) -> None:
        """Count bytes as held no longer."""
        with self._lock:
            self._held -= size


class MeteredBody:
    """A body that counts what is read of it, and is not read at all where it would have to wait for a place in vain.

    Args:
        stream: the server's `wsgi.input`.
        budget: of all bodies.
        admission: the queue that the request will wait in.
        length: in bytes, as announced; None where the server ends the stream.

    Attributes:
        received: bytes that came.
        failed: whether reading raised, after which nothing more can be read.
    """

    def __init__(self, stream: IO[bytes], budget: Budget, admission: Admission, *, length: int | None):
        self._stream, self._budget, self._admission, self._length = stream, budget, admission, length
        self._held = self.received = 0
        self.failed = False

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes.

        Raises:
            QueueFull: before the first byte.
            BodiesFull: with these bytes it would be too many.
        """
        if not self.received:
            self._admission.refuse_where_full()
        data = self._read(size)
        if not self._budget.take(len(data)):
            raise BodiesFull("The images that wait already take all the room there is.", self._admission.retry_after())
        self._held += len(data)
        return data

    def discard(self) -> None:
        """Read on what the client still sends, within bounds.

        A connection that is closed on unread data is reset, and a client that is still sending then shows that, not our
        words.
        """
        self.release()
        until, left = time.monotonic() + _LINGER_SECONDS, _LINGER_BYTES
        while left > 0 and time.monotonic() < until and not self.failed and not self._at_end():
            try:
                data = self._read(min(left, _CHUNK_BYTES))
            except (HTTPException, OSError):  # too slow, or gone
                return
            if not data:
                return
            left -= len(data)

    def release(self) -> None:
        """Count what was read as held no longer."""
        held, self._held = self._held, 0
        self._budget.give_back(held)

    def _read(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except BaseException:
            self.failed = True
            raise
        self.received += len(data)
        return data

    def _at_end(self) -> bool:
        return self._length is not None and self.received >= self._length


def register(app: Flask) -> Budget:
    """Meter the bodies of all requests to `app`, and return what they may hold together."""
    budget = Budget(bodies_bytes(app.config))
    app.before_request(lambda: _meter(budget))
    app.teardown_request(lambda _: g.body.release() if "body" in g else None)
    app.extensions[_ANSWERS] = answers = Budget(answers_bytes(app.config))
    app.after_request(lambda response: _hold(answers, response))
    return budget


def require_room_for_answer() -> None:
    """Raise BodiesFull where clients leave untaken, on connections they hold open, as much as there is room for."""
    if current_app.extensions[_ANSWERS].full:
        detail = "The answers that their clients have not taken yet take all the room there is."
        raise BodiesFull(detail, service.current().admission.retry_after())


def current() -> MeteredBody:
    """Return the body of the request at hand."""
    return g.body


def _meter(budget: Budget) -> None:
    environ = request.environ
    length = _length(environ)
    g.body = MeteredBody(environ["wsgi.input"], budget, service.current().admission, length=length)
    environ["wsgi.input"] = g.body


def _hold(answers: Budget, response: Response) -> Response:
    """Count an answer as held until it is closed: sent, or given up."""
    # What lies in a file is not held, and would not be closed.
    if not response.direct_passthrough and (size := response.calculate_content_length()):
        answers.hold(size)
        response.call_on_close(lambda: answers.give_back(size))
    return response


def _length(environ: Mapping[str, str]) -> int | None:
    if request.content_length is not None:
        return request.content_length
    return None if environ.get("wsgi.input_terminated") else 0
