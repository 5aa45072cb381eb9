"""What a finished run leaves behind: the averaged network, and the card that says what it is and how it was made."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import keras

from model import artifact
from model.artifact import Artifact
from model.data.batches import NORMALISATION
from model.data.datasets import terms
from model.data.samples import Sample
from model.networks.heads import divide_logits, with_softmax
from model.training import calibrating, in_training
from model.training.card import write_markdown
from model.training.scoring import Scores, score
from model.training.settings import Settings

# What two runs have to have alike to be one.
_SAME = ("settings", "history", "averaged", "members", "fit_images", "fit_loss")
_HISTORY = ("epoch", "loss", "mean_iou", "seconds", "images_per_second")


def write(
    network: keras.Model,
    settings: Settings,
    history: list[dict],
    *,
    scores: Scores,
    validation: Sequence[Sample],
    about: dict,
    folder: Path,
    name: str | None = None,
    made_of: Sequence[Artifact] = (),
    stride: int = artifact.STRIDE,
) -> Artifact:
    """Write an artifact, unless the folder holds that of this very run already, and maybe more in its card.

    Args:
        network: from images to logits, float32. Changed in place: its logits are divided by their temperature.
        settings: that it was trained with.
        history: an entry for each epoch.
        scores: of this network on the validation samples.
        validation: these samples, to which the temperature is fitted.
        about: what else there is to know of the training.
        folder: receives the network and its card; made when absent.
        name: of the artifact and its files; by default that of the settings' network.
        made_of: networks that are part of this one, whose terms are its own too.
        stride: sides of what the network takes are multiples of it.

    Returns:
        The artifact, read back.
    """
    name = name or settings.network
    training = about | {
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "settings": asdict(settings),
        # Runs that an earlier version began do not know everything.
        "history": [{key: entry[key] for key in _HISTORY if key in entry} for entry in history],
    }
    there = _of_this_run(folder, training)
    if there is not None:
        return there
    calibration = _calibrate(network, settings, validation)
    folder.mkdir(parents=True, exist_ok=True)
    path = Artifact(folder, {"name": name}).keras_path
    # Keras saves only under its own suffix.
    partial = path.with_suffix(".partial.keras")
    with_softmax(network).save(partial)
    os.replace(partial, path)
    card = artifact.describe(size=settings.size, **NORMALISATION, stride=stride) | {
        "name": name,
        "keras_sha256": artifact.sha256(path),
        "parameters": network.count_params(),
        "training": training,
        "scores": {"validation": scores.as_dict()},
        **calibration,
        "limitations": [],
        "terms": _terms(settings, made_of),
    }
    artifact.write_card(folder, card)
    written = artifact.read(folder)
    write_markdown(written)
    return written


def score_and_write(
    network: keras.Model, settings: Settings, history: list[dict], *, validation: Sequence[Sample], **rest
) -> Artifact:
    """Write an artifact of a network that no run has scored.

    Args:
        network: as in `write`.
        settings: likewise.
        history: likewise.
        validation: samples that it is scored on, and to which the temperature is fitted.
        rest: `about`, `folder`, `name`, `made_of` and `stride` of `write`.

    Returns:
        As `write` does.
    """
    part = score(validation, in_training.segmenter(network, size=settings.size))
    scores = Scores(part.official, part.with_void, len(validation))
    return write(network, settings, history, scores=scores, validation=validation, **rest)


def _terms(settings: Settings, made_of: Sequence[Artifact]) -> dict[str, str]:
    found = {"code": "Apache-2.0"} | {f"trained on {name}": text for name, text in map(terms, settings.data)}
    for each in made_of:
        found |= each.card["terms"]
    return found


def _calibrate(network: keras.Model, settings: Settings, validation: Sequence[Sample]) -> dict:
    """Divide the network's logits by the temperature that fits, and return what the card says of that, if anything."""
    fitted = calibrating.fit(network, validation, size=settings.size)
    if fitted is None:
        return {}
    divide_logits(network, fitted["temperature"])
    return {"calibration": fitted | {"data": settings.validation, "split": "val"}}


def _of_this_run(folder: Path, training: dict) -> Artifact | None:
    """Return the artifact in `folder` where this run has written it before, else None."""
    try:
        there = artifact.read(folder)
        artifact.verify(there)
    except artifact.ArtifactError:
        return None
    known, now = there.card.get("training", {}), json.loads(json.dumps(training))
    return there if all(known.get(name) == now.get(name) for name in _SAME) else None
