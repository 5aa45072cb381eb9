"""Spans, to a receiver on a real socket, where OpenTelemetry is installed; and what is said where it is not."""

from __future__ import annotations

import http.server
import threading
from urllib.parse import urlparse

import pytest

from app.telemetry import TelemetryError
from tests.app.clients import post

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def receiver(monkeypatch):
    """An OTLP/HTTP endpoint; what it was sent, as (path, body)."""
    received = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            received.append((urlparse(self.path).path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield received
        server.shutdown()
        thread.join()


def test_a_request_is_a_span_and_nothing_private_is_sent(make_client, png, receiver):
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    client = make_client(TELEMETRY="otlp")
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "User-Agent": "s3cret", "X-Request-Id": "mine"}
    post(client, png, query_string={"format": "json", "opacity": "0.123"}, headers=headers)
    client.application.extensions["streetseg-telemetry"].shutdown()
    ((path, body),) = receiver
    assert path == "/v1/traces"
    (span,) = ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans
    values = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
    assert (span.name, span.trace_id.hex()) == ("POST /predict", TRACE)
    assert (values["http.response.status_code"], values["streetseg.request_id"]) == (200, "mine")
    assert "streetseg.stage.network_ms" in values
    for private in (b"s3cret", b"0.123", b"127.0.0.1"):
        assert private not in body


def test_missing_packages_are_told_with_what_mends_it(make_client, monkeypatch):
    def without(name, *rest, **options):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("importlib.import_module", without)
    with pytest.raises(TelemetryError, match=r"pip install -r requirements-telemetry\.txt"):
        make_client(TELEMETRY="otlp")


def test_azure_monitor_needs_its_connection_string(make_client, monkeypatch):
    pytest.importorskip("azure.monitor.opentelemetry.exporter")
    monkeypatch.delenv("APPLICATIONINSIGHTS_CONNECTION_STRING", raising=False)
    with pytest.raises(TelemetryError, match="APPLICATIONINSIGHTS_CONNECTION_STRING is not set"):
        make_client(TELEMETRY="azure-monitor")


def test_azure_monitor_keeps_nothing_on_the_disk(make_client, monkeypatch):
    pytest.importorskip("azure.monitor.opentelemetry.exporter")
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    given = {}
    monkeypatch.setattr(
        "azure.monitor.opentelemetry.exporter.AzureMonitorTraceExporter",
        lambda **options: given.update(options) or InMemorySpanExporter(),
    )
    monkeypatch.setenv(
        "APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=00000000-0000-0000-0000-000000000000"
    )
    make_client(TELEMETRY="azure-monitor").application.extensions["streetseg-telemetry"].shutdown()
    assert given["disable_offline_storage"] is True


def test_off_imports_nothing(make_client, monkeypatch):
    monkeypatch.setattr("importlib.import_module", lambda name: pytest.fail(f"imported {name}"))
    make_client(TELEMETRY="off")
