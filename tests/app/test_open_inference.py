"""The Open Inference Protocol against a fake network: its answers word for word."""

from __future__ import annotations

import base64
import gzip
import zlib

import numpy as np
import pytest

from tests.app.clients import encoded
from tests.app.inference import (
    BATCH,
    INFER,
    LABELS,
    LENGTH,
    VERSION,
    arrays,
    assert_refused,
    binary,
    file_bytes,
    tensor,
)

# What is told about server and model


def test_server(client):
    assert client.get("/v2").get_json() == {
        "name": "streetseg",
        "version": VERSION,
        "extensions": ["binary_tensor_data", "model_configuration"],
    }


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/v2/models/unet/ready"])
def test_health(client, path):
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/v2/models/unet", f"/v2/models/unet/versions/{VERSION}"])
def test_metadata(client, path):
    assert client.get(path).get_json() == {
        "name": "unet",
        "versions": [VERSION],
        "platform": "fake",
        "inputs": [
            {"name": "image", "datatype": "UINT8", "shape": [-1, -1, -1, 3]},
            {"name": "file", "datatype": "BYTES", "shape": [-1]},
        ],
        "outputs": [
            {"name": "labels", "datatype": "UINT8", "shape": [-1, -1, -1]},
            {"name": "confidence", "datatype": "UINT8", "shape": [-1, -1, -1]},
        ],
    }


def test_configuration_agrees_with_metadata(client):
    metadata = client.get("/v2/models/unet").get_json()
    configuration = client.get("/v2/models/unet/config").get_json()
    for tensors, entries in (
        (metadata["inputs"], configuration["input"]),
        (metadata["outputs"], configuration["output"]),
    ):
        assert [tensor["name"] for tensor in tensors] == [entry["name"] for entry in entries]
        assert [tensor["shape"] for tensor in tensors] == [entry["dims"] for entry in entries]
    assert [entry["data_type"] for entry in configuration["input"]] == ["TYPE_UINT8", "TYPE_STRING"]
    assert configuration["max_batch_size"] == 0


def test_index(client):
    response = client.post("/v2/repository/index", data=b"{}")
    assert response.get_json() == [{"name": "unet", "version": VERSION, "state": "READY", "reason": ""}]


@pytest.mark.parametrize("rest", ["", "/ready", "/config", "/infer"])
@pytest.mark.parametrize("model", ["resnet", "unet/versions/1"])
def test_other_models_and_versions_are_not_there(client, model, rest):
    ask = client.post if rest == "/infer" else client.get
    assert_refused(ask(f"/v2/models/{model}{rest}"), 404, says="Expected")


@pytest.mark.parametrize("path", ["/v2/nothing", "/v2/models/unet/stats", "/v2/models"])
def test_other_paths_are_not_there(client, path):
    assert_refused(client.get(path), 404)


def test_not_ready(make_client):
    # No artifact is found there, so nothing ever will be ready.
    client = make_client(segmenter=None, ARTIFACT="nowhere")
    assert client.get("/v2/health/live").status_code == 200
    assert_refused(client.get("/v2/health/ready"), 503)
    assert_refused(client.post(INFER, json={"inputs": [tensor()]}), 503)


def test_a_service_that_stops_lives_and_is_not_ready(client):
    client.application.drain()
    late = {"streetseg.late": True}
    assert client.get("/v2/health/live", environ_overrides=late).get_json() == {"live": True}
    for path in ("/v2/health/ready", "/v2/models/unet/ready"):
        response = client.get(path, environ_overrides=late)
        assert_refused(response, 503, says="stopping")
        assert int(response.headers["Retry-After"]) >= 1
    assert_refused(client.get("/v2", environ_overrides=late), 503, says="stopping")
    assert_refused(client.post(INFER, json={"inputs": [tensor()]}, environ_overrides=late), 503, says="stopping")


def test_nothing_is_run_while_answers_that_nobody_takes_fill_their_room(make_client, monkeypatch):
    monkeypatch.setattr("app.bodies.answers_bytes", lambda config: 100)
    client = make_client()
    untaken = client.post(INFER, json={"inputs": [tensor()]})
    assert untaken.status_code == 200
    assert_refused(client.post(INFER, json={"inputs": [tensor()]}), 429, says="not taken")
    assert client.get("/v2/health/ready").status_code == 200


# What is inferred


@pytest.mark.parametrize("path", [INFER, f"/v2/models/unet/versions/{VERSION}/infer"])
def test_numbers_in_json(client, path):
    response = client.post(path, json={"id": "7", "inputs": [tensor()]})
    document = response.get_json()
    assert response.content_type == "application/json"
    assert (document["model_name"], document["model_version"], document["id"]) == ("unet", VERSION, "7")
    found = arrays(response)
    np.testing.assert_array_equal(found["labels"], LABELS)
    np.testing.assert_array_equal(found["confidence"], np.full(LABELS.shape, 200))


def test_no_id_none_back(client):
    assert "id" not in client.post(INFER, json={"inputs": [tensor()]}).get_json()


def test_nested_numbers_are_the_same(client):
    flat = client.post(INFER, json={"inputs": [tensor()]})
    assert client.post(INFER, json={"inputs": [tensor(data=BATCH.tolist())]}).data == flat.data


def test_what_arrives_is_what_was_sent(make_client, segmenter):
    seen = []
    plain = segmenter.segment
    segmenter.segment = lambda image, **options: seen.append(image.copy()) or plain(image, **options)
    client = make_client()
    body, headers = binary(BATCH.tobytes(), tensor())
    client.post(INFER, data=body, headers=headers)
    client.post(INFER, json={"inputs": [tensor()]})
    client.post(INFER, data=body, headers=headers)
    np.testing.assert_array_equal(np.stack(seen), np.concatenate([BATCH] * 3))


def test_binary_both_ways(client):
    body, headers = binary(BATCH.tobytes(), tensor(), parameters={"binary_data_output": True})
    response = client.post(INFER, data=body, headers=headers)
    assert response.content_type == "application/octet-stream"
    found = arrays(response)
    np.testing.assert_array_equal(found["labels"], LABELS)
    assert list(found) == ["labels", "confidence"]


@pytest.mark.parametrize("everything", [True, False, None])
@pytest.mark.parametrize("own", [True, False, None])
def test_an_output_says_itself_whether_it_is_binary(client, everything, own):
    document = {"inputs": [tensor()], "outputs": [{"name": "labels"}]}
    if own is not None:
        document["outputs"][0]["parameters"] = {"binary_data": own}
    if everything is not None:
        document["parameters"] = {"binary_data_output": everything}
    response = client.post(INFER, json=document)
    assert (LENGTH in response.headers) == (own if own is not None else bool(everything))
    np.testing.assert_array_equal(arrays(response)["labels"], LABELS)


def test_outputs_come_in_the_order_asked(client):
    outputs = [{"name": "confidence", "parameters": {"binary_data": True}}, {"name": "labels"}]
    found = arrays(client.post(INFER, json={"inputs": [tensor()], "outputs": outputs}))
    assert list(found) == ["confidence", "labels"]
    assert (found["confidence"] == 200).all()


def test_confidence_is_not_computed_unasked(make_client, segmenter):
    asked = []
    plain = segmenter.segment
    segmenter.segment = lambda image, **options: asked.append(options["confidence"]) or plain(image, **options)
    make_client().post(INFER, json={"inputs": [tensor()], "outputs": [{"name": "labels"}]})
    assert asked == [False, False]


def test_every_number_is_written_right(make_client, segmenter):
    plain = segmenter.segment

    def segment(image, **options):
        segmentation = plain(image, **options)
        segmentation.confidence[:] = image[..., 0]
        return segmentation

    segmenter.segment = segment
    ramp = np.arange(512, dtype=np.uint16).astype(np.uint8).reshape(1, 2, 256, 1).repeat(3, axis=3)
    entry = tensor(shape=list(ramp.shape), data=ramp.ravel().tolist())
    response = make_client().post(INFER, json={"inputs": [entry], "outputs": [{"name": "confidence"}]})
    np.testing.assert_array_equal(arrays(response)["confidence"], ramp[..., 0])


def test_files_as_binary_and_in_base64(client):
    files = [encoded(BATCH[0]), encoded(BATCH[1], "BMP")]
    entry = {"name": "file", "datatype": "BYTES", "shape": [2]}
    body, headers = binary(file_bytes(*files), entry)
    response = client.post(INFER, data=body, headers=headers)
    np.testing.assert_array_equal(arrays(response)["labels"], LABELS)
    texts = [base64.b64encode(file).decode() for file in files]
    assert client.post(INFER, json={"inputs": [entry | {"data": texts}]}).data == response.data


def test_void_never(client):
    found = arrays(client.post(INFER, json={"inputs": [tensor()], "parameters": {"void": "never"}}))
    assert found["labels"].min() == 1


def test_what_triton_clients_add_changes_nothing(client):
    added = {"sequence_id": 3, "sequence_start": True, "sequence_end": False, "priority": 1, "timeout": 5}
    plain = client.post(INFER, json={"inputs": [tensor()]})
    assert client.post(INFER, json={"inputs": [tensor()], "parameters": added, "model_name": "x"}).data == plain.data


@pytest.mark.parametrize(("encoding", "open_"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)])
def test_answers_are_compressed_on_request(client, encoding, open_):
    document = {"inputs": [tensor()], "parameters": {"binary_data_output": True}}
    plain = client.post(INFER, json=document)
    assert "Content-Encoding" not in plain.headers
    response = client.post(INFER, json=document, headers={"Accept-Encoding": encoding})
    assert response.headers["Content-Encoding"] == encoding
    assert response.headers[LENGTH] == plain.headers[LENGTH]
    assert "Accept-Encoding" in response.headers["Vary"]
    assert open_(response.data) == plain.data


@pytest.mark.parametrize("accepts", ["br", "gzip;q=0", "identity"])
def test_answers_are_not_compressed_unasked(client, accepts):
    response = client.post(INFER, json={"inputs": [tensor()]}, headers={"Accept-Encoding": accepts})
    assert "Content-Encoding" not in response.headers


@pytest.mark.parametrize(("encoding", "close"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_requests(client, encoding, close):
    body, headers = binary(BATCH.tobytes(), tensor())
    response = client.post(INFER, data=close(body), headers=headers | {"Content-Encoding": encoding})
    np.testing.assert_array_equal(arrays(response)["labels"], LABELS)


def test_stages_are_told(client):
    timing = client.post(INFER, json={"inputs": [tensor()]}).headers["Server-Timing"]
    assert [part.partition(";")[0] for part in timing.split(", ")] == [
        "decode",
        "queue",
        "resize",
        "network",
        "labels",
        "render",
        "total",
    ]
