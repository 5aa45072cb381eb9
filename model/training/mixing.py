"""One network out of several: the mean of their weights, with batch norms that fit it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from model import artifact
from model.artifact import Artifact
from model.training import outcome, recipe, sources
from model.training.averaging import recompute_batch_norms
from model.training.devices import Devices
from model.training.epochs import STATISTICS_BATCHES
from model.training.settings import Settings, from_card
from model.training.shares import relative


def mix(folders: Sequence[Path], shares: Sequence[float], *, artifact_folder: Path, workers: int = 2) -> Artifact:
    """Write the network whose weights are the weighted mean of those of others that were trained from one another.

    Source: Wortsman et al. 2022, arXiv 2203.05482 (model soups) and arXiv 2109.01903 (WiSE-FT): networks that were
    trained from the same weights lie in one basin, and between them are networks that are better than either. Batch
    norms of the mean are computed anew, on the data and the views of the first network's training.

    Args:
        folders: of two artifacts and more, of one network. The first one's card says the rest: input size, data, views.
        shares: of each in the mean, above 0; relative to their sum.
        artifact_folder: receives the network and its card; none of `folders`.
        workers: threads that read ahead.

    Returns:
        The artifact, read back.

    Raises:
        ValueError: there are fewer than two, not as many shares, a share that is not above 0, or networks of different
            kinds; or the data of the first can't be read.
    """
    _check(folders, artifact_folder)
    shares = relative(shares, len(folders))
    found = [artifact.read(folder) for folder in folders]
    settings = from_card(found[0].card["training"]["settings"])
    devices = Devices()
    samples, validation = sources.open_all(settings, devices)
    batches = sources.batches(samples, settings, workers=workers, devices=devices)
    keras.utils.set_random_seed(settings.seed)
    network = recipe.build(settings)
    network.set_weights(_mean(network, found, shares))
    recompute_batch_norms(network, (batches.batch(0, i)[0] for i in range(min(STATISTICS_BATCHES, len(batches)))))
    return outcome.score_and_write(
        network,
        settings,
        found[0].card["training"]["history"],
        validation=validation,
        about=_about(found, shares, samples=len(samples), settings=settings),
        folder=artifact_folder,
        made_of=found,
    )


def _check(folders: Sequence[Path], artifact_folder: Path) -> None:
    if len(folders) < 2:
        raise ValueError(f"Received {len(folders)} artifact. Expected two and more to take the mean of.")
    if artifact_folder.resolve() in [folder.resolve() for folder in folders]:
        raise ValueError(f"{artifact_folder} is one of those that the mean is taken of. Expected another folder.")


def _mean(network: keras.Model, found: Sequence[Artifact], shares: Sequence[float]) -> list[np.ndarray]:
    means = [np.zeros(weight.shape) for weight in network.weights]
    for each, share in zip(found, shares, strict=True):
        for mean, weight in zip(means, recipe.weights_of(each, network), strict=True):
            mean += share * weight
    return means


def _about(found: Sequence[Artifact], shares: Sequence[float], *, samples: int, settings: Settings) -> dict:
    first = found[0].card["training"]
    kept = {name: first[name] for name in ("category_weights", "begun_with", "before") if name in first}
    averaged = [{"version": each.version, "share": share} for each, share in zip(found, shares, strict=True)]
    return {"samples": samples, "averaged": averaged} | kept
