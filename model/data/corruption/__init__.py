"""What photographs suffer outside a data set: named corruptions at three strengths, to test networks on.

Array contract, of every module in here: `image` uint8 (height, width, 3) RGB; `labels` uint8 (height, width) category
ids, `IGNORE` (255) where there is no ground truth; `scored` bool (height, width). `strength` is 1 (mild), 2 (moderate)
or 3 (strong). Nothing is changed in place; all randomness comes from the generator that is given. Sizes are shares of
the width, so that the same photograph suffers alike at 640 and at 2048 pixels.

Independent of `model.data.augmentation`, of which nothing is imported: a network that is tested on the very night that
it was trained on shows how well it knows that code. Night, rain, fog and glare are therefore made in other ways, and
without labels.
"""

from model.data.corruption.registry import NAMES, STRENGTHS, corrupt, generator

__all__ = ["NAMES", "STRENGTHS", "corrupt", "generator"]
