"""The HTTP service: parse, admit, call, answer. `create_app` is what gunicorn runs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from flask import Flask, g

from app import (
    api,
    bodies,
    errors,
    headers,
    huggingface,
    logs,
    metrics,
    open_inference,
    ops,
    pages,
    reference,
    security,
    service,
    telemetry,
    uploads,
)
from app.admission import Admission
from app.config import concurrency, read_settings
from model.inference.options import input_size

_ROOT = Path(__file__).resolve().parent.parent


class Application(Flask):
    """Flask, with uploads kept in memory and faults logged under the id that the client was given."""

    request_class = uploads.InMemoryRequest

    def drain(self) -> None:
        """Take nothing new from now on: deploy/worker.py says that the process was told to stop."""
        self.extensions["streetseg"].draining = True

    def log_exception(self, exc_info) -> None:
        self.logger.error("Request %s failed", g.get("request_id", "unknown"), exc_info=exc_info)


def create_app(config: Mapping[str, object] | None = None, *, segmenter: service.Segmenter | None = None) -> Flask:
    """Build the service.

    Args:
        config: overrides, by the names in `app.config.SETTINGS`; they win over the environment.
        segmenter: what labels the images; the service is ready at once. None loads the one in the setting ARTIFACT
            and warms it in the background, so that `/livez` answers from the first moment.

    Returns:
        The WSGI application.

    Raises:
        ValueError: a setting is out of range; the message names it.
    """
    # Under gunicorn the root logger is bare, and what the network says while it loads would be lost.
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    app = Application(
        "app", root_path=str(_ROOT / "app"), static_folder=_ROOT / "static", template_folder=_ROOT / "templates"
    )
    read_settings(app.config, config)
    queue = Admission(slots=concurrency(app.config), depth=app.config["QUEUE_DEPTH"], deadline=app.config["DEADLINE"])
    app.extensions["streetseg"] = network = service.Service(queue, segmenter=segmenter)
    _register(app)
    for room in (pages, api, ops, reference, huggingface, open_inference):
        app.register_blueprint(room.blueprint)
    if segmenter is None:
        network.load_in_background(
            app.config["ARTIFACT"],
            engine=app.config["ENGINE"],
            precision=app.config["PRECISION"],
            input_size=input_size(app.config["INPUT_SIZE"]),
        )
    return app


def _register(app: Flask) -> None:
    """Let all that concerns every request see it: from the top on its way in, from the bottom on its way out."""
    logs.register(app)
    headers.register(app)
    metrics.register(app, bodies.register(app))
    telemetry.register(app)
    security.register(app)
    errors.register(app)
