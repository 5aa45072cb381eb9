"""One network that asks several, and answers the mean of what they say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from model import artifact
from model.artifact import Artifact
from model.data.samples import Sample
from model.networks.ensembles import ensemble, reduced
from model.networks.heads import divide_logits, map_logits, without_softmax
from model.training import losses, outcome, recipe, sources, stacking, weighting
from model.training.devices import Devices
from model.training.settings import Settings, from_card
from model.training.shares import relative

NAME = "ensemble"
"""Of such an artifact and of its files."""
_SMALLEST = 8
# A third may be written as 0.333.
_ROUNDING = 0.01


def join(
    folders: Sequence[Path],
    shares: Sequence[float] | None = None,
    *,
    artifact_folder: Path,
    size: tuple[int, int] | None = None,
    fit_images: int = 0,
    fit_loss: str | None = None,
    scales: Sequence[float] | None = None,
) -> Artifact:
    """Write the network whose logits are the mean of those of others, or a mixture that is fitted.

    Its temperature is fitted anew, on all validation samples: the mean is less sure than its members.

    Args:
        folders: of two artifacts and more of one input; with `size`, of any input sizes. The first one's card says
            which data it is scored on. One may be named again for another scale: its weights are in the file once,
            but for its last convolution.
        shares: of each in the mean, above 0; relative to their sum. None for equal ones.
        artifact_folder: receives the network and its card; none of `folders`.
        size: (height, width) of its input in pixels, multiples of 32; None for that of the networks.
        fit_images: so many training images, evenly spread, say how the logits are mixed, see `model.training.stacking`;
            0 for the mean.
        fit_loss: what they agree best by, as `losses.create` takes it; None for the loss that the first learnt by.
        scales: of the image that each sees, 1 or a half, a third and so on; None for 1s. The sides of the input are
            multiples of what each network takes times its reduction: of 64 for a half of one that takes those of 32.

    Returns:
        The artifact, read back.

    Raises:
        ValueError: there are fewer than two, not as many shares or scales, a share that is not above 0 or a scale that
            is none of those, the loss is unknown, they are of different input sizes or normalisations, a side of
            `size` is no such multiple, or the data of the first can't be read.
        ArtifactError: one of them is incomplete or damaged.
    """
    found = _read(folders, artifact_folder, sizes_agree=size is None)
    weights = relative([1.0] * len(folders) if shares is None else shares, len(folders))
    settings = from_card(found[0].card["training"]["settings"])
    reductions = _reductions([1.0] * len(folders) if scales is None else scales, len(folders))
    height, width = size or found[0].size
    # Of a half and of a third, both have to come out even; and a member may be an ensemble itself.
    stride = math.lcm(*(each.stride * reduction for each, reduction in zip(found, reductions, strict=True)))
    if height % stride or width % stride:
        raise ValueError(
            f"Received an input of {width}x{height}. Expected multiples of {stride}, for these "
            "networks and scales: choose --height and --width."
        )
    # Few were scored after each epoch to save time; here it is done once.
    settings = replace(settings, height=height, width=width, validation_images=0)
    samples, validation = sources.open_all(settings, Devices())
    members = [without_softmax(keras.saving.load_model(each.keras_path, compile=False)) for each in found]
    # Within the weights of each, so that what is built stays a plain mean.
    if fit_images:
        seen = [reduced(member, reduction) for member, reduction in zip(members, reductions, strict=True)]
        matrices = _fitted(seen, weights, samples, settings, count=fit_images, loss=fit_loss)
        _map(members, *matrices)
    else:
        for member, weight in zip(members, weights, strict=True):
            divide_logits(member, 1 / (weight * len(members)))
    names = [folder.resolve() for folder in folders]
    network = ensemble(members, reductions, [names.index(name) for name in names])
    return outcome.score_and_write(
        network,
        settings,
        found[0].card["training"]["history"],
        validation=validation,
        about=_about(samples, fit_images, fit_loss, zip(found, weights, reductions, strict=True)),
        folder=artifact_folder,
        made_of=found,
        name=NAME,
        stride=stride,
    )


def _fitted(
    seen: Sequence[keras.Model],
    shares: Sequence[float],
    samples: Sequence[Sample],
    settings: Settings,
    *,
    count: int,
    loss: str | None,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the matrices and the offset that make the mixture which agrees best with training images."""
    weights = weighting.category_weights(settings.category_weights, samples)
    # Before the images are read: an unknown one is told at once.
    agreed = losses.create(loss or settings.loss, category_weights=weights, region_weights=recipe.REGION_WEIGHTS)
    logits, labels = stacking.read(seen, sources.spread(samples, count), size=settings.size)
    return stacking.fit(logits, labels, shares, loss=agreed, seed=settings.seed)


def _map(members: Sequence[keras.Model], matrices: Sequence[np.ndarray], offset: np.ndarray) -> None:
    """Change each member so that the plain mean is the mixture."""
    for member, matrix in zip(members, matrices, strict=True):
        map_logits(member, len(members) * matrix, offset)


def _about(
    samples: Sequence[Sample],
    fit_images: int,
    fit_loss: str | None,
    members: Iterable[tuple[Artifact, float, int]],
) -> dict:
    about: dict = {"samples": len(samples), "members": [_told(*each) for each in members]}
    if fit_images:
        about["fit_images"] = min(fit_images, len(samples))
    if fit_images and fit_loss:
        about["fit_loss"] = fit_loss
    return about


def _read(folders: Sequence[Path], artifact_folder: Path, *, sizes_agree: bool) -> list[Artifact]:
    if len(folders) < 2:
        raise ValueError(f"Received {len(folders)} artifact. Expected two and more to ask for their answers.")
    if artifact_folder.resolve() in [folder.resolve() for folder in folders]:
        raise ValueError(f"{artifact_folder} is one of those that are asked. Expected another folder.")
    found = [artifact.read(folder) for folder in folders]
    for each in found:
        artifact.verify(each)
        theirs, first = each.card["input"], found[0].card["input"]
        differing = {name for name in theirs | first if theirs.get(name) != first.get(name)} - {"stride"}
        if differing - (set() if sizes_agree else {"height", "width"}):
            raise ValueError(
                f"{each.folder} takes {theirs}, {found[0].folder} {first}. Expected networks of one input; of other "
                "sizes alone, say which by --height and --width."
            )
    return found


def _told(found: Artifact, share: float, reduction: int) -> dict:
    card = found.card
    told = {"version": found.version, "share": share, "parameters": card["parameters"], "training": card["training"]}
    return told if reduction == 1 else told | {"reduction": reduction}


def _reductions(scales: Sequence[float], count: int) -> list[int]:
    found = [round(1 / scale) if scale > 1 / (2 * _SMALLEST) else 0 for scale in scales]
    if len(scales) != count or any(
        not 1 <= reduction <= _SMALLEST or abs(scale * reduction - 1) > _ROUNDING
        for scale, reduction in zip(scales, found, strict=True)
    ):
        raise ValueError(
            f"Received the scales {', '.join(f'{scale:g}' for scale in scales)} for {count} artifacts. Expected 1, or "
            f"a half, a third and so on down to 1/{_SMALLEST} (such as 1,0.5), for each."
        )
    return found
