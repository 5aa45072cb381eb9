"""What schemathesis sends as files: small pictures of every format, damaged ones, and any bytes."""

from __future__ import annotations

import schemathesis
from hypothesis import strategies

from app.uploads import IMAGE_TYPES
from bench.reliability import mutations

_PICTURES = strategies.sampled_from(list(mutations.originals().values()))
_DAMAGED = strategies.integers(0, 1 << 30).map(lambda number: mutations.mutant(number).data)

for _media_type in (*IMAGE_TYPES, "application/octet-stream"):
    schemathesis.openapi.media_type(_media_type, strategies.one_of(_PICTURES, _DAMAGED, strategies.binary(max_size=64)))
