"""One line of JSON for each request, on stdout: nothing of the image, no metadata, no parameter, no client address."""

from __future__ import annotations

import json
import sys
import threading
import time
from datetime import UTC, datetime

from flask import Flask, Response, g, request

from app import bodies, service

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
_writing = threading.Lock()


def register(app: Flask) -> None:
    """Log every request to `app`."""
    app.after_request(_write)


def describe(response: Response) -> dict:
    """Say of the request at hand what may be told of it.

    Returns:
        method; route, the pattern of the path, as a path may hold anything; status; format, of a segmentation; reason,
        of a refusal; bytes in and out (None where unknown); stages and the total in ms; request id; model.
    """
    artifact = service.current().artifact
    return {
        "method": request.method if request.method in _METHODS else "other",
        "route": request.url_rule.rule if request.url_rule else None,
        "status": response.status_code,
        "format": g.get("format"),
        "reason": g.get("reason"),
        "bytes_in": bodies.current().received,
        "bytes_out": response.content_length,
        "stages_ms": {name: round(milliseconds, 1) for name, milliseconds in g.timings.items()},
        "total_ms": round((time.perf_counter() - g.started) * 1000, 1),
        "request_id": g.request_id,
        "model": artifact.version if artifact else None,
    }


def _write(response: Response) -> Response:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = json.dumps({"time": now, "event": "request", **describe(response)})
    # One write for one line, or those of two threads would mix.
    with _writing:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    return response
