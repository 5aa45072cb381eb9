"""The shapes of what the service gives, the headers of its answers, and how a client proves who it is."""

from __future__ import annotations

from model import categories

_FRACTION = {"type": "number", "minimum": 0, "maximum": 1}
_COUNT = {"type": "integer", "minimum": 0}
_CATEGORY_ID = {"type": "integer", "minimum": 0, "maximum": categories.COUNT - 1}
_NAME = {"type": "string", "enum": list(categories.NAMES)}
_COLOR = {
    "type": "array",
    "items": {"type": "integer", "minimum": 0, "maximum": 255},
    "minItems": 3,
    "maxItems": 3,
    "description": "red, green, blue",
}


def _object(required: dict, optional: dict | None = None, **more: object) -> dict:
    properties = required | (optional or {})
    return {"type": "object", "required": list(required), "properties": properties, **more}


def _array(items: dict, **more: object) -> dict:
    return {"type": "array", "items": items, **more}


def _reference(name: str) -> dict:
    return {"$ref": f"#/components/schemas/{name}"}


_RLE = _object(
    {"size": _array(_COUNT, minItems=2, maxItems=2, description="height, width"), "counts": {"type": "string"}},
    description="COCO's compressed run lengths, as `pycocotools.mask.decode` takes them.",
)

SCHEMAS: dict[str, dict] = {
    "Problem": _object(
        {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "what was received, what was expected, how to mend it"},
            "request_id": {"type": "string"},
        },
        {"limit": {"type": "number"}, "allowed": _array({"type": "string"})},
        description="RFC 9457.",
    ),
    "Record": _object(
        {
            "model": {"type": "string", "description": "name and first 12 digits of the network's SHA-256"},
            "categories": _array(_reference("Count")),
            "image": _object({"height": _COUNT, "width": _COUNT}),
            "mean_confidence": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
            "familiarity": {
                "type": ["number", "null"],
                "minimum": 0,
                "maximum": 1,
                "description": "share of known streets that look as strange or stranger; null: not known",
            },
            "warnings": _array({"type": "string"}),
            "timings": {
                "type": "object",
                "additionalProperties": {"type": "number"},
                "description": "ms by stage; the only part that differs between equal requests",
            },
        },
        {"mask": _reference("Mask")},
    ),
    "Count": _object(
        {
            "id": _CATEGORY_ID,
            "name": _NAME,
            "color": _COLOR,
            "pixels": _COUNT,
            "coverage": {**_FRACTION, "description": "share of all pixels"},
            "mean_confidence": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        }
    ),
    "Mask": {
        "type": "object",
        "required": ["encoding"],
        "properties": {
            "encoding": {"type": "string", "enum": ["png", "rle", "polygons"]},
            "data": {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"},
            "segments": _array(
                _object({"id": _CATEGORY_ID, "name": _NAME}, {"rle": _RLE, "geometry": {"type": "object"}})
            ),
        },
    },
    "Coco": _object(
        {
            "info": {"type": "object"},
            "images": _array(
                _object({"id": _COUNT, "file_name": {"type": "string"}, "height": _COUNT, "width": _COUNT})
            ),
            "annotations": _array(
                _object(
                    {
                        "id": _COUNT,
                        "image_id": _COUNT,
                        "category_id": _CATEGORY_ID,
                        "segmentation": _RLE,
                        "area": _COUNT,
                        "bbox": _array(_COUNT, minItems=4, maxItems=4),
                        "iscrowd": {"const": 1},
                    }
                )
            ),
            "categories": _array(_object({"id": _CATEGORY_ID, "name": _NAME})),
        },
        description="A COCO document; `pycocotools` reads it.",
    ),
    "Card": _object(
        {
            "version": {"type": "string"},
            "engine": {"type": ["object", "null"], "properties": {"name": {}, "precision": {}}},
            "categories": {"type": "array"},
        },
        description="The network's card: categories, input size, training data, scores by category, terms of use.",
    ),
    "Segment": _object(
        {
            "label": _NAME,
            "score": {**_FRACTION, "description": "mean confidence"},
            "mask": {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"},
        }
    ),
    "Inputs": _object(
        {
            "inputs": {"type": "string", "description": "the image in base64, or a data: URI"},
        },
        {
            "parameters": {
                "type": ["object", "null"],
                "properties": {
                    "threshold": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                    "mask_threshold": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                    "overlap_mask_area_threshold": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                    "subtask": {"type": ["string", "null"], "enum": ["semantic", None]},
                },
                "additionalProperties": False,
            }
        },
    ),
    "Tensor": _object(
        {"name": {"type": "string"}, "datatype": {"type": "string"}, "shape": _array({"type": "integer"})},
        {"data": {"type": "array"}, "parameters": {"type": "object"}},
    ),
    "InferenceError": _object({"error": {"type": "string"}}),
}

HEADERS: dict[str, dict] = {
    "X-Request-Id": {"schema": {"type": "string"}, "description": "The client's own, or a new one."},
    "X-Model-Version": {
        "schema": {"type": "string"},
        "description": "Name and first 12 digits of the network's SHA-256; absent until it is known.",
    },
    "Server-Timing": {"schema": {"type": "string"}, "description": "Where the time went, in ms by stage."},
    "X-Familiarity": {
        "schema": {"type": "string", "pattern": r"^[01]\.[0-9]{3}(, [01]\.[0-9]{3})*$"},
        "description": "How much each image looks like the streets of the training; absent where not known.",
    },
    "Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]+$"}, "description": "Seconds."},
    "Vary": {"schema": {"type": "string"}},
}

SECURITY: dict[str, dict] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
}
