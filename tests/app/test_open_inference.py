"""The Open Inference Protocol against a fake network: its answers word for word, and what is wrong in requests."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import zlib

import numpy as np
import pytest

from model import categories
from tests.app.clients import assert_problem, encoded

INFER = "/v2/models/unet/infer"
LENGTH = "Inference-Header-Content-Length"
VERSION = "fake-0123456789ab"

BATCH = np.random.default_rng(5).integers(0, 256, (2, 5, 9, 3), np.uint8)
LABELS = np.broadcast_to(np.arange(9) % categories.COUNT, (2, 5, 9))


def tensor(**changes) -> dict:
    """The input `image` with its numbers in JSON; None leaves a member out."""
    whole = {"name": "image", "datatype": "UINT8", "shape": list(BATCH.shape), "data": BATCH.ravel().tolist()}
    return {name: value for name, value in (whole | changes).items() if value is not None}


def binary(data: bytes, entry: dict, *, size: object = None, **members) -> tuple[bytes, dict[str, str]]:
    """A body with one binary input, and its headers."""
    entry = {**entry, "parameters": {"binary_data_size": len(data) if size is None else size}}
    entry.pop("data", None)
    document = json.dumps({"inputs": [entry], **members}).encode()
    return document + data, {LENGTH: str(len(document))}


def file_bytes(*files: bytes) -> bytes:
    return b"".join(len(file).to_bytes(4, "little") + file for file in files)


def arrays(response) -> dict[str, np.ndarray]:
    """Read the tensors of a response, as the protocol says."""
    assert response.status_code == 200, response.text
    length = int(response.headers.get(LENGTH, len(response.data)))
    found, place = {}, length
    for output in json.loads(response.data[:length])["outputs"]:
        assert output["datatype"] == "UINT8"
        size = output.get("parameters", {}).get("binary_data_size")
        values = output["data"] if size is None else list(response.data[place : place + size])
        place += size or 0
        found[output["name"]] = np.array(values).reshape(output["shape"])
    assert place == len(response.data)
    return found


def assert_refused(response, status: int, *, says: str = "", **expected) -> None:
    """A problem like any other that is the protocol's error object too."""
    error = response.get_json()["error"]
    assert isinstance(error, str)
    assert says in error
    body = {name: value for name, value in response.get_json().items() if name != "error"}
    response.set_data(json.dumps(body))
    assert_problem(response, status, says=says, **expected)


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


# What is refused


DOCUMENTS = {
    "no inputs": {},
    "inputs no list": {"inputs": 3},
    "an input no object": {"inputs": [3]},
    "two inputs": {"inputs": [tensor(), tensor()]},
    "unknown input": {"inputs": [tensor(name="pixels")]},
    "a list for a name": {"inputs": [tensor(name=[["image"]])]},
    "wrong datatype": {"inputs": [tensor(datatype="FP32")]},
    "no datatype": {"inputs": [tensor(datatype=None)]},
    "no shape": {"inputs": [tensor(shape=None)]},
    "text for a shape": {"inputs": [tensor(shape="1,5,9,3")]},
    "too few dimensions": {"inputs": [tensor(shape=[5, 9, 3])]},
    "four channels": {"inputs": [tensor(shape=[2, 5, 9, 4])]},
    "negative side": {"inputs": [tensor(shape=[2, -5, 9, 3])]},
    "two negative sides": {"inputs": [tensor(shape=[2, -5, -9, 3])]},
    "no pixels": {"inputs": [tensor(shape=[2, 0, 9, 3], data=[])]},
    "fractional side": {"inputs": [tensor(shape=[2, 5.0, 9, 3])]},
    "true for a side": {"inputs": [tensor(shape=[True, 5, 9, 3])]},
    "null for a side": {"inputs": [tensor(shape=[None, 5, 9, 3])]},
    "a list for a side": {"inputs": [tensor(shape=[[2], 5, 9, 3])]},
    "a number too few": {"inputs": [tensor(data=BATCH.ravel().tolist()[1:])]},
    "no data": {"inputs": [tensor(data=None)]},
    "a number for data": {"inputs": [tensor(data=5)]},
    "text for data": {"inputs": [tensor(data="AAAA")]},
    "an object for data": {"inputs": [tensor(data={"b64": "AAAA"})]},
    "256": {"inputs": [tensor(data=[256] * BATCH.size)]},
    "-1": {"inputs": [tensor(data=[-1] * BATCH.size)]},
    "a giant number": {"inputs": [tensor(data=[10**400] * BATCH.size)]},
    "fractions": {"inputs": [tensor(data=[0.5] * BATCH.size)]},
    "trues": {"inputs": [tensor(data=[True] * BATCH.size)]},
    "texts": {"inputs": [tensor(data=["7"] * BATCH.size)]},
    "one text among numbers": {"inputs": [tensor(data=[*BATCH.ravel().tolist()[1:], "x" * 100_000])]},
    "nulls": {"inputs": [tensor(data=[None] * BATCH.size)]},
    "nested otherwise": {"inputs": [tensor(data=BATCH.reshape(2, 9, 5, 3).tolist())]},
    "nested too little": {"inputs": [tensor(data=BATCH.reshape(10, 27).tolist())]},
    "nested too deep": {"inputs": [tensor(data=BATCH[..., np.newaxis].tolist())]},
    "ragged": {"inputs": [tensor(data=[BATCH[0].tolist(), BATCH[1, 1:].tolist()])]},
    "shared memory": {"inputs": [tensor(data=None, parameters={"shared_memory_region": "a"})]},
    "parameters no object": {"inputs": [tensor(parameters=[])]},
    "binary without any": {"inputs": [tensor(data=None, parameters={"binary_data_size": 270})]},
    "unknown parameter": {"inputs": [tensor()], "parameters": {"opacity": 1}},
    "unknown void": {"inputs": [tensor()], "parameters": {"void": ["never"]}},
    "one for true": {"inputs": [tensor()], "parameters": {"binary_data_output": 1}},
    "a number for an id": {"inputs": [tensor()], "id": 7},
    "unknown output": {"inputs": [tensor()], "outputs": [{"name": "logits"}]},
    "an output twice": {"inputs": [tensor()], "outputs": [{"name": "labels"}, {"name": "labels"}]},
    "outputs no list": {"inputs": [tensor()], "outputs": {"name": "labels"}},
    "classes": {"inputs": [tensor()], "outputs": [{"name": "labels", "parameters": {"classification": 3}}]},
    "shared output": {
        "inputs": [tensor()],
        "outputs": [{"name": "labels", "parameters": {"shared_memory_region": ""}}],
    },
    "text for true": {"inputs": [tensor()], "outputs": [{"name": "labels", "parameters": {"binary_data": "yes"}}]},
    "file no list": {"inputs": [{"name": "file", "datatype": "BYTES", "shape": [1], "data": "AAAA"}]},
    "file no text": {"inputs": [{"name": "file", "datatype": "BYTES", "shape": [1], "data": [5]}]},
    "file no base64": {"inputs": [{"name": "file", "datatype": "BYTES", "shape": [1], "data": ["http://a/b"]}]},
    "a file too few": {"inputs": [{"name": "file", "datatype": "BYTES", "shape": [2], "data": ["AAAA"]}]},
    "an object": [],
    "a text": "inputs",
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_what_the_protocol_does_not_know_is_refused(client, document):
    assert_refused(client.post(INFER, json=document), 400)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b'{"inputs": NaN}',
        b'{"inputs": [], "a": -Infinity}',
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"inputs": [{"name":' + b"[" * 700 + b"]" * 700 + b"}]}",
        b'{"inputs": [{"name": "image", "datatype": "UINT8", "shape":' + b"[" * 700 + b"]" * 700 + b"}]}",
        b'{"inputs": [{"name": "image", "datatype": "UINT8", "shape": [1, 1, 1, 3], "data":'
        + b"[" * 700
        + b"]" * 700
        + b"}]}",
        b'{"inputs": [], "a": ' + b"9" * 5000 + b"}",
        b'{"inputs": [{"name": "\\ud800"}]}',
    ],
    ids=range(13),
)
def test_what_is_no_json_is_refused(client, body):
    assert_refused(client.post(INFER, data=body), 400)


@pytest.mark.parametrize("length", ["-1", "1e3", "١", "", " ", "9" * 5000, "1000000", "0x10", "+5"])
def test_lengths_of_json_are_checked(client, length):
    body, _ = binary(BATCH.tobytes(), tensor())
    environ = {f"HTTP_{LENGTH.upper().replace('-', '_')}": length}
    assert_refused(client.post(INFER, data=body, environ_overrides=environ), 400)


def test_binary_data_must_be_as_long_as_they_say(client):
    data = BATCH.tobytes()
    sizes = (0, 1, len(data) - 1, len(data) + 1, -len(data), 10**400, float(len(data)), True, "270", None, [270])
    for size, sent in itertools.product(sizes, (data, data[1:], data + b"0", b"")):
        body, headers = binary(sent, tensor(), size=str(size) if size is None else size)
        assert_refused(client.post(INFER, data=body, headers=headers), 400)


def test_data_in_both_ways_are_refused(client):
    data = BATCH.tobytes()
    document = json.dumps({"inputs": [tensor(parameters={"binary_data_size": len(data)})]}).encode()
    response = client.post(INFER, data=document + data, headers={LENGTH: str(len(document))})
    assert_refused(response, 400, says="not both")


@pytest.mark.parametrize(
    "data",
    [b"\1", b"\1\0\0\0", b"\0\0\0", b"\xff\xff\xff\xff123", file_bytes(b"a") + b"\0", file_bytes(b"a", b"b"), b""],
)
def test_binary_files_are_checked(client, data):
    body, headers = binary(data, {"name": "file", "datatype": "BYTES", "shape": [1]})
    assert_refused(client.post(INFER, data=body, headers=headers), 400)


def test_files_are_refused_as_by_predict(make_client):
    client = make_client(MAX_MEGAPIXELS=0.0001)

    def ask(*files):
        body, headers = binary(file_bytes(*files), {"name": "file", "datatype": "BYTES", "shape": [len(files)]})
        return client.post(INFER, data=body, headers=headers)

    good = encoded(BATCH[0])
    assert_refused(ask(b""), 400, says="empty")
    assert_refused(ask(good, good[:50]), 400, says="Image 2: ")
    assert_refused(ask(b"GIF89a"), 415)
    assert_refused(ask(encoded(np.zeros((50, 50, 3), np.uint8))), 413, limit=100)
    assert_refused(ask(good, encoded(BATCH[0, 1:])), 400, says="of one size")
    # Each is small enough, but not all of them.
    assert_refused(ask(good, good, good), 413, limit=100)


def test_batches_are_limited(make_client):
    client = make_client(MAX_IMAGES=2, MAX_MEGAPIXELS=0.0001)
    assert_refused(client.post(INFER, json={"inputs": [tensor(shape=[3, 5, 9, 3])]}), 413, limit=2)
    assert_refused(client.post(INFER, json={"inputs": [tensor(shape=[10**400, 1, 1, 3])]}), 413, limit=2)
    assert_refused(client.post(INFER, json={"inputs": [tensor(shape=[1, 10**400, 10**400, 3])]}), 413, limit=100)
    assert_refused(client.post(INFER, json={"inputs": [tensor(shape=[2, 6, 9, 3])]}), 413, limit=100)
    entry = {"name": "file", "datatype": "BYTES", "shape": [3], "data": ["AAAA"] * 3}
    assert_refused(client.post(INFER, json={"inputs": [entry]}), 413, limit=2)


def test_long_thin_pictures_are_refused(client):
    response = client.post(INFER, json={"inputs": [tensor(shape=[1, 1, 70_000, 3])]})
    assert_refused(response, 413, limit=65_535)


def test_bodies_are_limited(make_client):
    client = make_client(MAX_BODY_MB=0.001)
    assert_refused(client.post(INFER, json={"inputs": [tensor()]}), 413, limit=1000)


@pytest.mark.parametrize(("encoding", "close"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_bomb_does_not_get_through_the_limit(make_client, encoding, close):
    client = make_client(MAX_BODY_MB=0.1)
    bomb = close(bytes(50_000_000))
    assert len(bomb) < 100_000
    assert_refused(client.post(INFER, data=bomb, headers={"Content-Encoding": encoding}), 413, limit=100_000)


def test_a_body_just_within_the_limit_is_read(make_client):
    client = make_client(MAX_BODY_MB=0.1)
    answers = [
        client.post(INFER, data=gzip.compress(b" " * size), headers={"Content-Encoding": "gzip"}).status_code
        for size in (100_000, 100_001)
    ]
    assert answers == [400, 413]


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd", "x"])
def test_other_encodings_are_refused(client, encoding):
    response = client.post(INFER, data=b"{}", headers={"Content-Encoding": encoding})
    assert_refused(response, 415, allowed=["gzip", "deflate", "identity"])


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: data + b"0", lambda _: b"{}", lambda _: b""])
def test_damaged_compression_is_refused(client, encoding, damage):
    close = {"gzip": gzip.compress, "deflate": zlib.compress}[encoding]
    body, headers = binary(BATCH.tobytes(), tensor())
    response = client.post(INFER, data=damage(close(body)), headers=headers | {"Content-Encoding": encoding})
    assert_refused(response, 400, says=encoding)
