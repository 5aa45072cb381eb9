"""`python -m model train`: data sets in, artifact out."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

from model.data.datasets import SYNTHETIC

HELP = "train a network and write its artifact"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's flags to its parser."""
    add_recipe(parser)
    _add_machine(parser.add_argument)


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """Add the flags that decide what is trained, which `settings` reads, and none of where and on what."""
    _add_data(parser.add_argument)
    _add_network(parser.add_argument)
    _add_steps(parser.add_argument)


def run(options: argparse.Namespace) -> None:
    """Train, or go on with, the network that the flags describe."""
    from model.training import devices
    from model.training.train import train

    devices.join(options.hosts, options.host_index)
    chosen = settings(options)
    run_folder = options.run or Path("runs") / chosen.network
    written = train(
        chosen,
        run_folder=run_folder,
        artifact_folder=options.artifact or run_folder / "artifact",
        workers=options.workers,
        devices=devices.choose(options.devices),
        tensorboard=options.tensorboard,
    )
    if written is not None:
        print(f"wrote {written.folder} ({written.version})")


def settings(options: argparse.Namespace):
    """Return the `Settings` that flags stand for.

    Raises:
        ValueError: a value is out of its range; the message names its flag.
    """
    from model.training.settings import Settings

    return Settings(**given(options))


def given(options: argparse.Namespace) -> dict:
    """Return what flags say by the names of `Settings`, whether or not it fits together."""
    from model.training.settings import Settings

    found = {field.name: getattr(options, field.name) for field in fields(Settings)}
    found["data"] = tuple(options.data or [SYNTHETIC])
    found |= {name: tuple(getattr(options, name)) for name in ("teacher", "label_offset")}
    found["validation"] = options.validation or found["data"][0]
    return found


def _add_data(add) -> None:
    presets = "none, light, standard, strong, all_weather"
    add("--data", action="append", help=f"data set folder, repeatable, or {SYNTHETIC!r} (used when none is given)")
    add("--val-data", dest="validation", help="data set whose val split is scored (default: the first --data)")
    add("--validation-images", type=int, default=0, help="how many of it, evenly spread, after each epoch; 0 for all")
    add(
        "--label-offset",
        action="append",
        default=[],
        metavar="DATA=PIXELS",
        help="how far right of and below its image a mask of this data set lies, repeatable",
    )
    add("--crop-height", type=int, default=256, help="of a training crop, pixels, a multiple of 32")
    add("--crop-width", type=int, default=512, help="likewise")
    add("--augmentation", default="standard", help=f"{presets} or an albumentations file")
    add("--min-scale", type=float, help="smallest size of an image, relative to --height (default: the preset's)")
    add("--max-scale", type=float, help="largest")
    add("--rare-share", type=float, default=0.0, help="share of crops chosen for the rare categories in them")
    add("--weather-share", type=float, help="share of crops in fog, rain, snow or a low sun (default: the preset's)")
    add("--night-share", type=float, help="share of the other crops that is by night (default: the preset's)")


def _add_network(add) -> None:
    names = "fcn8s, segnet, unet, vgg16_unet, mobilenetv2_unet, efficientnetb0_unet, "
    names += "efficientnetlite0_unet, efficientnetlite2_unet, deeplabv3plus or bisenetv2"
    add("--network", default="mobilenetv2_unet", help=names)
    add("--encoder-weights", default="none", help="the encoder's weights file, 'imagenet' to download, or 'none'")
    add("--initial-weights", default="none", metavar="DIR", help="begin with all weights of this artifact, or 'none'")
    add(
        "--teacher",
        action="append",
        default=[],
        metavar="DIR",
        help="learn from this artifact's answers too, repeatable",
    )
    add("--distillation", type=float, default=1.0, help="what these weigh beside --loss")
    add("--freeze-encoder-batch-norm", action="store_true", help="keep the encoder's batch norms as they come")
    add("--height", type=int, default=320, help="of the input when serving, pixels, a multiple of 32")
    add("--width", type=int, default=640, help="likewise")
    add(
        "--loss",
        default="cross_entropy+0.5*dice",
        help="sum of cross_entropy, dice, jaccard, tversky, focal, focal_tversky, lovasz and combo, such as "
        "'focal(gamma=2)+0.5*lovasz'",
    )
    add(
        "--category-weights",
        default="0.25,1,1,1,1,1,1,1",
        help="of the pixelwise losses, by id; or median-frequency or enet, computed from the training masks",
    )


def _add_steps(add) -> None:
    add("--epochs", type=int, default=24, help="how often --epoch-images samples are shown")
    add("--epoch-images", type=int, default=0, help="training samples in an epoch; 0 for all")
    add("--batch-size", type=int, default=8, help="crops in a step, on all devices together")
    add("--accumulate", type=int, default=1, help="steps whose gradients make one update")
    add("--learning-rate", type=float, default=6e-4, help="peak of warm-up and cosine")
    add("--warm-up", type=float, default=0.05, help="share of all steps")
    add("--weight-decay", type=float, default=0.02, help="of AdamW, weights only")
    add("--ema", type=float, default=0.998, help="momentum of the weights' moving average")
    add(
        "--patience",
        type=int,
        default=0,
        help="epochs without a better score that end it, with the best; 0: none",
    )
    add("--precision", default="float32", help="float32, mixed_float16 or mixed_bfloat16")
    add("--seed", type=int, default=1, help="of everything random")


def _add_machine(add) -> None:
    add("--run", type=Path, help="folder of checkpoint and settings; goes on if it has one (default: runs/NETWORK)")
    add("--artifact", type=Path, help="folder that receives the network (default: artifact in the folder of --run)")
    add("--tensorboard", type=Path, help="folder that receives event files for TensorBoard")
    add("--workers", type=int, default=2, help="threads that read ahead")
    add("--devices", default="auto", help="how many share a batch; more than one needs KERAS_BACKEND=jax")
    add("--hosts", help="host:port of all hosts of this run, parted by commas, the first leads; or 'auto' in a cluster")
    add("--host-index", type=int, help="which of --hosts this is, from 0")
