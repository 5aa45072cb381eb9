"""A page that shows what is seen live, for a browser on this machine: the overlay, how fast, and how much of what.

The picture is "multipart/x-mixed-replace", as IP cameras send it: an <img> plays it, and so do VLC, OpenCV and
Home Assistant. Nothing but the standard library: the service's web framework stays in the service.

Array contract: `image` uint8 (height, width, 3) RGB.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import simplejpeg

_PAGE = Path(__file__).with_name("page.html")
_JPEG = {"quality": 85, "colorspace": "RGB", "colorsubsampling": "420"}
_BOUNDARY = "picture"
_HERE = ("localhost", "127.0.0.1", "::1")
# Seconds that somebody who looks waits for the next picture before it is asked whether there will be one.
_PATIENCE = 1.0


class Board:
    """What is shown: the newest overlay, which becomes a JPEG once somebody looks, and its figures."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._image: np.ndarray | None = None
        self._jpeg: bytes | None = None
        self._figures: dict = {}
        self._number = 0
        self._when = time.monotonic()
        self._is_over = False

    def put(self, image: np.ndarray, figures: dict) -> None:
        """Show another picture, uint8 (height, width, 3) RGB, and its figures, JSON-ready."""
        with self._changed:
            self._image, self._jpeg, self._figures = image, None, figures
            self._number += 1
            self._when = time.monotonic()
            self._changed.notify_all()

    def finish(self) -> None:
        """Let those who look go."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    @property
    def figures(self) -> dict:
        """JSON-ready: those of the newest picture, and how long ago it was in `silent_s`; empty before the first."""
        with self._changed:
            return self._figures and {**self._figures, "silent_s": round(time.monotonic() - self._when, 1)}

    def jpegs(self) -> Iterator[bytes]:
        """Yield the newest picture, and each that is newest once the one before was taken, until it is over."""
        seen = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda seen=seen: self._number > seen or self._is_over, _PATIENCE)
                if self._is_over:
                    return
                if self._number == seen:
                    continue
                seen = self._number
                # Of several who look, one makes it for all.
                if self._jpeg is None:
                    self._jpeg = simplejpeg.encode_jpeg(self._image, **_JPEG)
                jpeg = self._jpeg
            yield jpeg


def address(text: str) -> tuple[str, int]:
    """Read `PORT` or `HOST:PORT`; without a host, only this machine may look.

    Raises:
        ValueError: it is neither.
    """
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"received {text!r}. Expected a port such as 8001, or a host and a port: 0.0.0.0:8001")
    return host or "127.0.0.1", int(port)


@contextmanager
def shown(board: Board, where: tuple[str, int]) -> Iterator[str]:
    """Serve the page until the block ends; give its address.

    Args:
        board: what is shown.
        where: host and port; port 0 for any that is free.

    Raises:
        ValueError: the port is taken, or the host is not one of this machine.
    """
    try:
        server = _Server(where, board)
    except OSError as error:
        raise ValueError(
            f"--view cannot listen at {where[0]}:{where[1]}: {error.strerror or error}. Expected a port that is free."
        ) from error
    threading.Thread(target=server.serve_forever, name="view", daemon=True).start()
    try:
        yield f"http://{'localhost' if where[0] == '127.0.0.1' else where[0]}:{server.server_port}/"
    finally:
        board.finish()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Those who look are told that it is over, and who does not listen is not waited for.
    block_on_close = False

    def __init__(self, where: tuple[str, int], board: Board) -> None:
        super().__init__(where, _Handler)
        self.board = board
        self.is_private = where[0] in ("127.0.0.1", "localhost")

    def handle_error(self, request: object, client_address: object) -> None:
        """Let a browser go that closed its page in the middle of a picture; anything else is an error of ours."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    # One answer on a connection: a stream of pictures has no end that a client could wait for.
    protocol_version = "HTTP/1.0"
    server: _Server

    def do_GET(self) -> None:
        # A foreign page that gives its own name this machine's address does not see through this camera.
        if self.server.is_private and urlsplit(f"//{self.headers.get('Host', 'localhost')}").hostname not in _HERE:
            self.send_error(
                HTTPStatus.FORBIDDEN, explain="Look at it as localhost, or start it with --view 0.0.0.0:PORT"
            )
            return
        path = urlsplit(self.path).path
        if path == "/":
            self._send("text/html; charset=utf-8", _PAGE.read_bytes())
        elif path == "/figures":
            self._send("application/json", json.dumps(self.server.board.figures).encode())
        elif path == "/picture":
            self._picture()
        elif path == "/pictures":
            self._pictures()
        else:
            self.send_error(HTTPStatus.NOT_FOUND, explain="Here are /, /pictures, /picture and /figures")

    def _picture(self) -> None:
        for jpeg in self.server.board.jpegs():
            self._send("image/jpeg", jpeg)
            return
        self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, explain="It is over")

    def _pictures(self) -> None:
        self._head(f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        for jpeg in self.server.board.jpegs():
            head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")

    def _send(self, kind: str, content: bytes) -> None:
        self._head(kind, {"Content-Length": str(len(content))})
        self.wfile.write(content)

    def _head(self, kind: str, more: dict[str, str] | None = None) -> None:
        self.send_response(HTTPStatus.OK)
        for key, value in {"Content-Type": kind, "Cache-Control": "no-store", **(more or {})}.items():
            self.send_header(key, value)
        self.end_headers()

    def log_message(self, format: str, *words: object) -> None:
        """Say nothing: the terminal shows how fast it is."""
