"""Memory that one image gives back is kept for the next one, not returned to the system in between.

By itself glibc returns it after each image, and every page of it, zeroed anew, is a fault again: with photographs of
640x320 nearly nine hundred for each, more than a millisecond of a processor.

All threads take it from one arena, the only one that is in huge pages from end to end where those are asked for
(`model.huge_pages`): on two processors a tenth more images a second than with an arena for each, in less memory.
"""

from __future__ import annotations

import ctypes

KEPT_BYTES = 32 << 20
"""For each image in hand, at most. Larger arrays come and go as before."""

# malloc.h of glibc; mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_MOST = (1 << 31) - 1


def keep_freed(images: int) -> bool:
    """Let glibc keep what is freed, for the whole process. To be called before there are threads.

    Args:
        images: in hand at a time.

    Returns:
        Whether it does; False with another C library, which is left as it is.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    kept = min(KEPT_BYTES * images, _MOST)
    return all(mallopt(*each) for each in ((_ARENA_MAX, 1), (_TRIM_THRESHOLD, kept), (_MMAP_THRESHOLD, KEPT_BYTES)))
