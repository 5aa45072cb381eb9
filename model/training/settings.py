"""What a training run is told, and the folder that remembers it."""

from __future__ import annotations

import json
import math
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path

from model.networks import registry
from model.networks.registry import STRIDE

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
_FILE = "settings.json"

# What settings that a folder or card does not name were before they could be named.
_BEFORE = {
    "network": "mobilenetv2_unet",
    "initial_weights": "none",
    "label_offset": [],
    "teacher": [],
    "distillation": 1.0,
    "augmentation": "standard",
    "rare_share": 0.0,
    "weather_share": None,
    "night_share": None,
    "category_weights": "0.25,1,1,1,1,1,1,1",
    "epoch_images": 0,
    "validation_images": 0,
    "precision": "float32",
    "accumulate": 1,
    "patience": 0,
}


@dataclass(frozen=True)
class Settings:
    """Everything that decides what a run does; written beside its checkpoint and into the card.

    Attributes:
        data: data sets to train on, each `synthetic` or a folder.
        validation: the data set scored after each epoch.
        network: one of `model.networks.registry.NAMES`.
        encoder_weights: a file, `imagenet` or `none`.
        initial_weights: an artifact folder whose network of the same name training begins with, or `none`; whatever
            `encoder_weights` say.
        label_offset: how far right of and below its image a mask lies, as DATA=PIXELS for each data set in which it
            does, see `model.data.registration`.
        teacher: artifact folders of networks that are learnt from as well, see `model.training.distillation`.
        distillation: what the loss against them weighs beside `loss`; without effect where there is none.
        freeze_encoder_batch_norm: keep the encoder's batch norms as they come with its weights.
        height: of the input that serving shows the network, in pixels, a multiple of 32.
        width: likewise.
        crop_height: of a training crop, in pixels, a multiple of 32.
        crop_width: likewise.
        augmentation: one of `model.data.augmentation.PRESETS`, or the file of an albumentations pipeline.
        min_scale: smallest size of the whole image in training, relative to what serving shows; None, and `max_scale`
            as well, for the preset's own.
        max_scale: largest.
        rare_share: share of crops, 0 to 1, that are chosen for the rare categories in them.
        weather_share: share of crops, 0 to 1, in fog, rain, snow or a low sun; None for the preset's own.
        night_share: share, of the other crops, by night; likewise.
        loss: a sum of losses, as `model.training.losses.create` reads it.
        category_weights: what the pixelwise losses weigh each category with: eight numbers in the order of ids, parted
            by commas, or the name of a scheme that computes them, see `model.training.weighting`.
        epochs: how often `epoch_images` samples are shown.
        epoch_images: training samples in an epoch; 0 for all.
        validation_images: validation samples that are scored after each epoch, evenly spread; 0 for all.
        batch_size: crops in a step, on all devices together.
        accumulate: steps whose gradients are averaged into one update of the weights.
        learning_rate: peak, reached after the warm-up; a cosine takes it down to a hundredth.
        warm_up: share of all steps, 0 to 1.
        weight_decay: of AdamW, not on batch norms and biases.
        ema: momentum of the moving average of the weights for each update, 0 to 1.
        patience: epochs without a better validation score after which training ends with the best average; 0 for all
            epochs and the last average.
        precision: of the arithmetic in training, one of `PRECISIONS`; the average is float32 always.
        seed: of everything random.

    Raises:
        ValueError: a value is out of its range or does not fit another; the message names it.
    """

    data: tuple[str, ...]
    validation: str
    network: str
    encoder_weights: str
    initial_weights: str
    label_offset: tuple[str, ...]
    teacher: tuple[str, ...]
    distillation: float
    freeze_encoder_batch_norm: bool
    height: int
    width: int
    crop_height: int
    crop_width: int
    augmentation: str
    min_scale: float | None
    max_scale: float | None
    rare_share: float
    weather_share: float | None
    night_share: float | None
    loss: str
    category_weights: str
    epochs: int
    epoch_images: int
    validation_images: int
    batch_size: int
    accumulate: int
    learning_rate: float
    warm_up: float
    weight_decay: float
    ema: float
    patience: int
    precision: str
    seed: int

    def __post_init__(self) -> None:
        self._check_network()
        for name in ("height", "width", "crop_height", "crop_width"):
            side = getattr(self, name)
            nearest = max(STRIDE, round(side / STRIDE) * STRIDE)
            _expect(name, side, f"a positive multiple of {STRIDE}; the nearest is {nearest}", _divides(side))
        for name in ("epochs", "batch_size", "accumulate"):
            _expect(name, getattr(self, name), "at least 1", getattr(self, name) >= 1)
        self._check_scale()
        self._check_offsets()
        for name in ("rare_share", "weather_share", "night_share"):
            share = getattr(self, name)
            _expect(name, share, "0 to 1", share is None or 0 <= share <= 1)
        _expect("distillation", self.distillation, "at least 0", 0 <= self.distillation < math.inf)
        _expect("learning_rate", self.learning_rate, "above 0", self.learning_rate > 0)
        _expect("warm_up", self.warm_up, "at least 0 and below 1", 0 <= self.warm_up < 1)
        _expect("ema", self.ema, "at least 0 and below 1", 0 <= self.ema < 1)
        for name in ("weight_decay", "seed", "epoch_images", "validation_images", "patience"):
            _expect(name, getattr(self, name), "at least 0", getattr(self, name) >= 0)
        _expect("precision", self.precision, f"one of {', '.join(PRECISIONS)}", self.precision in PRECISIONS)

    def _check_network(self) -> None:
        names = ", ".join(registry.NAMES)
        _expect("network", self.network, f"one of {names}", self.network in registry.NAMES)
        if registry.describe(self.network).encoder is None:
            for name, without in (("encoder_weights", "none"), ("freeze_encoder_batch_norm", False)):
                value = getattr(self, name)
                _expect(name, value, f"{without}: {self.network} has no pretrained encoder", value == without)

    def _check_scale(self) -> None:
        smallest, largest = self.min_scale, self.max_scale
        if smallest is None or largest is None:
            fits = smallest is largest
            _expect("min_scale", smallest, f"a number beside --max-scale {largest}, or neither of them", fits)
        else:
            _expect("min_scale", smallest, f"above 0 and at most --max-scale {largest}", 0 < smallest <= largest)

    def _check_offsets(self) -> None:
        known = {*self.data, self.validation}
        for text in self.label_offset:
            name, _, pixels = text.rpartition("=")
            _expect("label_offset", text, "DATA=PIXELS, such as a/folder=0.47", _is_number(pixels))
            _expect("label_offset", text, f"DATA=PIXELS, DATA one of {', '.join(sorted(known))}", name in known)

    def offset(self, data: str) -> float:
        """Return how far right of and below its image a mask of a data set lies, in pixels."""
        offsets = dict(text.rpartition("=")[::2] for text in self.label_offset)
        return float(offsets.get(data, 0))

    @property
    def scale(self) -> tuple[float, float] | None:
        """Smallest and largest size of the whole image, relative to what serving shows; None for the preset's own."""
        return None if self.min_scale is None else (self.min_scale, self.max_scale)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) that serving shows the network."""
        return self.height, self.width


def modern(settings: dict) -> dict:
    """Return settings that an earlier version wrote, as this one would write them.

    Args:
        settings: JSON-ready, from a run folder or a card. `dice` was the weight of the Dice loss beside cross-entropy.

    Returns:
        The settings by the names of today; what could not be chosen then has the value that it had.
    """
    found = dict(settings)
    if "dice" in found:
        share = found.pop("dice")
        found["loss"] = f"cross_entropy+{share:g}*dice" if share else "cross_entropy"
    # They were flags of their own before there were presets to have them.
    if "augmentation" not in found and (found.get("min_scale"), found.get("max_scale")) == (0.75, 1.75):
        found |= {"min_scale": None, "max_scale": None}
    return _BEFORE | found


def from_card(settings: dict) -> Settings:
    """Return the settings that a card or a run folder holds, of any version.

    Raises:
        ValueError: as `Settings` does.
    """
    found = modern(settings)
    return Settings(**{name: tuple(value) if isinstance(value, list) else value for name, value in found.items()})


def flags(settings: dict) -> list[str]:
    """Return the flags of `python -m model train` that give these settings, each with its value.

    Args:
        settings: JSON-ready, of any version.
    """
    found = []
    for name, value in modern(settings).items():
        flag = "--val-data" if name == "validation" else f"--{name.replace('_', '-')}"
        if isinstance(value, bool) or value is None:
            found += [flag] if value else []
        else:
            values = value if isinstance(value, list | tuple) else [value]
            found += [f"{flag} {shlex.quote(str(one))}" for one in values]
    return found


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
    found = modern(json.loads(path.read_text("utf-8")))
    differing = [f"{key} {found.get(key)!r}, now {value!r}" for key, value in wanted.items() if found.get(key) != value]
    if differing:
        raise ValueError(
            f"{run_folder} holds a run with other settings: {'; '.join(differing)}. "
            "Expected the same ones to go on with it: repeat them, or name another folder (--run; --out of compare)."
        )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _divides(side: int) -> bool:
    return side > 0 and side % STRIDE == 0


def _expect(name: str, value: object, expected: str, holds: bool) -> None:
    if not holds:
        raise ValueError(f"--{name.replace('_', '-')} is {value}. Expected {expected}.")
