"""How much of a mean each of several networks has."""

from __future__ import annotations

import math
from collections.abc import Sequence


def relative(shares: Sequence[float], count: int) -> list[float]:
    """Return shares whose sum is 1.

    Args:
        shares: above 0.
        count: of networks.

    Raises:
        ValueError: there are not as many shares, or one is not above 0.
    """
    if len(shares) != count or not all(math.isfinite(share) and share > 0 for share in shares):
        raise ValueError(
            f"Received the shares {', '.join(f'{share:g}' for share in shares)} for {count} artifacts. Expected a "
            "number above 0 for each."
        )
    return [share / sum(shares) for share in shares]
