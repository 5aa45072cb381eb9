"""What is trained and how a step changes it: network, loss, optimiser and its schedule, from the settings alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from model import artifact
from model.categories import COUNT, VOID
from model.data import augmentation
from model.data.batches import Views
from model.networks import registry
from model.training import losses, weighting
from model.training.distillation import Teachers, distilled
from model.training.settings import Settings

# Void is no category of the official score, so the losses that weigh whole categories leave it out.
REGION_WEIGHTS = tuple(float(category != VOID) for category in range(COUNT))


def build(settings: Settings, *, precision: str = "float32", encoder_weights: str | None = None) -> keras.Model:
    """Build the network with free sides.

    Args:
        settings: name the network.
        precision: of its arithmetic, a Keras dtype policy; its weights are float32 in all of them.
        encoder_weights: a file, `imagenet`, or `none` or None.

    Returns:
        A model from images to logits.

    Raises:
        ValueError: the encoder weights do not exist, do not fit, or can't be read or downloaded.
    """
    with _policy(precision):
        return registry.create(
            settings.network,
            categories=COUNT,
            encoder_weights=None if encoder_weights == "none" else encoder_weights,
            freeze_encoder_batch_norm=settings.freeze_encoder_batch_norm,
        )


def begin(model: keras.Model, settings: Settings) -> artifact.Artifact | None:
    """Give the network the weights that the settings say it begins with.

    Args:
        model: as `build` returns it; changed in place.
        settings: name an artifact, or none.

    Returns:
        The artifact, None where there is none.

    Raises:
        ValueError: the artifact does not exist, is damaged, or is of another network.
    """
    if settings.initial_weights == "none":
        return None
    found = artifact.read(settings.initial_weights)
    for target, source in zip(model.weights, weights_of(found, model), strict=True):
        target.assign(source)
    return found


def weights_of(found: artifact.Artifact, model: keras.Model) -> list[np.ndarray]:
    """Return the weights of an artifact's network, in the order of those of `model`.

    Args:
        found: of the same network.
        model: from images to logits, as `build` returns it.

    Raises:
        ValueError: the artifact is damaged, or of another network.
    """
    artifact.verify(found)
    trained = keras.saving.load_model(found.keras_path, compile=False)
    shapes = [[tuple(weight.shape) for weight in each.weights] for each in (model, trained)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"{found.folder} is {found.version}, whose weights do not fit {model.name}. Expected an artifact of the "
            "same network: name its network by --network, or another artifact."
        )
    return [keras.ops.convert_to_numpy(weight).copy() for weight in trained.weights]


def check(settings: Settings) -> None:
    """See that names in the settings are known, before data is read.

    Raises:
        ValueError: an augmentation, a loss or the category weights can't be read; the message lists what is known.
    """
    views(settings)
    equal = weighting.numbers(weighting.EQUAL)
    losses.create(settings.loss, category_weights=equal, region_weights=REGION_WEIGHTS)
    if settings.category_weights not in weighting.SCHEMES:
        weighting.numbers(settings.category_weights)


def views(settings: Settings) -> Views:
    """Return what makes training crops of samples.

    Raises:
        ValueError: the augmentation is unknown, or does not take what else the settings ask.
    """
    crop = (settings.crop_height, settings.crop_width)
    return augmentation.create(
        settings.augmentation,
        crop=crop,
        scale=settings.scale,
        rare_share=settings.rare_share,
        weather=settings.weather_share,
        night=settings.night_share,
    )


def teachers(settings: Settings) -> Teachers | None:
    """Return what says more of each crop than its labels do, or None.

    Raises:
        ArtifactError: a teacher's folder is incomplete, or its network can't be run at the size of the crops.
    """
    if not settings.teacher:
        return None
    return Teachers(settings.teacher, crop=(settings.crop_height, settings.crop_width))


def compile_model(model: keras.Model, settings: Settings, *, steps: int, category_weights: Sequence[float]) -> None:
    """Give the network its loss and its optimiser, whose state is made at once, so that a checkpoint finds it.

    Args:
        model: changed in place.
        settings: what to do.
        steps: batches in the whole run.
        category_weights: see `losses.create`.

    Raises:
        ValueError: the loss is unknown or its weights do not fit.
    """
    loss = losses.create(settings.loss, category_weights=category_weights, region_weights=REGION_WEIGHTS)
    if settings.teacher:
        loss = distilled(loss, share=settings.distillation)
    # Keras puts its dynamic loss scaling around the optimiser of a mixed_float16 model.
    model.compile(_optimizer(settings, steps=steps), loss=loss)
    model.optimizer.build(model.trainable_variables)


def _optimizer(settings: Settings, *, steps: int) -> keras.optimizers.Optimizer:
    warm_up = round(steps * settings.warm_up)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=settings.learning_rate / 100,
        decay_steps=max(1, steps - warm_up),
        alpha=0.01,
        warmup_target=settings.learning_rate,
        warmup_steps=max(1, warm_up),
    )
    optimizer = keras.optimizers.AdamW(
        schedule,
        weight_decay=settings.weight_decay,
        use_ema=True,
        # Keras moves the average after every step, also after those that only add to the gradients.
        ema_momentum=settings.ema ** (1 / settings.accumulate),
        gradient_accumulation_steps=settings.accumulate if settings.accumulate > 1 else None,
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


@contextmanager
def _policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
