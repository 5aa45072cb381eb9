"""What the service takes and gives, as OpenAPI 3.1. Tests drive the running service from it."""

from __future__ import annotations

from collections.abc import Mapping

from app.openapi import compatible, operations
from app.openapi.schemas import HEADERS, SCHEMAS, SECURITY

_DESCRIPTION = """\
Labels every pixel of a street image with one of the eight Cityscapes categories: void, flat, construction, object,
nature, sky, human, vehicle. Images are processed in memory and not kept; addresses are not fetched.

Every answer carries `X-Request-Id`, and once the network is known `X-Model-Version`. Every refusal of this service is
`application/problem+json` (RFC 9457), or a page of the same words for a browser.
"""

_TAGS = {
    "segmentation": "What the service is for.",
    "operations": "For those who run it.",
    "compatible": "Other services' addresses, so that their clients work unchanged.",
}


def document(settings: Mapping[str, object], *, version: str) -> dict:
    """Describe the service.

    Args:
        settings: by name, those of `app.config.SETTINGS`; limits and whether a key is needed are told from them.
        version: of the interface.

    Returns:
        An OpenAPI 3.1 document.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": "streetseg", "version": version, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": words} for name, words in _TAGS.items()],
        "paths": operations.paths(settings) | compatible.paths(settings),
        "components": {"schemas": SCHEMAS, "headers": HEADERS, "securitySchemes": SECURITY},
    }
