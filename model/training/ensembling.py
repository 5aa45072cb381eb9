"""One network that asks several, and answers the mean of what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras

from model import artifact
from model.artifact import Artifact
from model.networks.ensembles import ensemble
from model.networks.heads import divide_logits, without_softmax
from model.training import outcome, sources
from model.training.devices import Devices
from model.training.settings import from_card
from model.training.shares import relative

NAME = "ensemble"
"""Of such an artifact and of its files."""


def join(
    folders: Sequence[Path],
    shares: Sequence[float] | None = None,
    *,
    artifact_folder: Path,
    size: tuple[int, int] | None = None,
) -> Artifact:
    """Write the network whose logits are the mean of those of others.

    Its temperature is fitted anew, on all validation samples: the mean is less sure than its members.

    Args:
        folders: of two artifacts and more of one input; with `size`, of any input sizes. The first one's card says
            which data it is scored on.
        shares: of each in the mean, above 0; relative to their sum. None for equal ones.
        artifact_folder: receives the network and its card; none of `folders`.
        size: (height, width) of its input in pixels, multiples of 32; None for that of the networks.

    Returns:
        The artifact, read back.

    Raises:
        ValueError: there are fewer than two, not as many shares or one that is not above 0, they are of different input
            sizes or normalisations, a side of `size` does not divide by 32, or the data of the first can't be read.
        ArtifactError: one of them is incomplete or damaged.
    """
    found = _read(folders, artifact_folder, sizes_agree=size is None)
    weights = relative([1.0] * len(folders) if shares is None else shares, len(folders))
    settings = from_card(found[0].card["training"]["settings"])
    height, width = size or found[0].size
    # Few were scored after each epoch to save time; here it is done once.
    settings = replace(settings, height=height, width=width, validation_images=0)
    samples, validation = sources.open_all(settings, Devices())
    members = [without_softmax(keras.saving.load_model(each.keras_path, compile=False)) for each in found]
    # Within the weights of each, so that what is built stays a plain mean.
    for member, weight in zip(members, weights, strict=True):
        divide_logits(member, 1 / (weight * len(members)))
    network = ensemble(members)
    return outcome.score_and_write(
        network,
        settings,
        found[0].card["training"]["history"],
        validation=validation,
        about={"samples": len(samples), "members": [_told(*each) for each in zip(found, weights, strict=True)]},
        folder=artifact_folder,
        made_of=found,
        name=NAME,
    )


def _read(folders: Sequence[Path], artifact_folder: Path, *, sizes_agree: bool) -> list[Artifact]:
    if len(folders) < 2:
        raise ValueError(f"Received {len(folders)} artifact. Expected two and more to ask for their answers.")
    if artifact_folder.resolve() in [folder.resolve() for folder in folders]:
        raise ValueError(f"{artifact_folder} is one of those that are asked. Expected another folder.")
    found = [artifact.read(folder) for folder in folders]
    for each in found:
        artifact.verify(each)
        theirs, first = each.card["input"], found[0].card["input"]
        differing = {name for name in theirs | first if theirs.get(name) != first.get(name)}
        if differing - (set() if sizes_agree else {"height", "width"}):
            raise ValueError(
                f"{each.folder} takes {theirs}, {found[0].folder} {first}. Expected networks of one input; of other "
                "sizes alone, say which by --height and --width."
            )
    return found


def _told(found: Artifact, share: float) -> dict:
    card = found.card
    return {"version": found.version, "share": share, "parameters": card["parameters"], "training": card["training"]}
