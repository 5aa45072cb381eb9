"""The Open Inference Protocol (KServe v2) over REST, so that Triton's and KServe's clients work unchanged."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from flask import Blueprint, Response, current_app, g, jsonify, request

from app import bodies, encodings, headers, inference_requests, metrics, ops, presence, service, tensors, uploads
from app.config import MILLION
from app.errors import Problem, from_image_error
from app.inference_requests import Question
from app.presence import ClientLeft
from model.artifact import Artifact
from model.inference import images

blueprint = Blueprint("open_inference", __name__)

SERVER = "streetseg"
MODEL = "unet"
HEADER_LENGTH = "Inference-Header-Content-Length"
EXTENSIONS = ("binary_tensor_data", "model_configuration")


@blueprint.get("/v2")
def server() -> Response:
    """Answer with what this server is. Its version is that of the network, which is what may change an answer."""
    return jsonify(name=SERVER, version=service.current().require_artifact().version, extensions=EXTENSIONS)


@blueprint.get("/v2/health/live")
def live() -> Response:
    """Answer 200 while the process answers."""
    return jsonify(live=True)


@blueprint.get("/v2/health/ready")
def ready() -> Response:
    """Answer 200 when `/readyz` does, and 503 with the reason otherwise."""
    ops.readyz()
    return jsonify(ready=True)


@blueprint.get("/v2/models/<name>/ready")
@blueprint.get("/v2/models/<name>/versions/<version>/ready")
def model_ready(name: str, version: str | None = None) -> Response:
    """Answer as `/v2/health/ready`, for the one model."""
    _require(name, version)
    ops.readyz()
    return jsonify(name=name, ready=True)


@blueprint.get("/v2/models/<name>")
@blueprint.get("/v2/models/<name>/versions/<version>")
def metadata(name: str, version: str | None = None) -> Response:
    """Answer with the model's tensors."""
    artifact = _require(name, version)
    engine = service.current().engine
    described = {
        side: [{"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape} for tensor in of_model]
        for side, of_model in (("inputs", tensors.INPUTS), ("outputs", tensors.OUTPUTS))
    }
    return jsonify(name=name, versions=[artifact.version], platform=engine.name if engine else "", **described)


@blueprint.get("/v2/models/<name>/config")
@blueprint.get("/v2/models/<name>/versions/<version>/config")
def configuration(name: str, version: str | None = None) -> Response:
    """Answer with the same as Triton's model configuration has it: no batches are made here, so none are limited."""
    _require(name, version)
    engine = service.current().engine
    described = {
        side: [
            {"name": tensor.name, "data_type": _configured(tensor.datatype), "dims": tensor.shape, "optional": optional}
            for tensor in of_model
        ]
        for side, of_model, optional in (("input", tensors.INPUTS, True), ("output", tensors.OUTPUTS, False))
    }
    return jsonify(name=name, platform="", backend=engine.name if engine else "", max_batch_size=0, **described)


@blueprint.post("/v2/repository/index")
def index() -> Response:
    """Answer with the one model and its state."""
    network = service.current()
    state = "READY" if network.engine else "UNAVAILABLE"
    return jsonify([{"name": MODEL, "version": network.require_artifact().version, "state": state, "reason": ""}])


@blueprint.post("/v2/models/<name>/infer")
@blueprint.post("/v2/models/<name>/versions/<version>/infer")
def infer(name: str, version: str | None = None) -> Response:
    """Segment a batch of pictures, sent as pixels or as files."""
    # First, so that no upload is read by a service that cannot answer yet.
    network = service.current()
    segmenter = network.segmenter
    artifact = _require(name, version)
    body = uploads.whole_body()
    g.format = "tensors"
    g.left = presence.watch(request.environ)
    # Reading is inside too: numbers in JSON take many times their text's memory.
    with network.admission.place(gone=g.left) as waited:
        bodies.require_room_for_answer()
        timings = {"queue": waited * 1000}
        with headers.stage(timings, "decode"):
            question = inference_requests.read(
                encodings.decoded(body),
                request.headers.get(HEADER_LENGTH),
                most_images=current_app.config["MAX_IMAGES"],
                most_pixels=_most_pixels(),
            )
        results = _segment(segmenter, question)
        with headers.stage(timings, "render"):
            head = {"model_name": name, "model_version": artifact.version}
            response = _response(results, question, head=head)
    headers.add_timings(timings)
    return response


@blueprint.after_request
def _forbid_caching(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _require(name: str, version: str | None) -> Artifact:
    """Return the network that goes by a name and a version, None for whichever serves."""
    artifact = service.current().require_artifact()
    if name != MODEL:
        raise Problem(404, "no-such-model", f"There is no model {name[:64]!r}. Expected {MODEL}.", allowed=[MODEL])
    if version not in (None, artifact.version):
        detail = f"There is no version {version[:64]!r} of {name}. Expected {artifact.version}, or none."
        raise Problem(404, "no-such-model", detail, allowed=[artifact.version])
    return artifact


def _configured(datatype: str) -> str:
    """Return a data type as Triton's configuration spells it."""
    return "TYPE_STRING" if datatype == "BYTES" else f"TYPE_{datatype}"


def _most_pixels() -> int:
    return int(current_app.config["MAX_MEGAPIXELS"] * MILLION)


def _segment(segmenter: service.Segmenter, question: Question) -> dict[str, np.ndarray]:
    """Return the outputs by name, uint8 (batch, height, width) each. The stages count towards `Server-Timing`."""
    pictures = []
    for image in _pictures(question):
        if g.left():
            raise ClientLeft
        segmentation = segmenter.segment(image, void=question.void, confidence="confidence" in question.outputs)
        headers.add_timings(segmentation.timings)
        headers.add_familiarity(segmentation.familiarity)
        metrics.current().count_image(segmentation)
        pictures.append(segmentation)
    return {name: np.stack([getattr(picture, name) for picture in pictures]) for name in question.outputs}


def _pictures(question: Question) -> Iterator[np.ndarray]:
    """Give each picture, uint8 (height, width, 3): all of one size, because a tensor has one shape."""
    if question.pixels is not None:
        yield from question.pixels
        return
    count, size = len(question.files), None
    for number, file in enumerate(question.files, start=1):
        timings: dict[str, float] = {}
        with headers.stage(timings, "decode"):
            try:
                image = images.decode(file, max_pixels=_most_pixels())
            except images.ImageError as error:
                raise from_image_error(error, number=number if count > 1 else None) from error
        headers.add_timings(timings)
        if size not in (None, image.shape[:2]):
            raise Problem(
                400,
                "malformed-inference-request",
                f"Image {number} is {image.shape[1]} x {image.shape[0]} pixels, those before it {size[1]} x {size[0]}. "
                "The images of one batch are of one size: send others in requests of their own.",
            )
        size = image.shape[:2]
        inference_requests.check_pixels(count, size, _most_pixels())
        yield image


def _response(results: dict[str, np.ndarray], question: Question, *, head: dict[str, str]) -> Response:
    if question.id is not None:
        head["id"] = question.id
    body, json_length = tensors.write(results, question.outputs, head=head)
    response = Response(body, content_type="application/json" if json_length is None else "application/octet-stream")
    if json_length is not None:
        response.headers[HEADER_LENGTH] = str(json_length)
    encodings.encode(response)
    return response
