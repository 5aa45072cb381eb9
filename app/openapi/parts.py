"""What operations are put together from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

JSON = "application/json"
PROBLEM = "application/problem+json"

# Why an answer of this status is given; the statuses that each operation may answer with name the rest.
_REASONS = {
    400: "No image, one that does not decode, or malformed JSON or base64.",
    401: "An API key is set, and none or another one was sent.",
    404: "No such model, or no such version of it.",
    406: "A representation that is not made here, or one for a single image where several were sent.",
    408: "The request came too slowly.",
    413: "The body, the number of images or the pixels of one are over their limit.",
    414: "The request line is over 4094 bytes.",
    415: "A content type or an image format that is not taken.",
    422: "A parameter that is unknown, given twice or out of range.",
    429: "The queue is full. `Retry-After` is by the measured service time.",
    431: "The header fields are too many or too long.",
    500: "A fault of the service. Its log has it under the request id.",
    503: "Not ready, draining, or out of time.",
}
_RETRY = {429, 503}
# Refused by the server before the application sees the request: any operation may answer so.
_UNREAD = (414, 431)
_EVERYWHERE = ("X-Request-Id", "X-Model-Version", "Server-Timing")


def reference(name: str) -> dict:
    """Point to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def binary(media_type: str) -> dict:
    """Describe bytes of a media type."""
    return {media_type: {"schema": {"type": "string", "contentMediaType": media_type}}}


def headers(*more: str) -> dict:
    """List headers by reference: those of every answer, and more."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*_EVERYWHERE, *more)}


def answers(content: Mapping[str, dict], *refusals: int, words: str, more: Sequence[str] = ()) -> dict:
    """Describe the answers of an operation.

    Args:
        content: of 200, by media type.
        refusals: the other statuses, each a problem.
        words: what 200 gives.
        more: headers of 200 besides those of every answer.
    """
    described = {"200": {"description": words, "headers": headers(*more), "content": dict(content)}}
    for status in sorted({*refusals, *_UNREAD}):
        described[str(status)] = {
            "description": _REASONS[status],
            "headers": headers(*(["Retry-After"] if status in _RETRY else [])),
            "content": {
                PROBLEM: {"schema": reference("Problem")},
                "text/html": {"schema": {"type": "string"}},
            },
        }
    return described


def operation(
    name: str, tag: str, summary: str, responses: dict, *, open_to_all: bool = False, settings: Mapping[str, object]
) -> dict:
    """Put an operation together; where a key is set, it needs one unless it is open to all."""
    keyed = bool(settings["API_KEY"]) and not open_to_all
    if not keyed:
        responses = {status: answer for status, answer in responses.items() if int(status) != HTTPStatus.UNAUTHORIZED}
    described = {"operationId": name, "tags": [tag], "summary": summary, "responses": responses}
    return described | ({"security": [{"bearer": []}, {"apiKey": []}]} if keyed else {})
