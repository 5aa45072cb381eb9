"""`tritonclient.http`, unchanged, against the running service: every call that it answers, JSON and binary."""

from __future__ import annotations

import asyncio
import base64

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.http import aio
from tritonclient.utils import InferenceServerException

from model.inference import images


@pytest.fixture
def client(address):
    with triton.InferenceServerClient(address, concurrency=4) as client:
        yield client


def pixels(*images: np.ndarray, binary: bool = True) -> triton.InferInput:
    batch = np.stack(images)
    tensor = triton.InferInput("image", list(batch.shape), "UINT8")
    return tensor.set_data_from_numpy(batch, binary_data=binary)


def files(*contents: bytes, binary: bool = True) -> triton.InferInput:
    # In JSON a file can only be text.
    batch = np.array(contents if binary else [base64.b64encode(content) for content in contents], np.object_)
    return triton.InferInput("file", [len(batch)], "BYTES").set_data_from_numpy(batch, binary_data=binary)


def outputs(*, binary: bool) -> list[triton.InferRequestedOutput]:
    return [triton.InferRequestedOutput(name, binary_data=binary) for name in ("labels", "confidence")]


def assert_right(result: triton.InferResult, *segmentations) -> None:
    """Compare with the network's own answers, exactly."""
    labels, confidence = result.as_numpy("labels"), result.as_numpy("confidence")
    assert labels.dtype == confidence.dtype == np.uint8
    np.testing.assert_array_equal(labels, np.stack([each.labels for each in segmentations]))
    np.testing.assert_array_equal(confidence, np.stack([each.confidence for each in segmentations]))


def test_health(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("unet")
    assert not client.is_model_ready("resnet")


def test_what_it_says_of_itself(client, network):
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    metadata = client.get_model_metadata("unet")
    assert metadata["versions"] == [network.version]
    assert client.get_model_metadata("unet", network.version) == metadata
    assert client.is_model_ready("unet", network.version)
    assert client.get_model_config("unet")["backend"] == network.engine.name
    assert [model["name"] for model in client.get_model_repository_index()] == ["unet"]


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_pixels(client, image, expected, binary_in, binary_out):
    result = client.infer("unet", [pixels(image, binary=binary_in)], outputs=outputs(binary=binary_out))
    assert_right(result, expected)


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_files(client, photograph, expected, binary_in, binary_out):
    tensor = files(photograph.read_bytes(), binary=binary_in)
    assert_right(client.infer("unet", [tensor], outputs=outputs(binary=binary_out)), expected)


def test_a_batch(client, network, image):
    batch = [image, image[:, ::-1].copy(), image[::-1].copy()]
    assert_right(client.infer("unet", [pixels(*batch)]), *map(network.segment, batch))


def test_pictures_of_the_networks_own_size(client, network):
    image = np.random.default_rng(6).integers(0, 256, (*network.artifact.size, 3), np.uint8)
    assert_right(client.infer("unet", [pixels(image)]), network.segment(image))


def test_outputs_unasked(client, image, expected):
    assert_right(client.infer("unet", [pixels(image)]), expected)


def test_one_output(client, image, expected):
    result = client.infer("unet", [pixels(image)], outputs=[triton.InferRequestedOutput("labels")])
    np.testing.assert_array_equal(result.as_numpy("labels")[0], expected.labels)
    assert result.as_numpy("confidence") is None


def test_a_version_and_an_id(client, network, image):
    result = client.infer("unet", [pixels(image)], model_version=network.version, request_id="street-7")
    response = result.get_response()
    assert (response["model_version"], response["id"]) == (network.version, "street-7")


@pytest.mark.parametrize("request_compression", [None, "gzip", "deflate"])
@pytest.mark.parametrize("response_compression", [None, "gzip", "deflate"])
@pytest.mark.parametrize("binary", [True, False])
def test_compression(client, image, expected, request_compression, response_compression, binary):
    result = client.infer(
        "unet",
        [pixels(image, binary=binary)],
        outputs=outputs(binary=binary),
        request_compression_algorithm=request_compression,
        response_compression_algorithm=response_compression,
    )
    assert_right(result, expected)


def test_void_never(client, network, image):
    result = client.infer("unet", [pixels(image)], parameters={"void": "never"})
    assert_right(result, network.segment(image, void="never"))


def test_settings_of_others_change_nothing(client, image, expected):
    result = client.infer("unet", [pixels(image)], sequence_id=4, sequence_start=True, priority=2, timeout=9_000_000)
    assert_right(result, expected)


def test_many_at_once(client, network, image):
    turned = [np.roll(image, 30 * step, axis=1) for step in range(8)]
    waiting = [client.async_infer("unet", [pixels(each)]) for each in turned]
    for each, request in zip(turned, waiting, strict=True):
        assert_right(request.get_result(), network.segment(each))


def test_asynchronous_client(address, image, expected):
    async def ask():
        async with aio.InferenceServerClient(address) as client:
            assert await client.is_server_ready()
            return await client.infer("unet", [pixels(image)], response_compression_algorithm="gzip")

    assert_right(asyncio.run(ask()), expected)


def test_refusals_come_with_their_words(client, image):
    with pytest.raises(InferenceServerException, match=r"There is no model 'resnet'\. Expected unet") as refused:
        client.infer("resnet", [pixels(image)])
    assert refused.value.status() == "404"
    with pytest.raises(InferenceServerException, match="There is no version '1'"):
        client.infer("unet", [pixels(image)], model_version="1")
    tensor = triton.InferInput("image", [1, 2, 2, 4], "UINT8").set_data_from_numpy(np.zeros((1, 2, 2, 4), np.uint8))
    with pytest.raises(InferenceServerException, match=r"Expected \[-1, -1, -1, 3\]") as refused:
        client.infer("unet", [tensor])
    assert refused.value.status() == "400"
    with pytest.raises(InferenceServerException, match="text") as refused:
        client.infer("unet", [files(b"no picture")])
    assert refused.value.status() == "415"
    with pytest.raises(InferenceServerException, match="has the parameter 'classification'"):
        client.infer("unet", [pixels(image)], outputs=[triton.InferRequestedOutput("labels", class_count=3)])
    tensor = triton.InferInput("image", [1, 2, 2, 3], "UINT8")
    tensor.set_shared_memory("region", 12)
    with pytest.raises(InferenceServerException, match="has the parameter 'shared_memory_region'"):
        client.infer("unet", [tensor])


@pytest.mark.parametrize("ask", ["get_inference_statistics", "get_trace_settings", "get_log_settings"])
def test_what_is_not_offered_is_said_to_be_missing(client, ask):
    with pytest.raises(InferenceServerException, match=r"not found|no model") as refused:
        getattr(client, ask)()
    assert refused.value.status() == "404"


def test_a_real_photograph(client, network, data_folder):
    path = min((data_folder / "cityscapes_fullres").rglob("*_leftImg8bit.*"), default=None)
    if path is None:
        pytest.skip("no photograph in cityscapes_fullres")
    content = path.read_bytes()
    assert_right(client.infer("unet", [files(content)]), network.segment(images.decode(content)))
