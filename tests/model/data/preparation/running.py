"""Prepares quietly, for tests of what comes out."""

from __future__ import annotations

import json
from pathlib import Path

from model.data.preparation.prepare import Settings, prepare
from model.data.preparation.splits import Wishes

CACHE = (16, 32)


def ready(given, out: Path, *, cached: bool = True, limit: int | None = None, size=CACHE, **wishes) -> dict:
    """Prepare quietly and return the manifest as it lies in the folder."""
    settings = Settings(size=size, cached=cached, limit=limit, wishes=Wishes(**wishes))
    given = given if isinstance(given, tuple | list) else [given]
    found = prepare(given, out, settings, say=lambda line: None).manifest
    assert json.loads((out / "manifest.json").read_text()) == found
    return found
