"""What those who run the service ask it."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from app import service

blueprint = Blueprint("ops", __name__)


@blueprint.get("/livez")
def livez() -> Response:
    """Answer 200 while the process answers."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Answer 200 once the network has answered a warm-up image, and 503 with the reason before."""
    current = service.current()
    return jsonify(status="ready", model=current.segmenter.artifact.version)


@blueprint.after_request
def _forbid_caching(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
