"""What a training run is told, and the folder that remembers it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from model.networks.unet import STRIDE

_FILE = "settings.json"


@dataclass(frozen=True)
class Settings:
    """Everything that decides what a run does; written beside its checkpoint and into the card.

    Attributes:
        data: data sets to train on, each `synthetic` or a folder.
        validation: the data set scored after each epoch.
        encoder_weights: a file, `imagenet` or `none`.
        freeze_encoder_batch_norm: keep the encoder's batch norms as they come with its weights.
        height: of the input that serving shows the network, in pixels, a multiple of 32.
        width: likewise.
        crop_height: of a training crop, in pixels, a multiple of 32.
        crop_width: likewise.
        min_scale: smallest size of the whole image in training, relative to what serving shows.
        max_scale: largest.
        epochs: passes over the training samples.
        batch_size: crops in a step.
        learning_rate: peak, reached after the warm-up; a cosine takes it down to a hundredth.
        warm_up: share of all steps, 0 to 1.
        weight_decay: of AdamW, not on batch norms and biases.
        ema: momentum of the moving average of the weights, 0 to 1.
        dice: weight of the Dice loss beside the cross-entropy.
        seed: of everything random.

    Raises:
        ValueError: a value is out of its range; the message names it.
    """

    data: tuple[str, ...]
    validation: str
    encoder_weights: str
    freeze_encoder_batch_norm: bool
    height: int
    width: int
    crop_height: int
    crop_width: int
    min_scale: float
    max_scale: float
    epochs: int
    batch_size: int
    learning_rate: float
    warm_up: float
    weight_decay: float
    ema: float
    dice: float
    seed: int

    def __post_init__(self) -> None:
        for name in ("height", "width", "crop_height", "crop_width"):
            _expect(name, getattr(self, name), f"a positive multiple of {STRIDE}", _divides(getattr(self, name)))
        for name in ("epochs", "batch_size"):
            _expect(name, getattr(self, name), "at least 1", getattr(self, name) >= 1)
        _expect("min_scale", self.min_scale, "above 0 and at most max_scale", 0 < self.min_scale <= self.max_scale)
        _expect("learning_rate", self.learning_rate, "above 0", self.learning_rate > 0)
        _expect("warm_up", self.warm_up, "at least 0 and below 1", 0 <= self.warm_up < 1)
        _expect("ema", self.ema, "at least 0 and below 1", 0 <= self.ema < 1)
        for name in ("weight_decay", "dice", "seed"):
            _expect(name, getattr(self, name), "at least 0", getattr(self, name) >= 0)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) that serving shows the network."""
        return self.height, self.width


def claim(run_folder: Path, settings: Settings, *, begun: bool) -> None:
    """Make `run_folder` this run's, or see that it already is.

    Args:
        run_folder: made when absent.
        settings: of the run that wants the folder.
        begun: the folder holds a checkpoint, so its settings are not to be changed any more.

    Raises:
        ValueError: the folder holds a run with other settings; the message names what differs.
    """
    run_folder.mkdir(parents=True, exist_ok=True)
    path = run_folder / _FILE
    wanted = json.loads(json.dumps(asdict(settings)))
    if not begun or not path.is_file():
        path.write_text(json.dumps(wanted, indent=2) + "\n", "utf-8")
        return
    found = json.loads(path.read_text("utf-8"))
    differing = [f"{key} {found.get(key)!r}, now {value!r}" for key, value in wanted.items() if found.get(key) != value]
    if differing:
        raise ValueError(
            f"{run_folder} holds a run with other settings: {'; '.join(differing)}. "
            "Expected the same ones to go on with it: repeat them, or name another --run folder."
        )


def _divides(side: int) -> bool:
    return side > 0 and side % STRIDE == 0


def _expect(name: str, value: float, expected: str, holds: bool) -> None:
    if not holds:
        raise ValueError(f"--{name.replace('_', '-')} is {value}. Expected {expected}.")
