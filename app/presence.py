"""Whether the client of a request is still there, so that nothing is computed for nobody.

The end of what a client sends says little: one that shuts down its sending side (`nc -N` does) and waits for the answer
looks just like one that has closed the connection. Only the next packet tells them apart, which the latter refuses. So
a client that has ended its side is sent an interim answer, 100 Continue, which HTTP/1.1 clients pass over (RFC 9110,
section 15.2); the refusal is seen as POLLHUP. No byte that a client has sent ahead is read. To HTTP/1.0, which knows no
interim answers, nothing is sent, and only a connection that was reset counts as left.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Mapping

_INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
# How long the refusal may take. Only clients that have ended their side wait for it, and once.
_REFUSAL_MS = 100
_ENDED = getattr(select, "POLLRDHUP", 0)  # Linux; elsewhere only a reset is seen
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


class ClientLeft(Exception):
    """Nobody waits for the answer any more."""


def watch(environ: Mapping[str, object]) -> Callable[[], bool]:
    """Return a function that tells whether the client has left; where the server shows no socket, it never has.

    Args:
        environ: of the request; gunicorn's has the socket.
    """
    connection = environ.get("gunicorn.socket")
    if not isinstance(connection, socket.socket):
        return lambda: False
    asked = environ.get("SERVER_PROTOCOL") != "HTTP/1.1"

    def left() -> bool:
        nonlocal asked
        events = _poll(connection, _ENDED, 0)
        if not events & (_GONE | _ENDED):
            return False
        if not events & _GONE and not asked:
            asked = True
            try:
                connection.send(_INTERIM, socket.MSG_DONTWAIT)
            except OSError:
                return True
            events |= _poll(connection, 0, _REFUSAL_MS)
        return bool(events & _GONE)

    return left


def _poll(connection: socket.socket, events: int, milliseconds: int) -> int:
    if connection.fileno() < 0:
        return select.POLLNVAL
    poller = select.poll()
    poller.register(connection, events)
    return sum(found for _, found in poller.poll(milliseconds))
