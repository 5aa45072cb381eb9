"""Compressed bodies, both ways: what the header Content-Encoding says of a request, and Accept-Encoding asks for."""

from __future__ import annotations

import zlib

from flask import Response, current_app, request
from isal import isal_zlib
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import Problem

# By name, the window that zlib takes for it: a gzip or a zlib header is expected, and nothing else.
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}

# Labels shrink to a few hundredths at the fastest level, and little further at others.
_LEVEL = 1


def decoded(body: bytes) -> bytes:
    """Decompress the body of the current request, as its Content-Encoding says.

    Args:
        body: as sent.

    Returns:
        The body; itself where it is not compressed.

    Raises:
        Problem: 415 another encoding, or several; 400 damaged data.
        RequestEntityTooLarge: decompressed, the body would be over its limit. No more than that is ever decompressed.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower() or "identity"
    if encoding == "identity":
        return body
    if encoding not in _WINDOWS:
        allowed = (*_WINDOWS, "identity")
        detail = f"Content-Encoding is {encoding!r}. Expected one of {', '.join(allowed)}."
        raise Problem(415, "unsupported-content-encoding", detail, allowed=allowed)
    limit = current_app.config["MAX_CONTENT_LENGTH"]
    decompressor = zlib.decompressobj(_WINDOWS[encoding])
    try:
        content = decompressor.decompress(body, limit + 1)
    except zlib.error as error:
        raise _damaged(encoding) from error
    if len(content) > limit:
        raise RequestEntityTooLarge
    if not decompressor.eof or decompressor.unused_data:
        raise _damaged(encoding)
    return content


def encode(response: Response) -> None:
    """Compress a response in place, where the client of the current request accepts that."""
    response.vary.add("Accept-Encoding")
    encoding = request.accept_encodings.best_match(_WINDOWS)
    if encoding is None:
        return
    compressor = isal_zlib.compressobj(_LEVEL, wbits=_WINDOWS[encoding])
    response.data = compressor.compress(response.data) + compressor.flush()
    response.headers["Content-Encoding"] = encoding


def _damaged(encoding: str) -> Problem:
    return Problem(
        400,
        "undecodable-body",
        f"The body is not what Content-Encoding says: {encoding} data, complete and with nothing behind it. Compress "
        "it anew, or send it as it is.",
    )
