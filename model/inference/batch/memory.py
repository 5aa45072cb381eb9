"""Memory that one image gives back is kept for the next one, not returned to the system in between.

By itself glibc returns it after each image, and every page of it, zeroed anew, is a fault again: with photographs of
640x320 nearly nine hundred for each, more than a millisecond of a processor.
"""

from __future__ import annotations

import ctypes

KEPT_BYTES = 32 << 20
"""By each of glibc's arenas, at most: one for each thread that takes images. Larger arrays come and go as before."""

# malloc.h of glibc; mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def keep_freed() -> bool:
    """Let glibc keep what is freed, for the whole process.

    Returns:
        Whether it does; False with another C library, which is left as it is.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    return bool(mallopt(_TRIM_THRESHOLD, KEPT_BYTES) and mallopt(_MMAP_THRESHOLD, KEPT_BYTES))
