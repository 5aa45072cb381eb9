"""What those who run the service ask it."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from app import metrics, service

blueprint = Blueprint("ops", __name__)

# Whoever asks this of a process that stops must hear that it lives, or may kill it before it is done.
_LIVE_ELSEWHERE = "open_inference.live"


@blueprint.get("/livez")
def livez() -> Response:
    """Answer 200 while the process answers."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Answer 200 once the network has answered a warm-up image; 503 with the reason before, and while draining."""
    current = service.current()
    current.require_taking()
    return jsonify(status="ready", model=current.segmenter.artifact.version)


@blueprint.get("/metrics")
def show_metrics() -> Response:
    """Answer with all metrics, for Prometheus."""
    return metrics.current().represent()


@blueprint.before_app_request
def _refuse_late() -> None:
    """Refuse what came after the process was told to stop, as deploy/worker.py marks it, unless it only watches."""
    watches = request.blueprint == blueprint.name or request.endpoint == _LIVE_ELSEWHERE
    if request.environ.get("streetseg.late") and not watches:
        service.current().require_taking()


@blueprint.after_request
def _forbid_caching(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
