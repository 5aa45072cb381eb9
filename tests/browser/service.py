"""The service with the fake network of tests/app, for gunicorn: `tests.browser.service:create_app()`."""

from __future__ import annotations

import time

import app
from tests.app.clients import FakeSegmenter


class StreetSegmenter(FakeSegmenter):
    """Fails on one grey and takes its time over another, so that these can be looked at too."""

    FAULT, SLOW = 123, 45

    def segment(self, image, **options):
        if (image == self.FAULT).all():
            raise RuntimeError("as the test wants it")
        if (image == self.SLOW).all():
            time.sleep(2)
        return super().segment(image, **options)


def create_app():
    """What gunicorn calls."""
    return app.create_app({"MAX_BODY_MB": 1}, segmenter=StreetSegmenter())
