"""Every failure -> `application/problem+json` (RFC 9457), or a page of the same words for a browser."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus

from flask import Flask, Response, current_app, g, make_response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError, RequestEntityTooLarge

from app import bodies
from app.admission import DeadlinePassed, Refused
from app.bodies import BodiesFull
from app.presence import ClientLeft
from app.service import NotReady
from model.inference import images

_IMAGE_FORMATS = ("JPEG", "PNG", "WebP", "BMP", "TIFF")

# Where clients read the words of a refusal from a member `error`: the Open Inference Protocol's, and Hugging Face's. A
# problem may have members of its own (RFC 9457, section 3.2).
_SAY_ERROR = ("/v2", "/compat/huggingface")

_TITLES = {
    "answer-too-large": "Answer too large",
    "bodies-full": "Too many images at once",
    "deadline-passed": "Out of time",
    "draining": "Stopping",
    "image-too-large": "Image too large",
    "malformed-base64": "Malformed base64",
    "malformed-inference-request": "Malformed inference request",
    "malformed-json": "Malformed JSON",
    "no-image": "No image",
    "no-such-model": "No such model",
    "not-acceptable": "Not a representation made here",
    "not-ready": "Not ready",
    "one-image-only": "One image only",
    "parameter-out-of-range": "Parameter out of range",
    "queue-full": "Too many requests at once",
    "repeated-parameter": "Parameter given twice",
    "request-too-large": "Request too large",
    "too-many-images": "Too many images",
    "unauthorized": "API key missing or wrong",
    "undecodable-body": "Not a readable body",
    "undecodable-image": "Not a readable image",
    "unknown-parameter": "Unknown parameter",
    "unsupported-content-encoding": "Unsupported content encoding",
    "unsupported-content-type": "Unsupported content type",
    "unsupported-image": "Unsupported image format",
}


class Problem(Exception):
    """A refusal with all that the client is told.

    Args:
        status: HTTP status.
        reason: a word for machines, the end of the problem's `type`; its title is in this module.
        detail: for people: what was received, what was expected, how to mend it.
        limit: the number that was exceeded.
        allowed: the values that would have done.
        retry_after: seconds, becomes the header.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        *,
        limit: float | None = None,
        allowed: Sequence[str] | None = None,
        retry_after: int | None = None,
    ):
        super().__init__(detail)
        self.status = status
        self.retry_after = retry_after
        members = {"type": f"urn:streetseg:problem:{reason}", "title": _TITLES[reason], "status": status}
        members |= {"detail": detail, "limit": limit, "allowed": list(allowed) if allowed else None}
        self.members = {name: value for name, value in members.items() if value is not None}


def from_image_error(error: images.ImageError, *, number: int | None = None) -> Problem:
    """Turn a refusal of the decoder into one of the service.

    Args:
        error: its message is fit for a user.
        number: which image it was, from 1, where there are several.

    Returns:
        The problem, to be raised.
    """
    detail = str(error) if number is None else f"Image {number}: {error}"
    if isinstance(error, images.ImageTooLarge):
        return Problem(413, "image-too-large", detail, limit=error.limit)
    if isinstance(error, images.UnsupportedImage):
        return Problem(415, "unsupported-image", detail, allowed=_IMAGE_FORMATS)
    return Problem(400, "undecodable-image", detail)


def register(app: Flask) -> None:
    """Let every failure of `app` be answered from here."""
    app.register_error_handler(Problem, _answer)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(NotReady, _not_ready)
    app.register_error_handler(ClientLeft, _client_left)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(RequestEntityTooLarge, _body_too_large)
    app.register_error_handler(InternalServerError, _fault)


def _answer(problem: Problem) -> Response:
    response = _represent(problem.members)
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:
        # One header each: Chromium (156) reads no further than the first challenge of a header, and would not ask.
        for challenge in ('Basic realm="streetseg", charset="UTF-8"', 'Bearer realm="streetseg"'):
            response.headers.add("WWW-Authenticate", challenge)
    return response


def _refused(error: Refused) -> Response:
    if isinstance(error, DeadlinePassed):
        return _answer(Problem(503, "deadline-passed", str(error), retry_after=error.retry_after))
    detail = f"{error} Try again in {error.retry_after} s."
    reason = "bodies-full" if isinstance(error, BodiesFull) else "queue-full"
    return _answer(Problem(429, reason, detail, retry_after=error.retry_after))


def _not_ready(error: NotReady) -> Response:
    return _answer(Problem(503, error.reason, str(error), retry_after=error.retry_after))


def _client_left(_: ClientLeft) -> Response:
    # Nobody reads it; the log and the metrics do. The status is the one that nginx made common.
    g.reason = "client-left"
    return Response(status=499)


def _body_too_large(error: RequestEntityTooLarge) -> Response:
    limit = current_app.config["MAX_CONTENT_LENGTH"]
    detail = f"The request is too large. Send at most {limit / 1e6:g} MB, and form fields that are not files below 0.5."
    return _answer(Problem(413, "request-too-large", detail, limit=limit))


def _http_error(error: HTTPException) -> Response:
    status = HTTPStatus(error.code)
    response = _represent(
        {"type": "about:blank", "title": status.phrase, "status": error.code, "detail": error.description}
    )
    # Werkzeug's own headers carry what the status asks for, such as Allow; its content type is not ours.
    for name, value in error.get_headers():
        if name != "Content-Type":
            response.headers[name] = value
    return response


def _fault(error: InternalServerError) -> Response:
    detail = f"A fault of the service, not of the request. Its log has it under {g.request_id}."
    return _represent({"type": "about:blank", "title": "Internal Server Error", "status": 500, "detail": detail})


def _represent(members: dict) -> Response:
    bodies.current().discard()
    reason = members["type"].rpartition(":")[2]
    g.reason = str(members["status"]) if reason == "blank" else reason
    members = members | {"request_id": g.request_id}
    if request.path.startswith(_SAY_ERROR):
        members["error"] = members["detail"]
    kinds = ("application/problem+json", "text/html")
    if request.accept_mimetypes.best_match(kinds) == "text/html":
        response = make_response(render_template("problem.html", problem=members))
    else:
        response = make_response(json.dumps(members, ensure_ascii=False))
        response.content_type = "application/problem+json"
    response.status_code = members["status"]
    response.vary.add("Accept")
    response.headers["Cache-Control"] = "no-store"
    return response
