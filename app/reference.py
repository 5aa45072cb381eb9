"""`GET /openapi.json`, which describes the service to programs, and `GET /docs`, which shows it to people."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, render_template

from app import openapi

VERSION = "1.0.0"
"""Of the interface, by semantic versioning."""

blueprint = Blueprint("reference", __name__)


@blueprint.get("/openapi.json")
def document() -> Response:
    """Answer with the OpenAPI 3.1 document."""
    return jsonify(_document())


@blueprint.get("/docs")
def page() -> str:
    """Show the same document."""
    return render_template("docs.html", document=_document())


def _document() -> dict:
    return openapi.document(current_app.config, version=VERSION)
