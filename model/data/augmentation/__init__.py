"""Random views of a sample: what a training crop is made of, by preset or by a pipeline of the user's.

Array contract, of every module in here: `image` uint8 (height, width, 3) RGB; `labels` uint8 (height, width) category
ids, `IGNORE` (255) where there is no ground truth, the padding of a crop among it. Geometry and copying move image and
labels together; photometry, weather and night change the image alone. All randomness comes from the one generator that
a view is given, so the same generator state gives the same view.
"""

from model.data.augmentation.pipelines import from_albumentations
from model.data.augmentation.presets import PRESETS, create
from model.data.augmentation.recipe import Augmentation

__all__ = ["PRESETS", "Augmentation", "create", "from_albumentations"]
