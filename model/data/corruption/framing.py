"""What another frame leaves of a photograph; the ground truth is cut with it.

Array contract: see `model.data.corruption`.
"""

from __future__ import annotations

import numpy as np

from model.data.samples import Example

# Width over height, by strength.
_SHAPES = (3 / 4, 9 / 16, 9 / 20)


def portrait(example: Example, *, strength: int, random: np.random.Generator) -> Example:
    """Cut what a phone held upright would have taken, at full height.

    Its score is one of other pixels than the whole photograph's: over many samples windows lie everywhere, over a few
    the difference to the clean score is in part one of what is seen.

    Args:
        example: to be cut.
        strength: 1 to 3: 3:4, 9:16 or 9:20, width to height. A photograph that is narrower already is left whole.
        random: draws where; the windows of one sample lie about one centre.

    Returns:
        New arrays.
    """
    height, width = example.labels.shape
    narrow = min(width, max(1, round(height * _SHAPES[strength - 1])))
    widest = min(width, max(1, round(height * _SHAPES[0])))
    centre = widest / 2 + random.random() * (width - widest)
    left = min(max(0, round(centre - narrow / 2)), width - narrow)
    return Example(*(np.ascontiguousarray(array[:, left : left + narrow]).copy() for array in example))
