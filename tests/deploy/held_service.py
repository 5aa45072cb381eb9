"""The service with a fake network that a test holds from outside: `tests.deploy.held_service:create_app()`.

In the folder HELD_FOLDER the network waits as long as there is a file `hold`, and writes a byte into `runs` each time.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import app
from tests.app.clients import FakeSegmenter


class HeldSegmenter(FakeSegmenter):
    """Answers once nothing holds it."""

    def __init__(self, folder: Path):
        super().__init__()
        self._folder = folder

    def segment(self, image, **options):
        with (self._folder / "runs").open("ab", buffering=0) as runs:
            runs.write(b".")
        ends = time.monotonic() + 30
        while (self._folder / "hold").exists() and time.monotonic() < ends:
            time.sleep(0.002)
        return super().segment(image, **options)


def create_app():
    """What gunicorn calls."""
    return app.create_app(segmenter=HeldSegmenter(Path(os.environ["HELD_FOLDER"])))
