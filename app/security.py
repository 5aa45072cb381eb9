"""Who may ask: an API key, and how many proxies stand in front."""

from __future__ import annotations

import hashlib
import hmac

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from app.errors import Problem

# Without a key: whether it lives, which those ask who have none, and what is public as source code anyway.
_OPEN = {"/livez", "/readyz", "/v2/health/live", "/v2/health/ready", "/openapi.json", "/docs", "/favicon.ico"}
_OPEN_FOLDER = "/static/"


def register(app: Flask) -> None:
    """Guard `app` with the key of its settings, if it has one, and believe as many proxies as its settings say."""
    key = app.config["API_KEY"]
    if key:
        expected = _digest(key)
        app.before_request(lambda: _require(expected))
    proxies = app.config["PROXIES"]
    if proxies:
        # Not the host: not every proxy sets it, and one that does not lets the client's through.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=0)


def _require(expected: bytes) -> None:
    if request.path in _OPEN or request.path.startswith(_OPEN_FOLDER):
        return
    sent = _sent_key()
    if sent is None:
        raise _unauthorized("No API key was sent.")
    if not hmac.compare_digest(_digest(sent), expected):
        raise _unauthorized("The API key is not the one that is set here.")


def _sent_key() -> str | None:
    """Return the key as sent; the page's visitors, whose browser asks them for it, send it as a password."""
    if "X-Api-Key" in request.headers:
        return request.headers["X-Api-Key"]
    authorization = request.authorization
    if authorization is None:
        return None
    return authorization.token if authorization.type == "bearer" else authorization.password


def _unauthorized(what: str) -> Problem:
    detail = f"{what} Send it as Authorization: Bearer KEY, as X-Api-Key: KEY, or as the password of any user."
    return Problem(401, "unauthorized", detail)


def _digest(key: str) -> bytes:
    # Of equal length, whatever was sent, so that the comparison takes equally long.
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
