"""Learn from a network's answers what tells streets from anything else, and measure how well that does.

Streets are shown as other people might photograph them, not only as the data has them: windows of other places, sizes
and aspects, in other weather, light and quality. Otherwise every other camera would be a stranger.

Array contract: see `model.inference.familiarity`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from model.data import strangers
from model.data.augmentation import Augmentation
from model.data.samples import Example, Sample
from model.inference import images
from model.inference.familiarity import LEAST, Familiarity, describe
from model.inference.segmenter import Segmenter

IMAGES = 700
"""Most samples of a data set that are looked at, evenly spread."""

VIEWS = 2
"""Random ones of each sample, beside the whole; and so many strangers are made from it."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""Of files that are taken for pictures."""

# Quantiles that are kept: enough to tell a share of 0.005.
_KEPT = 201
# Inverse strength of the regression's regularisation: descriptions are many numbers, and alike.
_REGULARISATION = 0.03
# Least and greatest logarithm of a window's width by its height: a telephone held upright, and a wide camera.
_ASPECTS = tuple(np.log([9 / 16, 2.0]))
# Least share of the photograph's height that a window has.
_SHORTEST = 0.6
# Pixels, of a side; in less, weather has no room.
_TINY = 16
_SHARES = {"blur": 0.2, "jpeg": 0.2, "noise": 0.2, "weather": 0.2, "night": 0.1}


def learn(segmenter: Segmenter, samples: Sequence[Sample], held_out: Sequence[Sample], *, seed: int = 0) -> Familiarity:
    """Learn what tells streets from anything else.

    Args:
        segmenter: whose answers are looked at.
        samples: streets to learn from.
        held_out: other streets, which say how strange a street may look.
        seed: of what is random.

    Returns:
        What is learnt.

    Raises:
        ValueError: a sample can't be read, or there is none of a kind.
    """
    if not samples or not held_out:
        raise ValueError(
            f"Received {len(samples)} streets to learn from and {len(held_out)} others. Expected some of each: check "
            "--data and --val-data."
        )
    streets, others = (
        np.stack(list(_descriptions(segmenter, each, views, seed)))
        for each, views in ((samples, _streets), (samples, _strangers))
    )
    scaler = StandardScaler().fit(np.concatenate([streets, others]))
    regression = LogisticRegression(C=_REGULARISATION, class_weight="balanced", max_iter=5000)
    truth = np.repeat([0, 1], [len(streets), len(others)])
    regression.fit(scaler.transform(np.concatenate([streets, others])), truth)
    # The scaling is folded into the weights.
    weights = regression.coef_[0] / scaler.scale_
    bias = float(regression.intercept_[0] - weights @ scaler.mean_)
    strange = np.array([weights @ each + bias for each in _descriptions(segmenter, held_out, _streets, seed + 1)])
    return Familiarity(weights, bias, np.quantile(strange, np.linspace(0, 1, _KEPT)))


def of_samples(segmenter: Segmenter, familiarity: Familiarity, samples: Iterable[Sample]) -> np.ndarray:
    """Return float64 (samples,), how strange each whole photograph is.

    Raises:
        ValueError: a sample can't be read.
    """
    pictures = (sample.read().image for sample in _progress(samples))
    return np.array([_strangeness(segmenter, familiarity, picture) for picture in pictures])


def of_files(segmenter: Segmenter, familiarity: Familiarity, paths: Iterable[Path]) -> tuple[np.ndarray, list[Path]]:
    """Return float64 (n,), how strange each picture is, decoded as the service decodes it; and the files it refuses."""
    found, refused = [], []
    for path in _progress(paths):
        try:
            image = images.decode(path.read_bytes())
        except images.ImageError:
            refused.append(path)
        else:
            found.append(_strangeness(segmenter, familiarity, image))
    return np.array(found), refused


def measure(familiarity: Familiarity, found: np.ndarray, *, streets: np.ndarray | None = None) -> dict:
    """Say how well pictures stand out.

    Args:
        familiarity: as `learn` returns it.
        found: float64 (n,), how strange the pictures are.
        streets: float64 (m,), how strange streets are; None where the pictures are these streets.

    Returns:
        JSON-ready: `images`; `warned`, the share of them with a familiarity below `LEAST`; and `auroc`, the share of
        pairs of a picture and a street of which the picture is the stranger, None without streets.
    """
    shares = [familiarity.share(each) for each in found]
    auroc = None
    if streets is not None and len(found):
        truth = np.repeat([1, 0], [len(found), len(streets)])
        auroc = float(roc_auc_score(truth, np.concatenate([found, streets])))
    warned = float(np.mean([share < LEAST for share in shares])) if shares else 0.0
    return {"images": len(found), "warned": warned, "auroc": auroc}


def spread(samples: Sequence[Sample]) -> list[Sample]:
    """Return `IMAGES` samples at most, evenly spread over all."""
    count = min(IMAGES, len(samples))
    return [samples[place] for place in np.linspace(0, len(samples) - 1, count).round().astype(int)]


def view(example: Example, random: np.random.Generator) -> np.ndarray:
    """Return a street as somebody else might have photographed it.

    Args:
        example: of a data set.
        random: the only source of randomness.

    Returns:
        uint8 (height, width, 3), a window of the example's image; of one that is tiny, the image itself.
    """
    height, width = example.labels.shape
    tall = round(random.uniform(_SHORTEST, 1) * height)
    wide = round(min(width, tall * np.exp(random.uniform(*_ASPECTS))))
    if min(tall, wide) < _TINY:
        return example.image
    top, left = int(random.integers(0, height - tall + 1)), int(random.integers(0, width - wide + 1))
    window = np.s_[top : top + tall, left : left + wide]
    image, labels = (np.ascontiguousarray(each[window]) for each in (example.image, example.labels))
    # What differs from shot to shot; of geometry no more than which side is left.
    shot = Augmentation(crop=(tall, wide), scale=(1.0, 1.0), stretch=0.0, **_SHARES)
    return shot.apply(image, labels, reference=(tall, wide), random=random)[0]


def _streets(example: Example, random: np.random.Generator) -> Iterator[np.ndarray]:
    yield example.image
    for _ in range(VIEWS):
        yield view(example, random)


def _strangers(example: Example, random: np.random.Generator) -> Iterator[np.ndarray]:
    for place in random.choice(len(strangers.KINDS), VIEWS, replace=False):
        yield strangers.KINDS[place](example.image, random)


def _descriptions(segmenter: Segmenter, samples: Sequence[Sample], pictures, seed: int) -> Iterator[np.ndarray]:
    for number, sample in enumerate(_progress(samples)):
        random = np.random.default_rng((seed, number))
        for picture in pictures(sample.read(), random):
            with segmenter.planes(picture) as planes:
                yield describe(planes)


def _strangeness(segmenter: Segmenter, familiarity: Familiarity, image: np.ndarray) -> float:
    with segmenter.planes(image) as planes:
        return familiarity.strangeness(planes)


def _progress(items):
    return tqdm(items, unit="image", disable=not sys.stderr.isatty())
