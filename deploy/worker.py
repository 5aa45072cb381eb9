"""gunicorn's threaded worker, made safe from slow clients and from its own end.

What it changes in `gthread` (gunicorn 27.0.1; tests/deploy/test_worker.py holds each point over real sockets):

- A connection on which nothing comes gets no thread: the loop watches it. (gthread lets it hold a thread for 5 s.)
- A client has to send its request at a minimum rate, or it is answered 408; to send and to receive, it has limits that
  no trickle can stretch. (gthread waits for ever.)
- A connection is closed in the thread that served it. (gthread waits up to 2 s for the client to close its side, in the
  loop that everybody depends on.)
- Told to stop, it first takes over all that has come by then; these requests are served. Those that come later, on old
  connections or on new ones, are marked `streetseg.late`, so that the application refuses them with a reason; the port
  is closed once the last of the former has its answer. (gthread drops the connections it has not taken over yet.)

It imports nothing of ours: gunicorn loads it before it forks, and the network's threads would not survive that.
"""

from __future__ import annotations

import ctypes
import errno
import json
import logging
import os
import resource
import socket
import struct
import sys
import time

from gunicorn import http, util
from gunicorn.workers import gthread
from werkzeug.exceptions import RequestTimeout

# Seconds that a request may take to arrive, besides those that its bytes may take at the minimum rate.
PATIENCE = float(os.environ.get("STREETSEG_READ_PATIENCE") or 20)
MINIMUM_RATE = 2_000  # bytes/s
# Whatever its size: of 20 MB, 67 kB/s have to arrive.
LONGEST_READ = 300.0  # seconds
# For one write of an answer, which as a rule is one image.
LONGEST_WRITE = 120.0  # seconds
# How long a new connection may hold a thread before its first byte has come.
_FIRST_BYTE = 0.05  # seconds
# The same for one that was taken over at the end.
_LAST_BYTE = 1.0  # seconds
# What is asked for at once is set aside before it comes: with gunicorn's 1 MB, for each client that trickles.
_FIRST_READ = 1 << 16  # bytes
_SO_ATTACH_FILTER = 26  # of asm-generic/socket.h; Python has no name for it
# What cannot be read as a request, besides what is simply not HTTP: the status, its title, and what to do.
_UNREADABLE = {
    http.errors.LimitRequestLine: (414, "URI Too Long", "Send a query of fewer than 4000 bytes."),
    http.errors.LimitRequestHeaders: (431, "Request Header Fields Too Large", "Send fewer and shorter header fields."),
    http.errors.ExpectationFailed: (417, "Expectation Failed", "The only one that is met is Expect: 100-continue."),
    http.errors.UnsupportedTransferCoding: (501, "Not Implemented", "The only transfer coding taken is chunked."),
}
_NOT_HTTP = (400, "Bad Request", "What was received is not an HTTP/1.1 request.")
_OUR_FAULTS = (http.errors.InvalidResponseHeader, http.errors.InvalidResponseHeaderName)
# Descriptors that are not connections: files, the network's, the loop's.
_OTHER_DESCRIPTORS = 128

logger = logging.getLogger("gunicorn.error")


class PacedReader(http.unreader.SocketUnreader):
    """Reads a request from its socket, and gives up on one that comes too slowly."""

    def begin(self) -> None:
        """Start the clock for the next request."""
        self._started, self._received, self._at_once = time.monotonic(), 0, _FIRST_READ

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return what has come, as soon as anything has.

        Raises:
            RequestTimeout: nothing came in time.
            TimeoutError: nothing came in the time that gunicorn has set.
        """
        before = self.sock.gettimeout()
        if before not in (None, LONGEST_WRITE):  # gunicorn reads on what the application left, with a limit of its own
            return super().chunk(size_hint)
        allowed = min(PATIENCE + self._received / MINIMUM_RATE, LONGEST_READ)
        left = min(self._started + allowed - time.monotonic(), PATIENCE)
        if left <= 0:
            raise RequestTimeout(_too_slow())
        self.sock.settimeout(left)
        try:
            data = super().chunk(min(size_hint or 0, self._at_once))
        except TimeoutError:
            raise RequestTimeout(_too_slow()) from None
        finally:
            self.sock.settimeout(before)
        self._received += len(data)
        self._at_once = max(_FIRST_READ, 2 * len(data))
        return data


class Connection(gthread.TConn):
    """A connection; closing it a second time does nothing.

    Attributes:
        late: whether the request that is read from it came after the worker was told to stop.
    """

    late = False
    _closed = False

    def close(self, graceful: bool = False) -> None:
        """Close it; gracefully means to wait up to 2 s for the client to do the same."""
        if not self._closed:
            self._closed = True
            super().close(graceful=graceful)


class Worker(gthread.ThreadWorker):
    """What startup.sh runs."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # Out of descriptors, accept() would raise, and end the worker.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        if most != resource.RLIM_INFINITY:
            self.worker_connections = max(1, min(self.worker_connections, most - _OTHER_DESCRIPTORS))
        self._draining = False
        self._promised: set[Connection] = set()

    def load_wsgi(self) -> None:
        """Load the application, and tell it of each request whether it came late."""
        super().load_wsgi()
        application = self.wsgi
        self._tell_application = getattr(application, "drain", lambda: None)

        def wsgi(environ, start_response):
            environ["streetseg.late"] = environ["gunicorn.socket"] in self._late_sockets
            return application(environ, start_response)

        self._late_sockets = set()
        self.wsgi = wsgi

    def accept(self, listener) -> None:
        """Take over every connection that waits, as far as there is room."""
        while self.nr_conns < self.worker_connections:
            try:
                client, address = listener.accept()
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED, errno.EMFILE, errno.ENFILE):
                    return
                raise
            self.nr_conns += 1
            self.enqueue_req(Connection(self.cfg, client, address, listener.getsockname()))

    def enqueue_req(self, conn: Connection) -> None:
        """Give a connection with something to read to a thread."""
        conn.late = self._draining
        if not conn.late:
            self._promised.add(conn)
        super().enqueue_req(conn)

    def handle(self, conn: Connection):
        """Read a request and answer it; in a thread."""
        if not conn.initialized and not conn.wait_for_data(_FIRST_BYTE if self.alive else _LAST_BYTE):
            if self.alive:
                return gthread._DEFER
            conn.close()
            return False
        if conn.parser is None:
            conn.parser = http.get_parser(self.cfg, conn.sock, conn.client)
            conn.parser.unreader = PacedReader(conn.sock)
        conn.parser.unreader.begin()
        result = super().handle(conn)
        if not result:
            conn.close(graceful=True)
        return result

    def handle_request(self, req, conn: Connection) -> bool:
        """Answer a request whose head has been read."""
        conn.sock.settimeout(LONGEST_WRITE)
        if conn.late:
            self._late_sockets.add(conn.sock)
        try:
            return super().handle_request(req, conn)
        except TimeoutError as error:
            raise ConnectionResetError(errno.ECONNRESET, "the client does not take its answer") from error
        finally:
            self._late_sockets.discard(conn.sock)

    def handle_error(self, req, client, addr, exc) -> None:
        """Answer a request that cannot be read, in the words of all our refusals; the log gets no client address."""
        if isinstance(exc, RequestTimeout):
            _write_problem(client, 408, "Request Timeout", exc.description)
        elif isinstance(exc, http.errors.ParseException) and not isinstance(exc, _OUR_FAULTS):
            logger.warning("A request that cannot be read: %s", type(exc).__name__)
            _write_problem(client, *_UNREADABLE.get(type(exc), _NOT_HTTP))
        else:
            super().handle_error(req, client, ("-", -1), exc)

    def finish_request(self, conn: Connection, fs) -> None:
        """Put a connection back under watch, or forget it; in the loop."""
        self._promised.discard(conn)
        super().finish_request(conn, fs)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Open or close the door; when the worker is told to stop, it stays open until the last promise is kept."""
        if enabled or self.alive:
            super().set_accept_enabled(enabled)
        elif not self._draining:
            super().set_accept_enabled(True)  # where it was shut for want of room
            # What has come by now is served: connections not taken over yet, and requests on old ones.
            for listener in self.sockets:
                self.accept(listener)
            self.wait_for_and_dispatch_events(timeout=0)
            self._draining = True
            self._tell_application()
            self._close_port_when_done()

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Let the loop turn once."""
        super().wait_for_and_dispatch_events(timeout)
        self._make_room()
        self._close_port_when_done()

    def _close_port_when_done(self) -> None:
        if self._draining and self._accepting and not self._promised:
            super().set_accept_enabled(False)
            for listener in self.sockets:
                _shut_out(listener)
                self.accept(listener)
                listener.close()

    def _make_room(self) -> None:
        """Where there is no room for another connection, close those that have been idle for longest."""
        while self.nr_conns >= self.worker_connections and (idle := self.pending_conns or self.keepalived_conns):
            idle[0].timeout = 0
            self.murder_pending()
            self.murder_keepalived()


def _shut_out(listener) -> None:
    """Let a listening socket make no more connections, and keep those it has made.

    Between the last accept() and close() the kernel would go on making connections, only to reset them. A filter that
    passes no packet (socket(7), SO_ATTACH_FILTER) leaves new clients without an answer until the port is closed.
    """
    if sys.platform != "linux":
        return
    pass_nothing = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF_RET | BPF_K, 0 bytes
    program = struct.pack("HP", 1, ctypes.addressof(pass_nothing))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
    except OSError as error:  # where filters are forbidden, or for a Unix socket
        logger.debug("The port is closed without a filter: %s", error)


def _too_slow() -> str:
    return f"The request came too slowly. Send it within {PATIENCE:g} s, or at {MINIMUM_RATE / 1000:g} kB/s or more."


def _write_problem(client, status: int, title: str, detail: str) -> None:
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body = json.dumps(problem).encode()
    head = f"HTTP/1.1 {status} {title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
    try:
        client.settimeout(LONGEST_WRITE)
        util.write(client, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    except OSError:  # it is gone
        return
