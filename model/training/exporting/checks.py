"""Is an exported file the network it was made from? Its own runtime answers, on photographs, beside Keras in float32.

Array contract: `images` uint8 (batch, height, width, 3) RGB of the artifact's size; `probabilities` float32 (batch,
height, width, categories).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from model.artifact import Artifact
from model.data import synthetic
from model.data.samples import Sample
from model.inference.segmenter import Segmenter
from model.inference.tensorflow_engine import TensorFlowEngine

IMAGES = 8
"""A wrong layer shows in one; more are there so that the share of equal labels is worth printing."""

_NOISE = 2.0  # Standard deviation, of 255.
# Larger ones take longer to draw and are no better a check.
_SCENE_SIZE = (256, 512)

Run = Callable[[np.ndarray], np.ndarray]
"""From `images` to `probabilities`."""


@dataclass(frozen=True)
class Limits:
    """How far from Keras in float32 a file may be.

    Attributes:
        difference: the most that one probability may differ; None where arithmetic is coarser than float32's, so that
            a pixel on a border may say anything.
        equal_labels: the least share of pixels with the same label, 0 to 1.
        beyond: the largest share of an image's pixels that may differ by more than `difference`, 0 to 1.
        images: the least share of images that must keep to `beyond`, 0 to 1.
    """

    difference: float | None
    equal_labels: float
    beyond: float = 0.0
    images: float = 1.0


# Float32 in another order of additions; a wrong layer or a lost weight is off by far more.
EXACT = Limits(difference=1e-3, equal_labels=0.999)
ROUNDED = Limits(difference=None, equal_labels=0.98)
# SegNet hands on which of four neighbours was the largest. Where two are nearly equal, another order of additions turns
# that choice, and the probabilities around it jump, in a network that is the same. One turned in the deepest layer is
# seen in half of a small image: Keras, shown the same images with a millionth of noise, differed from itself in up to
# 98.6 % of the pixels of one of eight, in 1.4 % of all labels, and in none of another's. What is converted wrongly
# differs in every image.
CHOOSING = Limits(difference=1e-3, equal_labels=0.995, beyond=0.01, images=0.75)
_CHOICES = {"Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "Argmax", "Argmin"}


@dataclass(frozen=True)
class Agreement:
    """How near a file's answers are to those of Keras in float32.

    Attributes:
        difference: the largest of all probabilities, 0 to 1.
        equal_labels: share of pixels with the same label, 0 to 1.
        images: on which both answered.
        beyond: of each image the share of pixels in which a probability differs by more than float32 explains
            (`EXACT`), 0 to 1.
    """

    difference: float
    equal_labels: float
    images: int
    beyond: tuple[float, ...] = ()


class Reference:
    """Keras in float32 on a few images: what every exported file is held against.

    Args:
        artifact: the network.
        samples: the first, the last and some between them are taken; None for generated street scenes.

    Attributes:
        artifact: the network's.
        network: the Keras model, its sides fixed to the artifact's size, any batch; takes normalised images.
        images: that both sides answer.

    Raises:
        EngineError: TensorFlow is not installed, or Keras runs on another backend.
        ArtifactError: the Keras file is not the one that the card describes.
        ValueError: there is no sample, or one cannot be read.
    """

    def __init__(self, artifact: Artifact, samples: Sequence[Sample] | None = None) -> None:
        engine = TensorFlowEngine(artifact)
        fit = Segmenter(artifact, engine).fit
        self.artifact = artifact
        self.network = engine.network
        images = np.stack([fit(image) for image in _photographs(samples)])
        self.images = _noisy(images) if samples is None else images
        self._truth = np.concatenate([engine.probabilities(self.images[[i]]) for i in range(len(self.images))])

    @property
    def labels(self) -> np.ndarray:
        """What Keras says: the category of each pixel, int64 (batch, height, width)."""
        return self._truth.argmax(-1)

    def compare(self, run: Run) -> Agreement:
        """Ask a file the same, two images at a time so that its batch is tried as well.

        Args:
            run: the file's own runtime.

        Returns:
            How near it is.

        Raises:
            ValueError: its answer has another shape.
        """
        parts = [run(self.images[i : i + 2]) for i in range(0, len(self.images), 2)]
        shapes = {part.shape[1:] for part in parts}
        if shapes != {self._truth.shape[1:]} or sum(map(len, parts)) != len(self._truth):
            raise ValueError(f"it answers {parts[0].shape} for two images, and Keras {self._truth[:2].shape}")
        answer = np.concatenate(parts)
        equal = answer.argmax(-1) == self.labels
        differences = np.abs(answer - self._truth).max(-1)
        # Not-a-number is beyond everything.
        beyond = (~(differences <= EXACT.difference)).mean((1, 2))
        return Agreement(float(differences.max()), float(equal.mean()), len(equal), tuple(beyond.tolist()))

    def limits(self, limits: Limits) -> Limits:
        """Return the limits of a format for this network: wider where it chooses, and so jumps with rounding."""
        chooses = {type(operation).__name__ for operation in self.network.operations} & _CHOICES
        return CHOOSING if chooses and limits == EXACT else limits


def violations(agreement: Agreement, limits: Limits) -> list[str]:
    """Say in words which limits an agreement breaks; not-a-number breaks them."""
    broken = []
    apart = sum(not share <= limits.beyond for share in agreement.beyond)
    allowed = int((1 - limits.images) * agreement.images)
    if limits.difference is not None and apart > allowed:
        broken.append(
            f"probabilities differ from Keras's by up to {agreement.difference:.2g}, and by more than "
            f"{limits.difference:g} in more than {limits.beyond:.0%} of the pixels of {apart} of {agreement.images} "
            f"images, expected {allowed} such images at most"
        )
    if not agreement.equal_labels >= limits.equal_labels:
        broken.append(
            f"{agreement.equal_labels:.2%} of labels are equal to Keras's, expected at least {limits.equal_labels:.1%}"
        )
    return broken


def _photographs(samples: Sequence[Sample] | None) -> list[np.ndarray]:
    if samples is None:
        return [synthetic.scene(seed, size=_SCENE_SIZE)[0] for seed in range(IMAGES)]
    if not samples:
        raise ValueError("Received no samples. Expected at least one photograph to check the exported files on.")
    places = np.unique(np.linspace(0, len(samples) - 1, IMAGES).round().astype(int))
    return [samples[place].read().image for place in places]


def _noisy(images: np.ndarray) -> np.ndarray:
    """Give generated streets a camera's noise.

    In areas of one colour neighbours are exactly equal, as they never are in a photograph, and a network that chooses
    between them, SegNet, chooses by how a runtime rounds: 6.6 % of pixels differed with ONNX Runtime, with noise 0.4 %.
    """
    noise = np.random.default_rng(1).normal(0, _NOISE, images.shape)
    return np.clip(np.rint(images + noise), 0, 255).astype(np.uint8)
