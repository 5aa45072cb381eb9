"""`POST /predict`, which does the work, and `GET /model`, which describes it."""

from __future__ import annotations

import re

from flask import Blueprint, Response, jsonify, request

from app import negotiation, processing, service, uploads

blueprint = Blueprint("api", __name__)

# An absolute path up to its last part; addresses (https://...) and relative paths are left alone.
_FOLDERS = re.compile(r"(?<![\w/.:~-])/(?:[^\s/\"']+/)+")


@blueprint.post("/predict")
def predict() -> Response:
    """Segment the images of the request, and answer as asked."""
    # First, so that no upload is read by a service that cannot answer yet.
    segmenter = service.current().segmenter
    submission = uploads.read()
    representation, options = negotiation.negotiate(
        submission.parameters, request.accept_mimetypes, images=len(submission.images)
    )
    answers = processing.segment(segmenter, submission.images, representation, options, names=submission.names)
    # Of text, this says the charset as well.
    response = Response(representation.body(answers), mimetype=representation.media_type)
    response.vary.add("Accept")
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/model")
def model() -> Response:
    """Answer with the card of the network that serves, and with what runs it (null until it is ready)."""
    network = service.current()
    artifact = network.require_artifact()
    engine = network.engine and {"name": network.engine.name, "precision": network.engine.precision}
    return jsonify(_public({"version": artifact.version, "engine": engine, **artifact.card}))


def _public(value: object) -> object:
    """Cut the folders off absolute paths: how the trainer's disk is laid out concerns nobody."""
    if isinstance(value, dict):
        return {name: _public(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_public(member) for member in value]
    return _FOLDERS.sub("", value) if isinstance(value, str) else value
