"""What `/metrics` shows: Prometheus metrics of one application, in a registry of its own."""

from __future__ import annotations

import numpy as np
import prometheus_client
from flask import Flask, Response, current_app, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder

from app import logs, service
from app.bodies import Budget
from model.categories import CATEGORIES
from model.inference import counting
from model.inference.segmenter import Segmentation

# A series for when each series began would double their number.
prometheus_client.disable_created_metrics()

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
_SHARES = (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
# Every so many rows and columns are enough to count coverage by: it is watched over many images, not read from one.
_STRIDE = 8


class Metrics:
    """All metrics of one application.

    Args:
        network: whose queue and model are shown.
        budget: of the bodies.
    """

    def __init__(self, network: service.Service, budget: Budget):
        self.registry = registry = CollectorRegistry()
        labels = ("method", "path", "status", "format")
        self._requests = Counter("streetseg_requests", "Answers, refusals included.", labels, registry=registry)
        self._refusals = Counter("streetseg_refusals", "Refusals by reason.", ("reason",), registry=registry)
        self._stages = Histogram(
            "streetseg_stage_seconds",
            "Time in each stage of requests that have it; total is all of a segmentation.",
            ("stage",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._coverage = Histogram(
            "streetseg_coverage_share",
            f"Share of an image that a category covers, by every {_STRIDE}th row and column.",
            ("category",),
            buckets=_SHARES,
            registry=registry,
        )
        words = "Images that were answered with the warning that they look like no street."
        self._strangers = Counter("streetseg_unfamiliar_images", words, registry=registry)
        self._network, self._budget = network, budget
        model = ("version", "engine", "precision")
        self._model = Gauge("streetseg_model_info", "The network that answers; 1.", model, registry=registry)
        self._show_now(budget)
        ProcessCollector(registry=registry)

    def _show_now(self, budget: Budget) -> None:
        admission = self._network.admission
        for name, what, value in (
            ("streetseg_queue_waiting", "Requests that wait for a place.", lambda: admission.waiting),
            ("streetseg_queue_running", "Requests that hold a place.", lambda: admission.running),
            ("streetseg_bodies_bytes", "Bytes of the bodies that are held.", lambda: budget.held),
            ("streetseg_ready", "Whether /readyz answers 200.", lambda: self._network.ready),
        ):
            Gauge(name, what, registry=self.registry).set_function(value)

    def count(self, response: Response) -> Response:
        """Count an answer to the request at hand; returns it."""
        record = logs.describe(response)
        self._requests.labels(
            record["method"], record["route"] or "other", record["status"], record["format"] or "none"
        ).inc()
        if record["reason"]:
            self._refusals.labels(record["reason"]).inc()
        for stage, milliseconds in record["stages_ms"].items():
            self._stages.labels(stage).observe(milliseconds / 1000)
        if record["format"]:
            self._stages.labels("total").observe(record["total_ms"] / 1000)
        return response

    def count_image(self, segmentation: Segmentation) -> None:
        """Count how much of an image each category covers, and whether it looks like a street."""
        sample = segmentation.labels[::_STRIDE, ::_STRIDE]
        shares = np.bincount(sample.ravel(), minlength=len(CATEGORIES)) / sample.size
        for category, share in zip(CATEGORIES, shares, strict=True):
            self._coverage.labels(category.name).observe(share)
        if counting.warnings(segmentation.familiarity):
            self._strangers.inc()

    def represent(self) -> Response:
        """Return them as text, in the format that the request at hand accepts."""
        engine = self._network.engine
        if engine is not None:
            self._model.labels(self._network.segmenter.artifact.version, engine.name, engine.precision).set(1)
        encode, media_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(self.registry), content_type=media_type)


def register(app: Flask, budget: Budget) -> None:
    """Count every request to `app`."""
    app.extensions["streetseg-metrics"] = metrics = Metrics(app.extensions["streetseg"], budget)
    app.after_request(metrics.count)


def current() -> Metrics:
    """Return the metrics of the application that handles this request."""
    return current_app.extensions["streetseg-metrics"]
