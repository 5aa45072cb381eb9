"""A camera as one buys it: pictures over HTTP, "multipart/x-mixed-replace", for whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import simplejpeg

SIZE = (48, 64)


def picture(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """An even grey that says which picture it is: ten levels apart, so that no codec confuses two."""
    return np.full((*size, 3), 10 * number, np.uint8)


def number_of(image: np.ndarray) -> int:
    """The number of the `picture` that this was."""
    return round(float(image.mean()) / 10)


class Camera:
    """Sends to each who connects what `visits` says for this visit, as soon as it is let go, and then is silent.

    A visit is a list of pictures; None in it breaks the connection off.
    """

    def __init__(self, visits: Sequence[Sequence[np.ndarray | None]]) -> None:
        self.visits = list(visits)
        self.visited = 0
        self.closed = threading.Event()

    def next_visit(self) -> Sequence[np.ndarray | None]:
        self.visited += 1
        return self.visits[min(self.visited, len(self.visits)) - 1]


@contextmanager
def running(camera: Camera) -> Iterator[str]:
    """Serve a camera; give its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            for image in camera.next_visit():
                if image is None:
                    return
                jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=90)
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
            camera.closed.wait()

        def log_message(self, format: str, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/video"
    finally:
        camera.closed.set()
        server.shutdown()
        server.server_close()
