"""`python -m model export`: a Keras network in, the files that other engines run out."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from model import artifact
from model.data.datasets import SYNTHETIC

HELP = "compile an artifact for serving"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's flags to its parser."""
    add = parser.add_argument
    add("--artifact", type=Path, default=artifact.DEFAULT_FOLDER, help="folder of the network")
    add("--data", help=f"data set folder, or {SYNTHETIC!r}: make the int8 file too, calibrated on its images")
    add("--split", default="train", help="split of it; never the one that scores are taken on")


def run(options: argparse.Namespace) -> None:
    """Export the artifact, checked against the Keras network."""
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
