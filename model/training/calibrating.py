"""Give a network the temperature at which its confidence means what it says: after training, or in an artifact.

Array contract: see `model.training.evaluation.temperature`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import keras

from model import artifact as artifacts
from model.artifact import Artifact
from model.data.batches import NORMALISATION
from model.data.samples import Sample
from model.networks.heads import divide_logits, without_softmax
from model.training import in_training
from model.training.card import set_calibration
from model.training.evaluation import temperature
from model.training.evaluation.temperature import Pixels

# Of all images together: one number is fitted, to far more than it needs, and they are held in memory.
PIXELS = 500_000
# Below this share of change, a temperature is the one that there was.
SAME = 1e-3


def fit(
    network: keras.Model,
    samples: Sequence[Sample],
    *,
    size: tuple[int, int],
    normalisation: Mapping[str, float] = NORMALISATION,
    divided: float = 1.0,
) -> dict | None:
    """Fit the temperature of a network to samples that it was not trained on, and say what it changes.

    Args:
        network: from images to logits.
        samples: validation samples.
        size: (height, width) that serving shows the network.
        normalisation: `mean` and `std` in pixel values.
        divided: what the logits are divided by already; the answer is what they would be divided by without.

    Returns:
        JSON-ready: `temperature`, how many `images` and `pixels` it was fitted to, and of `before` and `after` it the
        negative log likelihood `nll` in nats, `calibration_error` and the bins, `calibration`, as scores have them.
        None where no pixel of the samples is scored.

    Raises:
        ValueError: a sample can't be read.
    """
    parts = [_undivided(part, divided) for part in _pixels(network, samples, size, normalisation)]
    count = sum(len(part.labels) for part in parts)
    if not count:
        return None
    found = temperature.fit(parts)
    return {
        "temperature": found,
        "images": len(samples),
        "pixels": count,
        "before": _confidence(parts, 1.0),
        "after": _confidence(parts, found),
    }


def calibrate(artifact: Artifact, samples: Sequence[Sample], *, about: dict) -> Artifact:
    """Divide the logits of an artifact's Keras file by the temperature that fits samples, and write that into its card.

    What was measured of the files that are made of it, and of its confidence before, leaves the card. A temperature
    that it has from before is taken out first; where the new one is the same, nothing is written.

    Args:
        artifact: its folder is changed.
        samples: that it was not trained on.
        about: what makes it repeatable: `data`, `split` and `command`.

    Returns:
        The artifact, read back.

    Raises:
        ArtifactError: the Keras file is not the one the card describes.
        ValueError: the network does not end as ours do, no pixel is scored, or a sample can't be read.
    """
    artifacts.verify(artifact)
    network = keras.saving.load_model(artifact.keras_path, compile=False)
    divided = artifact.card.get("calibration", {}).get("temperature", 1.0)
    found = fit(
        _fixed(without_softmax(network), artifact.size),
        samples,
        size=artifact.size,
        normalisation=artifact.normalisation,
        divided=divided,
    )
    if found is None:
        raise ValueError(
            f"Received {len(samples)} images without a pixel that is scored. Expected ground truth to hold confidences "
            "against: check the masks, or name another data set by --data or --split."
        )
    factor = found["temperature"] / divided
    if abs(factor - 1) < SAME:
        return artifact
    divide_logits(network, factor)
    # Keras saves only under its own suffix.
    partial = artifact.keras_path.with_suffix(".partial.keras")
    network.save(partial)
    os.replace(partial, artifact.keras_path)
    return set_calibration(artifact, found | about, keras_sha256=artifacts.sha256(artifact.keras_path))


def _pixels(network: keras.Model, samples: Sequence[Sample], size, normalisation) -> list[Pixels]:
    segmenter = in_training.around(network, size=size, normalisation=normalisation)
    most = max(1, PIXELS // max(1, len(samples)))
    parts = []
    for sample in samples:
        example = sample.read()
        with segmenter.planes(example.image) as planes:
            parts.append(temperature.pick(planes, example.labels, example.scored, most=most))
    return parts


def _undivided(part: Pixels, divided: float) -> Pixels:
    return part if divided == 1 else Pixels(part.logits * divided, part.weights, part.labels)


def _confidence(parts: Sequence[Pixels], value: float) -> dict:
    nll = temperature.negative_log_likelihood(parts, value)
    found = temperature.calibrated(parts, value)
    return {"nll": nll, "calibration_error": found.error, "calibration": found.as_dict()}


def _fixed(network: keras.Model, size: tuple[int, int]) -> keras.Model:
    """Fix the sides: bilinear upsampling of free ones fails in a tf.function once a model was loaded (Keras 3.15.1)."""
    fixed = keras.models.clone_model(network, input_tensors=keras.Input((*size, 3), name="images"))
    fixed.set_weights(network.get_weights())
    return fixed
