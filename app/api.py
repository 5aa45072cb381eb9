"""`POST /predict`, which does the work, and `GET /model`, which describes it."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, make_response, render_template, request

from app import card, confidence, negotiation, processing, service, uploads

blueprint = Blueprint("api", __name__)


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
    """Answer with the card of the network that serves, and with what runs it (null until it is ready).

    A client that likes HTML better than JSON, which is a browser, gets a page of the same.
    """
    network = service.current()
    artifact = network.require_artifact()
    engine = network.engine and {"name": network.engine.name, "precision": network.engine.precision}
    document = card.public({"version": artifact.version, "engine": engine, **artifact.card})
    kinds = ("application/json", "text/html")
    if request.accept_mimetypes.best_match(kinds) == "text/html":
        response = make_response(render_template("model.html", document=document, card=card, confidence=confidence))
    else:
        response = jsonify(document)
    response.vary.add("Accept")
    return response
