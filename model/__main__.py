"""`python -m model train | evaluate | export`: the command line of the training half."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from model import artifact
from model.data.datasets import SYNTHETIC
from model.inference import engines

# Quiet before TensorFlow is imported: its start-up notes are for its developers.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; a caller's mistake is one line on standard error and exit status 2."""
    options = _parser().parse_args(arguments)
    try:
        options.run_verb(options)
    except (ValueError, OSError) as error:
        print(f"python -m model {options.verb}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\npython -m model {options.verb}: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model", description="Train, evaluate and export the network.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_train(verbs.add_parser("train", help="train a U-Net and write its artifact", formatter_class=_Help))
    _add_evaluate(verbs.add_parser("evaluate", help="score an artifact as Cityscapes does", formatter_class=_Help))
    _add_export(verbs.add_parser("export", help="compile an artifact for serving", formatter_class=_Help))
    return parser


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the default of every option."""


def _add_train(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", action="append", help=f"data set folder, repeatable, or {SYNTHETIC!r} (used when none is given)")
    add("--val-data", help="data set whose val split is scored after each epoch (default: the first --data)")
    add("--run", type=Path, default=Path("runs/unet"), help="folder of checkpoint and settings; goes on if it has one")
    add("--artifact", type=Path, default=Path("runs/unet/artifact"), help="folder that receives the network")
    add("--encoder-weights", default="none", help="MobileNetV2 .weights.h5 file, 'imagenet' to download, or 'none'")
    add("--freeze-encoder-batch-norm", action="store_true", help="keep the encoder's batch norms as they come")
    add("--height", type=int, default=320, help="of the input when serving, pixels, a multiple of 32")
    add("--width", type=int, default=640, help="likewise")
    add("--crop-height", type=int, default=256, help="of a training crop, pixels, a multiple of 32")
    add("--crop-width", type=int, default=512, help="likewise")
    add("--min-scale", type=float, default=0.75, help="smallest size of an image in training, relative to --height")
    add("--max-scale", type=float, default=1.75, help="largest")
    add("--epochs", type=int, default=24, help="passes over the training samples")
    add("--batch-size", type=int, default=8, help="crops in a step")
    add("--learning-rate", type=float, default=6e-4, help="peak of warm-up and cosine")
    add("--warm-up", type=float, default=0.05, help="share of all steps")
    add("--weight-decay", type=float, default=0.02, help="of AdamW, weights only")
    add("--ema", type=float, default=0.998, help="momentum of the weights' moving average")
    add("--dice", type=float, default=0.5, help="weight of the Dice loss beside cross-entropy")
    add("--seed", type=int, default=1, help="of everything random")
    add("--workers", type=int, default=2, help="threads that read ahead")
    parser.set_defaults(run_verb=_train)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", default=SYNTHETIC, help=f"data set folder, or {SYNTHETIC!r}")
    add("--split", default="val", help="split of it")
    add("--artifact", type=Path, default=artifact.DEFAULT_FOLDER, help="folder of the network")
    add("--engine", choices=engines.NAMES, default="auto", help="what runs the network")
    add("--precision", choices=engines.PRECISIONS, default="auto", help="of its arithmetic")
    add("--json", type=Path, help="also write everything to this file")
    add("--card", metavar="NAME", help="put the scores into the artifact's card under this name")
    add("--card-precision", action="store_true", help="compare with Keras in float32; put that into the card as well")
    add("--export-official", type=Path, help="write label id PNGs for the official scripts into this folder")
    parser.set_defaults(run_verb=_evaluate)


def _add_export(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--artifact", type=Path, default=artifact.DEFAULT_FOLDER, help="folder of the network")
    add("--data", help=f"data set folder, or {SYNTHETIC!r}: make the int8 file too, calibrated on its images")
    add("--split", default="train", help="split of it; never the one that scores are taken on")
    parser.set_defaults(run_verb=_export)


def _train(options: argparse.Namespace) -> None:
    from model.training.settings import Settings
    from model.training.train import train

    data = tuple(options.data or [SYNTHETIC])
    settings = Settings(
        data=data,
        validation=options.val_data or data[0],
        encoder_weights=options.encoder_weights,
        freeze_encoder_batch_norm=options.freeze_encoder_batch_norm,
        height=options.height,
        width=options.width,
        crop_height=options.crop_height,
        crop_width=options.crop_width,
        min_scale=options.min_scale,
        max_scale=options.max_scale,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        warm_up=options.warm_up,
        weight_decay=options.weight_decay,
        ema=options.ema,
        dice=options.dice,
        seed=options.seed,
    )
    written = train(settings, run_folder=options.run, artifact_folder=options.artifact, workers=options.workers)
    print(f"wrote {written.folder} ({written.version})")


def _evaluate(options: argparse.Namespace) -> None:
    from model.data.datasets import open_samples
    from model.data.samples import check
    from model.inference import segmenter
    from model.training.card import add_scores
    from model.training.evaluate import evaluate, table, write_json

    loaded = segmenter.load(options.artifact, engine=options.engine, precision=options.precision)
    samples = open_samples(options.data, options.split)
    check(samples)
    scores = evaluate(loaded, samples, export_official=options.export_official)
    about = {
        "model": loaded.version,
        "engine": f"{loaded.engine.name} {loaded.engine.precision}",
        "data": options.data,
        "split": options.split,
        "command": _repeatable(options),
    }
    print(f"{about['model']} on {about['engine']}, {scores.images} images of {options.data} ({options.split})\n")
    print(table(scores))
    if options.json is not None:
        write_json(scores, options.json, about=about)
        print(f"\nwrote {options.json}")
    if options.card is not None:
        add_scores(loaded.artifact, options.card, scores, about=about)
        print(f"\nwrote the card in {options.artifact}")
    if options.card_precision:
        _card_precision(loaded, samples, about | scores.as_dict())


def _card_precision(loaded, samples: list, found: dict) -> None:
    from model.inference.segmenter import load
    from model.training.card import add_precision
    from model.training.scoring import equal_labels

    equal = equal_labels(samples, loaded, load(loaded.artifact.folder, engine="tensorflow"))
    print(f"\nlabels equal to those of Keras in float32: {equal:.4%}")
    kept = ("data", "split", "images", "mean_iou", "iou", "command")
    entry = {name: found[name] for name in kept} | {"equal_labels": equal}
    add_precision(artifact.read(loaded.artifact.folder), loaded.engine.precision, entry)


def _repeatable(options: argparse.Namespace) -> str:
    """Return the command line that gives the same scores again."""
    words = ["python", "-m", "model", "evaluate", "--data", options.data, "--split", options.split]
    if options.artifact != artifact.DEFAULT_FOLDER:
        words += ["--artifact", str(options.artifact)]
    words += ["--engine", options.engine]
    return shlex.join(words if options.precision == "auto" else [*words, "--precision", options.precision])


def _export(options: argparse.Namespace) -> None:
    from model.training.export import export

    loaded = artifact.read(options.artifact)
    difference = export(loaded)
    print(f"wrote {loaded.openvino_path} ({loaded.version}), probabilities within {difference:.1e} of Keras's")
    if options.data is not None:
        _export_int8(loaded, options)


def _export_int8(loaded: artifact.Artifact, options: argparse.Namespace) -> None:
    from dataclasses import asdict

    from model.data.datasets import open_samples
    from model.training.card import add_precision
    from model.training.quantise import quantise

    result = quantise(loaded, open_samples(options.data, options.split))
    words = ["python", "-m", "model", "export", "--data", options.data, "--split", options.split]
    if options.artifact != artifact.DEFAULT_FOLDER:
        words += ["--artifact", str(options.artifact)]
    made = asdict(result) | {"float_layers": list(result.float_layers), "command": shlex.join(words)}
    add_precision(loaded, "int8", {"made": made}, anew=True)
    print(
        f"wrote {loaded.int8_path}: on {result.check_images} images mean category IoU {-result.loss:+.4f} against "
        f"float32, {result.equal_labels:.2%} of labels equal"
    )


if __name__ == "__main__":
    sys.exit(main())
