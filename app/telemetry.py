"""Optional OpenTelemetry: one span for each request, with what its log line says and nothing more.

The libraries stand in requirements-telemetry.txt. Their ready-made instrumentation of Flask is not used: it would send
client addresses, user agents and whole URLs.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from types import ModuleType

from flask import Flask, Response, g, request

from app import logs

SERVICE = "streetseg"
_EXPORTERS = {
    "otlp": "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "azure-monitor": "azure.monitor.opentelemetry.exporter",
}
_CONNECTION = "APPLICATIONINSIGHTS_CONNECTION_STRING"


class TelemetryError(ValueError):
    """Telemetry was asked for and cannot be; the message says how to mend it."""


def register(app: Flask) -> None:
    """Send a span for each request to `app` where its settings say so.

    Raises:
        TelemetryError: the packages are missing, or Azure Monitor's connection string is.
    """
    choice = app.config["TELEMETRY"]
    if choice == "off":
        return
    exporter = _exporter(choice)
    trace_sdk = _import("opentelemetry.sdk.trace", choice)
    export = _import("opentelemetry.sdk.trace.export", choice)
    resources = _import("opentelemetry.sdk.resources", choice)
    provider = trace_sdk.TracerProvider(resource=resources.Resource.create({"service.name": SERVICE}))
    provider.add_span_processor(export.BatchSpanProcessor(exporter))
    instrument(app, provider)


def instrument(app: Flask, provider) -> None:
    """Let an OpenTelemetry tracer provider make a span for each request to `app`."""
    propagation = importlib.import_module("opentelemetry.trace.propagation.tracecontext")
    trace = importlib.import_module("opentelemetry.trace")
    tracer = provider.get_tracer(SERVICE)
    reader = propagation.TraceContextTextMapPropagator()
    app.extensions["streetseg-telemetry"] = provider

    def start() -> None:
        context = reader.extract({"traceparent": request.headers.get("traceparent", "")})
        name = f"{request.method} {request.url_rule.rule}" if request.url_rule else request.method
        g.span = tracer.start_span(name, context=context, kind=trace.SpanKind.SERVER)

    def end(response: Response) -> Response:
        if "span" in g:
            g.span.set_attributes(attributes(logs.describe(response)))
            if response.status_code >= 500:
                g.span.set_status(trace.StatusCode.ERROR)
            g.span.end()
        return response

    app.before_request(start)
    app.after_request(end)


def attributes(record: Mapping[str, object]) -> dict[str, object]:
    """Name what a log line says as OpenTelemetry's conventions do, or else with our own prefix."""
    known = {"method": "http.request.method", "route": "http.route", "status": "http.response.status_code"}
    found = {known.get(name, f"streetseg.{name}"): value for name, value in record.items() if value is not None}
    stages = found.pop("streetseg.stages_ms")
    return found | {f"streetseg.stage.{stage}_ms": milliseconds for stage, milliseconds in stages.items()}


def _exporter(choice: str):
    module = _import(_EXPORTERS[choice], choice)
    if choice == "otlp":
        return module.OTLPSpanExporter()
    connection = os.environ.get(_CONNECTION)
    if not connection:
        raise TelemetryError(
            f"STREETSEG_TELEMETRY is azure-monitor and {_CONNECTION} is not set. "
            "Set it to the connection string of an Application Insights resource."
        )
    # The exporter would otherwise report on itself to its maker, and keep what it cannot send on the disk.
    os.environ.setdefault("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true")
    return module.AzureMonitorTraceExporter(connection_string=connection, disable_offline_storage=True)


def _import(name: str, choice: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise TelemetryError(
            f"STREETSEG_TELEMETRY is {choice} and the packages for it are not installed ({error}). "
            "Run `pip install -r requirements-telemetry.txt`, or set it to off."
        ) from error
