"""The Open Inference Protocol: what is wrong in a request is refused, in the protocol's own words."""

from __future__ import annotations

import gzip
import itertools
import json
import zlib

import numpy as np
import pytest

from tests.app.clients import encoded
from tests.app.inference import (
    BATCH,
    INFER,
    LENGTH,
    assert_refused,
    binary,
    file_bytes,
    tensor,
)

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
