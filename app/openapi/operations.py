"""The service's own addresses: the work, the card, and what those who run it ask."""

from __future__ import annotations

from collections.abc import Mapping

from app.openapi.parts import JSON, answers, binary, operation, reference
from app.uploads import FILE_FIELDS, IMAGE_TYPES
from model import categories

_CATEGORIES = [*categories.NAMES, *map(str, range(categories.COUNT))]

# By name: schema and what it means. The names are those that `app.negotiation` takes.
PARAMETERS: dict[str, tuple[dict, str]] = {
    "format": (
        {"type": "string", "enum": ["overlay", "mask", "cityscapes", "confidence", "json", "csv", "coco", "zip"]},
        "What to answer with; wins over `Accept`. Without either: overlay, as PNG.",
    ),
    "opacity": (
        {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
        "Strength of the colours over the photograph.",
    ),
    "categories": (
        {"type": "array", "items": {"type": "string", "enum": _CATEGORIES}, "minItems": 1},
        "Which categories, by name or id, are coloured, counted and outlined; the others stay photograph.",
    ),
    "outline": ({"type": "integer", "enum": [0, 1], "default": 0}, "Whether to draw the borders of categories."),
    "size": (
        {
            "anyOf": [
                {"type": "string", "enum": ["input", "network"]},
                {"type": "string", "pattern": "^[1-9][0-9]{0,3}x[1-9][0-9]{0,3}$"},
            ],
            "default": "input",
        },
        "Size of the answer: the image's own, the network's, or WIDTHxHEIGHT up to the limit on pixels.",
    ),
    "palette": ({"type": "string", "enum": ["cityscapes", "colorblind"], "default": "cityscapes"}, "The colours."),
    "mask": (
        {"type": "string", "enum": ["none", "png", "rle", "polygons"], "default": "none"},
        "How JSON carries the mask.",
    ),
    "void": (
        {"type": "string", "enum": ["shown", "never"]},
        "Whether a pixel may be void, or always takes the best of the other seven. Default: shown; for "
        "`format=cityscapes` never.",
    ),
    "blur": (
        {"type": "array", "items": {"type": "string", "enum": _CATEGORIES}, "minItems": 1},
        "Which categories, by name or id, are made unrecognisable in the photograph of an overlay. Default: none.",
    ),
}


def paths(settings: Mapping[str, object]) -> dict:
    """Describe them, by path."""
    return {
        "/predict": {"post": _predict(settings)},
        "/model": {"get": _model(settings)},
        "/livez": {"get": _probe("livez", "Whether the process answers.", (), settings)},
        "/readyz": {
            "get": _probe(
                "readyz", "Whether the network has answered a warm-up image; 503 while draining.", (503,), settings
            )
        },
        "/metrics": {"get": _metrics(settings)},
        "/openapi.json": {"get": _document(settings)},
        "/docs": {"get": _page("docs", "This, as a page.", settings, open_to_all=True)},
        "/": {
            "get": _page("index", "The page: choose a photograph, see what is where.", settings),
            "post": _form(settings),
        },
    }


def _predict(settings: Mapping[str, object]) -> dict:
    content = {
        **binary("image/png"),
        **binary("image/jpeg"),
        **binary("image/webp"),
        JSON: {
            "schema": {
                "anyOf": [
                    reference("Record"),
                    {"type": "array", "items": reference("Record")},
                    reference("Coco"),
                ]
            }
        },
        "text/csv": {"schema": {"type": "string"}},
        **binary("application/zip"),
    }
    words = "The answer in the format asked for. Equal requests get equal bytes, but for `timings` in JSON."
    refusals = 400, 401, 406, 408, 413, 415, 422, 429, 500, 503
    responses = answers(content, *refusals, words=words, more=["Vary", "X-Familiarity"])
    described = operation("predict", "segmentation", "Segment images.", responses, settings=settings)
    described["description"] = (
        f"Up to {settings['MAX_BODY_MB']:g} MB, {settings['MAX_IMAGES']} images, {settings['MAX_MEGAPIXELS']:g} "
        "million pixels each: JPEG, PNG, WebP, BMP or TIFF. EXIF orientation is applied. In a form and in JSON the "
        "parameters may stand beside the image. Several images: json gives an array, csv more rows, coco and zip more "
        "entries."
    )
    described["parameters"] = [_query(name) for name in PARAMETERS]
    described["requestBody"] = {"required": True, "content": _bodies(settings["MAX_IMAGES"])}
    return described


def _form(settings: Mapping[str, object]) -> dict:
    content = {"text/html": {"schema": {"type": "string"}}}
    responses = answers(
        content,
        400,
        401,
        406,
        408,
        413,
        415,
        422,
        429,
        500,
        503,
        words="The page with its result.",
        more=["X-Familiarity"],
    )
    words = "The page's form, for browsers that run no script."
    described = operation("result", "operations", words, responses, settings=settings)
    described["requestBody"] = {"required": True, "content": _bodies(settings["MAX_IMAGES"])}
    return described


def _query(name: str) -> dict:
    schema, words = PARAMETERS[name]
    described = {"name": name, "in": "query", "schema": schema, "description": words}
    return described | ({"style": "form", "explode": False} if schema.get("type") == "array" else {})


def _bodies(most: int) -> dict:
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    files = {"type": "array", "items": file, "maxItems": most}
    form = {"type": "object", "properties": dict.fromkeys(FILE_FIELDS, files)}
    document = {
        "type": "object",
        "required": ["image"],
        "properties": {"image": {"type": "string", "description": "base64 or data: URI"}},
    }
    return {
        "multipart/form-data": {"schema": form},
        JSON: {"schema": document},
        **{name: content for image_type in IMAGE_TYPES for name, content in binary(image_type).items()},
    }


def _model(settings: Mapping[str, object]) -> dict:
    content = {JSON: {"schema": reference("Card")}, "text/html": {"schema": {"type": "string"}}}
    responses = answers(
        content, 401, 500, 503, words="The card; as a page where `Accept` likes that better.", more=["Vary"]
    )
    return operation("model", "segmentation", "The network's card, and what runs it.", responses, settings=settings)


def _probe(name: str, summary: str, refusals: tuple[int, ...], settings: Mapping[str, object]) -> dict:
    schema = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
    responses = answers({JSON: {"schema": schema}}, *refusals, 500, words="It does.")
    return operation(name, "operations", summary, responses, settings=settings, open_to_all=True)


def _metrics(settings: Mapping[str, object]) -> dict:
    content = {"text/plain": {"schema": {"type": "string"}}}
    words = "Requests, latency by stage, queue, refusals, coverage by category, the network."
    responses = answers(content, 401, 500, words=words)
    return operation("metrics", "operations", "Figures for Prometheus.", responses, settings=settings)


def _document(settings: Mapping[str, object]) -> dict:
    responses = answers({JSON: {"schema": {"type": "object"}}}, 500, words="An OpenAPI 3.1 document.")
    return operation("openapi", "operations", "This, for programs.", responses, settings=settings, open_to_all=True)


def _page(name: str, summary: str, settings: Mapping[str, object], *, open_to_all: bool = False) -> dict:
    responses = answers({"text/html": {"schema": {"type": "string"}}}, 401, 500, words="A page.")
    return operation(name, "operations", summary, responses, settings=settings, open_to_all=open_to_all)
