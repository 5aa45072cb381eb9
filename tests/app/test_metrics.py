"""What Prometheus reads, by Prometheus' own parser."""

from __future__ import annotations

import base64

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.app.clients import post


def samples(client) -> dict:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain; version=")
    families = text_string_to_metric_families(response.text)
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value for family in families for sample in family.samples
    }


def test_requests_are_counted_by_path_status_and_format(client, png):
    for _ in range(3):
        post(client, png, query_string={"format": "json"})
    found = samples(client)
    labels = (("format", "json"), ("method", "POST"), ("path", "/predict"), ("status", "200"))
    assert found["streetseg_requests_total", *labels] == 3


def test_refusals_are_counted_by_reason(client):
    post(client, b"no image")
    post(client, b"")
    found = samples(client)
    assert found["streetseg_refusals_total", ("reason", "no-image")] == 1
    assert sum(value for name, value in found.items() if name[0] == "streetseg_refusals_total") == 2


@pytest.mark.parametrize("stage", ["decode", "queue", "network", "labels", "render", "total"])
def test_every_stage_has_its_times(client, png, stage):
    post(client, png, query_string={"format": "json"})
    assert samples(client)["streetseg_stage_seconds_count", ("stage", stage)] == 1


def test_coverage_of_each_category(client, png):
    post(client, png, query_string={"format": "json"})
    found = samples(client)
    # The fake network labels each column by its number modulo eight, and every eighth is looked at: all void.
    assert found["streetseg_coverage_share_sum", ("category", "void")] == 1
    assert found["streetseg_coverage_share_sum", ("category", "sky")] == 0
    assert found["streetseg_coverage_share_count", ("category", "sky")] == 1


@pytest.mark.parametrize(("path", "form"), [("/v2/models/unet/infer", "tensors"), ("/compat/huggingface", "other")])
def test_other_protocols_are_counted_as_well(client, png, path, form):
    file = {"name": "file", "datatype": "BYTES", "shape": [1], "data": [base64.b64encode(png).decode("ascii")]}
    body = {"inputs": [file]} if form == "tensors" else {"inputs": file["data"][0]}
    assert client.post(path, json=body).status_code == 200
    found = samples(client)
    pattern = path.replace("unet", "<name>")
    labels = (("format", form), ("method", "POST"), ("path", pattern), ("status", "200"))
    assert found["streetseg_requests_total", *labels] == 1
    assert found["streetseg_coverage_share_count", ("category", "sky")] == 1
    assert found["streetseg_stage_seconds_count", ("stage", "total")] == 1


def test_what_is_so_at_this_moment(client):
    found = samples(client)
    model = (("engine", "fake"), ("precision", "f32"), ("version", "fake-0123456789ab"))
    assert found["streetseg_model_info", *model] == 1
    assert found[("streetseg_ready",)] == 1
    assert found[("streetseg_queue_waiting",)] == found[("streetseg_queue_running",)] == 0
    assert found[("process_resident_memory_bytes",)] > 1e6


def test_draining_is_not_ready(client):
    client.application.drain()
    assert samples(client)[("streetseg_ready",)] == 0


def test_strangers_add_no_series(client):
    before = len(samples(client))
    for number in range(5):
        client.open(f"/nowhere/{number}", method=f"BREW{number}")
    grown = len(samples(client)) - before
    # One of requests and one of refusals, and /metrics itself, asked for once by then.
    assert grown == 3
