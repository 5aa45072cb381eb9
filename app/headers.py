"""What every response carries: request id, model version, where the time went, and what a browser may do with it."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flask import Flask, Response, g, request

from app import service

STAGES = ("decode", "queue", "resize", "network", "labels", "render")

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_SECURITY = {
    # Scripts and styles only from files of ours; pictures also from the answer itself and the visitor's own disk.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def register(app: Flask) -> None:
    """Let every response of `app` carry them."""
    app.before_request(_start)
    app.after_request(_finish)


@contextmanager
def stage(timings: dict[str, float], name: str) -> Iterator[None]:
    """Measure a block into `timings`, in ms."""
    started = time.perf_counter()
    try:
        yield
    finally:
        timings[name] = (time.perf_counter() - started) * 1000


def add_timings(timings: Mapping[str, float]) -> None:
    """Count stages of one image, in ms, towards this response's `Server-Timing`."""
    for name, milliseconds in timings.items():
        g.timings[name] = g.timings.get(name, 0) + milliseconds


def add_familiarity(familiarity: float | None) -> None:
    """Say of one more image of this response how much it looks like streets; None where the network does not know."""
    if familiarity is not None:
        g.familiarity.append(familiarity)


def _start() -> None:
    sent = request.headers.get("X-Request-Id", "")
    g.request_id = sent if _SANE_ID.fullmatch(sent) else uuid.uuid4().hex
    g.started = time.perf_counter()
    g.timings = {}
    g.familiarity = []


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    artifact = service.current().artifact
    if artifact is not None:
        response.headers["X-Model-Version"] = artifact.version
    if g.familiarity and response.status_code == 200:
        response.headers["X-Familiarity"] = ", ".join(f"{each:.3f}" for each in g.familiarity)
    timings = {name: g.timings[name] for name in STAGES if name in g.timings}
    timings["total"] = (time.perf_counter() - g.started) * 1000
    response.headers["Server-Timing"] = ", ".join(f"{name};dur={value:.1f}" for name, value in timings.items())
    response.headers.extend(_SECURITY)
    return response
