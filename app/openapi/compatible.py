"""The addresses of other services' protocols: Hugging Face's image segmentation, and Open Inference (KServe v2)."""

from __future__ import annotations

from collections.abc import Mapping

from app.openapi.parts import JSON, answers, binary, operation, reference
from app.uploads import IMAGE_TYPES

_NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": ["unet"]},
}
_REFUSALS = (400, 401, 404, 408, 413, 415, 422, 429, 500, 503)
# summary, method, what 200 gives, by the end of the address under a model.
_OF_MODEL = {
    "": ("Its tensors.", "get"),
    "/ready": ("Whether it is ready.", "get"),
    "/config": ("Its configuration, as Triton has it.", "get"),
    "/infer": ("Segment a batch, sent as pixels or as files.", "post"),
}


def paths(settings: Mapping[str, object]) -> dict:
    """Describe them, by path."""
    described = {
        "/compat/huggingface": {"post": _hugging_face(settings)},
        "/compat/huggingface/health": {"get": _plain("hugging_face_health", "As `/readyz`.", settings)},
        "/v2": {"get": _plain("server", "What this server is.", settings)},
        "/v2/health/live": {"get": _plain("live", "Whether the process answers.", settings, open_to_all=True)},
        "/v2/health/ready": {"get": _plain("ready", "As `/readyz`.", settings, open_to_all=True)},
        "/v2/repository/index": {"post": _plain("index_models", "The one model and its state.", settings)},
    }
    for version in ("", "/versions/{version}"):
        for end, (summary, method) in _OF_MODEL.items():
            described[f"/v2/models/{{name}}{version}{end}"] = {method: _of_model(end, summary, version, settings)}
    return described


def _hugging_face(settings: Mapping[str, object]) -> dict:
    content = {JSON: {"schema": {"type": "array", "items": reference("Segment")}}}
    responses = answers(
        content, *_REFUSALS, words="One mask for each category that the picture has.", more=["X-Familiarity"]
    )
    described = operation(
        "image_segmentation",
        "compatible",
        "Hugging Face's image segmentation, for `huggingface_hub.InferenceClient`.",
        responses,
        settings=settings,
    )
    files = {name: content for image_type in IMAGE_TYPES for name, content in binary(image_type).items()}
    described["requestBody"] = {"required": True, "content": {JSON: {"schema": reference("Inputs")}, **files}}
    described["parameters"] = [
        {"name": "void", "in": "query", "schema": {"type": "string", "enum": ["shown", "never"], "default": "shown"}}
    ]
    return described


def _plain(name: str, summary: str, settings: Mapping[str, object], *, open_to_all: bool = False) -> dict:
    schema = {"type": ["object", "array"]}
    responses = answers({JSON: {"schema": schema}}, 401, 500, 503, words="The answer.")
    return operation(name, "compatible", summary, responses, settings=settings, open_to_all=open_to_all)


def _of_model(end: str, summary: str, version: str, settings: Mapping[str, object]) -> dict:
    name = f"inference_model{end.replace('/', '_')}{'_version' if version else ''}"
    content: dict[str, dict] = {JSON: {"schema": {"type": "object"}}}
    refusals: tuple[int, ...] = (401, 404, 500, 503)
    if end == "/infer":
        content |= binary("application/octet-stream")
        refusals = _REFUSALS
    responses = answers(content, *refusals, words="The answer.")
    described = operation(name, "compatible", summary, responses, settings=settings)
    described["parameters"] = [_NAME]
    if version:
        described["parameters"] = [
            _NAME,
            {"name": "version", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}},
        ]
    if end == "/infer":
        described["requestBody"] = _inference()
    return described


def _inference() -> dict:
    output = {"type": "object", "required": ["name"], "properties": {"name": {"enum": ["labels", "confidence"]}}}
    schema = {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string"},
            "inputs": {"type": "array", "items": reference("Tensor"), "minItems": 1, "maxItems": 1},
            "outputs": {"type": "array", "items": output},
            "parameters": {"type": "object"},
        },
    }
    # With binary tensors the JSON comes first, as long as the header Inference-Header-Content-Length says.
    return {"required": True, "content": {JSON: {"schema": schema}, **binary("application/octet-stream")}}
