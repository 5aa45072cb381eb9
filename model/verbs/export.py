"""`python -m model export`: a Keras network in, the files that other programs run out, each checked against Keras."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from model import artifact
from model.data.datasets import SYNTHETIC
from model.verbs.flags import Once

HELP = "write a network as OpenVINO, ONNX, LiteRT or SavedModel, checked against Keras"
NAMES = ("openvino", "bfloat16", "int8", "onnx", "litert", "litert-float16", "litert-int8", "savedmodel")
ALL = "all"
MOST_FLOAT_LAYERS = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's flags to its parser."""
    add = parser.add_argument
    add("--artifact", type=Path, default=artifact.DEFAULT_FOLDER, help="folder of the network")
    add(
        "--format",
        type=formats,
        metavar="NAMES",
        help=f"separated by commas, of {', '.join(NAMES)}; or {ALL} (default: openvino, and with --data int8)",
    )
    add(
        "--data",
        action=Once,
        help=f"data set folder, or {SYNTHETIC!r}: its images check all formats and calibrate int8",
    )
    add("--split", default="train", help="split of it; never the one that scores are taken on")
    add(
        "--float-layers",
        type=int,
        default=MOST_FLOAT_LAYERS,
        metavar="N",
        help="of int8: most layers that may stay in float32; 0 does not look for them, in a fraction of the time",
    )
    add("--out", type=Path, help="folder for ONNX, LiteRT and SavedModel (default: the artifact's)")


def formats(text: str) -> tuple[str, ...]:
    """Read a list of formats, as `--format` takes it.

    Args:
        text: names separated by commas, or `all`.

    Returns:
        The names, each once.

    Raises:
        argparse.ArgumentTypeError: one is not known.
    """
    names = tuple(dict.fromkeys(text.split(",")))
    unknown = [name for name in names if name not in (*NAMES, ALL)]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"received {', '.join(map(repr, unknown))}, expected names out of {', '.join((*NAMES, ALL))}, "
            "separated by commas"
        )
    return names


def run(options: argparse.Namespace) -> None:
    """Export the artifact, each file checked against Keras; one that fails does not keep the others back."""
    from model.data.datasets import open_samples
    from model.training.exporting.checks import Reference

    if options.float_layers < 0:
        raise ValueError(f"--float-layers is {options.float_layers}. Expected 0, or how many may stay in float32.")
    wanted = _wanted(options)
    loaded = artifact.read(options.artifact)
    samples = None if options.data is None else open_samples(options.data, options.split)
    reference = Reference(loaded, samples)
    failures = []
    for name in wanted:
        try:
            made = _export(name, reference, samples, options)
        except ValueError as error:
            failures.append(str(error))
        else:
            if made is not None:
                _record(made, options)
    if failures:
        raise ValueError(" ".join(failures))


def _wanted(options: argparse.Namespace) -> list[str]:
    """List the formats to make, in order; those that stand on OpenVINO's float file bring it along."""
    asked = options.format or (("openvino",) if options.data is None else ("openvino", "int8"))
    if "int8" in asked and options.data is None:
        raise ValueError("Received no --data. Expected the folder of training images, on which int8 is calibrated.")
    if ALL in asked:
        if options.data is None:
            print("int8 is left out: it needs --data")
        asked = [name for name in NAMES if name != "int8" or options.data is not None]
    return [name for name in NAMES if name in asked or (name == "openvino" and {"bfloat16", "int8"} & set(asked))]


def _export(name: str, reference, samples, options: argparse.Namespace):
    from model.training.exporting.formats import FORMATS
    from model.training.exporting.making import make

    if name == "int8":
        return _export_int8(reference, samples, options)
    if name == "bfloat16":
        return _check_bfloat16(reference)
    # What serving runs has its place beside the Keras file.
    return make(FORMATS[name], reference, folder=None if name == "openvino" else options.out)


def _check_bfloat16(reference):
    from model.inference.contract import EngineError
    from model.training.exporting.making import Made, check
    from model.training.exporting.openvino_files import BFLOAT16, load_bfloat16

    path = reference.artifact.openvino_path
    try:
        load_bfloat16(path, reference.artifact)
    except EngineError as error:
        print(f"bfloat16 was not checked: {error}")
        return None
    return Made(BFLOAT16, path, check(BFLOAT16, reference, path, kept=path))


def _export_int8(reference, samples, options: argparse.Namespace):
    from dataclasses import asdict

    from model.training.card import add_precision
    from model.training.exporting.making import Made
    from model.training.exporting.quantise import INT8, quantise

    loaded = artifact.read(options.artifact)
    result = quantise(loaded, samples, reference=reference, most_float_layers=options.float_layers)
    facts = {name: value for name, value in asdict(result).items() if name != "agreement"}
    made = facts | {"float_layers": list(result.float_layers), "command": _command(options)}
    add_precision(loaded, "int8", {"made": made}, anew=True)
    print(
        f"wrote {loaded.int8_path}: on {result.check_images} images mean category IoU {-result.loss:+.4f} against "
        f"float32, {result.equal_labels:.2%} of labels equal"
    )
    return Made(INT8, loaded.int8_path, result.agreement)


def _record(made, options: argparse.Namespace) -> None:
    """Say what was made, and put it into the card."""
    from model.training.card import add_export

    found = made.agreement
    loaded = artifact.read(options.artifact)
    split = "train" if options.data is None else options.split
    about = {"data": options.data or SYNTHETIC, "split": split, "command": _command(options)}
    add_export(loaded, made.format.name, made.as_dict() | about)
    print(
        f"{made.format.name}: {made.path} ({loaded.version}) on {made.format.runtime}: probabilities within "
        f"{found.difference:.1e} of Keras's, {found.equal_labels:.3%} of labels equal, on {found.images} images of "
        f"{about['data']} ({about['split']})"
    )


def _command(options: argparse.Namespace) -> str:
    """Return the command line that makes the same files again."""
    words = ["python", "-m", "model", "export"]
    if options.data is not None:
        words += ["--data", options.data, "--split", options.split]
    if options.artifact != artifact.DEFAULT_FOLDER:
        words += ["--artifact", str(options.artifact)]
    if options.format is not None:
        words += ["--format", ",".join(options.format)]
    if options.float_layers != MOST_FLOAT_LAYERS:
        words += ["--float-layers", str(options.float_layers)]
    return shlex.join(words if options.out is None else [*words, "--out", str(options.out)])
